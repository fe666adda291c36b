"""redis-py's clients with every command and every pipeline sent through a dependency's guard."""

from collections.abc import Awaitable, Callable
from typing import Any

import redis
import redis.asyncio
from redis import exceptions
from redis.asyncio.client import Pipeline as AsyncPipeline
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.client import Pipeline
from redis.retry import Retry

from chassis.errors import BulkheadFullError, DeadlineExceededError, DependencyDownError, DependencyError
from chassis.limits.valkey_pool import Noticing

_NO_PLACE = getattr(exceptions, "MaxConnectionsError", ())  # newer than redis-py 5

AsyncGuard = Callable[[Callable[..., Awaitable[Any]]], Callable[..., Awaitable[Any]]]
SyncGuard = Callable[[Callable[..., Any]], Callable[..., Any]]


def understood(name: str, error: Exception) -> DependencyError | None:
    """Return what a client's error means for the dependency called ``name``; None when the command is at fault."""
    if isinstance(error, _NO_PLACE):
        return BulkheadFullError(name, "all connections of the pool are in use")
    if isinstance(error, exceptions.TimeoutError):
        return DeadlineExceededError(name, "no answer in time")
    if isinstance(error, (exceptions.ConnectionError, exceptions.BusyLoadingError)):
        return DependencyDownError(name, f"cannot be reached ({type(error).__name__})")
    if isinstance(error, RuntimeError) and "closed" in str(error):  # uvloop's word for a connection that was reset
        return DependencyDownError(name, "cannot be reached (the connection was reset)")
    return None


def _options(seconds: float, connections: int) -> dict[str, Any]:
    return {"socket_timeout": seconds, "socket_connect_timeout": seconds, "max_connections": connections,
            "socket_keepalive": True}  # fmt: skip


class _Pool(Noticing, redis.asyncio.ConnectionPool):
    """A pool that notices when the server closed a connection that lay idle, as it does when it restarts."""


class AsyncClient(redis.asyncio.Redis):
    """The client for event loops. A pub/sub connection is not guarded: it waits on purpose."""

    guarded: Callable[..., Awaitable[Any]]
    guard: AsyncGuard

    @classmethod
    def at(cls, url: str, seconds: float, connections: int, guard: AsyncGuard) -> "AsyncClient":
        """Make one; it connects at its first command."""
        client = cls(
            connection_pool=_Pool.from_url(url, retry=AsyncRetry(NoBackoff(), 0), **_options(seconds, connections))
        )
        client.auto_close_connection_pool = True
        client.guard = guard
        client.guarded = guard(client.send)
        return client

    async def send(self, *args: Any, **options: Any) -> Any:
        """Send a command past the guard."""
        return await super().execute_command(*args, **options)  # type: ignore[no-untyped-call]

    async def execute_command(self, *args: Any, **options: Any) -> Any:
        """Send a command through the guard."""
        return await self.guarded(*args, **options)

    def pipeline(self, transaction: bool = True, shard_hint: str | None = None) -> AsyncPipeline:
        """Return the pipeline of redis-py; its ``execute`` goes through the guard as one call."""
        made = super().pipeline(transaction, shard_hint)
        made.execute = self.guard(made.execute)  # type: ignore[assignment, method-assign]  # there is no other way in
        return made


class SyncClient(redis.Redis):
    """The client for threads."""

    guarded: Callable[..., Any]
    guard: SyncGuard

    @classmethod
    def at(cls, url: str, seconds: float, connections: int, guard: SyncGuard) -> "SyncClient":
        """Make one; it connects at its first command."""
        pool = redis.ConnectionPool.from_url(url, retry=Retry(NoBackoff(), 0), **_options(seconds, connections))
        client = cls(connection_pool=pool)
        client.auto_close_connection_pool = True
        client.guard = guard
        client.guarded = guard(client.send)
        return client

    def send(self, *args: Any, **options: Any) -> Any:
        """Send a command past the guard."""
        return super().execute_command(*args, **options)  # type: ignore[no-untyped-call]

    def execute_command(self, *args: Any, **options: Any) -> Any:
        """Send a command through the guard."""
        return self.guarded(*args, **options)

    def pipeline(self, transaction: bool = True, shard_hint: str | None = None) -> Pipeline:
        """Return the pipeline of redis-py; its ``execute`` goes through the guard as one call."""
        made = super().pipeline(transaction, shard_hint)
        made.execute = self.guard(made.execute)  # type: ignore[method-assign]  # there is no other way in
        return made
