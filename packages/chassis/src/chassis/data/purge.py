"""Data retention: delete rows that are older than they may be, in batches that nobody notices."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, Table, delete, select, tuple_

from chassis.clock import SYSTEM_CLOCK, Clock
from chassis.data.transactions import Begin

BATCH = 1000
"""Rows a transaction: a few milliseconds, so that nobody waits long for a lock."""


@dataclass(frozen=True, slots=True)
class Purged:
    """How many ``rows`` were deleted, and whether that was all of them (``complete``) or the time was up."""

    rows: int
    complete: bool


async def purge_older_than(
    begin: Begin,
    column: Column[Any],
    before: object,
    *,
    batch: int = BATCH,
    pause_s: float = 0.01,
    seconds: float = 60.0,
    clock: Clock = SYSTEM_CLOCK,
) -> Purged:
    """Delete the rows whose ``column`` is below ``before``, the oldest first, each batch in a transaction of its own.

    Several workers may do it at once: on PostgreSQL each skips the rows that another is deleting. Rows in which the
    column is null stay.

    Args:
        begin: opens a connection in a transaction, such as ``AsyncEngine.begin``; see also
            :func:`~chassis.data.transactions.transactions`.
        column: when the row was made, or until when it is kept; give it an index. Its table needs a primary key.
        before: what is older goes, in the column's own type.
        batch: rows a transaction.
        pause_s: seconds between transactions, for others.
        seconds: about how long it may take; the rest is for the next time.
        clock: the time.

    Raises:
        ValueError: the table has no primary key, or ``batch`` is not positive.
    """
    table = column.table
    if not isinstance(table, Table) or not table.primary_key.columns:
        raise ValueError(f"rows of {table} cannot be told apart: give the table a primary key")
    if batch < 1:
        raise ValueError(f"batch must be positive, not {batch}")
    key = tuple_(*table.primary_key.columns)
    oldest = select(*table.primary_key.columns).where(column < before).order_by(column).limit(batch)
    statement = delete(table).where(key.in_(oldest.with_for_update(skip_locked=True)))
    until = clock.monotonic() + seconds
    rows = 0
    while True:
        async with begin() as connection:
            deleted = (await connection.execute(statement)).rowcount
        rows += deleted
        if deleted < batch:
            return Purged(rows, complete=True)
        if clock.monotonic() >= until:
            return Purged(rows, complete=False)
        await clock.asleep(pause_s)
