"""A SQLite file that the benchmarks ask: its schema, and its queries' rows."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import chassis
from spyne.ask.outcome import Rows
from spyne.schema.model import Schema
from spyne.schema.sqlite import read_sqlite
from spyne.sql.aggregates import register

MOST_ROWS, MOST_STEPS = 20_000, 2_000


class Database:
    """One SQLite file: its schema, and its queries' rows, which are kept."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.schema: Schema = read_sqlite(path)
        self._rows: dict[str, Rows] = {}

    async def run(self, sql: str) -> Rows:
        """Rows of a query. Raises ProblemError as the service does, also after 200 million steps."""
        if sql not in self._rows:
            with closing(sqlite3.connect(f"{self.path.as_uri()}?mode=ro", uri=True)) as connection:
                left = [MOST_STEPS]

                def tick() -> bool:
                    left[0] -= 1
                    return left[0] < 0

                connection.set_progress_handler(tick, 100_000)
                register(connection)
                try:
                    cursor = connection.execute(sql)
                    names = tuple(column[0] for column in cursor.description)
                    self._rows[sql] = Rows(columns=names, rows=tuple(cursor.fetchmany(MOST_ROWS)))
                except sqlite3.Error as error:
                    raise chassis.ProblemError(422, str(error)) from error
        return self._rows[sql]
