"""The runner on real small services: what it runs, skips, repeats and survives."""

from dataclasses import replace

import pytest
from roadworthy import runner as running
from roadworthy.domain.evidence import Discovery, ErrorAnswers, Logs, NotRun, StartsAndStops, WithheldSettings
from roadworthy.domain.target import ConfigurationSpec
from roadworthy.experiments.bench import Bench
from roadworthy.experiments.experiment import Experiment
from roadworthy.recording.writer import RecordingError
from roadworthy.target.instance import DidNotStartError, TargetError
from roadworthy.target.servers import free_port


def planned(monkeypatch: pytest.MonkeyPatch, *experiments: Experiment) -> None:
    """Let these be the only experiments."""
    monkeypatch.setattr(running, "plan", lambda _: experiments)


def experiment(name: str, run, makes=(Logs,), **rest) -> Experiment:
    return Experiment(name, f"doing {name}", makes, run, 1.0, **rest)


async def quiet(bench: Bench) -> None:
    """An experiment that does nothing and records one thing."""
    bench.keep(Logs, instance="", total=0, lines=(bench.experiment,), during="")


async def test_a_plain_run_discovers_and_then_experiments(bed) -> None:
    await bed.run(bed.spec(), kinds=(StartsAndStops,))
    (found,) = bed.of(Discovery)
    assert [each.path for each in found.health] == ["/healthz"]
    assert found.owns_port
    (seen,) = bed.of(StartsAndStops)
    assert len(seen.starts) == len(seen.stops) == 3
    assert all(each.ready_s is not None for each in seen.starts)
    assert all(each.exit_status == 0 for each in seen.stops)
    assert bed.skipped() == {}
    assert bed.listener.items("started") == bed.listener.items("finished")


async def test_only_experiments_that_make_wanted_evidence_run(bed, monkeypatch) -> None:
    planned(
        monkeypatch,
        experiment("both", quiet, makes=(StartsAndStops, Logs)),
        experiment("other", quiet, makes=(WithheldSettings,)),
    )
    await bed.run(bed.spec(), kinds=(Logs,))
    assert [each["id"] for each in bed.events("experiment")] == ["both"]


async def test_without_wishes_all_run(bed, monkeypatch) -> None:
    planned(monkeypatch, experiment("one", quiet, alone=True), experiment("two", quiet), experiment("three", quiet))
    await bed.run(bed.spec())
    assert sorted(each["id"] for each in bed.events("experiment")) == ["one", "three", "two"]
    assert bed.events("experiment")[0]["id"] == "one"  # what measures time runs before the others, and alone


async def test_experiments_run_side_by_side_except_those_that_must_be_alone(bed, monkeypatch) -> None:
    together: list[int] = []
    active = 0

    async def watch(bench: Bench) -> None:
        nonlocal active
        active += 1
        together.append(active)
        async with bench.state() as state, bench.serving(state):
            together.append(active)
        active -= 1

    planned(monkeypatch, *(experiment(f"e{n}", watch) for n in range(4)))
    await bed.run(bed.spec())
    assert 1 < max(together) <= running.LANES
    together.clear()
    planned(monkeypatch, *(experiment(f"e{n}", watch, alone=True) for n in range(2)))
    await bed.run(bed.spec())
    assert max(together) == 1


async def test_a_target_with_a_fixed_port_is_never_started_twice_at_a_time(bed, monkeypatch) -> None:
    async def serve(bench: Bench) -> None:
        async with bench.state() as state, bench.serving(state) as instance:
            assert instance.port == bench.spec.port

    planned(monkeypatch, *(experiment(f"e{n}", serve) for n in range(3)))
    await bed.run(bed.spec(port=free_port()))
    assert bed.skipped() == {}


async def test_what_is_past_the_budget_is_not_begun_and_says_so(bed, monkeypatch) -> None:
    planned(monkeypatch, experiment("late", quiet, makes=(StartsAndStops,)))
    await bed.run(bed.spec(), budget_s=0)
    (skipped,) = bed.of(NotRun)
    assert (skipped.experiment, skipped.reason, skipped.would_have_made) == ("late", "budget", ("StartsAndStops",))
    assert "larger --budget" in skipped.decidable_by
    assert bed.events("experiment") == []


async def test_a_bug_in_one_experiment_costs_that_one(bed, monkeypatch) -> None:
    async def buggy(bench: Bench) -> None:
        raise ZeroDivisionError("a slip")

    planned(monkeypatch, experiment("buggy", buggy), experiment("sound", quiet))
    await bed.run(bed.spec())
    assert bed.skipped() == {"buggy": "tool-error"}
    assert "ZeroDivisionError: a slip" in bed.of(NotRun)[0].explanation
    assert "sound" in [each.experiment for each in bed.of(Logs)]


