"""An API over HTTP through httpx, for event loops and for threads.

::

    quotes = service.http("quotes", lambda s: s.quotes_url, lost="notes come without a quote")

    response = await quotes.client.get("/random")      # raises DependencyDownError when it is down, or answers 5xx

    @quotes.guard                                      # with a fallback in the policy: it stands for the whole function
    async def quote() -> str:
        return (await quotes.client.get("/random")).json()["text"]

Requests that may be repeated are retried: GET, HEAD, OPTIONS, TRACE, PUT, DELETE, and any with an ``Idempotency-Key``.
A guarded function is carried out again as long as it has sent nothing else.
Answers of 429 and 5xx are failures of the API, with their ``Retry-After``; any other answer is returned.
"""

import threading
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import wraps
from typing import TYPE_CHECKING, Any, ClassVar, ParamSpec, TypeVar
from urllib.parse import urlsplit

from chassis.dependencies.declaration import QUICK_BREAKER, Dependency
from chassis.errors import DependencyError
from chassis.extras import extra
from chassis.resilience.pipeline import is_awaited
from chassis.resilience.policy import Bulkhead, Policy, Retry, matcher

if TYPE_CHECKING:
    import httpx

_NOT_LET_IN = (401, 403)
Headers = Mapping[str, str]
P = ParamSpec("P")
T = TypeVar("T")


class HttpApi(Dependency):
    """An API over HTTP.

    Args:
        name: what logs, metrics, health and alerts call it.
        health_path: what to ask for a sign of life, below the address; any answer below 500 is one, but
            for 401 and 403: it does not let us in.
        headers: returns headers that every request carries, such as a key, from the settings.
        declared: see :class:`chassis.Dependency`.
    """

    kind: ClassVar[str] = "http"
    default_policy: ClassVar[Policy] = Policy(
        deadline_s=10.0, retry=Retry(), breaker=QUICK_BREAKER, bulkhead=Bulkhead(100, max_wait_s=1.0)
    )

    def __init__(
        self, name: str, *, health_path: str = "", headers: Callable[[], Headers] = dict, **declared: Any
    ) -> None:
        """Declare it; nothing is opened yet."""
        super().__init__(name, **declared)
        self._health_path = health_path
        self._headers = headers
        self._making = threading.Lock()
        self._client: httpx.AsyncClient | None = None
        self._checking: httpx.AsyncClient | None = None
        self._sync_client: httpx.Client | None = None

    def adapted(self, policy: Policy) -> Policy:
        """Return the policy as this kind carries it out: only requests that may be repeated are retried."""
        policy = super().adapted(policy)
        if policy.retry is None:
            return policy
        meant = matcher(policy.retry.on)
        return replace(policy, retry=replace(policy.retry, on=lambda error: _repeatable() and meant(error)))

    def guard(self, function: Callable[P, T]) -> Callable[P, T]:
        """Do as every dependency does; a function that has sent what may not be repeated is not carried out again."""
        guarded: Callable[..., Any] = super().guard(function)
        if is_awaited(function, self.name):

            @wraps(function)
            async def accounted(*args: Any, **kwargs: Any) -> Any:
                with _sending():
                    return await guarded(*args, **kwargs)

        else:

            @wraps(function)
            def accounted(*args: Any, **kwargs: Any) -> Any:
                with _sending():
                    return guarded(*args, **kwargs)

        return accounted  # type: ignore[return-value]  # it returns what the function returns

    def validate(self) -> None:
        """Check the address without connecting, and load the client, so that no sign of life waits for that."""
        parts = urlsplit(self.address())
        if parts.scheme not in ("http", "https") or not parts.netloc:
            raise ValueError("expected http://host/path or https://host/path")
        with extra("http"):
            from chassis.dependencies import http_client  # noqa: F401, PLC0415 - an extra

    @property
    def client(self) -> "httpx.AsyncClient":
        """The client of httpx for event loops; paths are taken below the address. One loop at a time."""
        with self._making:
            if self._client is None:
                with extra("http"):
                    import httpx  # noqa: PLC0415 - an extra

                    from chassis.dependencies.http_client import AsyncGuardedTransport  # noqa: PLC0415 - an extra
                transport = AsyncGuardedTransport(self.name, httpx.AsyncHTTPTransport(), self.ask, self.understanding)
                self._client = httpx.AsyncClient(transport=transport, **self._arguments())
            return self._client

    @property
    def sync_client(self) -> "httpx.Client":
        """The client of httpx for threads."""
        with self._making:
            if self._sync_client is None:
                with extra("http"):
                    import httpx  # noqa: PLC0415 - an extra

                    from chassis.dependencies.http_client import GuardedTransport  # noqa: PLC0415 - an extra
                transport = GuardedTransport(self.name, httpx.HTTPTransport(), self.ask_sync, self.understanding)
                self._sync_client = httpx.Client(transport=transport, **self._arguments())
            return self._sync_client

    def _arguments(self) -> dict[str, Any]:
        return {"base_url": self.address(), "headers": dict(self._headers()), "timeout": self.policy.deadline_s}

    def meaning(self, error: Exception) -> DependencyError | None:
        """Return what an error of httpx means; None when the request is at fault."""
        from chassis.dependencies.http_client import understood  # noqa: PLC0415 - an extra

        return understood(self.name, error)

    async def check(self) -> None:
        """Ask it for a sign of life on a connection of its own: an answer below 500 that is neither 401 nor 403."""
        if self._checking is None:
            with extra("http"):
                import httpx  # noqa: PLC0415 - an extra
            arguments = self._arguments() | {"timeout": self.condition.rule.timeout_s}
            self._checking = httpx.AsyncClient(**arguments)
        async with self._checking.stream("GET", self._health_path) as response:
            if response.is_server_error or response.status_code in _NOT_LET_IN:
                response.raise_for_status()

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


def _sending() -> AbstractContextManager[None]:
    with extra("http"):
        from chassis.dependencies.http_client import sending  # noqa: PLC0415 - an extra
    return sending()


def _repeatable() -> bool:
    from chassis.dependencies.http_client import repeatable  # noqa: PLC0415 - an extra

    return repeatable()
