"""A service's life: an ordered, timed, logged start that tries again while a dependency is down, and an orderly stop.

The start goes through the phases of :class:`~chassis.steps.StartPhase`. A required dependency that is down makes it
wait and try again: the service is alive, and not ready, until it is back. An optional one is left out; it comes back by
itself. An error that is no dependency's fault ends the start, unless the port is open by then: then it is logged, and
tried again, and the service stays unready.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from time import monotonic
from typing import Any

from chassis.dependencies.declaration import Dependency
from chassis.dependencies.monitor import Monitor
from chassis.errors import DependencyDownError, DependencyError, SettingsError, StartError
from chassis.state import Phase, ServiceState
from chassis.steps import StartPhase, Step
from chassis.stopping import concluded, ended

PORT_OPENS_S = 5.0
"""The port opens when the start is done, has failed once, or after so many seconds: probes must get an answer."""

AGAIN_S = 1.0
"""Seconds between two attempts to start."""

logger = logging.getLogger("chassis.lifecycle")


class Lifecycle:
    """Starts and stops what belongs to a service, inside one event loop.

    Args:
        state: the phase, to be moved on.
        dependencies: in the order of declaration.
        steps: the service's own.
        on_stop: functions to call at the stop, the last one first.
        load: loads the settings, and returns the seconds that a start may take and whether to give up after them.
        forget: forgets them, after the stop.
    """

    def __init__(
        self,
        state: ServiceState,
        dependencies: Sequence[Dependency],
        steps: Sequence[Step],
        on_stop: Sequence[Callable[[], Any]],
        load: Callable[[], tuple[float, bool]],
        forget: Callable[[], None] = lambda: None,
    ) -> None:
        """Prepare; nothing is done yet."""
        self._state = state
        self._dependencies = dependencies
        self._steps = steps
        self._on_stop = on_stop
        self._load = load
        self._forget = forget
        self._monitor = Monitor(dependencies)
        self._limit_s = 60.0
        self._plan: list[Step] = []
        self._starting: asyncio.Task[None] | None = None
        self._failed_once = asyncio.Event()
        self._port_is_open = False

    def report(self) -> list[dict[str, Any]]:
        """Return how each step of the start went."""
        return [each.report() for each in self._plan]

    @property
    def running(self) -> bool:
        """Whether the service has begun to start, and has not stopped yet."""
        return self._starting is not None

    # -- start

    async def start(self, *further: Step) -> None:
        """Begin to start, and return when the port may open. What is missing by then goes on in the background.

        Args:
            further: steps that belong to this start only.

        Raises:
            SettingsError: the settings are wrong.
            StartError: a step failed, and it was no dependency's fault; or time is up and the settings say to give up.
        """
        self._plan = self._planned(further)
        for step in self._plan:
            step.reset()
        self._state.phase = Phase.STARTING
        self._failed_once = asyncio.Event()  # of the event loop of this start
        self._port_is_open = False
        began = monotonic()
        limit_s, give_up = self._validated()
        self._limit_s = limit_s
        self._starting = asyncio.create_task(self._until_started(began), name="start")
        await self._wait_for_the_port(limit_s if give_up else PORT_OPENS_S, give_up=give_up)
        self._port_is_open = True

    def _planned(self, further: Sequence[Step]) -> list[Step]:
        own = [
            Step("validate settings", StartPhase.SETTINGS, _nothing),
            Step("connect", StartPhase.CONNECT, self._connect),
            Step("watch dependencies", StartPhase.MONITORING, self._watch),
        ]
        order = list(StartPhase)
        return sorted([*own, *self._steps, *further], key=lambda step: order.index(step.phase))

    def _validated(self) -> tuple[float, bool]:
        """Carry out the first step here and now: what is wrong with settings doesn't change by itself."""
        step = self._plan[0]
        began = monotonic()
        step.attempts = 1
        step.status = "failed"
        loaded = self.validate()
        step.status, step.seconds = "done", monotonic() - began
        return loaded

    def validate(self) -> tuple[float, bool]:
        """Load the settings, and check what they say about dependencies.

        Returns:
            The seconds that a start may take, and whether to give up after them.

        Raises:
            SettingsError: the settings are wrong; all problems at once.
        """
        loaded = self._load()
        problems = []
        for each in self._dependencies:
            name = each.setting or each.name
            if not each.configured:
                if each.required:
                    problems.append(f"{name}: expected an address: the service cannot do without it")
                continue
            try:
                each.validate()
            except ValueError as error:
                problems.append(f"{name}: {error}")
        if problems:
            raise SettingsError(tuple(problems))
        return loaded

    async def _wait_for_the_port(self, seconds: float, *, give_up: bool) -> None:
        if self._starting is None:
            return
        failed = asyncio.create_task(self._failed_once.wait())
        try:
            waited_for = {self._starting} if give_up else {self._starting, failed}
            await asyncio.wait(waited_for, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            failed.cancel()
        if self._starting.cancelled():
            logger.info("start: given up, a stop was asked for")
        elif self._starting.done():
            self._starting.result()
        elif give_up:
            await self._cancel_start()
            unfinished = next((step.name for step in self._plan if not step.done), "start")
            raise StartError(unfinished, f"not done within the {seconds:g} s that the start may take")

    async def _until_started(self, began: float) -> None:
        while not await self._attempted() and not self._given_up:
            self._failed_once.set()
            await asyncio.sleep(AGAIN_S)
        if self._state.phase is Phase.STARTING:
            self._state.phase = Phase.SERVING
            seconds = round(monotonic() - began, 3)
            logger.info("started", extra={"context": {"seconds": seconds, "steps": self.report()}})

    @property
    def _given_up(self) -> bool:
        """Whether a stop was asked for: a step may have made something else of its cancellation."""
        return self._state.phase is not Phase.STARTING

    async def _attempted(self) -> bool:
        for step in self._plan:
            if self._given_up:
                return False
            if step.done and step.phase is not StartPhase.CONNECT:
                continue
            try:
                await step.carry_out(self._limit_s)
            except Exception as error:  # noqa: BLE001 - it is looked into, and logged or raised
                await self._failed(step, error)
                return False
            except asyncio.CancelledError as error:
                if (task := asyncio.current_task()) is None or task.cancelling():
                    raise
                # From inside: it waited for something that was cancelled. Passed on, it would end the start in silence.
                await self._failed(
                    step, RuntimeError("what it waited for was cancelled").with_traceback(error.__traceback__)
                )
                return False
            context = {"step": step.name, "phase": str(step.phase), "seconds": round(step.seconds, 3)}
            logger.info("start: %s: done", step.name, extra={"context": context})
        return True

    async def _failed(self, step: Step, error: Exception) -> None:
        """Decide whether to try again: log why, or raise."""
        if self._given_up:
            return
        again = _passes(error) or await self._someone_is_down()
        context = {"step": step.name, "phase": str(step.phase), "attempt": step.attempts, "again": again}
        if again:
            logger.warning("start: %s: %s", step.name, _reason(error), extra={"context": context})
            return
        logger.error("start: %s: failed", step.name, exc_info=error, extra={"context": context})
        if not self._port_is_open:
            raise StartError(step.name, f"failed: {type(error).__name__}: {error}") from error

    async def _someone_is_down(self) -> bool:
        await self._monitor.check_all()
        return any(each.required and not each.up for each in self._dependencies)

    async def _connect(self) -> None:
        await self._monitor.check_all()
        down = [each.name for each in self._dependencies if each.required and not each.up]
        if down:
            raise DependencyDownError(", ".join(down), "required, and not reachable")

    async def _watch(self) -> None:
        self._monitor.start()

    # -- stop

    async def stop(self, *first: Callable[[], Any]) -> None:
        """Stop, in the reverse order of the start. Every part has bounded time, and one that fails stops no other.

        Args:
            first: what is to be stopped before the service's own functions.
        """
        self._state.phase = Phase.DRAINING
        await self._cancel_start()
        await ended("health monitoring", self._monitor.stop)
        for function in (*first, *reversed(self._on_stop)):
            await ended(getattr(function, "__name__", "on_stop"), function)
        for dependency in reversed(self._dependencies):
            await ended(f"close {dependency.name}", dependency.close)
        self._starting = None
        self._forget()
        self._state.phase = Phase.STOPPED
        logger.info("stopped")

    def abandon(self) -> None:
        """Give up a start that is under way: a stop was asked for."""
        if self._starting is not None:
            self._starting.cancel()

    async def _cancel_start(self) -> None:
        if self._starting is not None and not self._starting.done():
            self._starting.cancel()
            await concluded("start", self._starting)


def _nothing() -> None:
    """Stand for a step that is carried out elsewhere."""


def _passes(error: Exception) -> bool:
    """Tell whether an error may be gone on the next try: a dependency's, a time limit's, or one that says so itself."""
    return isinstance(error, (DependencyError, StartError)) or bool(getattr(error, "transient", False))


def _reason(error: Exception) -> str:
    return str(error) if isinstance(error, (DependencyError, StartError)) else type(error).__name__
