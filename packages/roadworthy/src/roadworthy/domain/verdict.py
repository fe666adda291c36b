"""Verdicts, and the rules by which findings become verdicts. The one place where they are written.

A claim's judge says what one trial's evidence shows (a *finding*). It never says PROVEN or REFUTED: the rules
here do, and they are stricter than any single judge:

* PROVEN: the claim held in every trial, its positive control passed, the fault (where one was needed) hit, and
  the target was verified healthy again afterwards.
* REFUTED: a counterexample, seen again when replayed from a fresh start (unless it is read from a file, which
  cannot change between two readings).
* NOT_APPLICABLE: the precondition is absent, and its absence was itself observed.
* UNPROVEN: everything else, with a reason from a closed list and what would make it decidable.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """What the inspector says of a claim."""

    PROVEN = "PROVEN"
    REFUTED = "REFUTED"
    UNPROVEN = "UNPROVEN"
    NOT_APPLICABLE = "NOT_APPLICABLE"


class Reason(StrEnum):
    """Why a claim is UNPROVEN. The list is closed."""

    NOT_RUN = "not-run"
    NO_CONTROL = "no-control"
    FAULT_NOT_FIRED = "fault-not-fired"
    TARGET_UNHEALTHY = "target-unhealthy"
    FLAKY = "flaky"
    NOISY = "noisy"
    BUDGET = "budget"
    NEEDS_INPUT = "needs-input"
    TOOL_ERROR = "tool-error"
    STATIC_ONLY = "static-only"


class Severity(StrEnum):
    """How bad it is in production when the claim is false."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class Outcome(StrEnum):
    """What one trial's evidence shows of a claim."""

    HELD = "held"
    VIOLATED = "violated"
    ABSENT = "absent"
    UNDECIDED = "undecided"


@dataclass(frozen=True)
class Exhibit:
    """One piece of evidence shown to a reader.

    ``kind`` is ``exchange`` (``ref`` is the exchange's id), ``log``, ``process``, ``proxy``, ``timeline`` or
    ``source``; ``text`` says in a line what it shows.
    """

    kind: str
    text: str
    ref: str = ""


@dataclass(frozen=True)
class Finding:
    """What a judge read from one trial's evidence.

    Args:
        outcome: what the evidence shows.
        summary: one sentence with the observed figures, for a tired reader.
        exhibits: the pieces of evidence that show it, the strongest first.
        control: whether the positive control passed. A judge must say so; there is no default.
        fault_hits: how often the injected fault demonstrably reached the target; None when no fault is needed.
        restored: whether the target was verified healthy after the stimulus; None when nothing disturbed it.
        established: for ABSENT, whether the absence itself was observed rather than assumed.
        reason: for UNDECIDED, why.
        decidable_by: what the user can give or change to make it decidable.
        scope: what the finding covers, such as "12 operations, 340 requests".
        experiment: the id of the experiment whose evidence decided; it is the one that a replay runs again.
        replayable: False for evidence that cannot differ between two readings, such as a source file.
    """

    outcome: Outcome
    summary: str
    control: bool
    exhibits: tuple[Exhibit, ...] = ()
    fault_hits: int | None = None
    restored: bool | None = None
    established: bool = False
    reason: Reason | None = None
    decidable_by: str = ""
    scope: str = ""
    experiment: str = ""
    replayable: bool = True


def undecided(reason: Reason, summary: str, decidable_by: str, **rest: object) -> Finding:
    """Return an UNDECIDED finding: the evidence does not settle the claim."""
    return Finding(
        outcome=Outcome.UNDECIDED,
        summary=summary,
        control=False,
        reason=reason,
        decidable_by=decidable_by,
        **rest,  # type: ignore[arg-type]  # forwarded as written by the caller
    )


def absent(summary: str, *, established: bool, decidable_by: str = "", experiment: str = "") -> Finding:
    """Return an ABSENT finding: the claim's precondition is not there."""
    return Finding(
        outcome=Outcome.ABSENT,
        summary=summary,
        control=True,
        established=established,
        decidable_by=decidable_by,
        experiment=experiment,
    )


