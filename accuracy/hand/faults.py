"""By hand: the dependency cut, silent, gone and back; and the log lines meanwhile.

python accuracy/hand/faults.py --service kinto --config postgresql --venvs DIR [--only CLAIM ...]
"""

from __future__ import annotations

import contextlib
import json
import re
import secrets
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from _lab import Answer, call, group_members, remote_ports, wait_until
from _services import Bench, Step, bench, options

CLAIMS = (
    "readiness-false-when-dependency-down",
    "dependency-really-used",
    "database-refused-clean",
    "database-silent-bounded",
    "logs-structured",
)
FRAME = re.compile(r'File "[^"]+", line \d+|^\s+at [\w.$]+\(.*\)|\.go:\d+', re.MULTILINE)


def frames(body: bytes) -> int:
    """How many stack frames a body shows."""
    return len(FRAME.findall(body.decode("utf-8", "replace").replace("\\n", "\n").replace('\\"', '"')))


def nothing_to_cut(stand: Bench, claims: tuple[str, ...]) -> None:
    """That there is no networked dependency: no remote connection while it is used."""
    stand.bring_up()
    seen: set[int] = set()
    process = stand.process
    assert process
    halt = threading.Event()

    def watch() -> None:
        while not halt.is_set():
            seen.update(remote_ports(group_members(process.popen.pid)))
            time.sleep(0.05)

    watcher = threading.Thread(target=watch)
    watcher.start()
    outcomes = [stand.transaction() for _ in range(3)]
    halt.set()
    watcher.join()
    files = sorted(p.name for p in stand.data.iterdir() if p.is_file())
    own = {stand.port}
    stand.stop()
    lines = [
        f"Transactions: {[o.brief() for o in outcomes]}",
        (
            f"Remote ports of the group's established TCP connections while they ran (sampled every"
            f" 50 ms), its own port and ephemeral ports of our client aside:"
            f" {sorted(p for p in seen - own if p < 32768)} (all: {len(seen)})"
        ),
        f"Files in its folder: {files}",
    ]
    for claim in claims:
        stand.transcript.write(claim, lines)


def sample(answer: Answer) -> str:
    return f"{answer.status or answer.error}"


def watch_health(stand: Bench, seconds: float) -> dict[str, list[tuple[float, Answer]]]:
    """Every health path polled twice a second, each by a thread of its own."""
    begun = time.monotonic()
    seen: dict[str, list[tuple[float, Answer]]] = {path: [] for path in stand.service.health}

    def poll(path: str) -> None:
        while time.monotonic() - begun < seconds:
            left = max(1.0, seconds - (time.monotonic() - begun))
            answer = call(stand.port, "GET", path, timeout=left)
            seen[path].append((time.monotonic() - begun, answer))
            time.sleep(0.5)

    pollers = [threading.Thread(target=poll, args=(path,)) for path in seen]
    for poller in pollers:
        poller.start()
    for poller in pollers:
        poller.join(seconds + 20)
    return seen


def readiness(stand: Bench) -> None:
    lines, recovery = [], []
    for name, proxy in stand.proxies.items():
        for number in range(2):
            stand.bring_up()
            lines.append(f"### cut of the {name}, round {number + 1}\n")
            lines.append(f"* before: transaction {stand.transaction().brief()}")
            before = [(p, sample(call(stand.port, "GET", p))) for p in stand.service.health]
            lines.append(f"* before: {before}")
            proxy.refuse()
            lines.append(f"* cut; a connection to it is refused: {proxy.refused()}")
            with ThreadPoolExecutor(1) as helper:
                later = helper.submit(stand.transaction, 14)
                seen = watch_health(stand, 15)
                lines.append(f"* transaction during the cut {later.result().brief()}")
            lines.append(f"* and 15 s into it {stand.transaction().brief()}")
            for path, answers in seen.items():
                bad = [t for t, a in answers if not a.good]
                first = f"first not 2xx after {bad[0]:.1f} s" if bad else "2xx all the time"
                statuses = sorted({sample(a) for _, a in answers})
                lines.append(f"* GET {path}: {len(answers)} polls {statuses}; {first}")
                lines.append(f"  last: `{answers[-1][1].brief(200)}`" if answers else "  none")
            proxy.restore()
            begun = time.monotonic()
            good = wait_until(lambda: stand.transaction(5).good, 60, 0.3)
            well = wait_until(lambda: all(call(stand.port, "GET", p).good for p in stand.service.health), 60, 0.3)
            recovery.append(
                f"* {name} back (round {number + 1}): transaction good after"
                f" {f'{good:.1f} s' if good is not None else 'NOT within 60 s'}, all health 2xx"
                f" {'at once' if well is not None and well < 0.1 else well} after that"
                f" (total {time.monotonic() - begun:.1f} s), no restart:"
                f" alive {bool(stand.process and stand.process.alive)}"
            )
            stand.stop()
    stand.transcript.write("readiness-false-when-dependency-down", lines)
    stand.transcript.write("readiness-recovers", recovery)


