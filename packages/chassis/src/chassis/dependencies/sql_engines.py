"""SQLAlchemy engines for SQLite and PostgreSQL that are pooled, bounded in time, and read-only when asked."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from importlib import import_module
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from sqlalchemy import URL, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import StaticPool

from chassis import context
from chassis.dependencies.sql_options import SqlOptions

if TYPE_CHECKING:
    from sqlalchemy import Engine

NEVER = float("inf")
SIGN_OF_LIFE = {"postgresql": "SELECT 1", "sqlite": "SELECT count(*) FROM sqlite_master"}
"""A statement that the database cannot answer without its files, by dialect."""

_DRIVERS = {
    "sqlite": ("aiosqlite", "sqlalchemy.dialects.sqlite.aiosqlite"),
    "postgresql": ("sqlalchemy.dialects.postgresql.psycopg", "chassis.dependencies.sql_bounds"),
}

PIN = "SELECT set_config('transaction_read_only', 'on', true)"

INSTRUCTIONS_BETWEEN_LOOKS = 10_000
"""SQLite looks at the clock each time that it carried out so many of its instructions: well below a millisecond."""


def parsed(url: str) -> URL:
    """Parse the address of a database.

    Raises:
        ValueError: it is not one of SQLite or PostgreSQL; the message has nothing of it but the scheme.
    """
    expected = "expected sqlite:///file.db or postgresql://user:password@host/database"
    try:
        made = make_url(url.replace("postgres://", "postgresql://", 1) if url.startswith("postgres://") else url)
    except (ArgumentError, ValueError):
        raise ValueError(f"{expected}, found something that is no URL") from None  # the cause quotes the password
    if made.get_backend_name() not in ("sqlite", "postgresql"):
        raise ValueError(f"{expected}, found one that begins with {made.drivername}:")
    return made


def load_driver(url: URL) -> None:
    """Import what talks to the database, which takes a while. Nothing is opened."""
    for module in _DRIVERS[url.get_backend_name()]:
        import_module(module)


def async_engine(url: URL, options: SqlOptions, application: str) -> AsyncEngine:
    """Make an engine for event loops."""
    if url.get_backend_name() == "sqlite":
        made = create_async_engine(
            _sqlite_url(url, "sqlite+aiosqlite", options), **_sqlite_arguments(url, options), hide_parameters=True
        )
        _prepare_sqlite(made.sync_engine, options)
        return made
    made = create_async_engine(
        url.set(drivername="postgresql+psycopg"),
        **_postgresql_arguments(url, options, application),
        hide_parameters=True,
    )
    _bound_postgresql(made.sync_engine, options, in_event_loop=True)
    return made


def sync_engine(url: URL, options: SqlOptions, application: str) -> "Engine":
    """Make an engine for threads."""
    if url.get_backend_name() == "sqlite":
        made = create_engine(
            _sqlite_url(url, "sqlite", options), **_sqlite_arguments(url, options), hide_parameters=True
        )
        _prepare_sqlite(made, options)
        return made
    made = create_engine(
        url.set(drivername="postgresql+psycopg"),
        **_postgresql_arguments(url, options, application),
        hide_parameters=True,
    )
    _bound_postgresql(made, options, in_event_loop=False)
    return made


def for_checks(url: URL, options: SqlOptions, application: str) -> AsyncEngine | None:
    """Make an engine of one connection, to ask for signs of life; None for a database that lives in one connection."""
    if in_memory(url):
        return None
    return async_engine(url, replace(options, pool_size=1), f"{application} health")


def _pool(options: SqlOptions) -> dict[str, Any]:
    return {"pool_size": options.pool_size, "max_overflow": 0, "pool_timeout": options.pool_wait_s}


def _postgresql_arguments(url: URL, options: SqlOptions, application: str) -> dict[str, Any]:
    asked = url.query.get("options", "")
    settings = {
        "statement_timeout": round(options.statement_s * 1000),
        "lock_timeout": round(options.lock_s * 1000),
        "idle_in_transaction_session_timeout": round(options.idle_in_transaction_s * 1000),
    }
    if options.read_only:
        settings["default_transaction_read_only"] = 1
    given = [asked if isinstance(asked, str) else " ".join(asked)]
    given += [f"-c {name}={value}" for name, value in settings.items()]
    return {
        **_pool(options),
        "pool_pre_ping": True,  # the first use after the server came back finds a connection that works
        "connect_args": {
            "options": " ".join(given).strip(),
            "connect_timeout": options.connect_s,
            "application_name": application,
        },
    }


def _bound_postgresql(engine: "Engine", options: SqlOptions, *, in_event_loop: bool) -> None:
    from chassis.dependencies.sql_bounds import AsyncBoundedConnection, BoundedConnection  # noqa: PLC0415 - an extra

    @event.listens_for(engine, "do_connect")
    def connect(_dialect: Any, _record: Any, arguments: list[Any], keywords: dict[str, Any]) -> Any:
        if in_event_loop:
            keywords["async_creator_fn"] = AsyncBoundedConnection.connect
            return None  # the dialect goes on with these arguments
        return BoundedConnection.connect(*arguments, **keywords)

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: Any) -> None:
        driver = getattr(connection, "driver_connection", connection)
        driver.limit_s = options.statement_s + 1.0
        if options.read_only:
            driver.prepare_threshold = 0  # a prepared statement is one statement: no COMMIT in front of a write

    if options.read_only:
        _pin_read_only(engine)


def _pin_read_only(engine: "Engine") -> None:
    """Make every transaction read-only by a query of our own, after which PostgreSQL takes no READ WRITE any more.

    A statement can begin a transaction (``COMMIT AND CHAIN``), and change how the next ones begin. But what does so
    returns no rows: after such a statement, and wherever no transaction is under way, the next one is made sure of.
    """
    from psycopg.pq import TransactionStatus  # noqa: PLC0415 - an extra

    @event.listens_for(engine, "before_cursor_execute")
    def pin(connection: Any, *_: Any) -> None:
        state = connection.info.get("pinned")
        status = connection.connection.driver_connection.pgconn.transaction_status
        begun = status == TransactionStatus.INTRANS
        if state == "pinning" or (begun and state == "pinned") or not (begun or status == TransactionStatus.IDLE):
            return
        connection.info["pinned"] = "pinning"
        connection.exec_driver_sql(PIN)

    @event.listens_for(engine, "after_cursor_execute")
    def look(connection: Any, cursor: Any, *_: Any) -> None:
        connection.info["pinned"] = "pinned" if cursor.description is not None else ""

    @event.listens_for(engine, "handle_error")
    def forget(failure: Any) -> None:
        if failure.connection is not None and not failure.connection.invalidated:
            failure.connection.info["pinned"] = ""


def _sqlite_url(url: URL, driver: str, options: SqlOptions) -> URL:
    made = url.set(drivername=driver)
    if not options.read_only or in_memory(url):
        return made
    file = made.database or ""
    return made.set(database=file if file.startswith("file:") else f"file:{quote(file)}").update_query_dict(
        {"mode": "ro", "uri": "true"}
    )


def in_memory(url: URL) -> bool:
    """Tell whether it is a SQLite database that lives in one connection."""
    return url.get_backend_name() == "sqlite" and url.database in (None, "", ":memory:")


def _sqlite_arguments(url: URL, options: SqlOptions) -> dict[str, Any]:
    arguments: dict[str, Any] = {"connect_args": {"timeout": options.lock_s, "check_same_thread": False}}
    arguments["connect_args"]["factory"] = _Unattached if options.read_only else _Connection
    if in_memory(url):
        return arguments | {"poolclass": StaticPool}
    return arguments | _pool(options)


class _Cursor(sqlite3.Cursor):
    """A cursor under which looking for further rows is bounded as the statement is: SQLite finds each when asked."""

    connection: "_Connection"

    def fetchone(self) -> Any:
        with self.connection.limit.kept():
            return super().fetchone()

    def fetchmany(self, size: int | None = 1) -> list[Any]:
        with self.connection.limit.kept():
            return super().fetchmany(size)

    def fetchall(self) -> list[Any]:
        with self.connection.limit.kept():
            return super().fetchall()


class _Connection(sqlite3.Connection):
    """A connection in a thread; under aiosqlite, the rows are fetched within the statement."""

    limit: "_Limit"

    def cursor(self, factory: Any = None) -> Any:
        return super().cursor(factory or (_Cursor if hasattr(self, "limit") else sqlite3.Cursor))


class _Unattached(_Connection):
    """A connection that opens no other file: one that it attached, or that VACUUM INTO makes, could be written."""

    def __init__(self, *arguments: Any, **keywords: Any) -> None:
        super().__init__(*arguments, **keywords)
        self.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)


class _Limit:
    """Until when the statement that runs on one SQLite connection may run, on the clock of ``time.monotonic()``."""

    __slots__ = ("_statement_s", "until")

    def __init__(self, statement_s: float) -> None:
        self._statement_s = statement_s
        self.until = NEVER

    def begin(self) -> None:
        """Allow as much time as a statement has, or as the request has left."""
        now = time.monotonic()
        left = context.remaining_s(now)
        self.until = now + (self._statement_s if left is None else min(self._statement_s, left))

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Keep what happens inside within its time."""
        self.begin()
        try:
            yield
        finally:
            self.until = NEVER

    def passed(self) -> bool:
        """SQLite's progress handler: true stops the statement."""
        return time.monotonic() > self.until


