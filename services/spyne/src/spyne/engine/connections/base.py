"""What the connections share."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, Self

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

    idle_s: ClassVar[float]
    """How long it stays open with nothing to do, in seconds."""

    def fits(self, bounds: Bounds) -> bool:  # noqa: ARG002 - for those that are bounded when they are opened
        """Whether another query, with these bounds, can run on it and sees what is in the database now."""
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


def identity(path: str) -> tuple[int, int] | None:
    """Which file a path leads to; None when there is none."""
    try:
        state = os.stat(path)  # noqa: PTH116 - it takes no more imports
    except OSError:
        return None
    return state.st_dev, state.st_ino


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
