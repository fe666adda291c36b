"""Queries under way: guarded, cached, bounded, and ended when their caller cancels or goes away."""

import asyncio
import hashlib
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace

import chassis

from spyne.api.cancelling import Cancellations
from spyne.api.catalog import Catalog, Known, source_of, unreachable
from spyne.api.measures import Measures
from spyne.ask.outcome import Rows
from spyne.cache import ResultCache, is_volatile
from spyne.engine import (
    Engine,
    EngineBusy,
    Limits,
    QueryCancelled,
    QueryError,
    QueryFailed,
    QueryTimedOut,
    QueryTooLarge,
    SourceUnreachable,
    WorkerLost,
)
from spyne.schema.model import Schema
from spyne.schema.read import data_version
from spyne.settings import Settings
from spyne.sql.errors import Refused
from spyne.sql.guard import check
from spyne.state.tables import now

LOOK_S = 0.5
"""How often a query under way looks whether somebody wants it to end, in seconds."""
_SNAPSHOT = "SELECT pg_current_snapshot()::text AS version"

Gone = Callable[[], Awaitable[bool]]


class SqlRefusedError(chassis.ProblemError):
    """The guard does not let SQL through: it is not allowed, or does not fit the tables there are."""


class SqlFailedError(chassis.ProblemError):
    """The database did not carry SQL out."""


async def never() -> bool:
    """A caller who does not go away."""
    return False


