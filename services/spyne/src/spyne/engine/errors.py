"""What can become of a query. No message holds an address or a password of a database."""

from __future__ import annotations

from spyne.schema.errors import SourceUnreachable

__all__ = [
    "EngineBusy", "QueryCancelled", "QueryError", "QueryFailed", "QueryTimedOut", "QueryTooLarge", "SourceUnreachable",
    "UnknownDatabase", "WorkerLost",
]  # fmt: skip


class QueryError(Exception):
    """A query that gave no rows."""


class QueryTimedOut(QueryError):  # noqa: N818 - what happened, said as the callers say it
    """It ran longer than it may, by the clock or by the processor."""


class QueryTooLarge(QueryError):  # noqa: N818
    """It took more memory than it may."""


class QueryFailed(QueryError):  # noqa: N818
    """The database refused it; the message is what the database said."""


class QueryCancelled(QueryFailed):
    """It was cancelled by its id."""


class WorkerLost(QueryFailed):
    """The process that ran it ended unexpectedly. The query changed nothing and may be asked again."""


class EngineBusy(QueryFailed):
    """No process was free in time, or too many queries wait already. Ask again later."""


class UnknownDatabase(QueryFailed):
    """No database has that name."""
