"""Results that are kept: for a database in the state that it is in, so that a change of it is never missed."""

import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress

import chassis
from pydantic import ValidationError

from spyne.ask.outcome import Rows

_MOST = 256
_LARGEST = 2**20
_PREFIX = "spyne:result:"


class ResultCache:
    """Keeps results in this process, and in Valkey where there is one, which all processes share.

    Args:
        valkey: the server; when it is not configured or down, each process keeps results by itself.
        seconds: returns for how long a result is kept, once the settings are there; 0 for not at all.
    """

    def __init__(self, valkey: chassis.Valkey, seconds: Callable[[], float]) -> None:
        """Begin with nothing."""
        self._valkey = valkey
        self._seconds = seconds
        self._own: OrderedDict[str, tuple[float, str]] = OrderedDict()

    @staticmethod
    def key(*parts: object) -> str:
        """Make a key of all that a result depends on: the database, its version and its data's, and the SQL."""
        return _PREFIX + hashlib.sha256("\x1f".join(map(str, parts)).encode()).hexdigest()

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
        if len(text) > _LARGEST:
            return
        self._own[key] = (time.monotonic() + seconds, text)
        while len(self._own) > _MOST:
            self._own.popitem(last=False)
        if self._valkey.configured:
            with suppress(chassis.DependencyError):
                await self._valkey.client.set(key, text, ex=max(int(seconds), 1))

    def _mine(self, key: str) -> str | None:
        until, text = self._own.get(key, (0.0, ""))
        if until > time.monotonic():
            self._own.move_to_end(key)
            return text
        self._own.pop(key, None)
        return None
