"""Reads what columns hold, within a budget: how many rows, which values, and whether one column's are another's."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from spyne.schema.cells import Json, cell
from spyne.schema.model import ColumnInfo, TableInfo

MOST_VALUES = 1_000
MOST_CHARACTERS = 1_000_000  # of all values of a column
LONGEST_VALUE = 1_000  # characters
MOST_SECONDS = 2.0  # for one question about one column

Rows = Iterable[Sequence[Any]]


class Unreadable(Exception):  # noqa: N818 - what happened
    """A question that a database did not answer in the time it had, or at all."""


class Profiler:
    """Asks a database about its values, for `budget_s` seconds in all.

    Args:
        fetch: runs a query for so many seconds at most and gives its rows; raises Unreadable.
        budget_s: in seconds; once it is over, everything is None.
    """

    def __init__(self, fetch: Callable[[str, float], Rows], budget_s: float) -> None:
        self._fetch = fetch
        self._deadline = time.monotonic() + budget_s

    def rows(self, table: str) -> int | None:
        """How many rows a table has, or None. `table` is its name as SQL."""
        return self._number(f"SELECT count(*) FROM {table}")  # noqa: S608 - quoted by the caller

    def values(self, table: str, column: str) -> tuple[list[Json] | None, int | None]:
        """Up to 1,001 distinct values of a column, and how many there are; None where not known, or of bytes."""
        known = f"SELECT DISTINCT {column} FROM {table} WHERE {column} IS NOT NULL"  # noqa: S608 - quoted by the caller
        values: list[Json] = []
        characters = 0
        try:
            for (value,) in self._asked(f"{known} LIMIT {MOST_VALUES + 1}"):
                values.append(cell(value))
                characters += len(value) if isinstance(value, str | bytes) else 8
                if characters > MOST_CHARACTERS or isinstance(value, bytes):
                    return None, None
        except Unreadable:
            return None, None
        if len(values) <= MOST_VALUES:
            return values, len(values)
        return values, self._number(f"SELECT count(DISTINCT {column}) FROM {table}")  # noqa: S608 - the same

    def contained(self, own: tuple[str, str], known: tuple[str, str]) -> bool:
        """Whether each value of a column (table, column) is one of another: False where that is not known."""
        there = f"SELECT {known[1]} FROM {known[0]} WHERE {known[1]} IS NOT NULL"  # noqa: S608 - quoted by the caller
        rows = f"SELECT 1 FROM {own[0]} WHERE {own[1]} IS NOT NULL"  # noqa: S608 - the same
        try:
            return not list(self._asked(f"{rows} AND {own[1]} NOT IN ({there}) LIMIT 1"))
        except Unreadable:
            return False

    def _number(self, statement: str) -> int | None:
        try:
            for (number,) in self._asked(statement):
                return int(number)
        except Unreadable:
            pass
        return None

    def _asked(self, statement: str) -> Rows:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise Unreadable
        return self._fetch(statement, min(left, MOST_SECONDS))


def kept_values(values: Sequence[Json] | None) -> tuple[str | int | float | bool, ...] | None:
    """The values that a schema keeps: all of them when they are few and short, else None."""
    if values is None or len(values) > MOST_VALUES:
        return None
    if any(isinstance(value, str) and len(value) > LONGEST_VALUE for value in values):
        return None
    return tuple(value for value in values if value is not None)


Place = Callable[[TableInfo], str]


def containment(profiler: Profiler, place: Place) -> Callable[[TableInfo, ColumnInfo, TableInfo, ColumnInfo], bool]:
    """What `infer_foreign_keys` asks, answered from the values that were read, or else by the database.

    Args:
        profiler: asks the database.
        place: the name of a table as SQL.
    """

    def contained(table: TableInfo, column: ColumnInfo, other: TableInfo, key: ColumnInfo) -> bool:
        if column.values is not None and key.values is not None:
            return set(column.values) <= set(key.values)
        return profiler.contained((place(table), quoted(column.name)), (place(other), quoted(key.name)))

    return contained


def quoted(name: str) -> str:
    """A name as SQL, whatever is in it."""
    return '"' + name.replace('"', '""') + '"'
