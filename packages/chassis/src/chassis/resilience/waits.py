"""The waits between attempts: on the pipeline's clock, unless a test takes them over."""

from collections.abc import Callable

from chassis.clock import Clock

taken_over: list[Callable[[float], None]] = []
"""What is called in place of waiting, the last one first: see :func:`chassis.testing.instant_backoff`."""


def sleep(clock: Clock, seconds: float) -> None:
    """Wait in a thread."""
    if taken_over:
        taken_over[-1](seconds)
    else:
        clock.sleep(seconds)


async def asleep(clock: Clock, seconds: float) -> None:
    """Wait in an event loop."""
    if taken_over:
        taken_over[-1](seconds)
    else:
        await clock.asleep(seconds)
