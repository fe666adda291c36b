"""A SQL database: SQLite or PostgreSQL through SQLAlchemy 2, for event loops and for threads.

::

    database = service.sql("database", lambda s: s.database_url)

    async with database.session() as session:          # a transaction: committed at the end, or rolled back
        session.add(Note(text="hello"))

    with database.sync_session() as session:           # the same in a thread

Getting a connection goes through the guard: it is retried, counted, and refused at once while the circuit breaker is
open. What runs inside the block runs once. To have it all repeated when the connection is lost, pass a function that
may run twice: ``await database.run(work)``.
"""

import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from chassis.dependencies.declaration import QUICK_BREAKER, Dependency
from chassis.dependencies.sql_options import SqlOptions
from chassis.errors import DependencyError
from chassis.extras import extra
from chassis.resilience.policy import Policy, Retry

if TYPE_CHECKING:
    from sqlalchemy import URL, Engine
    from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
    from sqlalchemy.orm import Session

T = TypeVar("T")


class Database(Dependency):
    """A SQL database.

    Args:
        name: what logs, metrics, health and alerts call it.
        options: how it is used.
        application: what the server's own lists of connections call this service.
        declared: see :class:`chassis.Dependency`.
    """

    kind: ClassVar[str] = "sql"
    default_policy: ClassVar[Policy] = Policy(
        deadline_s=5.0, retry=Retry(attempts=2, backoff_s=0.05), breaker=QUICK_BREAKER
    )

    def __init__(
        self, name: str, *, options: SqlOptions | None = None, application: str = "chassis", **declared: Any
    ) -> None:
        """Declare it; nothing is opened yet."""
        super().__init__(name, **declared)
        self.options = options or SqlOptions()
        self._application = application
        self._making = threading.Lock()
        self._engine: AsyncEngine | None = None
        self._checking: AsyncEngine | None = None
        self._sync_engine: Engine | None = None

    def url(self) -> "URL":
        """Return where it is, as SQLAlchemy's URL.

        Raises:
            ValueError: it is neither SQLite nor PostgreSQL.
        """
        with extra("sql"):
            from chassis.dependencies.sql_engines import parsed  # noqa: PLC0415 - an extra
        return parsed(self.address())

    def validate(self) -> None:
        """Check the address without connecting, and load the driver, so that no sign of life waits for that."""
        url = self.url()
        with extra("sql"):
            from chassis.dependencies.sql_engines import load_driver  # noqa: PLC0415 - an extra

            load_driver(url)

    @property
    def dialect(self) -> str:
        """``sqlite`` or ``postgresql``."""
        return self.url().get_backend_name()

    @property
    def engine(self) -> "AsyncEngine":
        """SQLAlchemy's engine for event loops; one loop at a time."""
        with self._making:
            if self._engine is None:
                self._engine = self._made(self.options)
            return self._engine

    @property
    def sync_engine(self) -> "Engine":
        """SQLAlchemy's engine for threads."""
        with self._making:
            if self._sync_engine is None:
                from chassis.dependencies.sql_engines import sync_engine  # noqa: PLC0415 - an extra

                self._sync_engine = sync_engine(self.url(), self.options, self._application)
            return self._sync_engine

    def _made(self, options: SqlOptions) -> "AsyncEngine":
        from chassis.dependencies.sql_engines import async_engine  # noqa: PLC0415 - an extra

        return async_engine(self.url(), options, self._application)

    # -- in an event loop

    @asynccontextmanager
    async def session(self) -> AsyncIterator["AsyncSession"]:
        """Open a session whose transaction is committed at the end of the block, or rolled back by an error.

        Raises:
            DependencyDownError: the database cannot be reached, or broke off.
            DeadlineExceededError: it did not answer in time, or a statement took too long.
        """
        session = await self.ask(self._opened)
        with self.understanding():
            async with session:
                yield session
                await session.commit()

    async def _opened(self) -> "AsyncSession":
        from sqlalchemy.ext.asyncio import AsyncSession  # noqa: PLC0415 - an extra

        session = AsyncSession(self.engine, expire_on_commit=False)
        try:
            with self.understanding():
                await session.connection()
        except BaseException:
            await session.close()
            raise
        return session

    async def run(self, work: "Callable[[AsyncSession], Awaitable[T]]") -> T:
        """Carry out ``work`` in a transaction of its own, all of it inside the guard. It may be carried out twice.

        Raises:
            DependencyDownError: the database cannot be reached, or broke off.
            DeadlineExceededError: it did not answer in time, or a statement took too long.
        """
        return await self.pipeline.acall(self._carried_out, work)

    async def _carried_out(self, work: "Callable[[AsyncSession], Awaitable[T]]") -> T:
        session = await self._opened()
        with self.understanding():
            async with session:
                result = await work(session)
                await session.commit()
                return result

    # -- in a thread

    @contextmanager
    def sync_session(self) -> Iterator["Session"]:
        """Do as :meth:`session` does."""
        session = self.ask_sync(self._sync_opened)
        with self.understanding(), session:
            yield session
            session.commit()

    def _sync_opened(self) -> "Session":
        from sqlalchemy.orm import Session  # noqa: PLC0415 - an extra

        session = Session(self.sync_engine, expire_on_commit=False)
        try:
            with self.understanding():
                session.connection()
        except BaseException:
            session.close()
            raise
        return session

    def run_sync(self, work: "Callable[[Session], T]") -> T:
        """Do as :meth:`run` does."""
        return self.pipeline.call(self._sync_carried_out, work)

    def _sync_carried_out(self, work: "Callable[[Session], T]") -> T:
        session = self._sync_opened()
        with self.understanding(), session:
            result = work(session)
            session.commit()
            return result

    # -- for the chassis

    def meaning(self, error: Exception) -> DependencyError | None:
        """Return what an error of SQLAlchemy means; None when the statement is at fault."""
        from chassis.dependencies.sql_errors import understood  # noqa: PLC0415 - an extra

        return understood(self.name, error)

    async def check(self) -> None:
        """Ask it for a sign of life on a connection beside the pool, which may be used up."""
        from chassis.dependencies.sql_engines import SIGN_OF_LIFE, for_checks  # noqa: PLC0415 - an extra

        if self._checking is None:
            self._checking = for_checks(self.url(), self.options, self._application) or self.engine
        async with self._checking.connect() as connection:
            await connection.exec_driver_sql(SIGN_OF_LIFE[self.dialect])

    async def close(self) -> None:
        """Close all connections. A later use opens new ones."""
        with self._making:
            engines = {self._engine, self._checking} - {None}
            sync_engine = self._sync_engine
            self._engine = self._checking = self._sync_engine = None
        for engine in engines:
            if engine is not None:
                await engine.dispose()
        if sync_engine is not None:
            sync_engine.dispose()

    def gauges(self) -> dict[str, float]:
        """Connections of the pools that are in use, and how many there may be."""
        pools = [each.pool for each in (self._engine, self._sync_engine) if each is not None]
        in_use = sum(each.checkedout() for each in pools if hasattr(each, "checkedout"))
        return {"connections_in_use": float(in_use), "connections_max": float(self.options.pool_size)}
