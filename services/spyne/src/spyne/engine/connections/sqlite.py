"""SQLite: opened read-only, an authorizer that knows SELECT only, and a handler that looks at the clock."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path
from typing import Self

from spyne.engine.connections.base import (
    Bounds,
    Connection,
    Failed,
    Result,
    TimedOut,
    TooLarge,
    Unreachable,
    identity,
    kept,
)
from spyne.sql.aggregates import register

_INSTRUCTIONS_BETWEEN_LOOKS = 5_000
_LONGEST_STATEMENT = 1_000_000
_ALLOWED = frozenset({sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE})
_DENIED_FUNCTIONS = frozenset({"load_extension", "fts3_tokenizer", "readfile", "writefile", "edit"})
_TOO_LARGE = ("string or blob too big", "out of memory")


class SqliteConnection(Connection):
    """A SQLite file."""

    idle_s = 0.5

    def __init__(self, connection: sqlite3.Connection, location: str, longest: int) -> None:
        self._connection = connection
        self._location = location
        self._longest = longest
        self._file = identity(location)

    @classmethod
    def opened(cls, location: str, bounds: Bounds) -> Self:
        """Open the file, which has to be there."""
        path = Path(location)
        if not path.is_file():
            raise Unreachable("its file is not there")
        try:
            connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, isolation_level=None)
            connection.text_factory = lambda raw: raw.decode(errors="replace")
            for statement in ("query_only = 1", "trusted_schema = 0", "temp_store = 2", "cell_size_check = 1"):
                connection.execute(f"PRAGMA {statement}")
            connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchall()
        except sqlite3.Error:
            raise Unreachable("its file is no SQLite database, or cannot be read") from None
        longest = _longest(bounds)
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, longest)
        connection.setlimit(sqlite3.SQLITE_LIMIT_SQL_LENGTH, _LONGEST_STATEMENT)
        connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
        register(connection)
        connection.set_authorizer(_authorized)
        return cls(connection, location, longest)

    def fits(self, bounds: Bounds) -> bool:
        """Whether it was opened for values as long, and the file is still that file."""
        return self._longest == _longest(bounds) and self._file == identity(self._location)

    def run(self, sql: str, bounds: Bounds) -> Result:
        """Run a query until its time is over."""
        deadline = time.monotonic() + bounds.wall_s

        def over() -> bool:
            return time.monotonic() >= deadline

        self._connection.set_progress_handler(over, _INSTRUCTIONS_BETWEEN_LOOKS)
        try:
            cursor = self._connection.execute(sql)
            if cursor.description is None:
                raise Failed("expected one SELECT")
            return kept([column[0] for column in cursor.description], cursor, bounds)
        except MemoryError:
            raise TooLarge from None
        except (sqlite3.Error, sqlite3.Warning) as error:
            raise _explained(error, over()) from None
        finally:
            self._connection.set_progress_handler(None, 0)

    def close(self) -> None:
        """Close the file."""
        self._connection.close()


def _longest(bounds: Bounds) -> int:
    """The longest text that SQLite may make, in bytes."""
    return max(_LONGEST_STATEMENT, bounds.bytes)


def _explained(error: Exception, is_over: bool) -> BaseException:
    text = str(error)
    if text == "interrupted":
        return TimedOut() if is_over else KeyboardInterrupt()  # by time, or by a signal
    return TooLarge() if any(part in text for part in _TOO_LARGE) else Failed(text)


def _authorized(action: int, first: str | None, second: str | None, _database: str | None, _view: str | None) -> int:
    allowed = action in _ALLOWED
    if action == sqlite3.SQLITE_FUNCTION:
        allowed = (second or "").lower() not in _DENIED_FUNCTIONS
    elif action == sqlite3.SQLITE_READ:
        allowed = not (first or "").lower().startswith("sqlite_")
    return sqlite3.SQLITE_OK if allowed else sqlite3.SQLITE_DENY
