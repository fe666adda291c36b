"""What the connections share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from spyne.schema.cells import Json, cell, size


class Unreachable(Exception):  # noqa: N818 - what happened
    """The database cannot be opened; the message holds nothing of its address."""


class TimedOut(Exception):  # noqa: N818
    """The query ran longer than it may."""


class TooLarge(Exception):  # noqa: N818
    """The query took more memory than it may."""


class Failed(Exception):  # noqa: N818
    """The database refused the query."""


@dataclass(frozen=True)
class Bounds:
    """What a query may take, and how much of its result is kept: see `spyne.engine.limits`."""

    wall_s: float
    memory_bytes: int
    rows: int
    bytes: int


@dataclass
class Result:
    """Rows that were read, and what was cut off."""

    columns: list[str]
    rows: list[list[Json]]
    limits_hit: list[str]


class Connection(ABC):
    """A connection that cannot write."""

    stays_open = False
    """Whether it may stay open between queries of different callers."""

    @property
    def is_sound(self) -> bool:
        """Whether another query can run on it."""
        return True

    @classmethod
    @abstractmethod
    def opened(cls, location: str, bounds: Bounds) -> Self:
        """Open it. Raises Unreachable."""

    @abstractmethod
    def run(self, sql: str, bounds: Bounds) -> Result:
        """Run one query. Raises TimedOut, TooLarge, Failed, and Unreachable when the connection broke before it."""

    @abstractmethod
    def close(self) -> None:
        """End it."""


def kept(columns: list[str], rows: Iterable[Iterable[object]], bounds: Bounds) -> Result:
    """As much of the rows as is allowed; no more of them is read than it takes to know that there are more."""
    result = Result(columns, [], [])
    total = 0
    for row in rows:
        if len(result.rows) == bounds.rows:
            result.limits_hit.append("rows")
            break
        cells = [cell(value) for value in row]
        total += size(cells)
        if total > bounds.bytes:
            result.limits_hit.append("bytes")
            break
        result.rows.append(cells)
    return result
