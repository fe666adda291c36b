"""PostgreSQL: one cursor in a read-only transaction, with time-outs that the server keeps too."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any, Self

import psycopg
from psycopg import errors
from psycopg.conninfo import conninfo_to_dict

from spyne.engine.connections.base import Bounds, Connection, Failed, Result, TimedOut, TooLarge, Unreachable, kept
from spyne.schema.errors import SourceUnreachable
from spyne.schema.postgres_server import CONNECT_S, connected, reason

_LOCK_S = 3
_ROWS_AT_ONCE = 200


class PostgresConnection(Connection):
    """A PostgreSQL database."""

    idle_s = 30.0

    def __init__(self, connection: psycopg.Connection[tuple[Any, ...]], secrets: tuple[str, ...]) -> None:
        self._connection = connection
        self._secrets = secrets

    @classmethod
    def opened(cls, location: str, bounds: Bounds) -> Self:
        """Connect, within five seconds or the time of the query."""
        try:
            connection = connected(location, within_s=max(1, min(CONNECT_S, int(bounds.wall_s))))
        except SourceUnreachable as error:
            raise Unreachable(str(error)) from None
        secret = conninfo_to_dict(location).get("password")
        return cls(connection, tuple(str(each) for each in (location, secret) if each))

    def run(self, sql: str, bounds: Bounds) -> Result:
        """Run a query in a transaction of its own, which is rolled back."""
        deadline = time.monotonic() + bounds.wall_s
        self._begin(bounds)
        try:
            cursor = self._connection.cursor(binary=True)
            # As a cursor it can only be a query, and as an extended query only one.
            cursor.execute(b"DECLARE spyne NO SCROLL CURSOR FOR " + sql.encode())
            columns, rows = self._fetched(cursor, deadline)
            return kept(columns, rows, bounds)
        except MemoryError:
            raise TooLarge from None
        except psycopg.Error as error:
            raise self._explained(error) from None
        finally:
            self._end()

    def fits(self, bounds: Bounds) -> bool:  # noqa: ARG002 - they are set for each query
        """Whether the connection is open, as far as is known."""
        return not self._connection.closed

    def close(self) -> None:
        """Disconnect."""
        self._connection.close()

    def _begin(self, bounds: Bounds) -> None:
        settings = {
            "statement_timeout": max(1, int(bounds.wall_s * 1000)), "lock_timeout": _LOCK_S * 1000,
            "idle_in_transaction_session_timeout": int(bounds.wall_s * 1000) + 5_000,
            "client_connection_check_interval": 500, "cursor_tuple_fraction": 1,
        }  # fmt: skip
        try:
            self._connection.execute("BEGIN READ ONLY")
            self._connection.execute(
                "SELECT set_config(name, value, true) FROM unnest(%s::text[], %s::text[]) AS wanted(name, value)"
                " WHERE current_setting(name, true) IS NOT NULL",  # an older server does not know them all
                (list(settings), [str(value) for value in settings.values()]),
            )
        except psycopg.Error as error:
            self._connection.close()
            raise Unreachable(reason(error)) from None

    def _end(self) -> None:
        """Leave nothing of the query behind; a connection that cannot do so is closed."""
        try:
            self._connection.execute("ROLLBACK")
            self._connection.execute("DISCARD ALL")
        except psycopg.Error:
            self._connection.close()

    def _fetched(
        self, cursor: psycopg.Cursor[tuple[Any, ...]], deadline: float
    ) -> tuple[list[str], Iterator[tuple[Any, ...]]]:
        def fetch() -> list[tuple[Any, ...]]:
            if time.monotonic() >= deadline:
                raise TimedOut
            return cursor.execute(f"FETCH FORWARD {_ROWS_AT_ONCE} FROM spyne").fetchall()

        first = fetch()
        columns = [column.name for column in cursor.description or ()]

        def rows() -> Iterator[tuple[Any, ...]]:
            fetched = first
            while fetched:
                yield from fetched
                fetched = fetch() if len(fetched) == _ROWS_AT_ONCE else []

        return columns, rows()

    def _explained(self, error: psycopg.Error) -> Exception:
        if isinstance(error, errors.QueryCanceled):
            return TimedOut()
        if isinstance(error, errors.OutOfMemory | errors.ProgramLimitExceeded | errors.DiskFull):
            return TooLarge()
        if error.sqlstate is None or error.sqlstate.startswith(("08", "57P")):
            return Unreachable("its server ended the connection")
        text = error.diag.message_primary or type(error).__name__
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return Failed(text)
