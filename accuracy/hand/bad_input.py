"""By hand: bad input never makes a 5xx, and no answer shows a stack trace.

python accuracy/hand/bad_input.py --service kinto --config postgresql --venvs DIR
"""

from __future__ import annotations

import json
import time
from collections import Counter
from dataclasses import replace

import _corpus
import _requests
from _corpus import Base, Case
from _lab import Answer, call
from _services import Bench, bench, options
from faults import frames

CLAIMS = ("error-no-5xx-on-bad-input", "error-no-stack-trace")
SHOWN = 14
BUDGET = 300.0  # seconds for one service's corpus


def bases(stand: Bench) -> list[Base]:
    if stand.service.name == "prefect":
        document = call(stand.port, "GET", "/openapi.json").json()
        assert isinstance(document, dict)
        return _requests.prefect(document)
    found: dict[str, list[Base]] = {
        "kinto": _requests.KINTO,
        "mlflow": _requests.MLFLOW,
        "httpbin": _requests.HTTPBIN,
    }
    return found[stand.service.name]


def with_run(stand: Bench, wanted: list[Base]) -> list[Base]:
    """MLflow's runs need an existing run; put its id in."""
    if stand.service.name != "mlflow":
        return wanted
    body = json.dumps({"experiment_id": "0"}).encode()
    path = f"{_requests.A}/runs/create"
    answer = call(stand.port, "POST", path, body, {"Content-Type": "application/json"}).json()
    assert isinstance(answer, dict)
    run = answer["run"]["info"]["run_id"]
    return [
        replace(
            base,
            path=base.path.replace("{run}", run),
            body=json.loads(json.dumps(base.body).replace("{run}", run)),
        )
        for base in wanted
    ]


def deliver(stand: Bench, case: Case, timeout: float = 20.0) -> Answer:
    headers = dict(stand.service.create.headers) if stand.service.create else {}
    if case.body is not None:
        headers["Content-Type"] = case.content_type
    return call(stand.port, case.method, case.path, case.body, headers, timeout)


def described(case: Case, answer: Answer) -> str:
    body = (case.body or b"")[:110].decode("utf-8", "replace")
    size = f" ({len(case.body)} bytes)" if case.body and len(case.body) > 110 else ""
    sent = f" `{body}`{size}" if case.body is not None else ""
    said = answer.body[:110].decode("utf-8", "replace").replace("\n", " ")
    return (
        f"* {case.method} {case.path[:150]}{sent} [{case.what}] -> {answer.status or answer.error}"
        f" in {answer.seconds:.1f} s `{said}`"
    )


def sweep(stand: Bench) -> tuple[list[tuple[Case, Answer]], list[str], Counter[str], int]:
    """Send the whole corpus; what was 5xx or unanswered, notes, statuses, most frames."""
    odd: list[tuple[Case, Answer]] = []
    notes: list[str] = []
    statuses: Counter[str] = Counter()
    most = 0
    begun = time.monotonic()
    everything = with_run(stand, bases(stand))
    notes.append(f"{len(everything)} operations")
    for index, base in enumerate(everything):
        if time.monotonic() - begun > BUDGET:
            notes.append(f"budget spent after {index} of {len(everything)} operations")
            break
        ident = stand.create()[1] if stand.service.create else "x"
        for case in _corpus.cases(base, ident):
            answer = deliver(stand, case)
            statuses[str(answer.status or answer.error)] += 1
            most = max(most, frames(answer.body))
            if answer.status >= 500 or not answer.status:
                odd.append((case, answer))
                if not answer.status and stand.process and not stand.process.alive:
                    notes.append(f"the process DIED on {described(case, answer)}")
                    stand.start()
                elif not answer.status:
                    stand.wait_healthy(45)
        if index % 5 == 0 and not stand.wait_healthy(30):
            notes.append(f"control FAILS after {base.method} {base.path}")
            break
    notes.append(f"{sum(statuses.values())} requests in {time.monotonic() - begun:.0f} s")
    return odd, notes, statuses, most


def chosen(odd: list[tuple[Case, Answer]]) -> list[tuple[Case, Answer]]:
    """One example of each (operation, status), those of the claim's own list first."""
    seen: dict[tuple[str, str, int], tuple[Case, Answer]] = {}
    for case, answer in sorted(odd, key=lambda pair: pair[0].extra):
        seen.setdefault((case.method, case.template, answer.status), (case, answer))
    return list(seen.values())


