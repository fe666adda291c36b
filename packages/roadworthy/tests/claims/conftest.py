"""Builders of evidence. Each gives what a healthy service shows; a test writes down only what differs."""

from types import SimpleNamespace
from typing import Any

import pytest
from roadworthy.domain.claim import Claim
from roadworthy.domain.evidence import (
    Answer,
    DependencyFacts,
    DependencyUse,
    Discovery,
    Durability,
    Evidence,
    EvidenceSet,
    FaultWindow,
    HealthEndpoint,
    Sample,
)
from roadworthy.domain.verdict import Finding, decide

STAMP = {"trial": 1, "configuration": "default"}
BEGAN_AT = 100.0


def sample(what: str, shown: int | str = 200, *, at: float = 0.0, seconds: float = 0.1, **rest: Any) -> Sample:
    """An attempt. ``shown`` is its status, or how it failed; ok when that is 2xx, unless said otherwise."""
    answered = isinstance(shown, int)
    values: dict[str, Any] = {
        "ok": answered and 200 <= int(shown) < 300,
        "answer": Answer.ANSWERED if answered else Answer(shown),
        "status": shown if answered else None,
        "exchange": f"{what}-{at}",
    }
    return Sample(what=what, at=at, seconds=seconds, **{**values, **rest})


def steps(create: int | str = 201, read: int | str = 200, **rest: Any) -> tuple[Sample, ...]:
    """The steps of one transaction that every service has."""
    return (sample("create", create, **rest), sample("read", read, **rest))


def polls(what: str, *shown: int | str, every: float = 1.0) -> tuple[Sample, ...]:
    """Polls of an endpoint, one after the other from the beginning of the fault."""
    return tuple(sample(what, each, at=BEGAN_AT + number * every) for number, each in enumerate(shown))


def stays(what: str, shown: int | str = 200, polled_s: int = 16) -> tuple[Sample, ...]:
    """Polls of an endpoint that answers the same all the time."""
    return polls(what, *[shown] * polled_s)


def endpoint(
    path: str = "/readyz", role: str = "readiness", shown: int | str = 200, kind: str = "application/json"
) -> HealthEndpoint:
    """A health endpoint."""
    return HealthEndpoint(path, role, "usual path", sample(f"GET {path}", shown), kind, '{"status": "ok"}')


def facts(name: str = "database", kind: str = "postgresql", **rest: Any) -> DependencyFacts:
    """A dependency that is wired and used."""
    values: dict[str, Any] = {
        "variable": f"{name.upper()}_URL",
        "found_by": "manifest",
        "declared": True,
        "connections": 3,
        "bytes_in_transaction": 900,
    }
    return DependencyFacts(name=name, kind=kind, **{**values, **rest})


def discovery(**rest: Any) -> Discovery:
    """A healthy service with a transaction, a database and one readiness endpoint."""
    values: dict[str, Any] = {
        "address": "127.0.0.1:8000",
        "owns_port": True,
        "nothing_here": "404 application/json",
        "health": (endpoint(),),
        "health_paths_tried": 33,
        "openapi": "/openapi.json",
        "metrics": "",
        "operations": 4,
        "transaction": steps(),
        "transaction_source": "openapi",
        "stateless": False,
        "dependencies": (facts(),),
        "other_connections": (),
        "settings": ("DATABASE_URL",),
    }
    return Discovery(experiment="discovery", **STAMP, **{**values, **rest})


def window(fault: str = "refused", dependency: str = "database", kind: str = "postgresql", **rest: Any) -> FaultWindow:
    """A fault as a good service takes it: 503 at once, not ready, and well again afterwards."""
    values: dict[str, Any] = {
        "hits": 4,
        "bytes_swallowed": 0 if fault == "refused" else 800,
        "before": (*steps(), sample("GET /readyz"), sample("GET /livez")),
        "began_at": BEGAN_AT,
        "requests": steps(503, 503, at=BEGAN_AT + 0.5),
        "readiness": polls("GET /readyz", 200, 503),
        "endpoints": (),
        "liveness_paths": ("/livez",),
        "waited_s": 17.0,
        "process_alive": True,
        "restored_at": BEGAN_AT + 17,
        "transaction_recovered_s": 0.4,
        "readiness_recovered_s": 0.6,
        "recovery_waited_s": 30.0,
        "after": steps(),
        "restarted": False,
        "answer_bound_s": 10.0 if fault == "refused" else 30.0,
    }
    return FaultWindow(
        experiment=f"dependency-fault:{dependency}:{fault}",
        **STAMP,
        **{"dependency": dependency, "kind": kind, "fault": fault, **values, **rest},
    )


def use(dependency: str = "database", kind: str = "postgresql", **rest: Any) -> DependencyUse:
    """A dependency that is really used: bytes flow, the cut hurts, and the wipe wipes."""
    values: dict[str, Any] = {
        "declared": True,
        "found_by": "manifest",
        "transaction_before": steps(),
        "bytes_in_transaction": 900,
        "connections": 3,
        "hits": 2,
        "transaction_while_cut": (sample("create", 503),),
        "read_while_cut": sample("read", 503),
        "restored": True,
        "read_after_wipe": sample("read", 404),
        "transaction_after_wipe": steps(),
    }
    return DependencyUse(
        experiment=f"dependency-use:{dependency}", **STAMP, dependency=dependency, kind=kind, **{**values, **rest}
    )


def durability(**rest: Any) -> Durability:
    """Forty acknowledged writes, all of them found after the kill."""
    values: dict[str, Any] = {
        "control": sample("read"),
        "writers": 4,
        "acknowledged": 40,
        "unknown": 4,
        "failed": 0,
        "killed": 3,
        "restarted": True,
        "lost": (),
        "found": 40,
        "unreadable": 0,
    }
    return Durability(experiment="kill", **STAMP, **{**values, **rest})


def finding(claim: Claim, *evidence: Evidence) -> Finding:
    """What the judge says of this evidence."""
    return claim.judge(EvidenceSet(claim.requires, evidence))


def label(claim: Claim, *evidence: Evidence) -> str:
    """The verdict that a report shows when this evidence is seen again in a replay."""
    found = finding(claim, *evidence)
    return decide([found, found]).label


@pytest.fixture
def build() -> SimpleNamespace:
    """The builders, by name."""
    return SimpleNamespace(
        stamp=STAMP,
        began_at=BEGAN_AT,
        sample=sample,
        steps=steps,
        polls=polls,
        stays=stays,
        endpoint=endpoint,
        facts=facts,
        discovery=discovery,
        window=window,
        use=use,
        durability=durability,
        finding=finding,
        label=label,
    )
