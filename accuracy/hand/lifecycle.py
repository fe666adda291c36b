"""By hand: configuration, start, restart, crash, and SIGTERM.

python accuracy/hand/lifecycle.py --service kinto --config postgresql --venvs DIR [--only CLAIM ...]
"""

from __future__ import annotations

import json
import os
import re
import secrets
import signal
import socket
import statistics
import threading
import time

from _lab import LOOPBACK, Answer, call, cpu_seconds, group_members, remote_ports, wait_until
from _services import Bench, bench, options

CLAIMS = (
    "config-missing-fails-fast",
    "startup-time-bounded",
    "startup-restart-idempotent",
    "health-exists",
    "durable-acked-writes",
    "sigterm-exits",
    "sigterm-drains",
)


DELAYS = (0.5, 2.0, 0.5, 2.0)  # seconds by which the database answers late, round by round


def last_lines(text: str, count: int = 6) -> list[str]:
    plain = re.sub(r"\x1b\[[0-9;]*m", "", text)
    lines = [line[:220] for line in plain.splitlines() if line.strip()]
    return ["```", *lines[-count:], "```"]


def spellings(key: str) -> list[str]:
    """Ways in which an error message may name an environment variable."""
    words = key.lower().split("_")
    short = words[1:]
    return ["_".join(words), "-".join(short), ".".join(short), "_".join(short)]


def config_missing(stand: Bench) -> None:
    """Withhold each variable in turn on fresh state; watch until it exits, serves or the bound."""
    stand.fresh()
    normal = stand.start() or 0.0
    bound = max(15.0, 3 * normal)
    allowed = max(15.0, 2 * normal)
    lines = [
        (
            f"Normal start {normal:.1f} s; watched for max(15 s, 3 x that) = {bound:.1f} s per key;"
            f" an exit counts within {allowed:.1f} s."
        ),
        "",
    ]
    naming = []
    for key in stand.service.env:
        stand.fresh()
        stand.start(without=key, wait=0)
        process = stand.process
        assert process
        answered, worked, outcome = False, False, None
        while time.monotonic() - process.begun < bound and process.alive:
            outcome = stand.transaction(timeout=6)
            answered = answered or any(a.status for _, a in outcome.steps)
            worked = outcome.good
            if worked:
                break
            time.sleep(0.3)
        took = time.monotonic() - process.begun
        if not process.alive:
            code = process.popen.returncode
            verdict = f"exited with code {code} after {took:.1f} s"
            text = process.output()
            named = [s for s in spellings(key) if s in text.lower()]
            naming += [f"* without `{key}`: exit {code}; output names it: {named or 'NO'}"]
            naming += last_lines(text, 30)
        elif worked:
            verdict = f"serves, transaction works ({took:.1f} s)"
        elif answered:
            verdict = f"SERVES BUT TRANSACTION FAILS: {outcome.brief() if outcome else ''}"
            body = [a.brief(300) for _, a in outcome.steps][-1] if outcome else ""
            lines.append(f"  last answer: `{body}`")
        else:
            verdict = f"neither serves nor exits within {bound:.0f} s"
        lines.append(f"* without `{key}`: {verdict}")
        lines += last_lines(process.output(), 4)
        stand.stop()
    if not stand.service.env:
        lines.append("The recipe gives no environment variable: nothing to withhold.")
    stand.transcript.write("config-missing-fails-fast", lines)
    stand.transcript.write("config-error-names-key", naming or ["No withheld key made it exit: see above."])


def startup_time(stand: Bench) -> None:
    times, burnt, load = [], [], os.getloadavg()[0]
    for _ in range(3):
        stand.fresh()
        times.append(stand.start() or float("inf"))
        if stand.process:
            burnt.append(f"{cpu_seconds(group_members(stand.process.popen.pid)):.1f} s")
        stand.stop()
    shown = ", ".join(f"{t:.2f} s" for t in times)
    lines = [
        (
            f"Three fresh starts on a fresh database (one-off set-up before, not counted): {shown};"
            f" median {statistics.median(times):.2f} s to the first successful create"
            " (or, without a transaction, the first non-error answer)."
        ),
        (
            f"CPU time of the process group by then: {', '.join(burnt)} ({os.cpu_count()} cores, load"
            f" average {load:.1f} at the beginning)."
        ),
    ]
    stand.transcript.write("startup-time-bounded", lines)


def restart(stand: Bench) -> None:
    if stand.service.create is None:
        lines = no_writes(stand)
        stand.transcript.write("startup-restart-idempotent", lines)
        return
    stand.bring_up()
    token = secrets.token_hex(8)
    answer, ident = stand.create(token)
    lines = [f"create `{ident}`: {answer.status}"]
    process = stand.process
    assert process
    took = process.terminate(30)
    lines.append(f"SIGTERM: {f'gone after {took:.1f} s' if took is not None else 'NOT gone'}")
    stand.stop()
    seconds = stand.start()
    same, answer = stand.reads(ident, token)
    lines.append(f"start on the same state: first good step after {seconds} s")
    lines.append(f"read back: {answer.brief(120)}; same content: {same}")
    stand.stop()  # SIGKILL for the whole group
    seconds = stand.start()
    same, answer = stand.reads(ident, token)
    lines.append(f"kill -9 of the group, start: first good step after {seconds} s")
    lines.append(f"read back: {answer.brief(120)}; same content: {same}")
    lines.append(f"transaction afterwards {stand.transaction().brief()}")
    stand.stop()
    stand.transcript.write("startup-restart-idempotent", lines)