async def test_a_target_that_does_not_start_again_costs_that_experiment(bed, monkeypatch) -> None:
    async def restart(bench: Bench) -> None:
        raise DidNotStartError("it stayed silent", None, (), 1.0)

    planned(monkeypatch, experiment("restart", restart))
    await bed.run(bed.spec())
    assert bed.skipped() == {"restart": "target-unhealthy"}


async def test_a_full_disk_ends_everything_with_one_plain_error(bed, monkeypatch) -> None:
    async def full(bench: Bench) -> None:
        raise RecordingError("cannot write the recording")

    planned(monkeypatch, experiment("one", full), experiment("two", full))
    with pytest.raises(RecordingError, match="cannot write the recording"):
        await bed.run(bed.spec())


async def test_what_an_experiment_was_refused_with_is_kept(bed, monkeypatch) -> None:
    async def ask(bench: Bench) -> None:
        async with bench.state() as state, bench.serving(state) as instance:
            for path in ("/nothing", "/nothing", "/healthz", "/else"):
                await instance.client.send("GET", path)
        raise ZeroDivisionError("also when it fails later")

    planned(monkeypatch, experiment("ask", ask))
    await bed.run(bed.spec())
    (kept,) = [each for each in bed.of(ErrorAnswers) if each.experiment == "ask"]
    assert [each.path for each in kept.exchanges] == ["/nothing", "/else"]  # one of each kind
    assert kept.total == 3


async def test_a_counterexample_is_replayed_once_as_a_second_trial(bed, monkeypatch) -> None:
    planned(monkeypatch, experiment("a", quiet), experiment("b", quiet))
    await bed.run(bed.spec(), to_replay=lambda *_: ["a", "gone"])
    trials = [(each.experiment, each.trial) for each in bed.of(Logs)]
    assert sorted(trials) == [("a", 1), ("a", 2), ("b", 1)]
    assert "default/a#replay" in bed.listener.items("finished")


async def test_a_replay_alone_runs_one_experiment_as_a_second_trial(bed, monkeypatch) -> None:
    planned(monkeypatch, experiment("a", quiet), experiment("b", quiet))
    await bed.run(bed.spec(), replay="b")
    assert [(each.experiment, each.trial) for each in bed.of(Logs)] == [("b", 2)]


async def test_a_replay_of_the_discovery_discovers_again(bed, monkeypatch) -> None:
    planned(monkeypatch)
    await bed.run(bed.spec(), replay="discovery")
    assert [each.trial for each in bed.of(Discovery)] == [1, 2]


async def test_a_replay_of_an_experiment_that_is_gone_says_so(bed, monkeypatch) -> None:
    planned(monkeypatch, experiment("a", quiet))
    with pytest.raises(TargetError, match="there is no experiment 'b' for this target any more"):
        await bed.run(bed.spec(), replay="b")


KEYED = {"SIGNING_KEY": "canary-key"}


async def test_a_first_configuration_that_does_not_start_ends_the_inspection(bed) -> None:
    spec = bed.spec(environment={**KEYED, "MODE": "broken"})
    with pytest.raises(TargetError, match="this mode does not work"):
        await bed.run(spec)


async def test_a_further_configuration_that_does_not_start_costs_that_one(bed, monkeypatch) -> None:
    planned(monkeypatch, experiment("a", quiet))
    broken = ConfigurationSpec("broken", {"MODE": "broken"})
    spec = bed.spec(environment=KEYED, configurations=(ConfigurationSpec("sound"), broken))
    bed.recorder.redactor.learn_environment(KEYED)
    await bed.run(spec)
    assert [each.configuration for each in bed.of(Logs)] == ["sound"]
    (skipped,) = bed.of(NotRun)
    assert (skipped.configuration, skipped.reason) == ("broken", "target-unhealthy")
    (message,) = bed.listener.items("message")
    assert "configuration broken" in message
    assert "this mode does not work; the key is [redacted:SIGNING_KEY]" in message


async def test_no_secret_is_shown_while_it_runs(bed, monkeypatch) -> None:
    async def tell(bench: Bench) -> None:
        raise TargetError("it said canary-key")

    planned(monkeypatch, experiment("tell", tell))
    bed.recorder.redactor.learn_environment(KEYED)
    await bed.run(bed.spec(environment=KEYED))
    assert ("finished", "default/tell", "could not run: it said [redacted:SIGNING_KEY]") in bed.listener.heard


async def test_what_was_found_is_filled_into_the_target(bed) -> None:
    spec = bed.spec()
    runner = running.Runner(bed.recorder, bed.listener, lambda *_: (), running.Wishes())
    learnt = await runner.discover_only(spec)
    assert learnt.endpoints.health == "/healthz"
    assert learnt.endpoints.readiness == ""
    assert replace(learnt, endpoints=spec.endpoints) == spec