def really_used(stand: Bench) -> None:
    lines = []
    stand.bring_up()
    idle = {}
    for name, proxy in stand.proxies.items():
        up, down = proxy.to_server, proxy.to_client
        time.sleep(2)
        idle[name] = (proxy.to_server - up, proxy.to_client - down)
        up, down = proxy.to_server, proxy.to_client
        outcome = stand.transaction()
        lines.append(
            f"* {name}: transaction {outcome.brief()}; {proxy.to_server - up} bytes to it,"
            f" {proxy.to_client - down} from it (2 s idle before: {idle[name]})"
        )
    for name, proxy in stand.proxies.items():
        proxy.refuse()
        lines.append(f"* {name} cut: transaction {stand.transaction(15).brief()}")
        proxy.restore()
        wait_until(lambda: stand.transaction(5).good, 60, 0.3)
        lines.append(f"* {name} back: transaction {stand.transaction().brief()}")
    token = secrets.token_hex(8)
    answer, ident = stand.create(token)
    same, _ = stand.reads(ident, token)
    stand.stop()
    if stand.postgres:
        stand.database = stand.postgres.fresh_database()
    if stand.valkey:
        stand.valkey.command("FLUSHALL")
    stand.set_up()
    stand.start()
    stand.wait_healthy()
    still, after = stand.reads(ident, token)
    lines.append(
        f"* wrote `{ident}` ({answer.status}, readable {same}); stopped; same folder but an empty"
        f" database; read: {after.brief(100)}; still there: {still}"
    )
    stand.stop()
    stand.transcript.write("dependency-really-used", lines)


def requests_of(stand: Bench, ident: str) -> list[tuple[str, Step, dict[str, str]]]:
    service = stand.service
    assert service.create
    assert service.read
    assert service.update
    assert service.delete
    new = secrets.token_hex(6)
    return [
        ("create", service.create, {"token": secrets.token_hex(6)}),
        ("read", service.read, {"id": ident}),
        ("update", service.update, {"id": ident, "new": new}),
        ("delete", service.delete, {"id": ident}),
    ]


def refused(stand: Bench) -> None:
    proxy = stand.proxies["database"]
    lines, most = [], 0
    for number in range(2):
        stand.bring_up()
        _, ident = stand.create()
        lines.append(f"* round {number + 1}: before {stand.transaction().brief()}")
        proxy.refuse()
        lines.append(f"* cut; a connection to it is refused: {proxy.refused()}")
        for pause in (0, 32):
            time.sleep(pause)
            for name, step, values in requests_of(stand, ident):
                answer = stand.send(step, timeout=20, **values)
                most = max(most, frames(answer.body))
                lines.append(f"  * +{pause} s {name}: `{answer.brief(200)}`")
        alive = bool(stand.process and stand.process.alive)
        lines.append(f"* process lives: {alive}")
        proxy.restore()
        took = wait_until(lambda: stand.transaction(5).good, 60, 0.3)
        lines.append(f"* after: transaction good again after {took} s")
        stand.stop()
    lines.append(f"Most stack frames seen in one of these answers: {most}")
    stand.transcript.write("database-refused-clean", lines)


