"""The rules by which findings become verdicts, as properties of every sequence of trials.

The generated trials cover every value that the rules look at, and nothing is assumed about how they combine: a judge
may well hand in a finding that makes no sense, and the rules must still not say more than was shown.
"""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from roadworthy.domain.verdict import (
    Finding,
    Judgement,
    Outcome,
    Reason,
    Verdict,
    absent,
    decide,
    needs_replay,
    undecided,
)

findings = st.builds(
    Finding,
    outcome=st.sampled_from(Outcome),
    summary=st.text(max_size=5),
    control=st.booleans(),
    # None: no fault is needed; 0: it hit nothing; 1 and 7 stand for every number of hits, of which none is special.
    fault_hits=st.sampled_from([None, 0, 1, 7]),
    restored=st.sampled_from([None, True, False]),
    established=st.booleans(),
    reason=st.none() | st.sampled_from(Reason),
    decidable_by=st.sampled_from(["", "Give me a transaction."]),
    replayable=st.booleans(),
)
# The same with everything in order, whichever way it came out.
sound = st.builds(
    Finding,
    outcome=st.sampled_from([Outcome.HELD, Outcome.VIOLATED]),
    summary=st.text(max_size=5),
    control=st.just(True),
    fault_hits=st.sampled_from([None, 1, 7]),
    restored=st.sampled_from([None, True]),
    replayable=st.booleans(),
)
# A first run and at most three replays: the rules compare each later trial with the first, and never count beyond that.
trials = st.lists(findings, max_size=4)

HELD = Finding(Outcome.HELD, "It held.", control=True, fault_hits=2, restored=True)
VIOLATED = Finding(Outcome.VIOLATED, "It broke.", control=True, fault_hits=2, restored=True)


def supports(trial: Finding, outcome: Outcome) -> bool:
    """Whether one trial, taken alone, counts for this outcome."""
    restored = trial.restored is not False or outcome is Outcome.VIOLATED
    return trial.outcome is outcome and trial.control and trial.fault_hits != 0 and restored


@given(trials)
@example([])
def test_deciding_never_fails_and_counts_the_trials(sequence: list[Finding]) -> None:
    judgement = decide(sequence)
    assert isinstance(judgement, Judgement)
    assert judgement.trials == len(sequence)
    assert 0 <= judgement.agreeing <= judgement.trials
    assert judgement.finding is (sequence[0] if sequence else None)


@given(trials)
def test_unproven_always_has_a_reason_and_nothing_else_has_one(sequence: list[Finding]) -> None:
    judgement = decide(sequence)
    assert (judgement.reason is not None) == (judgement.verdict is Verdict.UNPROVEN)


@given(trials)
def test_proven_only_if_every_trial_held_with_control_hit_and_recovery(sequence: list[Finding]) -> None:
    if decide(sequence).verdict is Verdict.PROVEN:
        assert sequence
        assert all(supports(trial, Outcome.HELD) for trial in sequence)


@given(trials)
def test_refuted_only_if_it_was_seen_again_or_cannot_differ(sequence: list[Finding]) -> None:
    if decide(sequence).verdict is Verdict.REFUTED:
        assert len(sequence) >= 2 or not sequence[0].replayable
        assert all(supports(trial, Outcome.VIOLATED) for trial in sequence)


@given(trials)
def test_not_applicable_only_if_the_absence_was_observed(sequence: list[Finding]) -> None:
    if decide(sequence).verdict is Verdict.NOT_APPLICABLE:
        assert sequence[0].outcome is Outcome.ABSENT
        assert sequence[0].established


# Two copies are a counterexample and its replay, or a run and a repetition; more change nothing, so four are plenty.
@given(sound, st.integers(2, 4))
def test_what_came_out_the_same_every_time_is_settled(found: Finding, times: int) -> None:
    expected = Verdict.PROVEN if found.outcome is Outcome.HELD else Verdict.REFUTED
    assert decide([found] * times).verdict is expected
    assert decide([found] * times).agreeing == times


@given(trials.filter(bool), findings)
def test_a_later_trial_never_settles_what_the_first_left_open(sequence: list[Finding], later: Finding) -> None:
    """A replay can confirm a counterexample or cast doubt; it never turns UNPROVEN into PROVEN or NOT_APPLICABLE."""
    before, after = decide(sequence).verdict, decide([*sequence, later]).verdict
    if before is Verdict.UNPROVEN:
        assert after in (Verdict.UNPROVEN, Verdict.REFUTED)
    if after is Verdict.REFUTED:
        assert sequence[0].outcome is Outcome.VIOLATED


@given(trials)
def test_a_replay_is_asked_for_exactly_when_it_could_refute(sequence: list[Finding]) -> None:
    could = len(sequence) == 1 and sequence[0].replayable and decide(sequence * 2).verdict is Verdict.REFUTED
    assert needs_replay(sequence) == could


@pytest.mark.parametrize(
    ("sequence", "label"),
    [
        ([], "UNPROVEN(not-run)"),
        ([HELD], "PROVEN"),
        ([VIOLATED], "UNPROVEN(budget)"),
        ([VIOLATED, VIOLATED], "REFUTED"),
        ([VIOLATED, HELD], "UNPROVEN(flaky 1/2)"),
        ([HELD, HELD, VIOLATED], "UNPROVEN(flaky 2/3)"),
        ([undecided(Reason.NOISY, "?", "Wait.")], "UNPROVEN(noisy)"),
        ([absent("It has none.", established=True)], "NOT_APPLICABLE"),
        ([absent("None is known.", established=False)], "UNPROVEN(needs-input)"),
        ([Finding(Outcome.HELD, "", control=False)], "UNPROVEN(no-control)"),
        ([Finding(Outcome.VIOLATED, "", control=True, fault_hits=0)], "UNPROVEN(fault-not-fired)"),
        ([Finding(Outcome.HELD, "", control=True, restored=False)], "UNPROVEN(target-unhealthy)"),
        ([Finding(Outcome.VIOLATED, "", control=True, replayable=False)], "REFUTED"),
        ([Finding(Outcome.UNDECIDED, "", control=True)], "UNPROVEN(tool-error)"),
    ],
)
def test_labels(sequence: list[Finding], label: str) -> None:
    assert decide(sequence).label == label


def test_what_would_decide_it_comes_from_the_judge_if_it_knows() -> None:
    assert decide([undecided(Reason.NEEDS_INPUT, "?", "Name the endpoint.")]).decidable_by == "Name the endpoint."
    assert "roadworthy.toml" in decide([Finding(Outcome.HELD, "", control=False)]).decidable_by


def test_a_disagreement_shows_both_sides() -> None:
    summary = decide([VIOLATED, HELD]).summary
    assert "It broke." in summary
    assert "It held." in summary
