"""Judges a recording: each claim's pure judge over the evidence it declared, then the rules of the verdict. No I/O."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date

from roadworthy.claims.catalogue import catalogue
from roadworthy.domain.claim import Claim
from roadworthy.domain.evidence import (
    DependencyUse,
    ErrorAnswers,
    Evidence,
    EvidenceSet,
    FaultWindow,
    Logs,
    MissingEvidenceError,
    NotRun,
)
from roadworthy.domain.inspection import PROFILES, ClaimResult, Inspection, SourceLocation
from roadworthy.domain.recording import Recording
from roadworthy.domain.verdict import Finding, Judgement, Outcome, Reason, Verdict, decide, needs_replay, undecided

GATHERED: frozenset[type[Evidence]] = frozenset({DependencyUse, ErrorAnswers, FaultWindow, Logs})
"""Kinds of which several experiments make some each: what holds in a part of them may fail in the rest."""


def inspection_of(recording: Recording, *, today: date, replay_of: str) -> Inspection:
    """Judge a recording.

    Args:
        recording: what an inspection left.
        today: the date by which waivers expire.
        replay_of: the folder that replay commands name.
    """
    header = recording.header
    waivers = {waiver.claim: waiver for waiver in header.waivers}
    gating = PROFILES[header.profile]
    results = []
    for claim in catalogue():
        if header.only and claim.id not in header.only:
            continue
        judgements = {
            name: judge_claim(claim, recording.evidence, name, complete=recording.complete)
            for name in header.configurations
        }
        name, judgement = _overall(judgements)
        refuted = judgement.verdict is Verdict.REFUTED
        results.append(
            ClaimResult(
                claim=claim,
                judgement=judgement,
                configuration=name,
                configurations=judgements,
                gating=claim.severity in gating,
                waiver=waivers.get(claim.id),
                replay=f"roadworthy replay {replay_of}#{claim.id}" if refuted else "",
            )
        )
    return Inspection(
        target=header.target,
        command=header.command,
        tool_version=header.tool_version,
        started=header.started,
        seconds=recording.seconds,
        profile=header.profile,
        today=today,
        configurations=header.configurations,
        results=tuple(results),
        evidence=recording.evidence,
        exchanges=dict(recording.exchanges),
        environment=dict(header.environment),
        warnings=recording.warnings,
        error=recording.error,
        location=SourceLocation(header.manifest or "roadworthy.toml"),
        claim_lines=dict(header.claim_lines or {}),
    )


def judge_claim(claim: Claim, evidence: Sequence[Evidence], configuration: str, *, complete: bool = True) -> Judgement:
    """Judge one claim in one configuration over all of its trials.

    A counterexample stands whatever else was not observed. That there is none, in evidence which several experiments
    gather, takes all of them; ``complete`` says whether the recording has its end.
    """
    judgement = decide(findings(claim, evidence, configuration))
    gathered = {kind.__name__ for kind in GATHERED.intersection(claim.requires)}
    if not gathered or judgement.verdict not in (Verdict.PROVEN, Verdict.NOT_APPLICABLE):
        return judgement
    if not complete:
        summary = f"The recording was cut short, so this is only a part: {judgement.summary}"
        return _only_a_part(judgement, Reason.NOT_RUN, summary, "Run the inspection again, to its end.")
    for each in evidence:
        if (
            isinstance(each, NotRun)
            and (each.configuration, each.trial) == (configuration, 1)
            and gathered.intersection(each.would_have_made)
        ):
            summary = f"Without {each.experiment}, which did not run ({each.explanation}): {judgement.summary}"
            return _only_a_part(judgement, Reason(each.reason), summary, each.decidable_by)
    return judgement


def _only_a_part(judgement: Judgement, reason: Reason, summary: str, decidable_by: str) -> Judgement:
    return replace(judgement, verdict=Verdict.UNPROVEN, reason=reason, summary=summary, decidable_by=decidable_by)


def findings(claim: Claim, evidence: Iterable[Evidence], configuration: str) -> tuple[Finding, ...]:
    """Return what the claim's judge says of each trial, the first run first.

    A replay repeats one experiment only. Its trial consists of what the replay recorded, and of the first run's
    evidence: of other experiments where the claim held at first, and of other kinds where it was violated, so that
    nothing but the replay can confirm the counterexample.
    """
    mine = [each for each in evidence if each.configuration == configuration]
    first = _finding(claim, [each for each in mine if each.trial == 1])
    found = [first]
    for trial in sorted({each.trial for each in mine if each.trial > 1 and each.experiment == first.experiment}):
        again = [each for each in mine if each.trial == trial and each.experiment == first.experiment]
        kinds = {type(each) for each in again}
        if kinds.isdisjoint(claim.requires):
            continue
        if first.outcome is Outcome.VIOLATED:  # only what was replayed may show the counterexample again
            rest = [each for each in mine if each.trial == 1 and type(each) not in kinds]
        else:
            rest = [each for each in mine if each.trial == 1 and each.experiment != first.experiment]
        found.append(_finding(claim, [*rest, *again]))
    return tuple(found)


def to_replay(
    evidence: Sequence[Evidence], configuration: str, only: Sequence[str] = (), *, final: bool = True
) -> dict[str, list[str]]:
    """Name the experiments that showed a counterexample not yet seen again, each with the claims that it concerns.

    While experiments are still to come (``final`` is False), claims about what all of them leave behind (logs, error
    answers) are passed over: which experiment shows them best is not known yet.
    """
    wanted: dict[str, list[str]] = {}
    for claim in catalogue():
        if (only and claim.id not in only) or (not final and not {ErrorAnswers, Logs}.isdisjoint(claim.requires)):
            continue
        found = findings(claim, evidence, configuration)
        if needs_replay(found) and found[0].experiment:
            wanted.setdefault(found[0].experiment, []).append(claim.id)
    return wanted


def _finding(claim: Claim, evidence: Sequence[Evidence]) -> Finding:
    skipped = [each for each in evidence if isinstance(each, NotRun)]
    wanted = {kind.__name__ for kind in claim.requires}
    broken = next((each for each in skipped if wanted & set(each.would_have_made)), None)
    try:
        return claim.judge(EvidenceSet(claim.requires, evidence))
    except MissingEvidenceError as missing:
        if broken is not None:
            return undecided(
                Reason(broken.reason), broken.explanation, broken.decidable_by, experiment=broken.experiment
            )
        return undecided(Reason.NOT_RUN, f"The evidence was not collected: {missing}.", "")
    except Exception as error:  # noqa: BLE001 - a bug in one judge must cost one claim, not the report
        return undecided(Reason.TOOL_ERROR, f"The claim's judge failed: {type(error).__name__}: {error}.", "")


_WORST_FIRST = (Verdict.REFUTED, Verdict.UNPROVEN, Verdict.PROVEN, Verdict.NOT_APPLICABLE)


def _overall(judgements: dict[str, Judgement]) -> tuple[str, Judgement]:
    """The worst configuration speaks; among equals the first."""
    return min(judgements.items(), key=lambda each: _WORST_FIRST.index(each[1].verdict))
