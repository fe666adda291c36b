"""Whether the rows of an answer are those of a gold query.

Rows are compared as multisets, and in their order only where the gold query asks for one; rows that its order leaves
tied may change places. Columns may stand in another order, the same for all rows. Numbers are rounded to 3 decimals.
"""

import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from functools import lru_cache
from pathlib import Path

import sqlglot
from sqlglot import exp

Row = tuple[object, ...]

DECIMALS = 3
MOST_ROWS = 20_000
MOST_MAPPINGS = 5_000


@lru_cache(maxsize=4096)
def run(database: Path, sql: str) -> tuple[Row, ...]:
    """Rows of a query on a SQLite file, at most 20,000. Raises sqlite3.Error."""
    with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as connection:
        return tuple(connection.execute(sql).fetchmany(MOST_ROWS))


def same(rows: Sequence[Sequence[object]], gold: Sequence[Row], gold_sql: str) -> bool:
    """Whether the rows are those that the gold query gave."""
    mine = [tuple(_cell(cell) for cell in row) for row in rows]
    theirs = [tuple(_cell(cell) for cell in row) for row in gold]
    if len(mine) != len(theirs) or (theirs and len(mine[0]) != len(theirs[0])):
        return False
    groups = _groups(theirs, gold_sql)
    for number, mapping in enumerate(_mappings(mine, theirs)):
        if number >= MOST_MAPPINGS:
            return False
        moved = [tuple(row[place] for place in mapping) for row in mine]
        if all(Counter(moved[start:end]) == Counter(theirs[start:end]) for start, end in groups):
            return True
    return not theirs


def _cell(cell: object) -> object:
    if isinstance(cell, int | float):
        rounded = round(float(cell), DECIMALS)
        return 0.0 if rounded == 0 else rounded
    return cell


def _mappings(mine: list[Row], theirs: list[Row]) -> Iterator[tuple[int, ...]]:
    """Ways to reorder my columns so that each holds the same values as theirs; the order as it is comes first."""
    if not theirs:
        return
    width = len(theirs[0])
    my_columns = [Counter(row[place] for row in mine) for place in range(width)]
    wanted = [Counter(row[place] for row in theirs) for place in range(width)]
    fits = [[place for place in range(width) if my_columns[place] == column] for column in wanted]
    for place, choices in enumerate(fits):
        choices.sort(key=lambda each, place=place: each != place)

    def extend(chosen: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
        if len(chosen) == width:
            yield chosen
            return
        for place in fits[len(chosen)]:
            if place not in chosen:
                yield from extend((*chosen, place))

    yield from extend(())


def _groups(rows: list[Row], sql: str) -> list[tuple[int, int]]:
    """Ranges of rows within which the order is free: everything, or the ties of the gold query's ORDER BY."""
    keys = order_keys(sql)
    if keys is None:
        return [(0, len(rows))]
    starts = [0]
    for place in range(1, len(rows)):
        tied = keys and all(rows[place][key] == rows[place - 1][key] for key in keys if key < len(rows[place]))
        if not tied:
            starts.append(place)
    return list(zip(starts, [*starts[1:], len(rows)], strict=True))


@lru_cache(maxsize=4096)
def order_keys(sql: str) -> tuple[int, ...] | None:
    """The places of the columns that a query is ordered by.

    None without an order. Empty when it orders by what is not among its columns: then no row is known to be tied.
    """
    try:
        query = sqlglot.parse_one(sql, read="sqlite")
    except sqlglot.ParseError:
        return None
    order = query.args.get("order")
    if order is None:
        return None
    places: list[int] = []
    for key in order.expressions:
        place = _place(key.this, query.selects)
        if place is None:
            return ()
        places.append(place)
    return tuple(places)


def _place(key: exp.Expression, selects: list[exp.Expression]) -> int | None:
    if isinstance(key, exp.Literal) and not key.is_string:
        return int(key.name) - 1
    for place, item in enumerate(selects):
        if item.unalias() == key or (isinstance(key, exp.Column) and item.alias_or_name.lower() == key.name.lower()):
            return place
    return None
