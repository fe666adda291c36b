"""What both claims about a database's fault ask first: is there a database, was it needed, does the process live."""

from collections.abc import Callable

from roadworthy.claims._faults import (
    GIVE_A_TRANSACTION,
    NAME_IT,
    not_needed,
    not_tried,
    nothing_was_cut,
    while_faulty,
    windows,
    worked_before,
    worst,
)
from roadworthy.claims._samples import exhibits, transaction_steps
from roadworthy.domain.evidence import Discovery, EvidenceSet, FaultWindow, MissingEvidenceError
from roadworthy.domain.verdict import Exhibit, Finding, Outcome, Reason, absent, undecided

DATABASE = "postgresql"


def judge_databases(evidence: EvidenceSet, fault: str, judge: Callable[[FaultWindow], Finding]) -> Finding:
    """Judge each database's window with this fault, if the transaction needed that database; the worst decides."""
    found = [window for window in windows(evidence, fault) if window.kind == DATABASE]
    if not found:
        return _without_window(evidence)
    findings = [_precondition(window, evidence) or judge(window) for window in found]
    return worst([*findings, *not_tried(evidence, found, databases_only=True)])


def _precondition(window: FaultWindow, evidence: EvidenceSet) -> Finding | None:
    """Return what makes a window impossible to judge, or the end of the process, which needs no further look."""
    if not worked_before(window):
        return undecided(
            Reason.NO_CONTROL,
            f"The transaction did not work before {window.dependency} was cut.",
            GIVE_A_TRANSACTION,
            exhibits=exhibits(sample for sample in window.before if not sample.ok),
            experiment=window.experiment,
        )
    if not window.process_alive:
        return Finding(
            Outcome.VIOLATED,
            f"The process ended {while_faulty(window)}.",
            control=True,
            exhibits=(
                Exhibit("process", "gone at the end of the fault"),
                *exhibits(step for step in window.requests if not step.ok),
            ),
            fault_hits=window.hits,
            scope=window.dependency,
            experiment=window.experiment,
        )
    if not transaction_steps(window.requests):
        return undecided(
            Reason.NEEDS_INPUT,
            f"No request that needs {window.dependency} is known.",
            GIVE_A_TRANSACTION,
            experiment=window.experiment,
        )
    # Bytes that a silent database swallowed show that it was asked, even if every answer came from elsewhere.
    return None if window.bytes_swallowed else not_needed(window, evidence)


def _without_window(evidence: EvidenceSet) -> Finding:
    discovery = evidence.first(Discovery)
    known = [d for d in discovery.dependencies if d.declared or d.connections]
    if any(d.is_database for d in known):
        raise MissingEvidenceError("no experiment made the database faulty in this way")
    if not known:
        return nothing_was_cut(evidence)
    unknown = [d.name for d in known if d.kind == "tcp"] + list(discovery.other_connections)
    if unknown:
        return absent(
            f"No database is known, but {', '.join(unknown)} may be one.",
            established=False,
            decidable_by=NAME_IT,
            experiment=discovery.experiment,
        )
    return absent(
        f"It has no database; it depends on {', '.join(f'{d.name} ({d.kind})' for d in known)}.",
        established=True,
        experiment=discovery.experiment,
    )
