"""Reads the schema of a SQLite file, through a connection that cannot write."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from spyne.schema.infer import infer_foreign_keys
from spyne.schema.kinds import kind_of
from spyne.schema.model import ColumnInfo, ForeignKey, Schema, TableInfo
from spyne.schema.version import structure_hash

MOST_VALUES = 1_000
LONGEST_VALUE = 1_000  # characters
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
        reader = _Reader(connection, budget_s)
        tables = infer_foreign_keys(tuple(reader.tables()), reader.contained)
        return Schema(dialect="sqlite", tables=tables, version=structure_hash(tables))


class _Reader:
    def __init__(self, connection: sqlite3.Connection, budget_s: float) -> None:
        self._connection = connection
        self._deadline = time.monotonic() + budget_s

    def tables(self) -> Iterator[TableInfo]:
        listed = self._all("SELECT name, type FROM sqlite_master WHERE type IN ('table', 'view') ORDER BY rowid")
        for name, kind in listed:
            if not str(name).lower().startswith("sqlite_"):
                with contextlib.suppress(sqlite3.OperationalError):  # a view on a table that is gone, a missing module
                    yield self._table(str(name), is_view=kind == "view")

    def _table(self, name: str, *, is_view: bool) -> TableInfo:
        described = self._all(f"PRAGMA table_info({_quoted(name)})")
        keyed = sorted((int(row[5]), str(row[1])) for row in described if row[5])
        counted = self._within_budget(f"SELECT count(*) FROM {_quoted(name)}")  # noqa: S608 - quoted
        return TableInfo(
            name=name,
            columns=tuple(self._column(name, str(row[1]), str(row[2] or ""), not row[3]) for row in described),
            primary_key=tuple(column for _, column in keyed),
            foreign_keys=() if is_view else tuple(self._foreign_keys(name)),
            unique=() if is_view else tuple(self._unique(name)),
            rows=int(counted[0][0]) if counted else None,
            is_view=is_view,
        )

    def _column(self, table: str, name: str, declared_type: str, nullable: bool) -> ColumnInfo:
        column, source = _quoted(name), _quoted(table)
        read = self._within_budget(
            f"SELECT DISTINCT {column} FROM {source} WHERE {column} IS NOT NULL LIMIT {MOST_VALUES + 1}"  # noqa: S608 - quoted
        )
        values = None if read is None else [row[0] for row in read]
        distinct = None if values is None else len(values)
        if distinct is not None and distinct > MOST_VALUES:
            counted = self._within_budget(f"SELECT count(DISTINCT {column}) FROM {source}")  # noqa: S608 - quoted
            distinct = int(counted[0][0]) if counted else None
        return ColumnInfo(
            name=name, declared_type=declared_type, kind=kind_of(declared_type, values or ()), nullable=nullable,
            distinct=distinct, values=kept_values(values),
        )  # fmt: skip

    def _foreign_keys(self, table: str) -> Iterator[ForeignKey]:
        by_id: dict[int, list[tuple[Any, ...]]] = {}
        for row in self._all(f"PRAGMA foreign_key_list({_quoted(table)})"):
            by_id.setdefault(row[0], []).append(row)
        for _, rows in sorted(by_id.items()):
            ordered = sorted(rows, key=lambda row: row[1])
            target = str(ordered[0][2])
            primary = [str(row[1]) for row in self._all(f"PRAGMA table_info({_quoted(target)})") if row[5]]
            named = [str(row[4]) for row in ordered if row[4] is not None] or primary
            if len(named) == len(ordered):
                yield ForeignKey(
                    columns=tuple(str(row[3]) for row in ordered), references=target, referenced_columns=tuple(named)
                )

    def _unique(self, table: str) -> Iterator[tuple[str, ...]]:
        for row in self._all(f"PRAGMA index_list({_quoted(table)})"):
            if row[2] and not row[4]:  # unique, and over all rows
                names = [column[2] for column in self._all(f"PRAGMA index_info({_quoted(str(row[1]))})")]
                if all(name is not None for name in names):
                    yield tuple(str(name) for name in names)

    def contained(self, table: TableInfo, column: ColumnInfo, other: TableInfo, key: ColumnInfo) -> bool:
        """Whether each value of a column is a value of a key; where there is none, there is nothing against it."""
        if column.values is not None and key.values is not None:
            return set(column.values) <= set(key.values)
        own, its = _quoted(column.name), _quoted(key.name)
        known = f"SELECT {its} FROM {_quoted(other.name)} WHERE {its} IS NOT NULL"  # noqa: S608 - quoted
        rows = f"SELECT 1 FROM {_quoted(table.name)} WHERE {own} IS NOT NULL"  # noqa: S608 - quoted
        strays = self._within_budget(f"{rows} AND {own} NOT IN ({known}) LIMIT 1")
        return strays == []

    def _within_budget(self, statement: str) -> list[tuple[Any, ...]] | None:
        """The rows, or None when the time for values is over."""
        if time.monotonic() >= self._deadline:
            return None
        self._connection.set_progress_handler(self._is_over, _INSTRUCTIONS_BETWEEN_LOOKS)
        try:
            return self._connection.execute(statement).fetchall()
        except sqlite3.OperationalError:
            if self._is_over():
                return None
            raise
        finally:
            self._connection.set_progress_handler(None, 0)

    def _is_over(self) -> bool:
        return time.monotonic() >= self._deadline

    def _all(self, statement: str) -> list[tuple[Any, ...]]:
        return self._connection.execute(statement).fetchall()


def kept_values(values: Sequence[object] | None) -> tuple[str | int | float | bool, ...] | None:
    """The values that a schema keeps: all of them when they are few and short, else None."""
    if values is None or len(values) > MOST_VALUES:
        return None
    if any(isinstance(value, str) and len(value) > LONGEST_VALUE for value in values):
        return None
    kept = tuple(value for value in values if isinstance(value, str | int | float | bool))
    return kept if len(kept) == len(values) else None


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
