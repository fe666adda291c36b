"""Valkey or Redis through redis-py, for event loops and for threads.

::

    cache = service.valkey("cache", lambda s: s.cache_url, lost="notes are read from the database",
                           policy=chassis.Policy(fallback=chassis.Fallback(value=None)))

    text = await cache.client.get(key)           # None while it is down: the fallback
    text = cache.sync_client.get(key)            # the same in a thread

Without a fallback, a command raises ``DependencyDownError`` while it is down. Nothing is retried by default: that a
command may be carried out twice is for you to say, and a cache that fails is cheaper to do without.
"""

import threading
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlsplit

from chassis.dependencies.declaration import QUICK_BREAKER, Dependency
from chassis.errors import DependencyError
from chassis.extras import extra
from chassis.resilience.policy import Policy

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from chassis.dependencies.valkey_client import AsyncClient, SyncClient

SCHEMES = ("redis", "rediss", "valkey", "valkeys", "unix")


class Valkey(Dependency):
    """A Valkey or Redis server.

    Args:
        name: what logs, metrics, health and alerts call it.
        socket_s: seconds that connecting, and then an answer, may take.
        connections: connections of each client at most; a command that finds none free is refused.
        declared: see :class:`chassis.Dependency`.
    """

    kind: ClassVar[str] = "valkey"
    default_policy: ClassVar[Policy] = Policy(deadline_s=1.0, breaker=QUICK_BREAKER)

    def __init__(self, name: str, *, socket_s: float = 1.0, connections: int = 100, **declared: Any) -> None:
        """Declare it; nothing is opened yet."""
        super().__init__(name, **declared)
        self.socket_s = socket_s
        self.connections = connections
        self._making = threading.Lock()
        self._client: AsyncClient | None = None
        self._checking: AsyncClient | None = None
        self._sync_client: SyncClient | None = None

    def url(self) -> str:
        """Return where it is, as redis-py wants it.

        Raises:
            ValueError: it is no URL of a Valkey or Redis server; the message has nothing of it but the scheme.
        """
        address = self.address()
        scheme = urlsplit(address).scheme
        if scheme not in SCHEMES:
            raise ValueError(f"expected redis://host:6379/0, found one that begins with {scheme or 'no scheme'}:")
        return address.replace("valkey", "redis", 1) if scheme.startswith("valkey") else address

    def validate(self) -> None:
        """Check the address without connecting, and load the client, so that no sign of life waits for that."""
        self.url()
        with extra("valkey"):
            from chassis.dependencies import valkey_client  # noqa: F401, PLC0415 - an extra

    @property
    def client(self) -> "AsyncClient":
        """The client of redis-py for event loops; one loop at a time."""
        with self._making:
            if self._client is None:
                self._client = self._made(self.connections, self._guarded)
            return self._client

    @property
    def sync_client(self) -> "SyncClient":
        """The client of redis-py for threads."""
        with self._making:
            if self._sync_client is None:
                with extra("valkey"):
                    from chassis.dependencies.valkey_client import SyncClient  # noqa: PLC0415 - an extra
                self._sync_client = SyncClient.at(self.url(), self.socket_s, self.connections, self._sync_guarded)
            return self._sync_client

    def _made(self, connections: int, guard: "Callable[[Any], Any]") -> "AsyncClient":
        with extra("valkey"):
            from chassis.dependencies.valkey_client import AsyncClient  # noqa: PLC0415 - an extra
        return AsyncClient.at(self.url(), self.socket_s, connections, guard)

    def _guarded(self, send: "Callable[..., Awaitable[Any]]") -> "Callable[..., Awaitable[Any]]":
        async def understood(*args: Any, **options: Any) -> Any:
            with self.understanding():
                return await send(*args, **options)

        guarded = self.pipeline.guard(understood)

        async def sent(*args: Any, **options: Any) -> Any:
            return await (understood if self.inside else guarded)(*args, **options)

        return sent

    def _sync_guarded(self, send: "Callable[..., Any]") -> "Callable[..., Any]":
        def understood(*args: Any, **options: Any) -> Any:
            with self.understanding():
                return send(*args, **options)

        guarded = self.pipeline.guard(understood)

        def sent(*args: Any, **options: Any) -> Any:
            return (understood if self.inside else guarded)(*args, **options)

        return sent

    def adapted(self, policy: Policy) -> Policy:
        """Return the policy as it is: a fallback can stand for the answer to a command."""
        return policy

    def meaning(self, error: Exception) -> DependencyError | None:
        """Return what an error of redis-py means; None when the command is at fault."""
        from chassis.dependencies.valkey_client import understood  # noqa: PLC0415 - an extra

        return understood(self.name, error)

    async def check(self) -> None:
        """Ask it for a sign of life on a connection of its own."""
        if self._checking is None:
            self._checking = self._made(1, lambda send: send)
        await self._checking.ping()

    async def close(self) -> None:
        """Close all connections. A later use opens new ones."""
        with self._making:
            clients = [each for each in (self._client, self._checking) if each is not None]
            sync_client = self._sync_client
            self._client = self._checking = self._sync_client = None
        for client in clients:
            await client.aclose()
        if sync_client is not None:
            sync_client.close()
