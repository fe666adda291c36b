"""What the tests of authentication share: a clock that stands still, and authentication on a database of each kind."""

import dataclasses
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from chassis.testing import HeldClock

if TYPE_CHECKING:
    from chassis.auth import Auth

MONDAY_NOON = 1_738_584_000.0  # 2025-02-03T12:00:00Z
OpenAuth = Callable[..., AbstractAsyncContextManager["Auth"]]


@pytest.fixture
def clock() -> HeldClock:
    """A clock that stands still until the test moves it."""
    return HeldClock(time=MONDAY_NOON)


@pytest.fixture(scope="session")
def shared_postgresql_url(postgresql: Any) -> str:
    """The address of one database for all these tests: making one for each takes longer than most tests."""
    url: str = postgresql.url(postgresql.create_database())
    return url


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty database, of each kind in turn."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/notes.db"
    import psycopg

    url: str = request.getfixturevalue("shared_postgresql_url")
    with psycopg.connect(url, autocommit=True, options="-c lock_timeout=10s") as connection:
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public")
    return url


@pytest.fixture
def open_auth(database_url: str, clock: HeldClock) -> OpenAuth:
    """Open authentication on the database; keywords change the policy, ``keys`` and ``counter`` apart.

    Opened twice, it is two workers of one service.
    """
    from chassis.auth import Auth, AuthPolicy, AuthTables, HashCost, KeyRing, new_key
    from chassis.data.urls import synchronous
    from chassis.dependencies.sql_engines import async_engine
    from chassis.dependencies.sql_options import SqlOptions

    ring = KeyRing.parse(new_key("k1"))
    default = AuthPolicy(
        issuer="notes",
        roles={"reader": ["notes:read"], "editor": ["notes:read", "notes:write"]},
        hash_cost=HashCost(memory_kib=8, iterations=1, lanes=1),  # tests are about behaviour: costs are tested apart
    )

    @asynccontextmanager
    async def opened(*, keys: KeyRing = ring, counter: Any = None, **changes: Any) -> AsyncIterator["Auth"]:
        engine = async_engine(synchronous(database_url), SqlOptions(pool_size=20, lock_s=20.0), "tests")
        tables = AuthTables()
        policy = dataclasses.replace(default, **changes)
        auth = Auth(engine.begin, keys, policy, tables=tables, counter=counter, clock=clock)
        try:
            async with engine.begin() as connection:
                await connection.run_sync(tables.metadata.create_all)
            yield auth
        finally:
            auth.close()
            await engine.dispose()

    return opened