class Runner:
    """Runs queries.

    Args:
        settings: returns the settings, once they are there.
        state: Spyne's own database, where cancellations are told to all processes.
        catalog: the databases.
        cache: where results are kept.
        measures: what is counted.
    """

    def __init__(
        self,
        settings: Callable[[], Settings],
        state: chassis.Database,
        catalog: Catalog,
        cache: ResultCache,
        measures: Measures,
    ) -> None:
        """Begin with no query under way, and no process to run one."""
        self._settings = settings
        self._cancellations = Cancellations(state)
        self._catalog = catalog
        self._cache = cache
        self._measures = measures
        self._engine: Engine | None = None
        self._under_way: defaultdict[str, set[asyncio.Task[Rows]]] = defaultdict(set)
        self._cancelled: set[str] = set()

    @property
    def limits(self) -> Limits:
        """What a query may take."""
        settings = self._settings()
        return Limits(
            wall_s=settings.query_timeout_s,
            cpu_s=settings.query_timeout_s,
            memory_bytes=settings.query_memory,
            rows=settings.query_rows,
            bytes=settings.query_bytes,
        )

    @property
    def engine(self) -> Engine:
        """What runs queries in processes of their own."""
        if self._engine is None:
            self._engine = Engine(self._catalog.sources, workers=self._settings().query_processes, limits=self.limits)
        return self._engine

    async def close(self) -> None:
        """End the processes."""
        engine, self._engine = self._engine, None
        if engine is not None:
            await engine.close()

    def most_rows(self, limit: int | None = None) -> int:
        """How many rows SQL is let give, by the caller's limit or the setting: one more, which tells of more."""
        return (limit or self._settings().query_rows) + 1

    def checked(self, sql: str, schema: Schema, limit: int | None = None) -> str:
        """Check SQL that somebody wrote; return what is to be run.

        Raises:
            SqlRefusedError: 422 with the rule that it breaks.
        """
        try:
            return check(sql, schema, max_rows=self.most_rows(limit))
        except Refused as error:
            self._measures.guardrails.labels(error.rule).inc()
            raise SqlRefusedError(422, error.message, title="SQL refused", extensions={"rule": error.rule}) from None

    async def checked_now(self, known: Known, sql: str, limit: int | None = None) -> tuple[Schema, str]:
        """Check SQL against the tables that a database has; return its schema, and what is to be run.

        A name that is unknown may be that of a table or column made just now: then they are looked at once more.

        Raises:
            ProblemError: 422 with the rule that it breaks.
        """
        schema = await self._catalog.schema(known)
        try:
            return schema, check(sql, schema, max_rows=self.most_rows(limit))
        except Refused as error:
            if error.rule in ("unknown-table", "unknown-column"):
                schema = await self._catalog.schema(known, look=True)
        return schema, self.checked(sql, schema, limit)

    async def run(
        self,
        known: Known,
        schema: Schema,
        sql: str,
        *,
        request_id: str,
        limit: int | None = None,
        gone: Gone = never,
    ) -> Rows:
        """Run SQL that the guard made, or take its result from the cache. `request_id` is what `cancel` ends it by.

        Raises:
            SqlFailedError: 422: the database says why.
            ProblemError: 422 when it takes too much, 409 when it was cancelled, 503 when the database cannot
                be reached.
            DependencyDownError: no process is free to run it.
        """
        limits = replace(self.limits, rows=min(limit or self.limits.rows, 10_000))
        self._catalog.sources.setdefault(known.key, source_of(known.source))  # it may just have been changed
        key = await self._key(known, schema, sql, limits.rows)
        kept = await self._cache.get(key) if key else None
        self._measures.cache.labels("hit" if kept else "miss").inc()
        if kept is not None:
            return kept
        with self._explained(known):
            rows = await self._watched(self.engine.run(known.key, sql, limits, caller=request_id), request_id, gone)
        if key and not rows.limits_hit:
            await self._cache.put(key, rows)
        return rows

    async def cancel(self, names: Sequence[str]) -> bool:
        """End the queries of requests; return whether some were under way in this process.

        Others are told by the state, and end within a second.
        """
        mine = [name for name in names if name in self._under_way]
        for name in mine:
            self._cancelled.add(name)
            for task in self._under_way[name]:
                task.cancel()
        if not mine:
            await self._cancellations.add(names)
        return bool(mine)

    async def _watched(self, query: Awaitable[Rows], request_id: str, gone: Gone) -> Rows:
        """Carry out a query, and look now and then whether it is still wanted."""
        began = now()
        task: asyncio.Task[Rows] = asyncio.ensure_future(query)
        self._under_way[request_id].add(task)
        try:
            while not task.done():
                await asyncio.wait({task}, timeout=LOOK_S)
                if not task.done() and (await gone() or await self._cancellations.holds_for(request_id, began)):
                    self._cancelled.add(request_id)
                    task.cancel()
            return await task
        except asyncio.CancelledError:
            if request_id in self._cancelled:
                raise _cancelled() from None
            raise
        finally:
            if not task.done():
                task.cancel()
                with suppress(asyncio.CancelledError, Exception):
                    await task
            self._under_way[request_id].discard(task)
            if not self._under_way[request_id]:
                del self._under_way[request_id]
                self._cancelled.discard(request_id)

    async def _key(self, known: Known, schema: Schema, sql: str, rows: int) -> str | None:
        """The key of a result; None when it may change by itself, or nobody can tell whether the data has changed."""
        if not self._settings().cache_s or is_volatile(sql):
            return None
        version = await self._data_version(known)
        if version is None:
            return None
        place = hashlib.sha256(known.source.location.encode()).hexdigest()
        return ResultCache.key(known.source.dialect, place, schema.version, version, sql, rows)

    async def _data_version(self, known: Known) -> str | None:
        """What changes whenever data does: the snapshot of PostgreSQL, or the state of the files."""
        with suppress(QueryError, SourceUnreachable):
            if known.source.dialect != "postgres":
                return data_version(source_of(known.source))
            rows = await self.engine.run(known.key, _SNAPSHOT)  # on a connection that is there
            return str(rows.rows[0][0])
        return None

    @contextmanager
    def _explained(self, known: Known) -> Iterator[None]:
        """Say what went wrong as an answer."""
        began = time.monotonic()
        try:
            yield
        except QueryTimedOut:
            self._measures.guardrails.labels("time").inc()
            raise chassis.ProblemError(
                422,
                f"The query was ended after {time.monotonic() - began:.1f} s: it takes too long. Ask for less.",
                title="Query took too long",
                extensions={"rule": "time"},
            ) from None
        except QueryTooLarge:
            self._measures.guardrails.labels("size").inc()
            raise chassis.ProblemError(
                422, "The query was ended: it takes too much memory.", title="Query too large",
                extensions={"rule": "size"},
            ) from None  # fmt: skip
        except QueryCancelled:
            raise _cancelled() from None
        except (EngineBusy, WorkerLost) as error:
            raise chassis.DependencyDownError(known.name, str(error), retry_after_s=1.0) from None
        except QueryFailed as error:
            raise SqlFailedError(422, str(error), title="Query failed") from None
        except SourceUnreachable as error:
            raise unreachable(known, error) from None


def _cancelled() -> chassis.ProblemError:
    return chassis.ProblemError(409, "The query was cancelled.", title="Cancelled")
