"""httpx's clients with every request sent through a dependency's guard, by way of a transport of our own.

A request carries what belongs to the request that it is made for: the correlation id, the trace context, and how much
time is left. The rest of httpx stays as it is: base URL, authentication, redirects, streaming.
"""

import logging
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

import httpx

from chassis import context
from chassis.errors import DeadlineExceededError, DependencyDownError, DependencyError

DEADLINE_HEADER = "X-Request-Timeout-Ms"
"""Carries how many milliseconds are left for the request, as a whole number."""

IDEMPOTENT = frozenset({"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"})
"""Methods that may be repeated (RFC 9110, 9.2.2)."""


class Sent:
    """What one guarded call has sent: ``once`` if something of it must not be sent again."""

    __slots__ = ("once",)

    def __init__(self, *, once: bool = False) -> None:
        """Begin with what is known."""
        self.once = once


_sent: ContextVar[Sent | None] = ContextVar("sent", default=None)


def repeatable() -> bool:
    """Tell whether the guarded call under way may be made again."""
    sent = _sent.get()
    return sent is None or not sent.once


@contextmanager
def sending(*, once: bool = False) -> Iterator[None]:
    """Keep account of what a guarded call sends, a single request or a whole function.

    What must not be sent again is noted for the function that it is a part of as well.
    """
    outer = _sent.get()
    if once and outer is not None:
        outer.once = True
    sent = Sent(once=once)
    token = _sent.set(sent)
    try:
        yield
    finally:
        _sent.reset(token)
        if outer is not None:
            outer.once |= sent.once


Ask = Callable[..., Any]

logging.getLogger("httpx").setLevel(logging.WARNING)  # it logs the address of each request, query string and all
Understanding = Callable[[], AbstractContextManager[None]]


def understood(name: str, error: Exception) -> DependencyError | None:
    """Return what an error of httpx means for the dependency called ``name``; None when the request is at fault."""
    if isinstance(error, httpx.TimeoutException):
        return DeadlineExceededError(name, "no answer in time")
    if isinstance(error, httpx.TransportError) and not isinstance(error, httpx.UnsupportedProtocol):
        return DependencyDownError(name, f"cannot be reached ({type(error).__name__})")
    return None


def refused(name: str, response: httpx.Response) -> DependencyDownError | None:
    """Return the error that an answer stands for: "not now" (429) or "I cannot" (5xx); None for any other."""
    if response.status_code < HTTPStatus.INTERNAL_SERVER_ERROR and response.status_code != HTTPStatus.TOO_MANY_REQUESTS:
        return None
    return DependencyDownError(
        name, f"answered {response.status_code}", retry_after_s=retry_after_s(response.headers.get("Retry-After"))
    )


def retry_after_s(value: str | None) -> float | None:
    """Read a ``Retry-After``: seconds, or a date (RFC 9110, 10.2.3); None when there is none to be read."""
    if value is None:
        return None
    if value.strip().isdecimal():
        return float(value)
    try:
        return max(parsedate_to_datetime(value).timestamp() - time.time(), 0.0)
    except (ValueError, OverflowError):
        return None


def prepare(request: httpx.Request) -> None:
    """Add what belongs to the request under way, and allow no phase more time than is left for it."""
    headers = request.headers
    if (correlation_id := context.correlation_id.get()) and "X-Request-ID" not in headers:
        headers["X-Request-ID"] = correlation_id
    if (traceparent := context.traceparent.get()) and "traceparent" not in headers:
        headers["traceparent"] = traceparent
    left = context.remaining_s()
    if left is None:
        return
    headers[DEADLINE_HEADER] = str(int(left * 1000))
    allowed = request.extensions.get("timeout", {})
    request.extensions["timeout"] = {
        phase: left if allowed.get(phase) is None else min(allowed[phase], left)
        for phase in ("connect", "read", "write", "pool")
    }


def may_be_repeated(request: httpx.Request) -> bool:
    """Tell whether a request may be sent twice: its method allows it or it says so, and its body is still there."""
    allowed = request.method in IDEMPOTENT or "Idempotency-Key" in request.headers
    return allowed and isinstance(request.stream, httpx.ByteStream)


class _AsyncBody(httpx.AsyncByteStream):
    """A body whose errors are understood."""

    def __init__(self, body: httpx.AsyncByteStream, understanding: Understanding) -> None:
        self._body = body
        self._understanding = understanding

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with self._understanding():
            async for chunk in self._body:
                yield chunk

    async def aclose(self) -> None:
        await self._body.aclose()


class _Body(httpx.SyncByteStream):
    """The same for threads."""

    def __init__(self, body: httpx.SyncByteStream, understanding: Understanding) -> None:
        self._body = body
        self._understanding = understanding

    def __iter__(self) -> Iterator[bytes]:
        with self._understanding():
            yield from self._body

    def close(self) -> None:
        self._body.close()


class AsyncGuardedTransport(httpx.AsyncBaseTransport):
    """Sends requests through a guard, in an event loop."""

    def __init__(self, name: str, inner: httpx.AsyncBaseTransport, ask: Ask, understanding: Understanding) -> None:
        """Wrap the transport that sends them."""
        self._name = name
        self._inner = inner
        self._understanding = understanding
        self._ask = ask

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request and return its answer.

        Raises:
            DependencyDownError: there was no connection, or the answer was 429 or 5xx.
            DeadlineExceededError: there was no answer in time.
        """
        with sending(once=not may_be_repeated(request)):
            response: httpx.Response = await self._ask(self._sent, request)
            return response

    async def _sent(self, request: httpx.Request) -> httpx.Response:
        prepare(request)
        with self._understanding():
            response = await self._inner.handle_async_request(request)
        error = refused(self._name, response)
        if error is not None:
            await response.aclose()
            raise error
        if isinstance(response.stream, httpx.AsyncByteStream):
            response.stream = _AsyncBody(response.stream, self._understanding)
        return response

    async def aclose(self) -> None:
        """Close all connections."""
        await self._inner.aclose()


class GuardedTransport(httpx.BaseTransport):
    """Sends requests through a guard, in a thread."""

    def __init__(self, name: str, inner: httpx.BaseTransport, ask: Ask, understanding: Understanding) -> None:
        """Wrap the transport that sends them."""
        self._name = name
        self._inner = inner
        self._understanding = understanding
        self._ask = ask

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Do as the transport for event loops does."""
        with sending(once=not may_be_repeated(request)):
            response: httpx.Response = self._ask(self._sent, request)
            return response

    def _sent(self, request: httpx.Request) -> httpx.Response:
        prepare(request)
        with self._understanding():
            response = self._inner.handle_request(request)
        error = refused(self._name, response)
        if error is not None:
            response.close()
            raise error
        if isinstance(response.stream, httpx.SyncByteStream):
            response.stream = _Body(response.stream, self._understanding)
        return response

    def close(self) -> None:
        """Close all connections."""
        self._inner.close()
