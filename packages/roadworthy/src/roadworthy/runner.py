"""Runs an inspection: discover, plan, experiment, replay. It records; it judges nothing itself."""

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import Protocol

from roadworthy.domain.evidence import Discovery, Evidence, NotRun
from roadworthy.domain.target import ConfigurationSpec, EndpointsSpec, TargetSpec
from roadworthy.domain.verdict import Reason
from roadworthy.experiments.bench import Baseline, Bench
from roadworthy.experiments.discovery import LookAgainError, blank_discovery, discover
from roadworthy.experiments.experiment import Experiment, plan
from roadworthy.experiments.laboratory import Laboratory
from roadworthy.recording.codec import evidence_types
from roadworthy.recording.writer import RecordingError, RecordingWriter
from roadworthy.target.instance import DidNotStartError, TargetError
from roadworthy.target.processes import StartError
from roadworthy.target.servers import ServerError
from roadworthy.target.state import SetupError

LANES = 3
SLOW_START_S = 3.0
REPLAY_TRIAL = 2

ALL_KINDS = tuple(evidence_types().values())
TARGET_ERRORS = (TargetError, StartError, ServerError, SetupError)


class Listener(Protocol):
    """What the runner tells of its work."""

    def plan(self, items: Sequence[tuple[str, str, float]]) -> None:
        """Hear of work to come: id, label and expected seconds of each item."""

    def started(self, item: str) -> None:
        """Hear that work on an item began."""

    def note(self, item: str, text: str) -> None:
        """Hear what is going on within an item."""

    def finished(self, item: str, text: str) -> None:
        """Hear that an item ended."""

    def message(self, text: str) -> None:
        """Hear something that belongs to no item."""


@dataclass(frozen=True)
class Wishes:
    """What the user asked for.

    Args:
        kinds: the kinds of evidence wanted; all of them when empty.
        budget_s: no experiment is begun after this many seconds.
        replay: the id of the one experiment to run; all of them when "".
        settings_searched: where the target's settings were looked for.
        settings_complete: whether every place that could read one was seen and understood.
    """

    kinds: tuple[type[Evidence], ...] = ()
    budget_s: float = 900.0
    replay: str = ""
    settings_searched: str = "the manifest"
    settings_complete: bool = True


