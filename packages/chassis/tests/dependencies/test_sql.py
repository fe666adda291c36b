"""A SQL database: what is bounded, what comes back by itself, what an error means."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from chassis.context import time_limit
from chassis.dependencies.sql import Database
from chassis.dependencies.sql_options import SqlOptions
from chassis.errors import BulkheadFullError, DeadlineExceededError, DependencyDownError
from chassis.resilience.policy import Fallback, Policy
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError

pytestmark = pytest.mark.needs("sql")


@asynccontextmanager
async def open_database(url: str, **declared: Any) -> AsyncIterator[Database]:
    database = Database("database", address=lambda: url, **declared)
    try:
        yield database
    finally:
        await database.close()


async def value_of(database: Database, statement: str) -> Any:
    async with database.session() as session:
        return (await session.execute(text(statement))).scalar()


async def executed(database: Database, *statements: str) -> None:
    async with database.session() as session:
        for each in statements:
            await session.execute(text(each))


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty database, of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/test.db"
    found: str = request.getfixturevalue("postgresql_url")
    return found


async def test_a_session_commits_at_its_end_and_rolls_back_on_an_error(url: str) -> None:
    async with open_database(url) as database:
        async with database.session() as session:
            await session.execute(text("CREATE TABLE note (id INTEGER PRIMARY KEY)"))
        async with database.session() as session:
            await session.execute(text("INSERT INTO note VALUES (1)"))
        with pytest.raises(IntegrityError):
            await executed(database, "INSERT INTO note VALUES (2)", "INSERT INTO note VALUES (1)")
        assert await value_of(database, "SELECT count(*) FROM note") == 1


async def test_threads_have_sessions_of_their_own(url: str) -> None:
    async with open_database(url) as database:

        def work() -> Any:
            with database.sync_session() as session:
                session.execute(text("CREATE TABLE note (id INTEGER PRIMARY KEY)"))
                session.execute(text("INSERT INTO note VALUES (7)"))
            return database.run_sync(lambda session: session.execute(text("SELECT id FROM note")).scalar())

        assert await asyncio.to_thread(work) == 7


async def test_an_error_of_the_statement_is_raised_as_it_is_and_opens_no_breaker(url: str) -> None:
    async with open_database(url) as database:
        async with database.session() as session:
            await session.execute(text("CREATE TABLE note (id INTEGER PRIMARY KEY)"))
            await session.execute(text("INSERT INTO note VALUES (1)"))
        for _ in range(10):
            with pytest.raises(IntegrityError):
                await value_of(database, "INSERT INTO note VALUES (1) RETURNING id")
        assert not database.refusing()


async def test_read_only_refuses_every_write(url: str) -> None:
    async with open_database(url) as database, database.session() as session:
        await session.execute(text("CREATE TABLE note (id INTEGER PRIMARY KEY)"))
    async with open_database(url, options=SqlOptions(read_only=True)) as database:
        assert await value_of(database, "SELECT count(*) FROM note") == 0
        for attempt in ("INSERT INTO note VALUES (1)", "CREATE TABLE other (id INTEGER)", "DROP TABLE note"):
            with pytest.raises(DBAPIError):
                await value_of(database, attempt)
        with pytest.raises(DBAPIError):
            database.run_sync(lambda session: session.execute(text("DELETE FROM note WHERE id = 1")))


async def test_read_only_cannot_be_lifted_by_a_statement(postgresql_url: str) -> None:
    async with open_database(postgresql_url) as database, database.session() as session:
        await session.execute(text("CREATE TABLE note (id INTEGER PRIMARY KEY)"))
    async with open_database(postgresql_url, options=SqlOptions(read_only=True)) as database:
        for trick in ("SET TRANSACTION READ WRITE", "COMMIT; BEGIN READ WRITE; INSERT INTO note VALUES (1); COMMIT"):
            with pytest.raises(DBAPIError):
                await executed(database, trick, "INSERT INTO note VALUES (2)")
        assert await value_of(database, "SELECT count(*) FROM note") == 0


async def test_a_statement_that_takes_too_long_is_stopped(url: str) -> None:
    slow = {
        "sqlite": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n",
        "postgresql": "SELECT pg_sleep(60)",
    }
    async with open_database(url, options=SqlOptions(statement_s=0.3)) as database:
        began = time.monotonic()
        with pytest.raises(DeadlineExceededError):
            await value_of(database, slow[database.dialect])
        assert time.monotonic() - began < 3
        assert await value_of(database, "SELECT 1") == 1


async def test_rows_that_take_too_long_to_find_are_stopped_in_threads_too(tmp_path: Path) -> None:
    rows = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n WHERE i % 7 = 8 OR i = 1"
    endless = text(f"{rows} LIMIT 2")
    options = SqlOptions(statement_s=0.3)
    async with open_database(f"sqlite:///{tmp_path}/test.db", options=options) as database:
        for fetch in ("all", "fetchmany", "fetchall"):
            began = time.monotonic()
            with pytest.raises(DeadlineExceededError):
                await asyncio.wait_for(asyncio.to_thread(_fetched, database, endless, fetch), 10.0)
            assert time.monotonic() - began < 5
        assert database.run_sync(lambda session: session.execute(text("SELECT 1")).scalar()) == 1


def _fetched(database: Database, statement: Any, fetch: str) -> None:
    with database.sync_session() as session:
        result = session.execute(statement)
        result.fetchmany(5) if fetch == "fetchmany" else getattr(result, fetch)()


async def test_a_statement_gets_no_more_time_than_the_request_has_left(url: str) -> None:
    slow = {
        "sqlite": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n",
        "postgresql": "SELECT pg_sleep(60)",
    }
    async with open_database(url) as database:

        def work() -> None:
            with time_limit(0.4), database.sync_session() as session:
                session.execute(text(slow[database.dialect]))

        began = time.monotonic()
        with pytest.raises((DeadlineExceededError, DependencyDownError)):
            await asyncio.to_thread(work)
        assert time.monotonic() - began < 3


async def test_a_silent_server_is_given_up_on_in_event_loops_and_in_threads(
    postgresql: Any, postgresql_url: str, proxy: Callable[[int], Any]
) -> None:
    between = proxy(postgresql.port)
    url = postgresql_url.replace(str(postgresql.port), str(between.port))
    options = SqlOptions(statement_s=0.5, connect_s=2)
    async with open_database(url, options=options, policy=Policy(deadline_s=0.5)) as database:
        assert await value_of(database, "SELECT 1") == 1
        assert database.run_sync(lambda s: s.execute(text("SELECT 1")).scalar()) == 1
        between.silent = True
        for ask in (
            lambda: value_of(database, "SELECT 1"),
            lambda: asyncio.to_thread(database.run_sync, lambda s: s.execute(text("SELECT 1")).scalar()),
        ):
            began = time.monotonic()
            with pytest.raises((DeadlineExceededError, DependencyDownError)):
                await ask()
            assert time.monotonic() - began < 4
        between.silent = False
        assert await value_of(database, "SELECT 1") == 1


async def test_a_server_that_falls_silent_in_the_middle_of_a_transaction_is_given_up_on(
    postgresql: Any, postgresql_url: str, proxy: Callable[[int], Any]
) -> None:
    between = proxy(postgresql.port)
    url = postgresql_url.replace(str(postgresql.port), str(between.port))
    async with open_database(url, options=SqlOptions(statement_s=0.5)) as database:

        async def fall_silent() -> None:
            async with database.session() as session:
                between.silent = True
                await session.execute(text("SELECT 1"))

        began = time.monotonic()
        with pytest.raises(DependencyDownError):
            await fall_silent()
        assert time.monotonic() - began < 4
        assert database.suspected()


async def test_the_first_request_after_a_restart_works(own_postgresql: Any) -> None:
    async with open_database(own_postgresql.url()) as database:
        assert await value_of(database, "SELECT 1") == 1
        assert database.run_sync(lambda s: s.execute(text("SELECT 1")).scalar()) == 1
        await asyncio.to_thread(own_postgresql.kill)
        await asyncio.to_thread(own_postgresql.start)
        assert await value_of(database, "SELECT 1") == 1
        assert database.run_sync(lambda s: s.execute(text("SELECT 1")).scalar()) == 1


async def test_a_database_that_is_gone_is_told_without_its_address(own_postgresql: Any) -> None:
    own_postgresql.kill()
    async with open_database(own_postgresql.url()) as database:
        with pytest.raises(DependencyDownError) as caught:
            await value_of(database, "SELECT 1")
        assert str(own_postgresql.port) not in str(caught.value)
        for _ in range(5):
            with pytest.raises(DependencyDownError):
                await value_of(database, "SELECT 1")
        assert database.refusing(), "five failures in a row open the breaker"


async def test_the_pool_is_bounded_and_says_so(url: str) -> None:
    async with open_database(url, options=SqlOptions(pool_size=1, pool_wait_s=0.1)) as database, database.session():
        assert database.gauges() == {"connections_in_use": 1.0, "connections_max": 1.0}
        with pytest.raises(BulkheadFullError):
            await value_of(database, "SELECT 1")
        await database.check()  # a used-up pool is no sign that the database is down


async def test_a_fallback_stands_for_a_guarded_function_and_never_for_a_session(own_postgresql: Any) -> None:
    own_postgresql.kill()
    policy = Policy(deadline_s=2.0, fallback=Fallback(value="nothing"))
    async with open_database(own_postgresql.url(), policy=policy) as database:

        @database.guard
        async def first_note() -> Any:
            return await value_of(database, "SELECT 1")

        assert await first_note() == "nothing"
        assert await database.run(lambda session: session.execute(text("SELECT 1"))) == "nothing"
        with pytest.raises(DependencyDownError):
            await value_of(database, "SELECT 1")


async def test_what_runs_in_a_guarded_function_counts_as_one_call(url: str) -> None:
    async with open_database(url) as database:

        @database.guard
        async def twice() -> None:
            await value_of(database, "SELECT 1")
            await value_of(database, "SELECT 1")

        await twice()
        assert database.pipeline.snapshot().succeeded == 1


async def test_sqlite_keeps_foreign_keys_and_a_write_ahead_log(tmp_path: Path) -> None:
    async with open_database(f"sqlite:///{tmp_path}/test.db") as database:
        found = [
            await value_of(database, f"PRAGMA {pragma}")
            for pragma in ("foreign_keys", "journal_mode", "busy_timeout", "synchronous")
        ]
        assert found == [1, "wal", 5000, 2]


async def test_a_locked_sqlite_file_is_waited_for_and_then_given_up_on(tmp_path: Path) -> None:
    async with open_database(f"sqlite:///{tmp_path}/test.db", options=SqlOptions(lock_s=0.1)) as database:
        async with database.session() as session:
            await session.execute(text("CREATE TABLE note (id INTEGER PRIMARY KEY)"))
        async with database.session() as session:
            await session.execute(text("INSERT INTO note VALUES (1)"))
            with pytest.raises(DependencyDownError):
                await value_of(database, "INSERT INTO note VALUES (2) RETURNING id")


async def test_an_in_memory_database_keeps_what_was_written() -> None:
    async with open_database("sqlite://") as database:
        async with database.session() as session:
            await session.execute(text("CREATE TABLE note (id INTEGER PRIMARY KEY)"))
        assert await value_of(database, "SELECT count(*) FROM note") == 0
        await database.check()


@pytest.mark.parametrize(
    "address", ["mysql://user:swordfish@host/notes", "swordfish", "postgresql://u:swordfish@h:port/"]
)
def test_an_address_that_cannot_be_right_is_told_without_its_password(address: str) -> None:
    with pytest.raises(ValueError, match="expected sqlite") as caught:
        Database("database", address=lambda: address).validate()
    assert "swordfish" not in str(caught.value)
    assert caught.value.__cause__ is None


async def test_a_database_that_is_not_configured_names_its_setting() -> None:
    database = Database("archive", address=lambda: None, setting="NOTES_ARCHIVE_URL", lost="old notes")
    with pytest.raises(DependencyDownError, match="NOTES_ARCHIVE_URL"):
        await value_of(database, "SELECT 1")
