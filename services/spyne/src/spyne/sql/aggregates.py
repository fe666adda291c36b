"""The aggregates that SQLite lacks. Whoever opens a connection for rendered SQL registers them on it."""

from __future__ import annotations

import sqlite3
import statistics


class _Numbers:
    """Collects what is a number; text and missing values are left out, as SQLite's own aggregates do."""

    def __init__(self) -> None:
        self.numbers: list[float] = []

    def step(self, value: object) -> None:
        """Take a value."""
        if isinstance(value, (int, float)):
            self.numbers.append(value)


class Median(_Numbers):
    """The middle value, or the mean of the two in the middle."""

    def finalize(self) -> float | None:
        """Give the result."""
        return float(statistics.median(self.numbers)) if self.numbers else None


class StandardDeviation(_Numbers):
    """The standard deviation of a sample; null for fewer than two values."""

    def finalize(self) -> float | None:
        """Give the result."""
        return statistics.stdev(self.numbers) if len(self.numbers) > 1 else None


def register(connection: sqlite3.Connection) -> None:
    """Give a connection `median(x)` and `stddev(x)`."""
    connection.create_aggregate("median", 1, Median)  # type: ignore[arg-type]  # typeshed wants int results
    connection.create_aggregate("stddev", 1, StandardDeviation)  # type: ignore[arg-type]  # the same
