"""DuckDB: opened read-only, with nothing outside of its file in reach and no setting to change."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any, Self

import duckdb

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
from spyne.schema.duckdb_file import connected
from spyne.schema.errors import SourceUnreachable

_ROWS_AT_ONCE = 200


class DuckdbConnection(Connection):
    """A DuckDB file. As long as it is open nobody can write to it, so that it is not kept open for long."""

    idle_s = 0.5

    def __init__(self, connection: duckdb.DuckDBPyConnection, location: str, memory_bytes: int) -> None:
        self._connection = connection
        self._location = location
        self._memory_bytes = memory_bytes
        self._file = identity(location)

    @classmethod
    def opened(cls, location: str, bounds: Bounds) -> Self:
        """Open the file, which has to be there."""
        try:
            return cls(connected(location, bounds.memory_bytes), location, bounds.memory_bytes)
        except SourceUnreachable as error:
            raise Unreachable(str(error)) from None

    def fits(self, bounds: Bounds) -> bool:
        """Whether it was opened with as much memory, and the file is still that file."""
        return self._memory_bytes == bounds.memory_bytes and self._file == identity(self._location)

    def run(self, sql: str, bounds: Bounds) -> Result:
        """Run a query until its time is over."""
        deadline = time.monotonic() + bounds.wall_s
        alarm = threading.Timer(bounds.wall_s, self._connection.interrupt)
        alarm.daemon = True
        alarm.start()
        try:
            statements = self._connection.extract_statements(sql)
            if [statement.type for statement in statements] != [duckdb.StatementType.SELECT]:
                raise Failed("expected one SELECT")
            cursor = self._connection.execute(statements[0])
            return kept([column[0] for column in cursor.description or ()], _fetched(cursor, deadline), bounds)
        except (MemoryError, duckdb.OutOfMemoryException):
            raise TooLarge from None
        except (duckdb.InterruptException, RuntimeError):
            if time.monotonic() < deadline:
                raise KeyboardInterrupt from None  # cancelled by a signal
            raise TimedOut from None
        except duckdb.Error as error:
            raise Failed(str(error).replace(self._location, "the file")) from None
        finally:
            alarm.cancel()
            alarm.join()  # so that it cannot ring in the next query

    def close(self) -> None:
        """Close the file, so that others may write to it."""
        self._connection.close()


def _fetched(cursor: duckdb.DuckDBPyConnection, deadline: float) -> Iterator[tuple[Any, ...]]:
    while fetched := cursor.fetchmany(_ROWS_AT_ONCE):
        yield from fetched
        if time.monotonic() >= deadline:
            raise TimedOut
