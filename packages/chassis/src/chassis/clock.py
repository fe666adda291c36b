"""Time, in one place, so that a test can hold it (see :mod:`chassis.testing`)."""

import asyncio
import time
from typing import Protocol


class Clock(Protocol):
    """Tells the time and waits. Everything in the chassis that needs either takes one of these."""

    def monotonic(self) -> float:
        """Seconds from an arbitrary start; never goes back."""

    def time(self) -> float:
        """Seconds since 1970-01-01 UTC."""

    def sleep(self, seconds: float) -> None:
        """Wait in a thread."""

    async def asleep(self, seconds: float) -> None:
        """Wait in an event loop."""


class SystemClock:
    """The machine's clock."""

    monotonic = staticmethod(time.monotonic)
    sleep = staticmethod(time.sleep)
    time = staticmethod(time.time)  # last: from here on, the name is the attribute

    async def asleep(self, seconds: float) -> None:
        """Wait in an event loop."""
        await asyncio.sleep(seconds)


SYSTEM_CLOCK: Clock = SystemClock()
