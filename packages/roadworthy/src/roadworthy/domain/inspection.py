"""What an inspection came to: the verdicts and everything a report shows. Built by the judge, read by the reports."""

from dataclasses import dataclass, field
from datetime import date

from roadworthy.domain.claim import Claim
from roadworthy.domain.evidence import Evidence, Exchange
from roadworthy.domain.verdict import Judgement, Severity, Verdict

PROFILES: dict[str, frozenset[Severity]] = {
    "internal": frozenset({Severity.CRITICAL}),
    "standard": frozenset({Severity.CRITICAL, Severity.HIGH}),
    "critical": frozenset({Severity.CRITICAL, Severity.HIGH, Severity.MEDIUM}),
}
"""Which severities gate, by profile."""

GATE_PASSED, GATE_REFUTED, COULD_NOT_RUN, GATE_UNPROVEN = 0, 1, 2, 3
"""Exit statuses. 2 also covers a target that could not be run."""


@dataclass(frozen=True)
class Waiver:
    """Somebody accepts a REFUTED claim, for a reason, until a date. It never turns it into PROVEN."""

    claim: str
    reason: str
    owner: str
    until: date

    def shown(self, today: date) -> str:
        """The words that a report adds, which differ once it has expired."""
        state = "waived until" if self.in_force(today) else "waiver EXPIRED on"
        return f"{state} {self.until.isoformat()} by {self.owner}: {self.reason}"

    def in_force(self, today: date) -> bool:
        """Whether it still counts; its last day is included."""
        return today <= self.until


@dataclass(frozen=True)
class ClaimResult:
    """One row of a report: a claim, its verdict overall and in each configuration."""

    claim: Claim
    judgement: Judgement
    configuration: str  # the one that the overall verdict comes from
    configurations: dict[str, Judgement]
    gating: bool  # whether the profile lets this claim decide the exit status
    waiver: Waiver | None
    replay: str  # a command line that shows the counterexample again; "" when there is none

    @property
    def verdict(self) -> Verdict:
        """The overall verdict."""
        return self.judgement.verdict


@dataclass(frozen=True)
class SourceLocation:
    """A file, relative to the target's folder, and a line in it (1-based)."""

    path: str
    line: int = 1


@dataclass(frozen=True)
class Inspection:
    """Everything a report shows. ``error`` is why the target could not be run at all, or ""."""

    target: str
    command: str
    tool_version: str
    started: str  # ISO 8601, UTC
    seconds: float
    profile: str
    today: date
    configurations: tuple[str, ...]
    results: tuple[ClaimResult, ...]
    evidence: tuple[Evidence, ...]
    exchanges: dict[str, Exchange]
    environment: dict[str, str]
    warnings: tuple[str, ...] = ()
    error: str = ""
    location: SourceLocation = field(default_factory=lambda: SourceLocation("roadworthy.toml"))
    claim_lines: dict[str, int] = field(default_factory=dict)  # claim id -> line in ``location.path``, for waivers

    def exit_status(self) -> int:
        """0 gate passed, 1 a gating claim refuted, 2 could not run, 3 none refuted but a gating one unproven."""
        if self.error:
            return COULD_NOT_RUN
        gating = [result for result in self.results if result.gating]
        if any(r.verdict is Verdict.REFUTED and not self._waived(r) for r in gating):
            return GATE_REFUTED
        if any(r.verdict is Verdict.UNPROVEN for r in gating):
            return GATE_UNPROVEN
        return GATE_PASSED

    def _waived(self, result: ClaimResult) -> bool:
        return result.waiver is not None and result.waiver.in_force(self.today)
