"""From evidence to verdicts: trials and their replays, experiments that did not run, waivers and the gate."""

from dataclasses import replace
from datetime import date
from types import MappingProxyType

import pytest
from roadworthy import judge as judging
from roadworthy.domain.claim import Claim
from roadworthy.domain.evidence import (
    Answer,
    BadInput,
    Discovery,
    ErrorAnswers,
    Evidence,
    EvidenceSet,
    Exchange,
    FaultWindow,
    NotRun,
    Restart,
    Restarts,
    Start,
    StartsAndStops,
)
from roadworthy.domain.inspection import PROFILES, Inspection, Waiver
from roadworthy.domain.recording import SCHEMA_VERSION, Header, Recording
from roadworthy.domain.verdict import Finding, Outcome, Reason, Severity, Verdict, absent, undecided
from roadworthy.judge import findings, inspection_of, judge_claim, to_replay

TODAY = date(2026, 6, 15)


def starts(ready_s: float | None, *, trial: int = 1, configuration: str = "default") -> StartsAndStops:
    """A start that took this long; the bound is 10 s."""
    start = Start(0.1, ready_s, "health", None, ())
    return StartsAndStops(
        experiment="start-and-stop", trial=trial, configuration=configuration, starts=(start,) * 3, stops=(),
        start_bound_s=10, stop_bound_s=10,
    )  # fmt: skip


def errors(body: str, *, experiment: str = "bad-input", trial: int = 1) -> ErrorAnswers:
    """One error answer of an experiment."""
    exchange = Exchange("x1", 0, "POST", "/", {}, "", Answer.ANSWERED, 500, {}, body, 0.1)
    return ErrorAnswers(experiment=experiment, trial=trial, configuration="default", exchanges=(exchange,), total=1)


TRACE = (
    'Traceback (most recent call last):\n  File "/app/main.py", line 3, in create\n    save(note)\n'
    '  File "/app/store.py", line 9, in save\n    raise ValueError("no")\nValueError: no\n'
)


def not_run(
    experiment: str, *made: str, reason: str = "budget", trial: int = 1, configuration: str = "default"
) -> NotRun:
    return NotRun(
        experiment=experiment, trial=trial, configuration=configuration, reason=reason,
        explanation=f"{experiment} was too late", decidable_by="a larger --budget", would_have_made=made,
    )  # fmt: skip


@pytest.fixture(autouse=True)
def own_catalogue(monkeypatch: pytest.MonkeyPatch) -> None:
    """Judge claims of this file's own, so that no change of the real ones can hide a mistake here."""
    monkeypatch.setattr(judging, "catalogue", lambda: (QUICK, CLEAN, LOW))


def judge_quick(evidence: EvidenceSet) -> Finding:
    """Violated by a slow start; broken by a negative one, as a judge with a bug would be."""
    seen = evidence.first(StartsAndStops)
    took = seen.starts[0].ready_s
    if took is None:
        return absent("It never started.", established=True, experiment=seen.experiment)
    if took < 0:
        raise ZeroDivisionError("a bug of the judge")
    outcome = Outcome.VIOLATED if took > seen.start_bound_s else Outcome.HELD
    return Finding(outcome, f"It took {took:g} s.", control=True, experiment=seen.experiment)


def judge_clean(evidence: EvidenceSet) -> Finding:
    """Violated by the word Traceback in any error answer."""
    shown = [kept for kept in evidence.all(ErrorAnswers) if "Traceback" in kept.exchanges[0].body]
    kept = evidence.first(ErrorAnswers)
    return Finding(
        Outcome.VIOLATED if shown else Outcome.HELD,
        f"{len(shown)} traces.",
        control=True,
        experiment=(shown[0] if shown else kept).experiment,
    )


# Claims are named by the folder of their judge; these two stand for one with evidence of its own, and one that gathers.
QUICK = Claim("quick", "It starts.", "It does not", Severity.HIGH, "", "", "", (), (StartsAndStops,), judge_quick)
CLEAN = Claim("clean", "No trace.", "Traces", Severity.CRITICAL, "", "", "", (), (ErrorAnswers,), judge_clean)
LOW = replace(QUICK, id="low", severity=Severity.LOW)


def label(claim: Claim, *evidence: Evidence, complete: bool = True) -> str:
    return judge_claim(claim, evidence, "default", complete=complete).label


def test_one_trial_that_held_is_proven() -> None:
    assert label(QUICK, starts(1)) == "PROVEN"