class Runner:
    """Runs the experiments of one inspection.

    Args:
        recorder: where everything goes.
        listener: hears of the progress.
        to_replay: names the experiments whose counterexamples must be seen again, from the evidence so far in a
            configuration; its last argument says whether all experiments have been run.
        wishes: what the user asked for.
        complete: adds to the target what its start-up showed: the names of the variables that its code read.
    """

    def __init__(
        self,
        recorder: RecordingWriter,
        listener: Listener,
        to_replay: Callable[[Sequence[Evidence], str, bool], Iterable[str]],
        wishes: Wishes,
        complete: Callable[[TargetSpec, Sequence[str]], TargetSpec] = lambda spec, _: spec,
    ) -> None:
        """Bind a runner to a recording."""
        self.recorder = recorder
        self.listener = listener
        self.wishes = wishes
        self._to_replay = to_replay
        self._complete = complete
        self._replayed: set[tuple[str, str]] = set()
        self._deadline = time.monotonic() + wishes.budget_s

    async def run(self, spec: TargetSpec) -> None:
        """Inspect every configuration of the target.

        Raises:
            TargetError: the target's first configuration cannot be run (also StartError, ServerError, SetupError).
        """
        async with Laboratory() as laboratory:
            for number, configuration in enumerate(configurations_of(spec)):
                try:
                    await self._inspect(laboratory, spec.configured(configuration), configuration.name)
                except TARGET_ERRORS as error:
                    if number == 0:
                        raise
                    self._skip(configuration.name, "discovery", ALL_KINDS, Reason.TARGET_UNHEALTHY, str(error))
                    self.listener.message(self.recorder.redactor.clean(f"configuration {configuration.name}: {error}"))

    def _blank(self, spec: TargetSpec, configuration: str) -> Baseline:
        return Baseline(
            spec,
            blank_discovery(configuration),
            settings_searched=self.wishes.settings_searched,
            settings_complete=self.wishes.settings_complete,
        )

    async def discover_only(self, spec: TargetSpec) -> TargetSpec:
        """Start the target once in its first configuration and return it with what was found filled in."""
        configuration = configurations_of(spec)[0]
        async with Laboratory() as laboratory:
            blank = self._blank(spec.configured(configuration), configuration.name)
            baseline = await discover(self._bench(laboratory, blank, "discovery", 1, configuration.name))
        return with_findings(spec, baseline)

    async def _inspect(self, laboratory: Laboratory, spec: TargetSpec, configuration: str) -> None:
        label = f"discovering ({configuration})"
        item = f"{configuration}/discovery"
        self.listener.plan([(item, label, 3.0)])
        self.listener.started(item)
        bench = self._bench(laboratory, self._blank(spec, configuration), "discovery", 1, configuration)
        try:
            baseline = await discover(bench, self._complete)
        except LookAgainError as more:
            self.listener.note(item, "at start-up it reads settings that its source did not show; looking again")
            bench = self._bench(laboratory, self._blank(more.spec, configuration), "discovery", 1, configuration)
            baseline = await discover(bench)
        bench.keep_error_answers()
        self.listener.finished(item, _found(baseline))
        await self._experiments(laboratory, baseline, configuration)

    async def _experiments(self, laboratory: Laboratory, baseline: Baseline, configuration: str) -> None:
        experiments = [each for each in plan(baseline) if self._wanted(each)]
        rediscovery = Experiment("discovery", "discovering again", (Discovery,), _rediscover, baseline.ready_s)
        by_id = {each.id: each for each in (*experiments, rediscovery)}
        self.listener.plan([(f"{configuration}/{each.id}", each.label, each.expected_s) for each in experiments])
        if self.wishes.replay:
            chosen = by_id.get(self.wishes.replay)
            if chosen is None:
                raise TargetError(f"there is no experiment {self.wishes.replay!r} for this target any more")
            await self._carry_out(laboratory, baseline, chosen, configuration, REPLAY_TRIAL)
            return
        for experiment in (each for each in experiments if each.alone):
            await self._carry_out(laboratory, baseline, experiment, configuration, 1)
        lanes = asyncio.Semaphore(1 if baseline.spec.port else 2 if baseline.ready_s > SLOW_START_S else LANES)
        side_by_side = sorted((e for e in experiments if not e.alone), key=lambda each: -each.expected_s)

        full: Exception | None = None

        async def in_lane(experiment: Experiment) -> None:
            async with lanes:
                await self._carry_out(laboratory, baseline, experiment, configuration, 1)
            await self._replay_counterexamples(laboratory, baseline, by_id, configuration, lanes)

        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._replay_counterexamples(laboratory, baseline, by_id, configuration, lanes))
                for experiment in side_by_side:
                    tasks.create_task(in_lane(experiment))
        except* RecordingError as unwritable:  # several experiments may find the disk full; one message says it
            full = unwritable.exceptions[0]
        if full is not None:
            raise full
        await self._replay_counterexamples(laboratory, baseline, by_id, configuration, None)

    async def _replay_counterexamples(
        self,
        laboratory: Laboratory,
        baseline: Baseline,
        by_id: dict[str, Experiment],
        configuration: str,
        lanes: asyncio.Semaphore | None,
    ) -> None:
        """Repeat, from a fresh start, the experiments that showed a counterexample; each once.

        With ``lanes`` others are still running or to come; without, they have all been run.
        """
        for experiment_id in list(self._to_replay(self.recorder.evidence, configuration, lanes is None)):
            experiment = by_id.get(experiment_id)
            if experiment is None or (configuration, experiment_id) in self._replayed:
                continue
            self._replayed.add((configuration, experiment_id))
            item = f"{configuration}/{experiment.id}#replay"
            self.listener.plan([(item, f"replaying: {experiment.label}", experiment.expected_s)])
            async with lanes or nullcontext():
                await self._carry_out(laboratory, baseline, experiment, configuration, REPLAY_TRIAL)

    def _wanted(self, experiment: Experiment) -> bool:
        return not self.wishes.kinds or not set(self.wishes.kinds).isdisjoint(experiment.makes)

    async def _carry_out(
        self, laboratory: Laboratory, baseline: Baseline, experiment: Experiment, configuration: str, trial: int
    ) -> None:
        item = f"{configuration}/{experiment.id}" + ("#replay" if trial > 1 and not self.wishes.replay else "")
        if time.monotonic() > self._deadline:
            text = f"the budget of {self.wishes.budget_s:g} s was used up before this experiment began"
            self._skip(configuration, experiment.id, experiment.makes, Reason.BUDGET, text, trial)
            return
        bench = self._bench(laboratory, baseline, experiment.id, trial, configuration, item)
        self.listener.started(item)
        self.recorder.event("experiment", id=experiment.id, trial=trial, configuration=configuration)
        outcome = "done"
        try:
            await experiment.run(bench)
        except DidNotStartError as error:
            outcome = f"could not run: {error}"
            self._skip(configuration, experiment.id, experiment.makes, Reason.TARGET_UNHEALTHY, str(error), trial)
        except RecordingError:
            raise
        except TARGET_ERRORS as error:
            outcome = f"could not run: {error}"
            self._skip(configuration, experiment.id, experiment.makes, Reason.TOOL_ERROR, str(error), trial)
        except Exception as error:  # noqa: BLE001 - a bug of ours must cost one experiment, not the inspection
            outcome = f"failed: {type(error).__name__}: {error}"
            self._skip(configuration, experiment.id, experiment.makes, Reason.TOOL_ERROR, outcome, trial)
        finally:
            bench.keep_error_answers()
        self.listener.finished(item, self.recorder.redactor.clean(outcome))

    def _skip(
        self,
        configuration: str,
        experiment: str,
        makes: tuple[type[Evidence], ...],
        reason: Reason,
        explanation: str,
        trial: int = 1,
    ) -> None:
        hints = {
            Reason.BUDGET: "Run again with a larger --budget.",
            Reason.TARGET_UNHEALTHY: "Make the target start every time, or raise start_s in [bounds].",
        }
        names = tuple(kind.__name__ for kind in makes)
        self.recorder.keep(
            NotRun(
                experiment=experiment,
                trial=trial,
                configuration=configuration,
                reason=reason.value,
                explanation=explanation,
                decidable_by=hints.get(reason, "Run again; if it stays, report it with the recording."),
                would_have_made=names,
            )
        )

    def _bench(
        self,
        laboratory: Laboratory,
        baseline: Baseline,
        experiment: str,
        trial: int,
        configuration: str,
        item: str = "",
    ) -> Bench:
        return Bench(
            laboratory,
            self.recorder,
            baseline,
            experiment=experiment,
            trial=trial,
            configuration=configuration,
            note=lambda text: self.listener.note(item, text) if item else None,
        )