def renewed(stand: Bench, case: Case) -> Case:
    """The same bad request with an object of the fresh instance where one is named."""
    if "{id}" in case.template and stand.service.create and "path value" not in case.what:
        ident = stand.create()[1]
        path = case.template.replace("{id}", ident)
        query = case.path.split("?", 1)[1:] if "?" not in case.template else []
        return replace(case, path="?".join([path, *query]))
    return case


def bad_input(stand: Bench) -> None:
    stand.bring_up()
    lines = [f"Control before: {stand.transaction().brief()}"]
    odd, notes, statuses, most = sweep(stand)
    lines += [f"* {note}" for note in notes]
    lines.append(f"* answers: {dict(sorted(statuses.items()))}")
    lines.append(f"Control after: {stand.transaction().brief()}")
    fives = [(c, a) for c, a in odd if a.status >= 500]
    silent = [(c, a) for c, a in odd if not a.status]
    kinds: Counter[str] = Counter(f"{c.method} {c.template}" for c, a in fives if not c.extra)
    lines.append(f"\n5xx: {len(fives)}, on {len(kinds)} operations; unanswered: {len(silent)}\n")
    lines += [f"* {count} x {kind}" for kind, count in kinds.most_common(40)]
    lines.append("\nExamples (one for each operation and status):\n")
    examples = chosen(fives)[:SHOWN] + chosen(silent)[:4]
    lines += [described(case, answer) for case, answer in examples]
    lines.append("\nThe reasons, over all 5xx:\n")
    reasons: Counter[str] = Counter(c.what.split(" = ")[-1] for c, _ in fives)
    lines += [f"* {count} x {reason}" for reason, count in reasons.most_common(30)]
    lines.append("\nSent again, each on an instance of its own, between two controls:\n")
    for case, _ in chosen(fives)[:4]:
        stand.bring_up()
        before = stand.transaction().good
        again = renewed(stand, case)
        answer = deliver(stand, again)
        after = stand.transaction().good
        lines.append(described(again, answer))
        lines.append(f"  control before {before}, after {after}")
    stand.stop()
    stand.transcript.write("error-no-5xx-on-bad-input", lines)
    traces(stand, most, odd)


def traces(stand: Bench, most: int, odd: list[tuple[Case, Answer]]) -> None:
    """404s, 405s, and every operation while the dependency is cut, looked at for frames."""
    lines = [f"Most frames in an answer of the bad-input corpus: {most}"]
    shown = next((a.body for _, a in odd if frames(a.body) >= 2), b"")
    stand.bring_up()
    worst, seen = 0, Counter[str]()
    for path in ("/no/such/page", "/api/no/such", "/v1/no/such", "/%00", "/..%2f..%2fetc/passwd"):
        for method in ("GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD"):
            answer = call(stand.port, method, path, b"{}")
            seen[str(answer.status or answer.error)] += 1
            worst = max(worst, frames(answer.body))
    everything = with_run(stand, bases(stand))
    ident = stand.create()[1] if stand.service.create else "x"
    for base in everything:
        for method in ("TRACE", "PUT", "DELETE", "PATCH", "POST"):
            if method != base.method and "{" not in base.path:
                answer = call(stand.port, method, base.path, b"{}")
                if answer.status in (404, 405):
                    seen[str(answer.status)] += 1
                    worst = max(worst, frames(answer.body))
    lines.append(f"404/405 and odd paths: {dict(seen)}; most frames {worst}")
    begun = time.monotonic()
    for name, proxy in stand.proxies.items():
        if not stand.wait_healthy():
            stand.bring_up()
        proxy.refuse()
        during, most_during = Counter[str](), 0
        for base in everything:
            if time.monotonic() - begun > 150:
                break
            body = json.dumps(base.body).replace("{id}", ident).encode()
            path = base.path.replace("{id}", ident).replace("{no}", "abc").replace("{new}", "abc")
            kind = "application/json"
            case = Case(base.method, base.path, path, body if base.body else None, "cut", False, kind)
            answer = deliver(stand, case, 15)
            during[str(answer.status or answer.error)] += 1
            if frames(answer.body) > most_during:
                most_during, shown = frames(answer.body), answer.body
        for path in stand.service.health:
            answer = call(stand.port, "GET", path, timeout=15)
            most_during = max(most_during, frames(answer.body))
        lines.append(f"{name} cut: {dict(during)}; most frames {most_during}")
        proxy.restore()
    if shown:
        lines += ["", "```", shown.decode("utf-8", "replace")[:900], "```"]
    stand.stop()
    stand.transcript.write("error-no-stack-trace", lines)


def main() -> None:
    arguments = options(__doc__ or "", CLAIMS)
    with bench(arguments) as stand:
        bad_input(stand)


if __name__ == "__main__":
    main()
