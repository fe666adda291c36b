"""The credentials that came with the request under way. They are forgotten with it: a redactor does not learn them."""

import base64
from collections.abc import Iterable
from contextvars import ContextVar
from urllib.parse import unquote

from chassis.redaction_forms import SECRET_FIELD, START, forms

_SHORTEST_CREDENTIAL = 8


class RequestSecrets:
    """The credentials that came with one request. Its headers are read only when something is logged meanwhile.

    Args:
        headers: name and value pairs, undecoded, as ASGI has them.
    """

    __slots__ = ("_headers", "_starts", "_values")

    def __init__(self, headers: Iterable[tuple[bytes, bytes]]) -> None:
        """Keep the headers, unread."""
        self._headers: Iterable[tuple[bytes, bytes]] = headers
        self._values: tuple[str, ...] | None = None
        self._starts: tuple[str, ...] = ()

    @property
    def starts(self) -> tuple[str, ...]:
        """How the values begin, each once: a text without any of them holds none."""
        return self._starts if self.values else ()

    @property
    def values(self) -> tuple[str, ...]:
        """The credentials in all the forms that programs write them in, the longest first."""
        if self._values is None:
            found: set[str] = set()
            for name, value in self._headers:
                if SECRET_FIELD.search(name.decode("latin-1")):
                    found.update(_credentials(value.decode("latin-1")))
            long_enough = {
                form
                for value in found
                if len(value) >= _SHORTEST_CREDENTIAL
                for form in forms(value)
                if len(form) >= _SHORTEST_CREDENTIAL
            }
            self._values = tuple(sorted(long_enough, key=len, reverse=True))
            self._starts = tuple({value[:START] for value in long_enough})
        return self._values


request_secrets: ContextVar[RequestSecrets | None] = ContextVar("request_secrets", default=None)
"""The credentials of the request under way. The edge sets it."""


def _credentials(value: str) -> Iterable[str]:
    """Yield the parts of a header that are credentials: of Authorization, of a cookie, of a key's own header."""
    yield value
    scheme, _, credential = value.partition(" ")
    yield credential
    if scheme.lower() == "basic":
        try:
            decoded = base64.b64decode(credential, validate=True).decode("utf-8", "replace")
        except ValueError:
            decoded = ""
        yield from (decoded, decoded.partition(":")[2])
    for cookie in value.split(";"):
        crumb = cookie.partition("=")[2].strip()
        yield from (crumb, unquote(crumb))