def no_writes(stand: Bench) -> list[str]:
    """That it stores nothing: no file grows and no socket is opened while it is used."""
    stand.fresh()
    stand.start()
    process = stand.process
    assert process
    before = {p.name for p in stand.data.rglob("*")}
    marker = secrets.token_hex(8)
    body = json.dumps({"marker": marker}).encode()
    sent = [
        call(stand.port, method, f"/{method.lower()}", body, {"Content-Type": "application/json"})
        for method in ("POST", "PUT", "PATCH", "DELETE")
    ]
    seen = [call(stand.port, "GET", path) for path in ("/get", "/anything", "/cookies")]
    found = any(marker.encode() in a.body for a in seen)
    members = group_members(process.popen.pid)
    after = {p.name for p in stand.data.rglob("*")}
    stand.stop()
    return [
        f"POST/PUT/PATCH/DELETE of a marker: {[a.status for a in sent]}",
        f"a later GET of /get, /anything, /cookies shows the marker: {found}",
        f"remote TCP ports the process group is connected to: {sorted(remote_ports(members))}",
        f"files new in its working folder: {sorted(after - before)}",
    ]


def health(stand: Bench) -> None:
    stand.bring_up()
    usual = ("/health", "/healthz", "/ready", "/readyz", "/livez", "/live", "/status", "/ping")
    usual += ("/api/health", "/api/ready", "/heartbeat", "/__heartbeat__", "/__lbheartbeat__")
    usual += ("/up", "/_health", "/-/healthy", "/-/ready", "/version", "/metrics", "/openapi.json")
    lines = []
    for path in (f"/{secrets.token_hex(8)}", *stand.service.health, *usual):
        answer = call(stand.port, "GET", path)
        kind = answer.headers.get("content-type", "")
        lines.append(f"* GET {path}: {answer.status} {kind} `{answer.body[:60]!r}`")
    stand.stop()
    stand.transcript.write("health-exists", lines)


def durable(stand: Bench) -> None:
    if stand.service.create is None:
        stand.transcript.write("durable-acked-writes", ["It stores nothing: see restart."])
        return
    lines = []
    for round_number in range(2):
        stand.bring_up()
        assert stand.process
        settle(stand.process.popen.pid, 60)
        acked: list[tuple[str, str]] = []
        unknown: list[str] = []
        halt = threading.Event()

        def write(
            acked: list[tuple[str, str]] = acked,
            unknown: list[str] = unknown,
            halt: threading.Event = halt,
        ) -> None:
            while not halt.is_set():
                token = secrets.token_hex(8)
                answer, ident = stand.create(token)
                if answer.good and ident:
                    acked.append((ident, token))
                else:
                    unknown.append(answer.brief(80))

        writers = [threading.Thread(target=write) for _ in range(4)]
        for writer in writers:
            writer.start()
        time.sleep(2)
        assert stand.process
        group = stand.process.popen.pid
        stand.process.kill_group()
        halt.set()
        for writer in writers:
            writer.join(30)
        left = group_members(group)
        seconds = stand.start()
        lost = [ident for ident, token in acked if not stand.reads(ident, token)[0]]
        lines.append(
            f"* round {round_number + 1}: 4 writers, kill -9 of the group after 2 s (left alive:"
            f" {len(left)}); {len(acked)} creates acknowledged, {len(unknown)} unanswered or"
            f" refused; restarted in {seconds:.1f} s; lost: {len(lost)} {lost[:5]}"
        )
        lines.append(f"  unanswered or refused: {sorted(set(unknown))[:4]}")
        stand.stop()
    stand.transcript.write("durable-acked-writes", lines)


def settle(group: int, bound: float = 120.0) -> float:
    """Wait until the group is idle (all workers up): below 10 % of a core for 3 s; the wait."""
    begun = time.monotonic()
    while time.monotonic() - begun < bound:
        before = cpu_seconds(group_members(group))
        time.sleep(3)
        if cpu_seconds(group_members(group)) - before < 0.3:
            break
    return time.monotonic() - begun


