"""What every claim about a dependency's fault asks first: was it cut, was it needed, which result is worst."""

from collections.abc import Sequence
from typing import TypeVar

from roadworthy.claims._samples import exhibits, shown, transaction_steps
from roadworthy.domain.evidence import (
    DependencyFacts,
    DependencyUse,
    Discovery,
    EvidenceSet,
    FaultWindow,
    MissingEvidenceError,
    Sample,
)
from roadworthy.domain.verdict import Finding, Reason, Verdict, absent, decide, needs_replay, undecided

NAME_IT = "Name what it connects to under [dependencies] in roadworthy.toml, with the variable that holds its address."
GIVE_A_TRANSACTION = "Give the inspector a request that needs it: a [transaction] in roadworthy.toml."

_WHAT_IT_DID = {"refused": "refused connections", "silent": "accepted everything and answered nothing"}

AnyFault = TypeVar("AnyFault", FaultWindow, DependencyUse)


def windows(evidence: EvidenceSet, fault: str) -> tuple[FaultWindow, ...]:
    """Return the windows in which a dependency had this fault."""
    return tuple(window for window in evidence.all(FaultWindow) if window.fault == fault)


def while_faulty(window: FaultWindow) -> str:
    """Say what the dependency did, such as ``while database refused connections``."""
    return f"while {window.dependency} {_WHAT_IT_DID.get(window.fault, window.fault)}"


def worst(findings: Sequence[Finding]) -> Finding:
    """Return the finding that decides: violated over undecided over held over absent.

    A finding whose control failed, or whose fault hit nothing, counts as undecided.
    """
    return min(findings, key=_rank)


def _rank(finding: Finding) -> int:
    if needs_replay([finding]):  # a counterexample that counts
        return 0
    order = (Verdict.REFUTED, Verdict.UNPROVEN, Verdict.PROVEN, Verdict.NOT_APPLICABLE)
    return order.index(decide([finding]).verdict)


def nothing_was_cut(evidence: EvidenceSet) -> Finding:
    """Return what it means that no dependency was made faulty.

    Raises:
        MissingEvidenceError: there is a dependency, so an experiment is missing.
    """
    discovery = evidence.first(Discovery)
    known = [d.name for d in discovery.dependencies if d.declared or d.connections]
    if known:
        raise MissingEvidenceError(f"no experiment took {', '.join(known)} away")
    if discovery.other_connections:
        return undecided(
            Reason.NEEDS_INPUT,
            f"It connects to {', '.join(discovery.other_connections)}, which is no known dependency: nothing was cut.",
            NAME_IT,
            experiment=discovery.experiment,
        )
    return absent(
        "It opened no connection to any dependency, so there is none to take away.",
        established=True,
        experiment=discovery.experiment,
    )


def not_tried(evidence: EvidenceSet, tried: Sequence[AnyFault], *, databases_only: bool = False) -> list[Finding]:
    """Return an undecided finding for each dependency that was connected to and was left alone."""
    names = {each.dependency for each in tried}
    return [
        undecided(
            Reason.NOT_RUN,
            f"{facts.name} is connected to, and no experiment took it away.",
            "Run the inspection without --only, or with a larger --budget.",
            experiment=discovery.experiment,
        )
        for discovery in evidence.all(Discovery)
        for facts in discovery.dependencies
        if facts.connections and facts.name not in names and (facts.is_database or not databases_only)
    ]


def facts_about(evidence: EvidenceSet, dependency: str) -> DependencyFacts | None:
    """Return what discovery saw of a dependency; None when it is not in the evidence, as in a replay."""
    known = (facts for discovery in evidence.all(Discovery) for facts in discovery.dependencies)
    return next((facts for facts in known if facts.name == dependency), None)


def way_round(evidence: EvidenceSet, dependency: str, hits: int) -> tuple[str, ...]:
    """Return addresses by which the target may have reached a dependency without going through the proxy.

    Unknown connections only count when the fault hit nothing: most targets have some that are about something else.
    """
    facts = facts_about(evidence, dependency)
    if facts is not None and facts.bypassed:
        return facts.bypassed
    if hits:
        return ()
    return tuple(address for discovery in evidence.all(Discovery) for address in discovery.other_connections)


def worked_before(window: FaultWindow) -> bool:
    """Tell whether the target was healthy before the fault: the transaction if there is one, else any endpoint."""
    steps = transaction_steps(window.before)
    return all(step.ok for step in steps) if steps else any(sample.ok for sample in window.before)


def failed_steps(window: FaultWindow) -> tuple[Sample, ...]:
    """Return the transaction steps that failed during the fault, in their order."""
    return tuple(step for step in transaction_steps(window.requests) if not step.ok)


def not_needed(window: FaultWindow, evidence: EvidenceSet) -> Finding | None:
    """Return why the fault cannot be judged by the transaction, when it did not fail; None when it did.

    None as well when no transaction was tried: then nothing is known of whether the dependency is needed.
    """
    steps = transaction_steps(window.requests)
    if not steps or any(not step.ok for step in {step.what: step for step in steps}.values()):
        return None
    if failed_steps(window):
        return undecided(
            Reason.NOISY,
            f"The transaction failed and then worked again {while_faulty(window)}: {shown(failed_steps(window)[0])}.",
            "Look at how the service reached its data, and name that dependency in roadworthy.toml.",
            exhibits=exhibits(failed_steps(window)),
            experiment=window.experiment,
        )
    if others := way_round(evidence, window.dependency, window.hits):
        return undecided(
            Reason.FAULT_NOT_FIRED,
            f"The transaction worked {while_faulty(window)}, and the target also reaches {', '.join(others)}.",
            NAME_IT,
            experiment=window.experiment,
        )
    return absent(
        f"The transaction still worked {while_faulty(window)} ({len(steps)} steps): it does not need it.",
        established=True,
        experiment=window.experiment,
    )
