"""What one experiment is handed: the target, fresh states and instances of it, and a place to put evidence."""

import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from roadworthy.domain.evidence import Answer, Discovery, ErrorAnswers, Evidence, Exchange, HealthEndpoint, Logs, Sample
from roadworthy.domain.target import TargetSpec
from roadworthy.experiments.laboratory import Laboratory
from roadworthy.recording.writer import RecordingWriter
from roadworthy.target.instance import Instance, launch, until_serving
from roadworthy.target.state import State
from roadworthy.traffic.client import Client, sample
from roadworthy.traffic.openapi import Operation
from roadworthy.traffic.transaction import Transactor

KEPT_LOG_LINES = 1_000
KEPT_ERRORS = 400


@dataclass(frozen=True)
class Baseline:
    """What discovery learnt, for the experiments after it. ``spec`` is the target with what was found filled in."""

    spec: TargetSpec
    discovery: Discovery
    operations: tuple[Operation, ...] = ()
    ready_s: float = 1.0  # how long the first start took
    document: Mapping[str, Any] = field(default_factory=dict)  # the OpenAPI document
    settings_searched: str = "manifest"
    settings_complete: bool = True
    reads: tuple[str, ...] = ()  # variables that the target's code was seen to read at start-up

    @property
    def health(self) -> tuple[HealthEndpoint, ...]:
        """The health endpoints found."""
        return self.discovery.health


class Bench:
    """One experiment's place to work. Whatever it starts is ended when it is left."""

    def __init__(
        self,
        laboratory: Laboratory,
        recorder: RecordingWriter,
        baseline: Baseline,
        *,
        experiment: str,
        trial: int,
        configuration: str,
        note: Callable[[str], None] = lambda _: None,
    ) -> None:
        """Bind an experiment to a target."""
        self.laboratory = laboratory
        self.recorder = recorder
        self.baseline = baseline
        self.spec = baseline.spec
        self.bounds = baseline.spec.bounds
        self.experiment = experiment
        self.trial = trial
        self.configuration = configuration
        self.note = note
        self._errors: dict[tuple[str, str, int | None, str], Exchange] = {}
        self._error_count = 0

    @property
    def now(self) -> float:
        """Seconds since the recording began."""
        return time.monotonic() - self.recorder.epoch

    def keep(self, kind: type[Evidence], /, **observed: Any) -> None:
        """Record one piece of evidence under this experiment's name."""
        stamp: dict[str, Any] = {
            "experiment": self.experiment,
            "trial": self.trial,
            "configuration": self.configuration,
        }
        self.recorder.keep(kind(**stamp, **observed))

    def keep_exchange(self, exchange: Exchange) -> None:
        """Record an exchange; error answers are remembered for :class:`ErrorAnswers`, one of each kind."""
        self.recorder.exchange(exchange)
        if exchange.status is None or exchange.status < 400:
            return
        self._error_count += 1
        key = (exchange.method, exchange.path.partition("?")[0][:80], exchange.status, exchange.body[:60])
        if len(self._errors) < KEPT_ERRORS:
            self._errors.setdefault(key, exchange)

    def keep_error_answers(self) -> None:
        """Record the error answers seen by this experiment, if there were any."""
        if self._errors:
            self.keep(ErrorAnswers, exchanges=tuple(self._errors.values()), total=self._error_count)

    @asynccontextmanager
    async def state(self) -> AsyncIterator[State]:
        """Give a fresh state."""
        async with self.laboratory.state(self.spec) as state:
            yield state

    async def start(self, state: State, *, withhold: str = "", label: str = "", watch: bool = False) -> Instance:
        """Start an instance; the caller ends it. It may not serve yet."""
        instance = await launch(
            state, self.keep_exchange, self.recorder.epoch, withhold=withhold, label=label, watch=watch
        )
        self.recorder.redactor.learn_environment(instance.settings)
        self.recorder.event(
            "start",
            experiment=self.experiment,
            trial=self.trial,
            label=label,
            pid=instance.process.pid,
            withheld=withhold,
        )
        return instance

    async def until_serving(self, instance: Instance, bound_s: float | None = None) -> None:
        """Wait until the instance serves, as :meth:`works` has it.

        Raises:
            DidNotStartError: it did not within the bound (the target's start bound times two by default).
        """
        await until_serving(instance, bound_s or 2 * self.bounds.start_s, self._client, self.works)

    async def until_answering(self, instance: Instance, bound_s: float) -> None:
        """Wait until the instance answers HTTP at all.

        Raises:
            DidNotStartError: it did not within the bound.
        """

        async def answers(client: Client) -> bool:
            exchange = await client.send("GET", "/", purpose="does it answer")
            return exchange.answer is Answer.ANSWERED

        await until_serving(instance, bound_s, self._client, answers)

    def _client(self, port: int) -> Client:
        return Client(f"http://127.0.0.1:{port}", self.keep_exchange, self.recorder.epoch, self.spec.auth_headers)

    async def works(self, client: Client) -> bool:
        """Ask for the first sign of life: a create, else a healthy health endpoint, else an answer that is no error."""
        return (await self.sign_of_life(client)).ok

    async def sign_of_life(self, client: Client, timeout: float = 10.0, purpose: str = "sign of life") -> Sample:
        """Try what this target is known by, once."""
        if self.spec.transaction is not None:
            taken, _ = await Transactor(client, self.spec.transaction).create(timeout, purpose)
            return taken
        path = self.baseline.health[0].path if self.baseline.health else "/"
        exchange = await client.send("GET", path, timeout=timeout, purpose=purpose)
        if self.baseline.health:
            return sample(exchange)
        return sample(exchange, ok=exchange.status is not None and (exchange.status < 400 or exchange.status == 404))

    def transactor(self, instance: Instance) -> Transactor | None:
        """Return the transaction bound to an instance, when the target has one."""
        return Transactor(instance.client, self.spec.transaction) if self.spec.transaction is not None else None

    @asynccontextmanager
    async def serving(self, state: State, label: str = "", during: str = "") -> AsyncIterator[Instance]:
        """Start an instance on a state, wait until it serves, keep its log, and end it."""
        instance = await self.start(state, label=label)
        async with AsyncExitStack() as stack:
            stack.push_async_callback(instance.end)
            await self.until_serving(instance)
            stack.callback(self.keep_logs, instance, during or label)
            yield instance

    def keep_logs(self, instance: Instance, during: str) -> None:
        """Record what the instance wrote since it was ready. Of a line that was cut nobody can say what it was."""
        lines = [line for line in instance.lines_when_ready() if line.text.strip()]
        whole = tuple(line.text for line in lines if not line.cut)[:KEPT_LOG_LINES]
        if lines:
            self.keep(
                Logs,
                instance=instance.label,
                total=len(lines),
                lines=whole,
                cut=sum(line.cut for line in lines),
                during=during,
            )