def test_a_counterexample_counts_when_it_was_seen_again() -> None:
    assert label(QUICK, starts(11)) == "UNPROVEN(budget)"
    assert label(QUICK, starts(11), starts(12, trial=2)) == "REFUTED"
    assert label(QUICK, starts(11), starts(1, trial=2)) == "UNPROVEN(flaky 1/2)"
    assert label(QUICK, starts(11), starts(12, trial=2), starts(1, trial=3)) == "UNPROVEN(flaky 2/3)"


def test_the_order_in_which_evidence_was_recorded_does_not_matter() -> None:
    assert label(QUICK, starts(12, trial=2), starts(11)) == "REFUTED"


def test_another_configuration_is_another_matter() -> None:
    evidence = [starts(1), starts(11, configuration="sqlite"), starts(11, trial=2, configuration="sqlite")]
    assert judge_claim(QUICK, evidence, "default").verdict is Verdict.PROVEN
    assert judge_claim(QUICK, evidence, "sqlite").verdict is Verdict.REFUTED
    assert judge_claim(QUICK, evidence, "elsewhere").label == "UNPROVEN(not-run)"


def test_a_replay_of_one_experiment_stands_on_the_first_run_of_the_others() -> None:
    found = findings(
        CLEAN, [errors("fine"), errors(TRACE, experiment="kill"), errors("fine", experiment="kill", trial=2)], "default"
    )
    assert [each.outcome for each in found] == [Outcome.VIOLATED, Outcome.HELD]


def test_only_the_replayed_experiment_may_show_the_counterexample_again() -> None:
    first = [errors(TRACE), errors(TRACE, experiment="kill")]
    assert label(CLEAN, *first, errors("fine", trial=2)) == "UNPROVEN(flaky 1/2)"
    assert label(CLEAN, *first, errors(TRACE, trial=2)) == "REFUTED"


def refused(dependency: str, *, trial: int = 1, alive: bool = True) -> FaultWindow:
    """A dependency that refused connections."""
    return FaultWindow(
        experiment=f"dependency-fault:{dependency}:refused", trial=trial, configuration="default",
        dependency=dependency, kind="tcp", fault="refused", hits=1, bytes_swallowed=0, before=(), began_at=0,
        requests=(), readiness=(), endpoints=(), liveness_paths=(), waited_s=1, process_alive=alive, restored_at=1,
        transaction_recovered_s=None, readiness_recovered_s=None, recovery_waited_s=1, after=(), restarted=False,
        answer_bound_s=1,
    )  # fmt: skip


def judge_survives(evidence: EvidenceSet) -> Finding:
    """Held when it lived through the loss of both dependencies; undecided when one is missing."""
    seen = evidence.all(FaultWindow)
    dead = [each for each in seen if not each.process_alive]
    if not dead and len({each.dependency for each in seen}) < 2:
        return undecided(Reason.NOT_RUN, "One dependency was never cut.", "", experiment=seen[0].experiment)
    outcome = Outcome.VIOLATED if dead else Outcome.HELD
    return Finding(outcome, "", control=True, fault_hits=1, experiment=(dead or list(seen))[0].experiment)


SURVIVES = replace(QUICK, id="survives", requires=(FaultWindow,), judge=judge_survives)


def test_a_claim_that_held_keeps_the_first_run_of_other_experiments_in_a_replay() -> None:
    first = [refused("database"), refused("cache")]
    assert label(SURVIVES, *first) == "PROVEN"
    assert label(SURVIVES, *first, refused("database", trial=2)) == "PROVEN"  # replayed for another claim
    assert label(SURVIVES, *first, refused("database", trial=2, alive=False)) == "UNPROVEN(flaky 1/2)"


def test_the_replay_of_another_experiment_is_no_trial_of_this_one() -> None:
    evidence = [errors(TRACE, experiment="kill"), errors(TRACE, experiment="bad-input", trial=2)]
    assert len(findings(CLEAN, evidence, "default")) == 1


def test_a_replay_that_recorded_nothing_for_this_claim_is_no_trial_of_it() -> None:
    unrelated = replace(starts(11), trial=2, experiment="bad-input")
    assert len(findings(CLEAN, [errors(TRACE), unrelated], "default")) == 1


def test_a_replay_that_could_not_run_leaves_the_counterexample_unconfirmed() -> None:
    again = not_run("start-and-stop", "StartsAndStops", trial=2)
    assert label(QUICK, starts(11), again) == "UNPROVEN(budget)"


