"""The engine: named databases, and queries that end when they should."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Mapping, Sequence
from typing import Self

from spyne.engine.errors import (
    QueryCancelled,
    QueryError,
    QueryFailed,
    QueryTimedOut,
    QueryTooLarge,
    SourceUnreachable,
    UnknownDatabase,
)
from spyne.engine.frames import Message
from spyne.engine.limits import Limits
from spyne.engine.pool import Pool
from spyne.engine.process import Process
from spyne.engine.rows import Rows
from spyne.schema.source import Source

_KILL_AFTER = 1.15
"""A query that does not end by itself at its limit is killed at this many times the limit."""
_POLITE_S = 0.25
"""How long a cancelled query may take to tell its server, in seconds."""

Outcome = Rows | QueryError | SourceUnreachable


class Engine:
    """Runs SQL on databases, each query in a process that ends with it when it takes too much.

    Args:
        sources: the databases by name; it may change while the engine runs.
        workers: how many queries run at the same time. With two or more, one caller never has all of them.
        limits: what a query may take, unless it is told otherwise.

    Processes are started when they are needed, and again when they end. The SQL has to come from the guard: the engine
    is the second wall, and opens databases so that they cannot be written to.
    """

    def __init__(self, sources: Mapping[str, Source], workers: int = 2, limits: Limits | None = None) -> None:
        self._sources = sources
        self._limits = limits or Limits()
        self._pool = Pool(workers, lambda: sorted({source.dialect for source in sources.values()}))
        self._numbers = itertools.count()
        self._under_way: dict[str, asyncio.Task[list[Outcome]]] = {}
        self._cancelled: set[str] = set()

    async def __aenter__(self) -> Self:
        """Use it for a while, as in ``async with Engine(...) as engine``."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """End all queries and processes."""
        await self.close()

    @property
    def pids(self) -> frozenset[int]:
        """The process ids of the processes that are there now."""
        return self._pool.pids

    async def run(
        self,
        database: str,
        sql: str,
        limits: Limits | None = None,
        *,
        query_id: str | None = None,
        caller: str | None = None,
    ) -> Rows:
        """The rows of a query.

        Args:
            database: a name among the sources.
            sql: one query, as the guard rendered it.
            limits: instead of the engine's own.
            query_id: the name by which `cancel` finds it.
            caller: whose query it is; callers take turns. Without one it stands for itself.

        Raises QueryTimedOut, QueryTooLarge, SourceUnreachable, and QueryFailed with what is under it (UnknownDatabase,
        QueryCancelled, WorkerLost, EngineBusy).
        """
        (outcome,) = await self.run_many(database, [sql], limits, query_id=query_id, caller=caller)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    async def run_many(
        self,
        database: str,
        statements: Sequence[str],
        limits: Limits | None = None,
        *,
        query_id: str | None = None,
        caller: str | None = None,
    ) -> list[Outcome]:
        """The rows of several queries, one after the other on one connection; each has the limits for itself.

        In place of the rows of a query that failed stands its error. Raises UnknownDatabase, QueryCancelled and
        EngineBusy.
        """
        source = self._sources.get(database)
        if source is None:
            raise UnknownDatabase(f"no database is called {database!r}")
        number = f"query-{next(self._numbers)}"
        name = query_id or number
        task = asyncio.ensure_future(
            self._outcomes(database, source, statements, limits or self._limits, caller or number)
        )
        self._under_way[name] = task
        try:
            return await task
        except asyncio.CancelledError:
            if name in self._cancelled:
                raise QueryCancelled("the query was cancelled") from None
            raise
        finally:
            self._cancelled.discard(name)
            if self._under_way.get(name) is task:
                del self._under_way[name]

    async def cancel(self, query_id: str) -> bool:
        """End the query with that id, wherever it is; whether there was one."""
        task = self._under_way.get(query_id)
        if task is None or task.done():
            return False
        self._cancelled.add(query_id)
        task.cancel()
        return True

    async def close(self) -> None:
        """End all queries and processes."""
        tasks = set(self._under_way.values())
        for name, task in self._under_way.items():
            self._cancelled.add(name)
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        await self._pool.close()

    async def _outcomes(
        self, database: str, source: Source, statements: Sequence[str], limits: Limits, caller: str
    ) -> list[Outcome]:
        outcomes: list[Outcome] = []
        while len(outcomes) < len(statements):
            process = await self._pool.taken(caller, limits.wait_s)
            try:
                while len(outcomes) < len(statements):
                    request = _request(source, statements[len(outcomes)], limits)
                    outcomes.append(await self._outcome(process, database, request, limits))
                    if not process.is_alive:
                        break
            except BaseException:
                self._pool.stopped(caller, process, _POLITE_S)
                raise
            self._pool.returned(caller, process)
        return outcomes

    async def _outcome(self, process: Process, database: str, request: Message, limits: Limits) -> Outcome:
        try:
            answer = await process.ask(request, limits.wall_s * _KILL_AFTER)
        except QueryError as error:
            return error
        if "error" in answer:
            return _error(database, answer["error"], answer.get("message", ""))
        # The process made these of JSON's own types: there is nothing to validate.
        return Rows.model_construct(
            columns=tuple(answer["columns"]),
            rows=tuple(tuple(row) for row in answer["rows"]),
            limits_hit=tuple(answer["limits_hit"]),
            elapsed_s=answer["elapsed_s"],
        )


def _request(source: Source, sql: str, limits: Limits) -> Message:
    bounds = {"wall_s": limits.wall_s, "memory_bytes": limits.memory_bytes, "rows": limits.rows, "bytes": limits.bytes}
    return {"dialect": source.dialect, "location": source.location.get_secret_value(), "sql": sql, "bounds": bounds,
            "cpu_s": limits.cpu_s}  # fmt: skip


def _error(database: str, kind: str, message: str) -> QueryError | SourceUnreachable:
    if kind == "timed_out":
        return QueryTimedOut("the query took longer than it may, and was ended")
    if kind == "too_large":
        return QueryTooLarge("the query took more memory than it may, and was ended")
    if kind == "unreachable":
        return SourceUnreachable(f"the database {database!r} cannot be reached: {message}")
    return QueryCancelled("the query was cancelled") if kind == "cancelled" else QueryFailed(message)
