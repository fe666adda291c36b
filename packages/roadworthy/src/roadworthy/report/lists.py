"""The lists that every report shows, in the order in which they are read, and the sentence about the gate."""

from roadworthy.domain.claim import Remedy
from roadworthy.domain.inspection import COULD_NOT_RUN, GATE_PASSED, GATE_REFUTED, ClaimResult, Inspection
from roadworthy.domain.verdict import Severity, Verdict
from roadworthy.report.text import count

_WORST_FIRST = tuple(Severity)
"""Severities are declared from the worst down."""


def with_verdict(inspection: Inspection, verdict: Verdict) -> tuple[ClaimResult, ...]:
    """Return the results with this verdict: those that gate first if they are unproven, then the most severe first."""

    def urgency(result: ClaimResult) -> tuple[bool, int, str]:
        waits = verdict is Verdict.UNPROVEN and not result.gating
        return waits, _WORST_FIRST.index(result.claim.severity), result.claim.id

    return tuple(sorted((r for r in inspection.results if r.verdict is verdict), key=urgency))


def is_waived(result: ClaimResult, inspection: Inspection) -> bool:
    """Tell whether a waiver counts for this result: the claim is refuted and the waiver has not expired."""
    return result.verdict is Verdict.REFUTED and result.waiver is not None and result.waiver.in_force(inspection.today)


def title(result: ClaimResult) -> str:
    """Return what the claim reads like with this verdict."""
    return result.claim.refuted_title if result.verdict is Verdict.REFUTED else result.claim.statement


def first_remedy(result: ClaimResult) -> tuple[Remedy, str] | None:
    """Return the first remedy with the first line of its text, if there is one."""
    for remedy in result.claim.remedies:
        for line in remedy.text.splitlines():
            if line.strip():
                return remedy, line.strip()
    return None


def gate_meaning(inspection: Inspection) -> str:
    """Say why the exit status is what it is."""
    gating = [result for result in inspection.results if result.gating]
    refuted = [r for r in gating if r.verdict is Verdict.REFUTED and not is_waived(r, inspection)]
    unproven = [r for r in gating if r.verdict is Verdict.UNPROVEN]
    waived = [r for r in gating if is_waived(r, inspection)]
    aside = f" ({len(waived)} waived)" if waived else ""
    match inspection.exit_status():
        case status if status == COULD_NOT_RUN:
            return "the target could not be run"
        case status if status == GATE_REFUTED:
            return f"{count(len(refuted), 'gating claim')} refuted{aside}"
        case status if status == GATE_PASSED:
            return f"passed, no gating claim refuted{aside} or unproven" if gating else "passed, no claim gates"
        case _:
            return f"none refuted{aside}, but {count(len(unproven), 'gating claim')} unproven"


def gate_line(inspection: Inspection) -> str:
    """Return the line that people look for first."""
    return f"Gate (profile {inspection.profile}): {gate_meaning(inspection)} -> exit status {inspection.exit_status()}"