@pytest.mark.parametrize("reason", list(Reason))
def test_an_experiment_that_did_not_run_says_why_in_its_claims(reason: Reason) -> None:
    judgement = judge_claim(QUICK, [not_run("start-and-stop", "StartsAndStops", reason=reason)], "default")
    assert (judgement.verdict, judgement.reason) == (Verdict.UNPROVEN, reason)
    assert judgement.summary == "start-and-stop was too late"
    assert judgement.decidable_by == "a larger --budget"


def test_without_evidence_and_without_a_reason_it_was_not_run() -> None:
    judgement = judge_claim(QUICK, [not_run("kill", "Durability")], "default")
    assert judgement.label == "UNPROVEN(not-run)"
    assert "there is no StartsAndStops in the recording" in judgement.summary
    assert "--only" in judgement.decidable_by


def test_a_judge_that_fails_costs_its_claim_alone() -> None:
    judgement = judge_claim(QUICK, [starts(-1)], "default")
    assert judgement.label == "UNPROVEN(tool-error)"
    assert "ZeroDivisionError: a bug of the judge" in judgement.summary


def test_a_judge_is_handed_only_the_evidence_that_its_claim_declared() -> None:
    def greedy(evidence: EvidenceSet) -> Finding:
        evidence.first(Discovery)
        raise AssertionError("it got what it did not declare")

    judgement = judge_claim(replace(QUICK, judge=greedy), [starts(1)], "default")
    assert judgement.label == "UNPROVEN(not-run)"
    assert "Discovery is not among the evidence that this claim declares" in judgement.summary


def test_what_many_experiments_gather_is_proven_by_all_of_them_alone() -> None:
    skipped = not_run("dependency-fault:database:refused", "FaultWindow", "ErrorAnswers")
    assert label(CLEAN, errors("fine")) == "PROVEN"
    assert label(CLEAN, errors("fine"), not_run("kill", "Durability")) == "PROVEN"
    assert label(CLEAN, errors("fine"), replace(skipped, trial=2)) == "PROVEN"
    assert label(CLEAN, errors("fine"), replace(skipped, configuration="sqlite")) == "PROVEN"
    assert label(CLEAN, errors("fine"), skipped) == "UNPROVEN(budget)"
    assert label(CLEAN, errors(TRACE), errors(TRACE, trial=2), skipped) == "REFUTED"
    summary = judge_claim(CLEAN, [errors("fine"), skipped], "default").summary
    assert summary.startswith("Without dependency-fault:database:refused, which did not run")


def test_a_recording_that_was_cut_short_proves_nothing_that_is_gathered() -> None:
    assert label(CLEAN, errors("fine"), complete=False) == "UNPROVEN(not-run)"
    assert label(CLEAN, errors(TRACE), errors(TRACE, trial=2), complete=False) == "REFUTED"
    assert label(QUICK, starts(1), complete=False) == "PROVEN"  # all of its evidence is there


def test_counterexamples_are_named_for_replay_once() -> None:
    evidence = [starts(11), errors(TRACE)]
    assert to_replay(evidence, "default") == {"start-and-stop": ["quick", "low"], "bad-input": ["clean"]}
    assert to_replay(evidence, "default", ("clean",)) == {"bad-input": ["clean"]}
    assert to_replay([*evidence, starts(11, trial=2)], "default") == {"bad-input": ["clean"]}
    assert to_replay(evidence, "sqlite") == {}
    assert to_replay([starts(1), errors("fine")], "default") == {}


def test_what_many_experiments_gather_is_replayed_when_all_of_them_have_run() -> None:
    evidence = [starts(11), errors(TRACE)]
    assert to_replay(evidence, "default", final=False) == {"start-and-stop": ["quick", "low"]}


def inspection(
    *evidence: Evidence,
    profile: str = "standard",
    waivers: tuple[Waiver, ...] = (),
    only: tuple[str, ...] = ("quick",),
    configurations: tuple[str, ...] = ("default",),
    error: str = "",
) -> Inspection:
    header = Header(
        SCHEMA_VERSION, "1", "target", "run", "/", "2026-01-01", profile, 1, configurations, MappingProxyType({}),
        waivers, only=only,
    )  # fmt: skip
    recording = Recording(header, evidence, {}, 1.0, complete=True, error=error)
    return inspection_of(recording, today=TODAY, replay_of="out")


SLOW = (starts(11), starts(11, trial=2))
IN_FORCE = Waiver("quick", "known", "ops", TODAY)
EXPIRED = Waiver("quick", "known", "ops", date(2026, 6, 14))