@dataclass(frozen=True)
class Judgement:
    """A verdict on one claim in one configuration, with what it rests on."""

    verdict: Verdict
    reason: Reason | None
    summary: str
    finding: Finding | None
    trials: int
    agreeing: int
    decidable_by: str = ""

    @property
    def label(self) -> str:
        """The verdict as shown to people, such as ``UNPROVEN(flaky 1/2)``."""
        if self.reason is None:
            return self.verdict.value
        suffix = f" {self.agreeing}/{self.trials}" if self.reason is Reason.FLAKY else ""
        return f"{self.verdict.value}({self.reason.value}{suffix})"


def decide(trials: Sequence[Finding]) -> Judgement:
    """Turn the findings of a claim's trials, the first run first and its replays after, into a verdict."""
    if not trials:
        return _unproven(Reason.NOT_RUN, "No experiment produced evidence for this claim.", None, trials)
    first = trials[0]
    match first.outcome:
        case Outcome.UNDECIDED:
            return _unproven(first.reason or Reason.TOOL_ERROR, first.summary, first, trials)
        case Outcome.ABSENT:
            if first.established:
                return _settled(Verdict.NOT_APPLICABLE, first, trials)
            return _unproven(Reason.NEEDS_INPUT, first.summary, first, trials)
    gap = _gap(first)
    if gap is not None:
        return _unproven(gap, first.summary, first, trials)
    if any(trial.outcome is not first.outcome or _gap(trial) for trial in trials[1:]):
        return _unproven(Reason.FLAKY, _disagreement(first, trials), first, trials)
    if first.outcome is Outcome.HELD:
        return _settled(Verdict.PROVEN, first, trials)
    if first.replayable and len(trials) < 2:
        return _unproven(
            Reason.BUDGET,
            f"Seen once, and not replayed from a fresh start: {first.summary}",
            first,
            trials,
            "Run again with a larger --budget, so that the counterexample can be replayed.",
        )
    return _settled(Verdict.REFUTED, first, trials)


def needs_replay(trials: Sequence[Finding]) -> bool:
    """Tell whether a counterexample still has to be seen again from a fresh start."""
    return (
        len(trials) == 1 and trials[0].outcome is Outcome.VIOLATED and trials[0].replayable and _gap(trials[0]) is None
    )


def _gap(finding: Finding) -> Reason | None:
    """Name what keeps a HELD or VIOLATED finding from counting, if anything does."""
    if not finding.control:
        return Reason.NO_CONTROL
    if finding.fault_hits == 0:
        return Reason.FAULT_NOT_FIRED
    if finding.outcome is Outcome.HELD and finding.restored is False:
        return Reason.TARGET_UNHEALTHY
    return None


_WAY_OUT = {
    Reason.NOT_RUN: "Run the inspection without --only, or with a larger --budget.",
    Reason.NO_CONTROL: "Give the inspector a request that works: a [transaction] in roadworthy.toml.",
    Reason.FAULT_NOT_FIRED: "Route the dependency through the variable named in [dependencies] of roadworthy.toml.",
    Reason.TARGET_UNHEALTHY: "Make the service recover after the experiment, or give it a fresh start command.",
    Reason.FLAKY: "Run `roadworthy replay` on this finding a few times, and look at what differs.",
    Reason.TOOL_ERROR: "Run again; if it stays, report it with the recording.",
}


def _unproven(
    reason: Reason, summary: str, finding: Finding | None, trials: Sequence[Finding], way_out: str = ""
) -> Judgement:
    hint = way_out or (finding.decidable_by if finding else "") or _WAY_OUT.get(reason, "")
    return Judgement(Verdict.UNPROVEN, reason, summary, finding, len(trials), _agreeing(trials), hint)


def _settled(verdict: Verdict, finding: Finding, trials: Sequence[Finding]) -> Judgement:
    return Judgement(verdict, None, finding.summary, finding, len(trials), _agreeing(trials))


def _agreeing(trials: Sequence[Finding]) -> int:
    return sum(1 for trial in trials if trials and trial.outcome is trials[0].outcome)


def _disagreement(first: Finding, trials: Sequence[Finding]) -> str:
    other = next(trial for trial in trials[1:] if trial.outcome is not first.outcome or _gap(trial))
    return f"The trials disagree. First: {first.summary} Later: {other.summary}"