def silent(stand: Bench) -> None:
    proxy = stand.proxies["database"]
    lines = []
    for number in range(2):
        stand.bring_up()
        _, ident = stand.create()
        lines.append(f"* round {number + 1}: before {stand.transaction().brief()}")
        swallowed = proxy.swallowed
        proxy.silence()
        name, step, values = requests_of(stand, ident)[number % 2]
        answer = stand.send(step, timeout=45, **values)
        lines.append(f"* silent: one {name}: `{answer.brief(160)}`")
        both = requests_of(stand, ident)[:2]
        with ThreadPoolExecutor(20) as pool:
            jobs = [pool.submit(stand.send, both[n % 2][1], 45, **both[n % 2][2]) for n in range(20)]
            answers = [job.result() for job in jobs]
        statuses: dict[str, int] = {}
        for each in answers:
            statuses[sample(each)] = statuses.get(sample(each), 0) + 1
        slowest = max(a.seconds for a in answers)
        quickest = min(a.seconds for a in answers)
        late = sum(a.seconds > 30 for a in answers)
        lines.append(f"* 20 at once: {statuses}; {quickest:.1f}-{slowest:.1f} s; later than 30 s: {late}")
        lines.append(f"* bytes taken by the silent database: {proxy.swallowed - swallowed}")
        alive = bool(stand.process and stand.process.alive)
        lines.append(f"* process lives: {alive}")
        proxy.restore()
        took = wait_until(lambda: stand.transaction(5).good, 60, 0.3)
        lines.append(f"* after: transaction good again after {took} s")
        stand.stop()
    stand.transcript.write("database-silent-bounded", lines)


LOGFMT = re.compile(r'^(?:[\w.@/-]+=(?:"(?:[^"\\]|\\.)*"|\S*)\s*){2,}$')


def shape(line: str) -> str:
    plain = line.strip()
    if plain.startswith("{"):
        with contextlib.suppress(ValueError):
            return "json" if isinstance(json.loads(plain), dict) else "text"
    return "logfmt" if LOGFMT.match(plain) else "text"


def logs(stand: Bench) -> None:
    stand.bring_up()
    offset = len(stand.output())
    for _ in range(5):
        stand.transaction()
    for path in ("/no/such/page", "/api/nope", "/v1/nope"):
        call(stand.port, "GET", path)
        call(stand.port, "DELETE", path)
    if stand.service.create:
        step = stand.service.create
        headers = {**step.headers, "Content-Type": "application/json"}
        for body in (b"{", b"[]", b"null"):
            call(stand.port, step.method, step.path, body, headers)
    else:  # httpbin: an error of its own (see error-no-5xx-on-bad-input)
        for _ in range(3):
            deep = b"[" * 20_000 + b"]" * 20_000
            call(stand.port, "POST", "/post", deep, {"Content-Type": "application/json"})
    for proxy in stand.proxies.values():
        proxy.refuse()
        for _ in range(3):
            stand.transaction()
        proxy.restore()
        wait_until(lambda: stand.transaction(5).good, 60, 0.3)
    time.sleep(2)
    if stand.process:
        stand.process.terminate(30)
    text = stand.output()[offset:]
    shown = [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in text.splitlines() if line.strip()]
    counts = {"json": 0, "logfmt": 0, "text": 0}
    for line in shown:
        counts[shape(line)] += 1
    share = 100 * (counts["json"] + counts["logfmt"]) / max(1, len(shown))
    step_size = max(1, len(shown) // 6)
    stand.stop()
    stand.transcript.write(
        "logs-structured",
        [
            (
                f"{len(shown)} lines after readiness (transactions, 404s, bad bodies, dependency cuts,"
                f" SIGTERM): {counts}; structured {share:.1f} %."
            ),
            "",
            "```",
            *[line[:200] for line in shown[::step_size]][:6],
            "```",
        ],
    )


EXPERIMENTS = dict(zip(CLAIMS, (readiness, really_used, refused, silent, logs), strict=True))
NEED = CLAIMS[:4]


def main() -> None:
    arguments = options(__doc__ or "", CLAIMS)
    with bench(arguments) as stand:
        wanted = list(arguments.only)
        if not stand.service.needs:
            absent = (*(c for c in wanted if c in NEED), "readiness-recovers")
            nothing_to_cut(stand, absent)
            wanted = [claim for claim in wanted if claim not in NEED]
        for claim in wanted:
            EXPERIMENTS[claim](stand)


if __name__ == "__main__":
    main()
