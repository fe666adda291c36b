"""A dependency that does what its script says, step by step."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from chassis.clock import SYSTEM_CLOCK, Clock
from chassis.testing.waking import waking


@dataclass(frozen=True)
class Hang:
    """Don't come back until the test calls ``release()``; then do the next thing.

    Attributes:
        then: what to do when released: an answer, an error to raise, or another step.
    """

    then: Any = None


@dataclass(frozen=True)
class Slow:
    """Take some time, then do the next thing.

    Attributes:
        seconds: how long, on the script's clock.
        then: what to do then: an answer, an error to raise, or another step.
    """

    seconds: float
    then: Any = None


HANG = Hang()
_NOTHING = object()


class ScriptedDependency:
    """Does the next step of a script at each call: raises an error, does a ``Hang`` or ``Slow``, returns all else.

    ::

        dependency = ScriptedDependency(ConnectionError("refused"), "an answer", then="the same from now on")
        pipeline.call(dependency.call)          # or: await pipeline.acall(dependency.acall)
        assert len(dependency.calls) == 2

    Args:
        steps: one a call.
        then: the step for all further calls; without one, a further call is an error of the test.
        clock: what ``Slow`` waits on.
    """

    def __init__(self, *steps: Any, then: Any = _NOTHING, clock: Clock = SYSTEM_CLOCK) -> None:
        """Begin at the first step."""
        self.calls: list[tuple[tuple[Any, ...], dict[str, Any]]] = []
        self.under_way = 0
        self.most_at_once = 0
        self._steps = steps
        self._then = then
        self._clock = clock
        self._lock = threading.Lock()
        self._released = threading.Event()
        self._on_release: list[Callable[[], None]] = []

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """Do the next step."""
        step = self._begin(args, kwargs)
        try:
            while isinstance(step, Hang | Slow):
                if isinstance(step, Slow):
                    self._clock.sleep(step.seconds)
                else:
                    self._released.wait()
                step = step.then
            return _answer(step)
        finally:
            self._end()

    async def acall(self, *args: Any, **kwargs: Any) -> Any:
        """Do the next step, in an event loop."""
        step = self._begin(args, kwargs)
        try:
            while isinstance(step, Hang | Slow):
                if isinstance(step, Slow):
                    await self._clock.asleep(step.seconds)
                else:
                    await self._until_released()
                step = step.then
            return _answer(step)
        finally:
            self._end()

    def release(self) -> None:
        """Let all calls that hang go on; from now on, no call hangs."""
        with self._lock:
            self._released.set()
            waiting, self._on_release = self._on_release, []
        for wake in waiting:
            wake()

    async def _until_released(self) -> None:
        released, wake = waking()
        with self._lock:
            if self._released.is_set():
                return
            self._on_release.append(wake)
        await released

    def _begin(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        with self._lock:
            number = len(self.calls)
            self.calls.append((args, kwargs))
            if number >= len(self._steps) and self._then is _NOTHING:
                raise AssertionError(f"the script has {len(self._steps)} steps, and this is call {number + 1}")
            self.under_way += 1
            self.most_at_once = max(self.most_at_once, self.under_way)
            return self._steps[number] if number < len(self._steps) else self._then

    def _end(self) -> None:
        with self._lock:
            self.under_way -= 1


def _answer(step: Any) -> Any:
    if isinstance(step, BaseException) or (isinstance(step, type) and issubclass(step, BaseException)):
        raise step
    return step