@pytest.mark.parametrize(
    ("evidence", "waivers", "error", "status"),
    [
        ((starts(1),), (), "", 0),
        (SLOW, (), "", 1),
        ((), (), "", 3),
        ((starts(11),), (), "", 3),
        ((starts(None),), (), "", 0),
        (SLOW, (IN_FORCE,), "", 0),
        (SLOW, (EXPIRED,), "", 1),
        (SLOW, (replace(IN_FORCE, claim="clean"),), "", 1),
        ((), (IN_FORCE,), "", 3),  # a waiver accepts what is refuted, never what is not known
        ((starts(1),), (), "it did not start", 2),
        (SLOW, (), "it did not start", 2),
    ],
)
def test_the_exit_status(evidence: tuple[Evidence, ...], waivers: tuple[Waiver, ...], error: str, status: int) -> None:
    assert inspection(*evidence, waivers=waivers, error=error).exit_status() == status


def test_a_waiver_never_changes_the_verdict() -> None:
    (result,) = inspection(*SLOW, waivers=(IN_FORCE,)).results
    assert result.verdict is Verdict.REFUTED
    assert result.waiver == IN_FORCE
    assert result.replay == "roadworthy replay out#quick"


@pytest.mark.parametrize("profile", sorted(PROFILES))
@pytest.mark.parametrize("claim", ["quick", "clean", "low"])
def test_the_profile_decides_what_gates(profile: str, claim: str) -> None:
    gates = {"internal": {"clean"}, "standard": {"clean", "quick"}, "critical": {"clean", "quick"}}
    evidence = (*SLOW, errors(TRACE), errors(TRACE, trial=2))
    found = inspection(*evidence, profile=profile, only=(claim,))
    assert [each.verdict for each in found.results] == [Verdict.REFUTED]
    assert found.results[0].gating == (claim in gates[profile])
    assert found.exit_status() == (1 if claim in gates[profile] else 0)


def test_only_the_claims_that_were_asked_for_are_judged() -> None:
    assert [each.claim.id for each in inspection(only=("clean",)).results] == ["clean"]
    assert [each.claim.id for each in inspection(only=()).results] == ["quick", "clean", "low"]


def test_a_configuration_that_refutes_speaks_for_the_whole() -> None:
    refuting = (starts(11, configuration="sqlite"), starts(11, trial=2, configuration="sqlite"))
    (result,) = inspection(starts(1), *refuting, configurations=("default", "sqlite")).results
    assert (result.verdict, result.configuration) == (Verdict.REFUTED, "sqlite")
    assert {name: each.verdict for name, each in result.configurations.items()} == {
        "default": Verdict.PROVEN,
        "sqlite": Verdict.REFUTED,
    }


@pytest.mark.parametrize("turned_round", [False, True])
def test_the_worst_configuration_speaks(turned_round: bool) -> None:
    evidence = [
        *(starts(11, trial=trial, configuration="refuted") for trial in (1, 2)),
        starts(1, configuration="proven"),
        starts(None, configuration="inapplicable"),
    ]
    names = ("refuted", "unproven", "proven", "inapplicable")  # the worst first; the second has no evidence
    while names:
        configurations = names[::-1] if turned_round else names
        (result,) = inspection(*evidence, configurations=configurations).results
        assert result.configuration == names[0]
        assert result.verdict is result.configurations[names[0]].verdict
        names = names[1:]


def test_among_equals_the_first_configuration_speaks() -> None:
    (result,) = inspection(starts(1), starts(2, configuration="b"), configurations=("b", "default")).results
    assert (result.verdict, result.configuration) == (Verdict.PROVEN, "b")


def test_a_configuration_that_proves_does_not_hide_one_that_could_not_be_judged() -> None:
    found = inspection(starts(1), configurations=("default", "sqlite"))
    assert [(each.verdict, each.configuration) for each in found.results] == [(Verdict.UNPROVEN, "sqlite")]
    assert found.exit_status() == 3


def test_evidence_of_unrelated_kinds_is_left_alone() -> None:
    restarts = Restarts(
        experiment="restart", trial=1, configuration="default", written=None, read_before=None,
        restarts=(Restart("sigterm", started=False, seconds=1, read_back=None),),
    )  # fmt: skip
    sent = BadInput(
        experiment="bad-input", trial=1, configuration="default", control_before=None, control_after=None, requests=0,
        operations=(), excluded=(), statuses={}, bad=(), process_alive=True,
    )  # fmt: skip
    assert label(QUICK, restarts, starts(1), sent) == "PROVEN"
