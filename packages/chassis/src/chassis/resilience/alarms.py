"""Ends coroutines whose time is up, at a third of the cost of ``asyncio.timeout``.

That makes a timer for each call and cancels it again. Here all calls with the same time limit wait in one line. It is
in the order of their deadlines because it is in the order of their beginnings, so only the first of the line needs a
timer: joining and leaving is an entry in a dict. Calls that an outer deadline cuts short would break the order: they
get a timer of their own.

What happens at the deadline is the same as in ``asyncio.timeout``: the task is cancelled, and whoever set the limit
turns that into an error of its own, unless the task was cancelled by somebody else as well (``Task.uncancel`` tells).
"""

import asyncio
import contextvars
import threading
from typing import Any

from chassis.clock import SYSTEM_CLOCK, Clock

_TICK_S = 0.001  # some event loops round to milliseconds, and ring too early: then once more, but not at once


class Limit:
    """The time limit of one call in one task."""

    __slots__ = ("_cancelling", "_task", "alarm", "expired", "until")

    def __init__(self, task: asyncio.Task[Any] | None, until: float) -> None:
        """Note how often the task had been cancelled before: those cancellations are not ours."""
        if task is None:
            raise RuntimeError("a time limit needs a task to cancel: await the guarded call in one")
        self._task = task
        self._cancelling = task.cancelling()
        self.until = until
        self.expired = False
        self.alarm: Any = None

    def expire(self) -> None:
        """Time is up."""
        self.expired = True
        self._task.cancel()

    def took_back(self) -> bool:
        """Take our cancellation back once it has arrived; tell whether it was the only one."""
        return self._task.uncancel() <= self._cancelling


class Line:
    """Limits that come in the order of their deadlines, in one event loop, on the system's clock."""

    __slots__ = ("_armed", "_context", "_limits", "loop")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begin empty."""
        self.loop = loop
        self._limits: dict[Limit, None] = {}
        self._armed = False
        self._context = contextvars.Context()  # with a request's own, the timer would keep that alive

    def add(self, limit: Limit) -> None:
        """Expire it at its time."""
        self._limits[limit] = None
        if not self._armed:
            self._arm(limit.until)

    def remove(self, limit: Limit) -> None:
        """Don't expire it any more."""
        self._limits.pop(limit, None)

    def _arm(self, until: float) -> None:
        self._armed = True
        self.loop.call_later(max(until - SYSTEM_CLOCK.monotonic(), _TICK_S), self._ring, context=self._context)

    def _ring(self) -> None:
        self._armed = False
        now = SYSTEM_CLOCK.monotonic()
        expired = []
        for limit in self._limits:
            if limit.until > now:
                self._arm(limit.until)
                break
            expired.append(limit)
        for limit in expired:
            del self._limits[limit]
            limit.expire()


class Timers:
    """Limits in any order, with a timer each, on any clock."""

    __slots__ = ("_clock", "_context", "_offset_s", "loop")

    def __init__(self, loop: asyncio.AbstractEventLoop, clock: Clock) -> None:
        """Begin empty."""
        self.loop = loop
        self._clock = clock
        self._context = contextvars.Context()  # with a request's own, the timer would keep that alive
        self._offset_s = loop.time() - clock.monotonic()

    def add(self, limit: Limit) -> None:
        """Expire it at its time."""
        if self._clock is SYSTEM_CLOCK:
            limit.alarm = self.loop.call_at(limit.until + self._offset_s, self._ring, limit, context=self._context)
        else:
            limit.alarm = self.loop.create_task(self._wait(limit))

    def remove(self, limit: Limit) -> None:
        """Don't expire it any more."""
        limit.alarm.cancel()

    def _ring(self, limit: Limit) -> None:
        early_s = limit.until - self._clock.monotonic()
        if early_s > 0:
            limit.alarm = self.loop.call_later(max(early_s, _TICK_S), self._ring, limit, context=self._context)
        else:
            limit.expire()

    async def _wait(self, limit: Limit) -> None:
        await self._clock.asleep(max(limit.until - self._clock.monotonic(), 0.0))
        limit.expire()


class Alarms:
    """What one time limit needs in each event loop: a line for calls that have all of it, timers for the others."""

    __slots__ = ("line", "loop", "timers")

    def __init__(self, loop: asyncio.AbstractEventLoop, clock: Clock) -> None:
        """Begin empty."""
        self.loop = loop
        self.timers = Timers(loop, clock)
        self.line: Line | Timers = Line(loop) if clock is SYSTEM_CLOCK else self.timers


class AlarmsByLoop:
    """The alarms of each event loop; ``latest`` is those asked for last, which are nearly always those wanted next."""

    def __init__(self, clock: Clock) -> None:
        """Begin with none."""
        self.latest: Alarms | None = None
        self._clock = clock
        self._all: dict[asyncio.AbstractEventLoop, Alarms] = {}
        self._lock = threading.Lock()

    def of(self, loop: asyncio.AbstractEventLoop) -> Alarms:
        """Return those of a loop, and forget those of loops that are closed."""
        with self._lock:
            if loop not in self._all:
                self._all = {each: alarms for each, alarms in self._all.items() if not each.is_closed()}
                self._all[loop] = Alarms(loop, self._clock)
            self.latest = self._all[loop]
            return self._all[loop]