def configurations_of(spec: TargetSpec) -> tuple[ConfigurationSpec, ...]:
    """Return the variants to inspect; one named ``default`` when none is declared."""
    return spec.configurations or (ConfigurationSpec("default"),)


async def _rediscover(bench: Bench) -> None:
    bench.baseline = replace(bench.baseline, spec=replace(bench.baseline.spec, port=bench.spec.port))
    await discover(bench)


def with_findings(spec: TargetSpec, baseline: Baseline) -> TargetSpec:
    """Fill in the endpoints and the transaction that discovery found."""
    discovery = baseline.discovery
    by_role: dict[str, str] = {}
    for each in discovery.health:
        by_role.setdefault(each.role, each.path)
    endpoints = EndpointsSpec(
        readiness=spec.endpoints.readiness or by_role.get("readiness", ""),
        liveness=spec.endpoints.liveness or by_role.get("liveness", ""),
        health=spec.endpoints.health or by_role.get("health", ""),
        metrics=spec.endpoints.metrics or discovery.metrics,
        openapi=spec.endpoints.openapi or discovery.openapi,
    )
    return replace(spec, endpoints=endpoints, transaction=baseline.spec.transaction)


def _found(baseline: Baseline) -> str:
    discovery = baseline.discovery
    health = ", ".join(each.path for each in discovery.health[:3]) or "no health endpoint"
    transaction = "a transaction that works" if discovery.transaction_works else "no transaction"
    dependencies = ", ".join(f"{each.name} ({each.kind})" for each in discovery.dependencies) or "no dependency"
    return f"{discovery.address}; {health}; {transaction}; {dependencies}"
