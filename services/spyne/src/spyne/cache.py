"""Results that are kept: for a database in the state that it is in, so that a change of it is never missed."""

import hashlib
import re
import time
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress

import chassis
from pydantic import ValidationError

from spyne.ask.outcome import Rows

LARGEST = 2**20
"""Characters of a result at most, as JSON."""
MOST = 32 * 2**20
"""Characters of all results that a process keeps, at most."""
_PREFIX = "spyne:result:"
_VOLATILE = re.compile(
    r"\b(?:now|today|tomorrow|yesterday|current_date|current_time|current_timestamp|localtime|localtimestamp|subsec"
    r"|subsecond|random\w*|uuid\w*|gen_random_uuid|\w*clock\w*|get_current_\w+|transaction_timestamp)\b"
    r"|\b(?:date|time|datetime|julianday|unixepoch)\s*\(\s*\)"
    r"|\bage\s*\("  # with one argument, since midnight
    r"|\bstrftime\s*\(\s*'[^']*'\s*\)",
    re.IGNORECASE,
)


def is_volatile(sql: str) -> bool:
    """Tell whether the result of a query may change though its data do not: it asks for the time, or for chance.

    It looks for words: one that is only the name of a column, or in a text, costs a result that is not kept.
    """
    return _VOLATILE.search(sql) is not None


class ResultCache:
    """Keeps results in this process, and in Valkey where there is one, which all processes share.

    Args:
        valkey: the server; when it is not configured or down, each process keeps results by itself.
        seconds: returns for how long a result is kept, once the settings are there; 0 for not at all.
        most: characters of all results that this process keeps; the ones not asked for the longest go first.
    """

    def __init__(self, valkey: chassis.Valkey, seconds: Callable[[], float], *, most: int = MOST) -> None:
        """Begin with nothing."""
        self._valkey = valkey
        self._seconds = seconds
        self._most = most
        self._own: OrderedDict[str, tuple[float, str]] = OrderedDict()
        self._size = 0

    @staticmethod
    def key(*parts: object) -> str:
        """Make a key of all that a result depends on: the database, its version and its data's, and the SQL."""
        return _PREFIX + hashlib.sha256("\x1f".join(map(str, parts)).encode()).hexdigest()

    @property
    def size(self) -> int:
        """Characters of all results that this process keeps now."""
        return self._size

    async def get(self, key: str) -> Rows | None:
        """The result; None when it is not there."""
        kept = self._mine(key)
        if kept is None and self._valkey.configured:
            with suppress(chassis.DependencyError):
                found = await self._valkey.client.get(key)
                kept = found.decode() if isinstance(found, bytes) else found
        if kept is None:
            return None
        try:
            return Rows.model_validate_json(kept)
        except ValidationError:  # written by another version
            return None

    async def put(self, key: str, rows: Rows) -> None:
        """Keep a result, unless it is large."""
        seconds = self._seconds()
        if not seconds:
            return
        text = rows.model_dump_json()
        if len(text) > LARGEST:
            return
        self._keep(key, text, seconds)
        if self._valkey.configured:
            with suppress(chassis.DependencyError):
                await self._valkey.client.set(key, text, ex=max(int(seconds), 1))

    def _keep(self, key: str, text: str, seconds: float) -> None:
        now = time.monotonic()
        self._drop(key)
        for each in [each for each, (until, _) in self._own.items() if until <= now]:
            self._drop(each)
        self._own[key] = (now + seconds, text)
        self._size += len(text)
        while self._size > self._most:
            self._drop(next(iter(self._own)))

    def _mine(self, key: str) -> str | None:
        until, text = self._own.get(key, (0.0, ""))
        if until > time.monotonic():
            self._own.move_to_end(key)
            return text
        self._drop(key)
        return None

    def _drop(self, key: str) -> None:
        self._size -= len(self._own.pop(key, (0.0, ""))[1])