def _prepare_sqlite(engine: "Engine", options: SqlOptions) -> None:
    @event.listens_for(engine, "connect")
    def prepare(connection: Any, record: Any) -> None:
        cursor = connection.cursor()
        for pragma in _pragmas(options):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()
        limit = record.info["limit"] = _Limit(options.statement_s)
        if hasattr(connection, "run_async"):
            connection.run_async(lambda driver: driver.set_progress_handler(limit.passed, INSTRUCTIONS_BETWEEN_LOOKS))
        else:
            connection.set_progress_handler(limit.passed, INSTRUCTIONS_BETWEEN_LOOKS)
            connection.limit = limit

    @event.listens_for(engine, "before_cursor_execute")
    def begin(connection: Any, *_: Any) -> None:
        connection.info["limit"].begin()

    @event.listens_for(engine, "after_cursor_execute")
    def end(connection: Any, *_: Any) -> None:
        connection.info["limit"].until = NEVER

    @event.listens_for(engine, "handle_error")
    def fail(failure: Any) -> None:
        if failure.connection is not None and not failure.connection.invalidated:
            failure.connection.info["limit"].until = NEVER


def _pragmas(options: SqlOptions) -> list[str]:
    always = ["foreign_keys=ON", f"busy_timeout={round(options.lock_s * 1000)}"]
    if options.read_only:
        return [*always, "query_only=ON"]
    return ["journal_mode=WAL", f"synchronous={options.synchronous}", *always]
