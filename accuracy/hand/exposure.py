"""By hand: a body of 256 MiB, and secrets in logs and answers.

python accuracy/hand/exposure.py --service kinto --config postgresql --venvs DIR [--only CLAIM ...]
"""

from __future__ import annotations

import base64
import contextlib
import json
import re
import secrets
import select
import socket
import time
from pathlib import Path
from urllib.parse import quote

from _lab import LOOPBACK, PASSWORD, Answer, call, group_members, wait_until
from _services import Bench, Step, bench, options

CLAIMS = ("input-body-limited", "secrets-not-exposed")
SIZE = 256 * 2**20
MOST_HELD = 2 * SIZE
ECHO = Step("POST", "/post", {"a": "{token}"})  # for httpbin, which has no transaction


def held(group: int) -> int:
    """Bytes of anonymous memory that a process group has, as the kernel's smaps_rollup counts them."""
    total = 0
    for pid in group_members(group):
        with contextlib.suppress(OSError):
            found = re.search(r"^Anonymous:\s+(\d+) kB", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE)
            total += int(found[1]) * 1024 if found else 0
    return total


def body_of(step: Step) -> bytes:
    return json.dumps(step.body).replace("{token}", secrets.token_hex(6)).encode()


def pour(stand: Bench, step: Step, *, chunked: bool) -> str:
    """Send the step's body with 256 MiB of spaces after its first bracket; say what came and what was held."""
    assert stand.process
    group, before, most, sent = stand.process.popen.pid, held(stand.process.popen.pid), 0, 0
    body = body_of(step)
    length = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {SIZE + len(body)}"
    further = "".join(f"{name}: {value}\r\n" for name, value in step.headers.items())
    head = f"{step.method} {step.path} HTTP/1.1\r\nHost: {LOOPBACK}\r\nContent-Type: application/json\r\n{further}"
    begun, reply, how = time.monotonic(), b"", "closed"
    with socket.create_connection((LOOPBACK, stand.port), 10) as link:
        link.sendall(f"{head}{length}\r\nConnection: close\r\n\r\n".encode())
        pieces = iter([body[:1], *[b" " * 65536] * (SIZE // 65536), body[1:]])
        waiting, looked = b"", 0.0
        done = False
        while time.monotonic() - begun < 60:
            if time.monotonic() - looked > 0.05:
                most, looked = max(most, held(group) - before), time.monotonic()
                if most > MOST_HELD:
                    how = "we hung up"
                    break
            if not waiting and not done:
                piece = next(pieces, None)
                done = piece is None
                sent += len(piece or b"")
                waiting = piece or b""
                if chunked:
                    waiting = b"%x\r\n%s\r\n" % (len(waiting), waiting)  # the last one is of length 0
            readable, writable, _ = select.select([link], [link] if waiting else [], [], 0.05)
            try:
                if readable:
                    part = link.recv(65536)
                    reply += part
                    if not part or b"\r\n\r\n" in reply:
                        break
                if writable:
                    waiting = waiting[link.send(waiting) :]
            except OSError as problem:
                with contextlib.suppress(OSError):
                    link.setblocking(False)
                    reply += link.recv(65536)
                how = type(problem).__name__
                break
        else:
            how = "no answer in 60 s"
    most = max(most, held(group) - before)
    said = repr(reply.split(b"\r\n", 1)[0])[1:] if reply else how
    took = time.monotonic() - begun
    return f"{sent / 2**20:.0f} MiB handed over in {took:.1f} s, at most {most / 2**20:.0f} MiB more held: {said}"


def body_limit(stand: Bench) -> None:
    step = stand.service.create or ECHO
    lines = []
    for chunked in (False, True):
        stand.bring_up()
        before = stand.send(step, token=secrets.token_hex(6))
        said = pour(stand, step, chunked=chunked)
        alive = stand.process is not None and stand.process.alive
        after: list[Answer] = []

        def works() -> bool:
            after.append(stand.send(step, token=secrets.token_hex(6)))  # noqa: B023 - called within the round
            return after[-1].good  # noqa: B023 - as above

        wait_until(works, 30, 0.5)
        framing = "in chunks" if chunked else "with its length"
        lines.append(f"* {step.method} {step.path}, normal body {before.brief(30)}; 256 MiB {framing}: {said};"
                     f" process alive: {alive}; normal body afterwards {after[-1].brief(30)}")  # fmt: skip
    stand.transcript.write("input-body-limited", lines)


def written(secret: str) -> dict[str, str]:
    """How a secret may be written."""
    raw = secret.encode()
    forms = {
        "plain": secret,
        "in a URL": quote(secret, safe=""),
        "first half": secret[:16],
        "second half": secret[-16:],
    }
    for shift in range(3):
        text = base64.b64encode(b"x" * shift + raw).decode().rstrip("=")
        forms[f"base64, shift {shift}"] = text[4 if shift else 0 : -2]
    return forms


def secret_requests(stand: Bench, canary: dict[str, str]) -> list[tuple[str, Answer]]:
    """Send the secrets in every place of a request; return each answer with a name that holds no secret."""
    step = stand.service.create or ECHO
    pair = base64.b64encode(f"lab:{canary['basic']}".encode()).decode()
    own = dict(step.headers)
    bearer = {"Authorization": f"Bearer {canary['bearer']}", "Cookie": f"sid={canary['cookie']}",
              "X-API-Key": canary["key"]}  # fmt: skip
    json_type = {"Content-Type": "application/json"}
    query = f"token={quote(canary['query'], safe='')}"
    good = {**json.loads(body_of(step)), "password": canary["password"]}
    bad = {"password": canary["password"]}
    said = []

    def ask(name: str, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> None:
        address = f"{path}{'&' if '?' in path else '?'}{query}"
        said.append((f"{method} {path} ({name})", call(stand.port, method, address, body, headers, 15)))

    for name, headers in (("all secrets", {**bearer, **json_type, **own}), ("own login", {**json_type, **own})):
        ask(f"good body, {name}", step.method, step.path, json.dumps(good).encode(), headers)
        ask(f"bad body, {name}", step.method, step.path, json.dumps(bad).encode(), headers)
        ask(f"broken body, {name}", step.method, step.path, json.dumps(bad).encode()[:-1], headers)
    ask("not there", "GET", "/not-there-at-all", None, bearer)
    ask("not there, Basic", "GET", "/not-there-at-all", None, {"Authorization": f"Basic {pair}"})
    for path in stand.service.health or ("/get",):
        ask("health or first page", "GET", path, None, bearer)
    return said


def exposed(stand: Bench) -> None:
    stand.bring_up()
    assert stand.process
    kinds = ("bearer", "basic", "cookie", "key", "query", "password")
    canary = {kind: f"{secrets.token_hex(8)}/+{secrets.token_hex(8)}" for kind in kinds}
    sought = {**canary, "password of the database": PASSWORD} if stand.proxies else dict(canary)
    lines_before = stand.output().count("\n")
    said = secret_requests(stand, canary)
    for proxy in stand.proxies.values():
        proxy.refuse()
    if stand.proxies:
        said += [(f"{name}, dependencies cut", answer) for name, answer in secret_requests(stand, canary)]
    for proxy in stand.proxies.values():
        proxy.restore()
    well = stand.wait_healthy()
    stand.process.terminate()
    log = stand.output()
    wrote = log.count("\n") - lines_before
    came = ", ".join(sorted({str(a.status or a.error) for _, a in said}))
    lines = [f"* {len(said)} requests with secrets ({came}), {wrote} lines of log meanwhile; works afterwards: {well}"]
    everything = [("log", log)]
    own_log = [path for path in stand.data.rglob("*.log") if path.is_file() and not path.name.startswith("log-")]
    everything += [(f"file {path.name}", path.read_text("utf-8", "replace")) for path in own_log]
    everything += [(f"answer {a.status} to {name}", a.body.decode("utf-8", "replace") + str(a.headers))
                   for name, a in said if a.status >= 400 or ("health" in name and stand.service.health)]  # fmt: skip
    found = 0
    for place, text in everything:
        for kind, secret in sought.items():
            form = next((form for form, each in written(secret).items() if each in text), None)
            if form:
                found += 1
                count = text.count(written(secret)[form])
                lines.append(f"* {kind} in {place}: {form}, {count} times")
    lines.append(f"* found at {found} places of {len(everything)} searched")
    stand.transcript.write("secrets-not-exposed", lines)


EXPERIMENTS = dict(zip(CLAIMS, (body_limit, exposed), strict=True))


def main() -> None:
    arguments = options(__doc__ or "", CLAIMS)
    with bench(arguments) as stand:
        for claim in arguments.only:
            EXPERIMENTS[claim](stand)


if __name__ == "__main__":
    main()
