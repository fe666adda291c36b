"""PostgreSQL connections that wait for a bounded time, whatever the server does.

``statement_timeout`` is kept by the server; a server that went silent, or a network that swallows packets, keeps
nothing. All reading of psycopg goes through ``wait``, so that is where the client's own bound is: the statement's, or
the deadline of the request under way, whichever is earlier. A connection that hits it is closed: its state is unknown.
"""

import time
from collections.abc import Generator
from typing import Any, Protocol, TypeVar

import psycopg

from chassis import context

T = TypeVar("T")

LEAST_S = 0.5
"""The shortest time that is allowed, in seconds: also a request that is out of time rolls back."""

CANCEL_S = 0.5
"""How long the request to cancel a statement may take, in seconds, when the task that waits for it was cancelled."""


class _Closable(Protocol):
    def finish(self) -> None: ...


def bounded(waiting: Generator[Any, Any, T], connection: _Closable, limit_s: float) -> Generator[Any, Any, T]:
    """Pass on what ``waiting`` yields and is sent, for a bounded time.

    psycopg sends 0 each time it waited in vain for its interval of 0.1 s, so the bound is kept to within that.

    Raises:
        psycopg.OperationalError: the time is used up; the connection is closed.
    """
    started = time.monotonic()
    left = context.remaining_s(started)
    until = started + (limit_s if left is None else min(limit_s, max(left, LEAST_S)))
    try:
        state = next(waiting)
        while True:
            ready = yield state
            if not ready and time.monotonic() >= until:
                connection.finish()
                raise psycopg.OperationalError("no answer within the time allowed; the connection was closed")
            state = waiting.send(ready)
    except StopIteration as end:
        value: T = end.value
        return value


class BoundedConnection(psycopg.Connection[Any]):
    """A connection whose every wait is bounded by ``limit_s`` seconds."""

    limit_s = 30.0

    def wait(self, gen: Generator[Any, Any, T], *args: Any, **kwargs: Any) -> T:
        """Consume a generator of psycopg, within the bound."""
        return super().wait(bounded(gen, self.pgconn, self.limit_s), *args, **kwargs)

    def cancel_safe(self, *, timeout: float = CANCEL_S) -> None:
        """Ask the server to cancel the statement, and don't wait long: it may be silent."""
        super().cancel_safe(timeout=min(timeout, CANCEL_S))


class AsyncBoundedConnection(psycopg.AsyncConnection[Any]):
    """The same in an event loop."""

    limit_s = 30.0

    async def wait(self, gen: Generator[Any, Any, T], *args: Any, **kwargs: Any) -> T:
        """Consume a generator of psycopg, within the bound."""
        return await super().wait(bounded(gen, self.pgconn, self.limit_s), *args, **kwargs)

    async def cancel_safe(self, *, timeout: float = CANCEL_S) -> None:
        """Ask the server to cancel the statement, and don't wait long: it may be silent."""
        await super().cancel_safe(timeout=min(timeout, CANCEL_S))
