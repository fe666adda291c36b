"""Puts readings together whose results are the same: what makes no difference is not asked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from spyne.ask.outcome import Cell, Reading, Rows
from spyne.plan.model import Query

DECIMALS = 6


@dataclass(frozen=True)
class Cluster:
    """Readings with one result. The first is the best of them. No rows: a reading that could not be run."""

    readings: tuple[Reading, ...]
    rows: Rows | None

    @property
    def best(self) -> Reading:
        """The reading with the highest score; the first among equals."""
        return max(self.readings, key=lambda reading: reading.score)


def clusters(results: Sequence[tuple[Reading, Rows | None]]) -> tuple[Cluster, ...]:
    """The clusters of results, in the order of their first readings. What could not be run is like nothing else."""
    found: dict[object, list[tuple[Reading, Rows | None]]] = {}
    for place, (reading, rows) in enumerate(results):
        key = place if rows is None else _key(rows, ordered=_ordered(reading.plan))
        found.setdefault(key, []).append((reading, rows))
    return tuple(Cluster(tuple(r for r, _ in each), each[0][1]) for each in found.values())


def _ordered(query: Query) -> bool:
    return bool(query.order_by)


def _key(rows: Rows, *, ordered: bool) -> object:
    cells = [tuple(_cell(cell) for cell in row) for row in rows.rows]
    width = len(rows.columns)
    return (width, tuple(cells)) if ordered else (width, frozenset(Counter(cells).items()))


def _cell(cell: Cell) -> object:
    if isinstance(cell, bool | int | float):
        return round(float(cell), DECIMALS)
    return cell
