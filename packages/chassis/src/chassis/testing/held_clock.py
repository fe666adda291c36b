"""A clock that stands still until a test moves it."""

import asyncio
import threading
import time
from collections.abc import Callable

from chassis.testing.waking import waking

_BOUND_S = 10.0


class _Sleeper:
    def __init__(self, until: float, wake: Callable[[], None]) -> None:
        self.until = until
        self.wake = wake


class HeldClock:
    """Takes the place of ``SYSTEM_CLOCK``; :meth:`advance` moves it, and whoever's time has come wakes.

    ::

        clock = HeldClock()
        pipeline = Pipeline("quotes", policy, clock=clock)
        ...
        clock.advance(30.0)

    A retry's wait, a breaker's time and a coroutine's deadline follow it. What needs real threads or files to wait
    (``HardTimeout``, ``Bulkhead.max_wait_s``) takes real time.

    Args:
        monotonic: where :meth:`monotonic` begins, in seconds.
        time: where :meth:`time` begins, in seconds since 1970-01-01 UTC.
    """

    def __init__(self, monotonic: float = 1_000.0, time: float = 1_700_000_000.0) -> None:
        """Stand still."""
        self._monotonic = monotonic
        self._offset = time - monotonic
        self._sleepers: list[_Sleeper] = []
        self._changed = threading.Condition()

    def monotonic(self) -> float:
        """Seconds from an arbitrary start."""
        return self._monotonic

    def time(self) -> float:
        """Seconds since 1970-01-01 UTC."""
        return self._monotonic + self._offset

    def advance(self, seconds: float) -> None:
        """Move on, and wake whoever's time has come.

        Raises:
            ValueError: time does not go back.
        """
        if seconds < 0:
            raise ValueError(f"expected 0 or more seconds, because time does not go back, not {seconds!r}")
        with self._changed:
            self._monotonic += seconds
            due = [sleeper for sleeper in self._sleepers if sleeper.until <= self._monotonic]
            self._sleepers = [sleeper for sleeper in self._sleepers if sleeper.until > self._monotonic]
        for sleeper in sorted(due, key=lambda each: each.until):
            sleeper.wake()

    def sleep(self, seconds: float) -> None:
        """Wait in a thread until somebody has moved the clock on so far."""
        woken = threading.Event()
        sleeper = self._add(seconds, woken.set)
        if not sleeper:
            return
        try:
            woken.wait()
        finally:
            self._remove(sleeper)

    async def asleep(self, seconds: float) -> None:
        """Wait in an event loop until somebody has moved the clock on so far."""
        woken, wake = waking()
        sleeper = self._add(seconds, wake)
        if not sleeper:
            await asyncio.sleep(0)
            return
        try:
            await woken
        finally:
            self._remove(sleeper)

    @property
    def sleepers(self) -> int:
        """How many are asleep."""
        return len(self._sleepers)

    def wait_for_sleepers(self, count: int = 1, *, within_s: float = _BOUND_S) -> None:
        """Wait in a thread, in real time, until at least so many are asleep.

        Raises:
            TimeoutError: they are not.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: self.sleepers >= count, within_s):
                raise TimeoutError(self._too_few(count, within_s))

    async def await_sleepers(self, count: int = 1, *, within_s: float = _BOUND_S) -> None:
        """Wait in an event loop, in real time, until at least so many are asleep.

        Raises:
            TimeoutError: they are not.
        """
        until = time.monotonic() + within_s
        while self.sleepers < count:
            if time.monotonic() > until:
                raise TimeoutError(self._too_few(count, within_s))
            await asyncio.sleep(0.001)

    def _too_few(self, count: int, within_s: float) -> str:
        return f"expected {count} asleep within {within_s:g} s, found {self.sleepers}"

    def _add(self, seconds: float, wake: Callable[[], None]) -> _Sleeper | None:
        if seconds <= 0:
            return None
        with self._changed:
            sleeper = _Sleeper(self._monotonic + seconds, wake)
            self._sleepers.append(sleeper)
            self._changed.notify_all()
        return sleeper

    def _remove(self, sleeper: _Sleeper) -> None:
        with self._changed:
            if sleeper in self._sleepers:
                self._sleepers.remove(sleeper)
