"""Reads the schema of a SQLite file, through a connection that cannot write."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from spyne.schema.infer import infer_foreign_keys
from spyne.schema.kinds import kind_of
from spyne.schema.model import ColumnInfo, ForeignKey, Schema, TableInfo
from spyne.schema.profile import Profiler, Rows, Unreadable, containment, kept_values, quoted
from spyne.schema.version import structure_hash

_INSTRUCTIONS_BETWEEN_LOOKS = 10_000


def read_sqlite(path: str | Path, *, budget_s: float = 20.0) -> Schema:
    """The tables, views, keys, kinds and values of a SQLite file.

    Row counts and values are read for `budget_s` seconds at most, and stay None where that was too short; tables and
    columns are always read. Raises OSError when the file cannot be opened, and `sqlite3.DatabaseError` when it is no
    SQLite database.
    """
    file = Path(path)
    if not file.is_file():
        raise FileNotFoundError(f"no SQLite file at {file}: give the path of one that exists")
    with contextlib.closing(sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True)) as connection:
        connection.text_factory = lambda raw: raw.decode(errors="replace")
        connection.execute("PRAGMA query_only = 1")
        connection.execute("PRAGMA trusted_schema = 0")
        reader = _Reader(connection, budget_s)
        tables = infer_foreign_keys(tuple(reader.tables()), reader.contained)
        return Schema(dialect="sqlite", tables=tables, version=structure_hash(tables))


class _Reader:
    def __init__(self, connection: sqlite3.Connection, budget_s: float) -> None:
        self._connection = connection
        self._profiler = Profiler(self._fetched, budget_s)
        self.contained = containment(self._profiler, lambda table: quoted(table.name))

    def tables(self) -> Iterator[TableInfo]:
        listed = self._all("SELECT name, type FROM sqlite_master WHERE type IN ('table', 'view') ORDER BY rowid")
        for name, kind in listed:
            if not str(name).lower().startswith("sqlite_"):
                with contextlib.suppress(sqlite3.OperationalError):  # a view on a table that is gone, a missing module
                    yield self._table(str(name), is_view=kind == "view")

    def _table(self, name: str, *, is_view: bool) -> TableInfo:
        described = self._all(f"PRAGMA table_info({quoted(name)})")
        keyed = sorted((row[5], row[1]) for row in described if row[5])
        return TableInfo(
            name=name,
            columns=tuple(self._column(name, row[1], row[2] or "", not row[3]) for row in described),
            primary_key=tuple(column for _, column in keyed),
            foreign_keys=() if is_view else tuple(self._foreign_keys(name)),
            unique=() if is_view else tuple(self._unique(name)),
            rows=self._profiler.rows(quoted(name)),
            is_view=is_view,
        )

    def _column(self, table: str, name: str, declared_type: str, nullable: bool) -> ColumnInfo:
        values, distinct = self._profiler.values(quoted(table), quoted(name))
        return ColumnInfo(
            name=name, declared_type=declared_type, kind=kind_of(declared_type, values or ()), nullable=nullable,
            distinct=distinct, values=kept_values(values),
        )  # fmt: skip

    def _foreign_keys(self, table: str) -> Iterator[ForeignKey]:
        by_id: dict[int, list[tuple[Any, ...]]] = {}
        for row in self._all(f"PRAGMA foreign_key_list({quoted(table)})"):
            by_id.setdefault(row[0], []).append(row)
        for _, rows in sorted(by_id.items()):
            ordered = sorted(rows, key=lambda row: row[1])
            target = str(ordered[0][2])
            primary = [str(row[1]) for row in self._all(f"PRAGMA table_info({quoted(target)})") if row[5]]
            named = [str(row[4]) for row in ordered if row[4] is not None] or primary
            if len(named) == len(ordered):
                yield ForeignKey(
                    columns=tuple(str(row[3]) for row in ordered), references=target, referenced_columns=tuple(named)
                )

    def _unique(self, table: str) -> Iterator[tuple[str, ...]]:
        for row in self._all(f"PRAGMA index_list({quoted(table)})"):
            if row[2] and not row[4]:  # unique, and over all rows
                names = [column[2] for column in self._all(f"PRAGMA index_info({quoted(str(row[1]))})")]
                if all(name is not None for name in names):
                    yield tuple(str(name) for name in names)

    def _fetched(self, statement: str, within_s: float) -> Rows:
        deadline = time.monotonic() + within_s
        self._connection.set_progress_handler(lambda: time.monotonic() >= deadline, _INSTRUCTIONS_BETWEEN_LOOKS)
        try:
            yield from self._connection.execute(statement)
        except sqlite3.Error:
            raise Unreadable from None
        finally:
            self._connection.set_progress_handler(None, 0)

    def _all(self, statement: str) -> list[tuple[Any, ...]]:
        return self._connection.execute(statement).fetchall()