def sigterm_exits(stand: Bench) -> None:
    lines = []
    for round_number in range(3):
        stand.bring_up()
        process = stand.process
        assert process
        waited = settle(process.popen.pid)
        before = len(group_members(process.popen.pid))
        took = process.terminate(40)
        code = process.popen.poll()
        empty = wait_until(lambda g=process.popen.pid: not group_members(g), 30, 0.1)  # type: ignore[misc]
        lines.append(
            f"* round {round_number + 1}: idle after {waited:.0f} s more, {before} processes, load"
            f" average {os.getloadavg()[0]:.1f}; SIGTERM to the started one: "
            + (f"gone after {took:.2f} s, code {code}" if took is not None else "alive after 40 s")
            + (f"; group empty {empty:.1f} s later" if empty is not None else "; group NOT empty")
        )
        stand.stop()
    stand.transcript.write("sigterm-exits", [*lines, "Last log lines:", *last_lines_of(stand)])


def last_lines_of(stand: Bench) -> list[str]:
    logs = sorted(stand.data.glob("log-*.txt"), key=lambda p: p.stat().st_mtime)
    return last_lines(logs[-1].read_text("utf-8", "replace"), 5) if logs else []


def in_background(job: threading.Thread, results: list[Answer], bound: float) -> Answer | None:
    job.join(bound)
    return results[0] if results else None


def sigterm_drains(stand: Bench) -> None:
    """A request slowed by the database (or slow by nature, or half sent) at the signal."""
    lines = []
    for round_number in range(len(DELAYS)):
        stand.bring_up()
        process = stand.process
        assert process
        if "database" in stand.proxies:
            lines += slow_database_round(stand, round_number)
        elif stand.service.create is None:
            lines += natural_round(stand, round_number)
        else:
            lines += half_sent_round(stand, round_number)
        stand.stop()
    stand.transcript.write("sigterm-drains", [*lines, "Last log lines:", *last_lines_of(stand)])


def slow_database_round(stand: Bench, number: int) -> list[str]:
    proxy, process = stand.proxies["database"], stand.process
    assert process
    assert stand.service.create
    delay = DELAYS[number % len(DELAYS)]
    proxy.slow(delay)
    base, _ = stand.create(timeout=90)
    sent_before = proxy.to_server
    results: list[Answer] = []
    job = threading.Thread(target=lambda: results.append(stand.create(timeout=90)[0]))
    job.start()
    time.sleep(min(1.0, base.seconds / 2))
    moved, pending = proxy.to_server - sent_before, not results
    begun = time.monotonic()
    process.popen.send_signal(signal.SIGTERM)
    job.join(95)
    answered = time.monotonic() - begun
    gone = wait_until(lambda: not process.alive, 30)
    proxy.restore()
    said = results[0].brief(100) if results else "nothing"
    return [
        f"* round {number + 1}: database answers {delay} s late each; undisturbed create"
        f" {base.brief(40)}; in flight at the signal: {pending} ({moved} bytes had gone to the"
        f" database); answer {answered:.2f} s after the signal: {said}; process "
        + (f"gone {gone:.1f} s after that" if gone is not None else "still alive 30 s after that")
    ]


def natural_round(stand: Bench, number: int) -> list[str]:
    process = stand.process
    assert process
    results: list[Answer] = []
    job = threading.Thread(target=lambda: results.append(call(stand.port, "GET", "/delay/3")))
    job.start()
    time.sleep(1)
    pending = not results
    process.popen.send_signal(signal.SIGTERM)
    job.join(15)
    gone = wait_until(lambda: not process.alive, 30)
    said = results[0].brief(60) if results else "nothing"
    return [
        (
            f"* round {number + 1}: GET /delay/3, SIGTERM after 1 s (in flight: {pending}): {said};"
            f" process gone {gone} s after that"
        )
    ]


def half_sent_round(stand: Bench, number: int) -> list[str]:
    process, step = stand.process, stand.service.create
    assert process
    assert step
    body = json.dumps(step.body).replace("{token}", secrets.token_hex(6)).encode()
    head = f"{step.method} {step.path} HTTP/1.1\r\nHost: {LOOPBACK}:{stand.port}\r\n"
    head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    head += "Connection: close\r\n\r\n"
    with socket.create_connection((LOOPBACK, stand.port), 10) as link:
        link.settimeout(20)
        link.sendall(head.encode() + body[: len(body) // 2])
        time.sleep(1)
        process.popen.send_signal(signal.SIGTERM)
        time.sleep(1)
        try:
            link.sendall(body[len(body) // 2 :])
            reply = b""
            while chunk := link.recv(65536):
                reply += chunk
            said = repr(reply[:60])
        except OSError as problem:
            said = type(problem).__name__
    gone = wait_until(lambda: not process.alive, 30)
    return [
        (
            f"* round {number + 1}: half of the body sent, SIGTERM 1 s later, rest sent 1 s after"
            f" that: {said or 'closed without an answer'}; process gone {gone} s after that"
        )
    ]


EXPERIMENTS = dict(
    zip(
        CLAIMS,
        (config_missing, startup_time, restart, health, durable, sigterm_exits, sigterm_drains),
        strict=True,
    )
)


def main() -> None:
    arguments = options(__doc__ or "", CLAIMS)
    with bench(arguments) as stand:
        for claim in arguments.only:
            EXPERIMENTS[claim](stand)


if __name__ == "__main__":
    main()
