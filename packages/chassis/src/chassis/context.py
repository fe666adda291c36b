"""What belongs to the request under way: its correlation id, its place in a trace, and its deadline.

They are context variables: they follow a request through ``await``, ``asyncio.to_thread`` and tasks that it starts, and
never leak into another. The edge sets them; logs, guarded calls and outgoing HTTP read them.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

correlation_id: ContextVar[str] = ContextVar("correlation_id", default="")
"""The id that ties together all that one request left behind; "" outside of requests."""

traceparent: ContextVar[str] = ContextVar("traceparent", default="")
"""The W3C trace context of the request, as the header ``traceparent`` has it; "" outside of requests."""

deadline: ContextVar[float | None] = ContextVar("deadline", default=None)
"""When the request's time is used up, on the clock of ``time.monotonic()``; None for never."""


def remaining_s(now: float | None = None) -> float | None:
    """Return how many seconds are left for the request under way: 0.0 when none are, None when there is no deadline."""
    until = deadline.get()
    if until is None:
        return None
    return max(until - (time.monotonic() if now is None else now), 0.0)


@contextmanager
def time_limit(seconds: float, now: float | None = None) -> Iterator[None]:
    """Give what runs inside at most so many seconds. An earlier deadline of an outer scope stays."""
    until = (time.monotonic() if now is None else now) + seconds
    outer = deadline.get()
    token = deadline.set(until if outer is None else min(outer, until))
    try:
        yield
    finally:
        deadline.reset(token)
