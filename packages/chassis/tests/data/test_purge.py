"""Rows that are too old go in bounded batches."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from chassis.data import purge_older_than, transactions
from sqlalchemy import Column, Float, Integer, MetaData, String, Table, func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession, create_async_engine

pytestmark = pytest.mark.needs("sql")

metadata = MetaData()
events = Table(
    "events", metadata,
    Column("host", String(10), primary_key=True), Column("number", Integer, primary_key=True), Column("at", Float),
)  # fmt: skip
keyless = Table("keyless", metadata, Column("at", Float))


@asynccontextmanager
async def filled(url: str, count: int) -> AsyncIterator[AsyncEngine]:
    """Make a table of events at 0.0, 1.0, ... seconds, and one without a time."""
    scheme = "sqlite+aiosqlite" if url.startswith("sqlite") else "postgresql+psycopg"
    engine = create_async_engine(scheme + url[url.index("://") :])
    try:
        async with engine.begin() as connection:
            await connection.run_sync(metadata.create_all)
            rows = [{"host": "a", "number": number, "at": float(number)} for number in range(count)]
            await connection.execute(insert(events), [*rows, {"host": "b", "number": 0, "at": None}])
        yield engine
    finally:
        await engine.dispose()


async def remaining(engine: AsyncEngine) -> int:
    async with engine.connect() as connection:
        return (await connection.execute(select(func.count()).select_from(events))).scalar_one()


async def test_what_is_older_goes_and_nothing_else(database_url: str) -> None:
    async with filled(database_url, 25) as engine:
        purged = await purge_older_than(engine.begin, events.c.at, 20.0, batch=7, pause_s=0)
        assert (purged.rows, purged.complete) == (20, True)
        assert await remaining(engine) == 6


async def test_each_batch_is_a_transaction_of_its_own(database_url: str) -> None:
    async with filled(database_url, 25) as engine:
        begun = 0

        @asynccontextmanager
        async def begin() -> AsyncIterator[AsyncConnection]:
            nonlocal begun
            begun += 1
            async with engine.begin() as connection:
                yield connection

        await purge_older_than(begin, events.c.at, 25.0, batch=10, pause_s=0)
        assert begun == 3


async def test_when_the_time_is_up_the_rest_is_for_the_next_time(database_url: str, clock: Any) -> None:
    async with filled(database_url, 25) as engine:

        @asynccontextmanager
        async def begin() -> AsyncIterator[AsyncConnection]:
            clock.advance(0.6)
            async with engine.begin() as connection:
                yield connection

        purged = await purge_older_than(begin, events.c.at, 25.0, batch=10, pause_s=0, seconds=1.0, clock=clock)
        assert (purged.rows, purged.complete) == (20, False)
        assert await remaining(engine) == 6


async def test_workers_at_the_same_time_skip_each_others_rows(database_url: str) -> None:
    async with filled(database_url, 300) as engine:
        workers = [purge_older_than(engine.begin, events.c.at, 300.0, batch=20, pause_s=0) for _ in range(3)]
        purged = await asyncio.gather(*workers)
        assert sum(each.rows for each in purged) == 300


async def test_it_works_through_the_sessions_of_a_declared_database(database_url: str) -> None:
    async with filled(database_url, 5) as engine:

        @asynccontextmanager
        async def session() -> AsyncIterator[AsyncSession]:
            async with AsyncSession(engine) as opened, opened.begin():
                yield opened

        assert (await purge_older_than(transactions(session), events.c.at, 4.0)).rows == 4
        assert await remaining(engine) == 2


async def test_tables_and_batches_that_will_not_do_are_refused(database_url: str) -> None:
    async with filled(database_url, 0) as engine:
        with pytest.raises(ValueError, match="give the table a primary key"):
            await purge_older_than(engine.begin, keyless.c.at, 1.0)
        with pytest.raises(ValueError, match="batch must be positive"):
            await purge_older_than(engine.begin, events.c.at, 1.0, batch=0)
