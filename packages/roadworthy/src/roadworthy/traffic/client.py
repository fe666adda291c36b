"""An HTTP client that tells apart all the ways in which a request can fail, and keeps every exchange."""

import asyncio
import itertools
import json as json_module
import time
from collections.abc import AsyncIterator, Callable, Mapping
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Self

import httpx

from roadworthy.domain.evidence import Answer, Exchange, Sample

BODY_LIMIT = 64 * 1024
DEFAULT_TIMEOUT_S = 10.0
_UNSET = object()
_numbers = itertools.count(1)


class Client:
    """Sends requests to one address. A connection serves one request, so none inherits another's trouble.

    Args:
        base: such as ``http://127.0.0.1:8000``.
        keep: is handed every exchange when it is complete.
        epoch: the ``time.monotonic()`` that ``at`` counts from.
        headers: sent with every request, such as credentials.
    """

    def __init__(self, base: str, keep: Callable[[Exchange], None], epoch: float, headers: Mapping[str, str]) -> None:
        """Make a client; use it as an async context manager."""
        self.base = base
        self._keep = keep
        self._epoch = epoch
        self._http = httpx.AsyncClient(
            base_url=base,
            headers={"Accept": "application/json, */*;q=0.5", **headers},
            timeout=None,  # noqa: S113 - every request is bounded by asyncio.timeout below
            trust_env=False,
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),  # a hostile answer's cookie must not stick
            verify=False,  # noqa: S501 - targets are on loopback, with certificates of their own making
            follow_redirects=False,
            limits=httpx.Limits(max_keepalive_connections=0, max_connections=200),
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close every connection."""
        await self._http.aclose()

    async def send(
        self,
        method: str,
        path: str,
        *,
        json: object = _UNSET,
        content: bytes | AsyncIterator[bytes] | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float = DEFAULT_TIMEOUT_S,
        purpose: str = "",
    ) -> Exchange:
        """Send one request and wait for its whole answer, at most ``timeout`` seconds. It never raises for failures."""
        sent = dict(headers or {})
        if json is not _UNSET:
            content = json_module.dumps(json).encode()
            sent.setdefault("Content-Type", "application/json")
        began = time.monotonic()
        status: int | None = None
        received: dict[str, str] = {}
        body = b""
        error = ""
        try:
            async with asyncio.timeout(timeout):
                request = self._http.build_request(method, path, content=content, headers=sent)
                answer = await self._http.send(request, stream=True)
                try:
                    status, received = answer.status_code, dict(answer.headers)
                    async for chunk in answer.aiter_bytes():
                        body += chunk[: BODY_LIMIT - len(body)]
                finally:
                    await answer.aclose()
            ended = Answer.ANSWERED
        except TimeoutError:
            ended, error = Answer.SILENT, f"no complete answer within {timeout:g} s"
        except httpx.ConnectError as failure:
            ended, error = Answer.REFUSED, str(failure)
        except httpx.RemoteProtocolError as failure:
            gone = "disconnected" in str(failure) or "closed" in str(failure)
            ended, error = (Answer.RESET if gone else Answer.GARBLED), str(failure)
        except httpx.DecodingError as failure:
            ended, error = Answer.GARBLED, f"the body is not encoded as its head says: {failure}"
        except (httpx.LocalProtocolError, httpx.InvalidURL, UnicodeError) as failure:  # ours, not the server's
            ended, error = Answer.GARBLED, f"the request could not be written: {failure}"
        except httpx.TransportError as failure:
            ended, error = Answer.RESET, f"{type(failure).__name__}: {failure}"
        exchange = Exchange(
            id=f"x{next(_numbers):05d}",
            at=round(began - self._epoch, 4),
            method=method,
            path=path,
            request_headers=sent,
            request_body=_shown(content) if isinstance(content, bytes) else "",
            answer=ended,
            status=status,
            headers=received,
            body=body.decode("utf-8", "backslashreplace"),
            seconds=round(time.monotonic() - began, 4),
            purpose=purpose,
            error=error,
        )
        self._keep(exchange)
        return exchange

    async def fetch(self, path: str, limit: int, timeout: float) -> str:
        """GET a document that may be larger than an exchange keeps; "" when there is none. It is not recorded."""
        body = b""
        try:
            async with asyncio.timeout(timeout):
                async with self._http.stream("GET", path) as answer:
                    if answer.status_code != 200:
                        return ""
                    async for chunk in answer.aiter_bytes():
                        body += chunk
                        if len(body) > limit:
                            return ""
        except (TimeoutError, httpx.HTTPError):
            return ""
        return body.decode("utf-8", "replace")


def sample(exchange: Exchange, what: str = "", *, ok: bool | None = None, note: str = "") -> Sample:
    """Reduce an exchange to what judges compare."""
    return Sample(
        what=what or f"{exchange.method} {exchange.path}",
        at=exchange.at,
        ok=exchange.ok if ok is None else ok,
        answer=exchange.answer,
        status=exchange.status,
        seconds=exchange.seconds,
        exchange=exchange.id,
        note=note or exchange.error,
    )


def _shown(content: bytes) -> str:
    if len(content) > BODY_LIMIT:
        return content[:BODY_LIMIT].decode("utf-8", "backslashreplace") + f"... ({len(content)} bytes in all)"
    return content.decode("utf-8", "backslashreplace")
