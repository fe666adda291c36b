"""A whole inspection, written out: every verdict, two configurations, waivers, and a service that answers badly."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date

import pytest
from roadworthy.domain.claim import Claim, Remedy
from roadworthy.domain.evidence import (
    Answer,
    DependencyFacts,
    Discovery,
    Drain,
    Durability,
    Evidence,
    EvidenceSet,
    Exchange,
    FaultWindow,
    HealthEndpoint,
    NotRun,
    Restart,
    Restarts,
    Sample,
    Start,
    StartsAndStops,
    Stop,
)
from roadworthy.domain.inspection import ClaimResult, Inspection, SourceLocation, Waiver
from roadworthy.domain.verdict import (
    Exhibit,
    Finding,
    Judgement,
    Outcome,
    Reason,
    Severity,
    absent,
    decide,
    undecided,
)

TODAY = date(2026, 11, 22)
HOSTILE = (
    "</script><script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">"
    " & ]]> [red]markup[/red] {{ 7*7 }} \x1b[31mred\x1b[0m \x00 \ud800 \u202ertl \u2028 \uffff end"
)


def claim(claim_id: str, category: str, statement: str, refuted_title: str, severity: Severity) -> Claim:
    def judge(evidence: EvidenceSet) -> Finding:
        raise AssertionError(f"reports must not judge: {evidence}")

    judge.__module__ = f"roadworthy.claims.{category}.{claim_id.replace('-', '_')}"
    return Claim(
        id=claim_id,
        statement=statement,
        refuted_title=refuted_title,
        severity=severity,
        why="A balancer sends requests wherever this endpoint says yes.\n\nEach of them fails until somebody notices.",
        how_judged="While the service is healthy, the dependency is taken away for 15 s; `GET /health` is asked twice"
        " a second.\n\nPROVEN if at least one health endpoint answers other than 2xx in that time.",
        false_positives="A proxy in front that caches the answer; the inspector asks the service itself.",
        remedies=(
            Remedy(
                "FastAPI",
                "10 minutes",
                "Ask the pool in the readiness endpoint, with a time limit:\n\n"
                "    async with asyncio.timeout(1):\n        await pool.fetchval('select 1')\n",
            ),
            Remedy("any", "half a day", "Keep the state of each dependency where `GET /ready` can read it."),
        ),
        requires=(),
        judge=judge,
        references=("WFC 100",),
    )


READINESS = claim(
    "readiness-false-when-dependency-down",
    "health",
    "Readiness turns false when a required dependency is down",
    "Readiness stays true while a required dependency is down",
    Severity.CRITICAL,
)
DURABLE = claim(
    "durable-acked-writes",
    "data",
    "Every acknowledged write survives kill -9",
    "Acknowledged writes are lost when the process is killed",
    Severity.CRITICAL,
)
REFUSED_CLEAN = claim(
    "database-refused-clean",
    "resilience",
    "Requests fail cleanly while the database refuses connections",
    "Requests do not fail cleanly while the database refuses connections",
    Severity.HIGH,
)
BAD_INPUT = claim(
    "error-no-5xx-on-bad-input",
    "errors",
    "Bad input is never answered with a 5xx",
    "Bad input is answered with a 5xx",
    Severity.MEDIUM,
)
LOGS = claim(
    "logs-structured",
    "observability",
    "Log lines are structured",
    "Log lines are free text",
    Severity.LOW,
)
SILENT_BOUNDED = claim(
    "database-silent-bounded",
    "resilience",
    "Requests are answered within 30 s while the database is silent",
    "Requests hang while the database is silent",
    Severity.CRITICAL,
)
DRAINS = claim(
    "sigterm-drains",
    "lifecycle",
    "A request in flight at SIGTERM is answered",
    "A request in flight at SIGTERM is lost",
    Severity.MEDIUM,
)
EXITS = claim(
    "sigterm-exits", "lifecycle", "The process exits on SIGTERM", "The process ignores SIGTERM", Severity.HIGH
)
STARTS = claim(
    "startup-time-bounded", "lifecycle", "It is ready within 30 s", "It is not ready within 30 s", Severity.MEDIUM
)
NAMES_KEY = claim(
    "config-error-names-key",
    "configuration",
    "A refusal to start names the missing setting",
    "A refusal to start does not name the missing setting",
    Severity.LOW,
)


def exchange(exchange_id: str, **changes: object) -> Exchange:
    usual = Exchange(
        id=exchange_id,
        at=3.0,
        method="POST",
        path="/bookings",
        request_headers={"content-type": "application/json", "authorization": "[redacted]"},
        request_body='{"guest": "Ada Lovelace", "nights": 2}',
        answer=Answer.ANSWERED,
        status=500,
        headers={"content-type": "application/json", "server": "uvicorn"},
        body='{"detail": "could not connect to server: Connection refused"}',
        seconds=0.034,
        purpose="create during the fault",
    )
    return replace(usual, **changes)  # type: ignore[arg-type]


def sample(what: str, status: int | None, seconds: float = 0.012, at: float = 1.0, **changes: object) -> Sample:
    answered = status is not None
    usual = Sample(
        what=what,
        at=at,
        ok=answered and 200 <= (status or 0) < 300,
        answer=Answer.ANSWERED if answered else Answer.SILENT,
        status=status,
        seconds=seconds,
        exchange=f"x-{what}",
    )
    return replace(usual, **changes)  # type: ignore[arg-type]


STEPS = (
    sample("create", 201, 0.018),
    sample("read", 200, 0.006),
    sample("update", 200, 0.011),
    sample("delete", 204, 0.009),
)


def window(fault: str, configuration: str = "default", **changes: object) -> FaultWindow:
    failing = 503 if fault == "refused" else None
    took = 0.042 if fault == "refused" else 30.0
    usual = FaultWindow(
        experiment=f"dependency-fault:database:{fault}",
        trial=1,
        configuration=configuration,
        dependency="database",
        kind="postgresql",
        fault=fault,
        hits=14,
        bytes_swallowed=0,
        before=(*STEPS, sample("GET /health", 200, 0.003)),
        began_at=10.0,
        requests=(sample("create", failing, took, 10.2), sample("read", failing, took, 10.3)),
        readiness=tuple(sample("GET /health", 200, 0.004, at) for at in (10.1, 17.0, 24.9)),
        endpoints=(sample("GET /bookings", 500, 0.02, 11.0), sample("GET /metrics", 200, 0.005, 11.0)),
        liveness_paths=(),
        waited_s=15.0,
        process_alive=True,
        restored_at=25.0,
        transaction_recovered_s=1.4,
        readiness_recovered_s=0.2,
        recovery_waited_s=30.0,
        after=STEPS,
        restarted=False,
        answer_bound_s=10.0 if fault == "refused" else 30.0,
    )
    return replace(usual, **changes)  # type: ignore[arg-type]


def discovery(configuration: str = "default") -> Discovery:
    return Discovery(
        experiment="discovery",
        trial=1,
        configuration=configuration,
        address="http://127.0.0.1:8000",
        owns_port=True,
        nothing_here="404 application/json",
        health=(
            HealthEndpoint(
                "/health", "health", "usual path", sample("GET /health", 200, 0.003), "application/json", "{}"
            ),
        ),
        health_paths_tried=18,
        openapi="/openapi.json",
        metrics="/metrics",
        operations=5,
        transaction=STEPS,
        transaction_source="openapi",
        stateless=False,
        dependencies=(
            DependencyFacts("database", "postgresql", "DATABASE_URL", "environment", True, 5, 4_210),
            DependencyFacts("cache", "valkey", "CACHE_URL", "environment", True, 1, 40),
        ),
        other_connections=(),
        settings=("DATABASE_URL", "CACHE_URL"),
    )


def evidence_of(configuration: str) -> tuple[Evidence, ...]:
    here = {"trial": 1, "configuration": configuration}
    return (
        discovery(configuration),
        StartsAndStops(
            experiment="starts-and-stops",
            **here,  # type: ignore[arg-type]
            starts=tuple(Start(0.7, ready, "transaction", None, ()) for ready in (1.1, 1.3, 1.2)),
            stops=tuple(Stop(exited, 30.0, 0, ()) for exited in (0.3, 0.4, 0.3)),
            start_bound_s=30.0,
            stop_bound_s=30.0,
        ),
        window("refused", configuration),
        window("silent", configuration),
        Restarts(
            experiment="restarts",
            **here,  # type: ignore[arg-type]
            written=sample("create", 201),
            read_before=sample("read", 200),
            restarts=(
                Restart("sigterm", True, 1.3, sample("read", 200)),
                Restart("sigkill", True, 1.5, sample("read", 200)),
            ),
        ),
        Durability(
            experiment="kill-while-writing",
            **here,  # type: ignore[arg-type]
            control=sample("create", 201),
            writers=4,
            acknowledged=240,
            unknown=4,
            failed=0,
            killed=3,
            restarted=True,
            lost=tuple(sample("read", 404) for _ in range(12)),
            found=228,
            unreadable=0,
        ),
        Drain(
            experiment="drain",
            **here,  # type: ignore[arg-type]
            stimulus="the database's answers delayed by 2 s",
            control=sample("create", 201, 2.1),
            in_flight=False,
            verified_by="",
            request=None,
            signalled_after_s=0.5,
            exited_s=0.4,
            exit_status=0,
        ),
    )


def violated(summary: str, *exhibits: Exhibit, **rest: object) -> Finding:
    return Finding(Outcome.VIOLATED, summary, control=True, exhibits=exhibits, **rest)  # type: ignore[arg-type]


def held(summary: str, *exhibits: Exhibit, **rest: object) -> Finding:
    return Finding(Outcome.HELD, summary, control=True, exhibits=exhibits, **rest)  # type: ignore[arg-type]


def result(
    of: Claim, *trials: Finding, gating: bool = False, waiver: Waiver | None = None, lite: Judgement | None = None
) -> ClaimResult:
    judgement = decide(trials)
    refuted = judgement.verdict.value == "REFUTED"
    return ClaimResult(
        claim=of,
        judgement=judgement,
        configuration="default",
        configurations={"default": judgement, "lite": lite or judgement},
        gating=gating,
        waiver=waiver,
        replay=f"roadworthy replay {of.id} --recording .roadworthy/bookings.recording" if refuted else "",
    )


def every_verdict() -> tuple[ClaimResult, ...]:
    stayed = violated(
        "GET /health answered 200 for 15 s while every create failed with 503.",
        Exhibit("exchange", "GET /health during the fault: 200", "x-health"),
        Exhibit("exchange", "create during the fault: 500", "x-create"),
        Exhibit("proxy", "14 connections refused or reset"),
        Exhibit("log", 'ERROR sqlalchemy.exc.OperationalError: connection refused\n  File "app.py", line 12'),
        fault_hits=14,
        restored=True,
        scope="1 health endpoint, 30 polls in 15 s",
        experiment="dependency-fault:database:refused",
    )
    lost = violated(
        "12 of 240 acknowledged writes were gone after kill -9 and a restart.",
        Exhibit("exchange", "GET /bookings/88: 404, acknowledged 0.4 s before the kill", "x-read"),
        Exhibit("exchange", "an exchange that the report does not have", "x-gone"),
        scope="240 acknowledged writes by 4 writers",
        experiment="kill-while-writing",
    )
    reset = violated("The connection was closed without an answer.", fault_hits=14, restored=True)
    hostile = violated(HOSTILE, Exhibit("exchange", HOSTILE, "x-hostile"), Exhibit("log", HOSTILE), scope=HOSTILE)
    free_text = violated("3 of 214 lines are JSON or logfmt.", Exhibit("log", "INFO:     started server process [1]"))
    return (
        result(LOGS, free_text, free_text, waiver=Waiver(LOGS.id, "moving to JSON", "Ben", date(2026, 10, 1))),
        result(READINESS, stayed, stayed, gating=True, lite=decide([absent("It has none.", established=True)])),
        result(
            REFUSED_CLEAN,
            reset,
            reset,
            gating=True,
            waiver=Waiver(REFUSED_CLEAN.id, "fixed with the new driver", "Ana", date(2026, 12, 1)),
        ),
        result(BAD_INPUT, hostile, hostile),
        result(DURABLE, lost, lost, gating=True),
        result(
            SILENT_BOUNDED,
            held("Answered.", fault_hits=3, restored=True),
            violated("It hung.", fault_hits=3, restored=True),
            gating=True,
        ),
        result(
            DRAINS,
            undecided(
                Reason.NO_CONTROL,
                "No request was slow enough to be in flight at the signal.",
                "a request that takes 2 s: [slow] in roadworthy.toml",
            ),
        ),
        result(
            STARTS,
            held(
                "Ready 1.2 s after the start (median of 3; bound 30 s).",
                Exhibit("timeline", "ready after 1.1, 1.3 and 1.2 s"),
                scope="3 fresh starts",
            ),
        ),
        result(EXITS, held("Gone 0.3 s after SIGTERM (median of 3; bound 30 s)."), gating=True),
        result(NAMES_KEY, absent("It never refuses to start for want of a setting.", established=True)),
    )


def whole_inspection() -> Inspection:
    exchanges = (
        exchange("x-create"),
        exchange("x-read", method="GET", path="/bookings/88", status=404, request_body="", body='{"detail": "gone"}'),
        exchange("x-update", method="PUT", path="/bookings/88"),
        exchange("x-delete", method="DELETE", path="/bookings/88"),
        exchange("x-health", method="GET", path="/health", status=200, body='{"status": "ok"}', request_body=""),
        exchange(
            "x-hostile",
            path="/" + HOSTILE,
            request_headers={"x-hostile": HOSTILE},
            request_body=HOSTILE,
            headers={"x-hostile": HOSTILE},
            body=HOSTILE * 400,
            purpose=HOSTILE,
        ),
        exchange("x-never-shown", body="nobody refers to this"),
    )
    return Inspection(
        target="bookings",
        command="uvicorn app:app --port {port}",
        tool_version="0.1.0",
        started="2026-11-22T05:43:10Z",
        seconds=192.4,
        profile="standard",
        today=TODAY,
        configurations=("default", "lite"),
        results=every_verdict(),
        evidence=(
            *evidence_of("default"),
            discovery("lite"),
            NotRun(
                experiment="dependency-fault:database:silent",
                trial=1,
                configuration="lite",
                reason="budget",
                explanation="the budget was spent",
                decidable_by="a larger --budget",
            ),
        ),
        exchanges={each.id: each for each in exchanges},
        environment={"python": "3.12.4", "os": "Linux 6.8", "cpus": "2"},
        warnings=("The service opened 2 connections to addresses that are no known dependency.", HOSTILE),
        location=SourceLocation("services/book ings/roadworthy.toml", 3),
        claim_lines={REFUSED_CLEAN.id: 41},
    )


@pytest.fixture
def inspection() -> Inspection:
    return whole_inspection()


@pytest.fixture
def without_evidence(inspection: Inspection) -> Inspection:
    """An inspection in which no experiment came to anything."""
    return replace(
        inspection,
        results=tuple(result(each.claim, gating=each.gating) for each in inspection.results),
        evidence=(),
        exchanges={},
        warnings=(),
        environment={},
    )


@pytest.fixture
def failed(inspection: Inspection) -> Inspection:
    """An inspection of a target that could not be run."""
    return replace(inspection, error=f"uvicorn exited with status 1: {HOSTILE}", results=(), evidence=(), exchanges={})


@pytest.fixture
def hostile() -> str:
    return HOSTILE


@pytest.fixture
def fault_window() -> Callable[..., FaultWindow]:
    return window


@pytest.fixture
def make_sample() -> Callable[..., Sample]:
    return sample
