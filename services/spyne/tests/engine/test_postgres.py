"""Queries on a real PostgreSQL server: what it is told, what it is kept from, and what it leaves behind."""

import asyncio
import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import psycopg
import pytest
from pydantic import SecretStr
from spyne.engine import (
    Engine,
    Limits,
    QueryCancelled,
    QueryFailed,
    QueryTimedOut,
    Source,
    SourceUnreachable,
    WorkerLost,
)

SLEEP = "SELECT pg_sleep(60)"


async def until(condition: Callable[[], Any], within: float = 10.0) -> None:
    deadline = time.monotonic() + within
    while not condition():
        assert time.monotonic() < deadline, f"still not true after {within:g} s"
        await asyncio.sleep(0.02)  # polling, bounded above


async def test_rows_come_back_as_json(postgres_source: Source) -> None:
    sql = """SELECT n, word, 1.50::numeric AS price, sum(n::bigint) OVER () AS total, DATE '2024-02-29' AS day,
        TIMESTAMP '2024-02-29 10:20:30' AS at, true AS yes, 'a'::bytea AS raw, NULL AS nothing, 'NaN'::float8 AS nan,
        '{"a": [1, 2]}'::jsonb AS object, ARRAY[1, 2] AS list, INTERVAL '1 day' AS span,
        '7d444840-9dc0-11d1-b245-5ffdce74fad2'::uuid AS id FROM t ORDER BY n DESC LIMIT 1"""
    async with Engine({"p": postgres_source}) as engine:
        rows = await engine.run("p", sql)
    assert dict(zip(rows.columns, rows.rows[0], strict=True)) == {
        "n": 1999, "word": "word 1999", "price": 1.5, "total": 1_999_000, "day": "2024-02-29",
        "at": "2024-02-29T10:20:30", "yes": True, "raw": "<1 bytes>", "nothing": None, "nan": "NaN",
        "object": '{"a": [1, 2]}', "list": "[1, 2]", "span": "1 day, 0:00:00",
        "id": "7d444840-9dc0-11d1-b245-5ffdce74fad2",
    }  # fmt: skip


async def test_what_is_cut_off_is_said(postgres_source: Source) -> None:
    async with Engine({"p": postgres_source}, workers=1) as engine:
        few = await engine.run("p", "SELECT n FROM t ORDER BY n", Limits(rows=300))
        short = await engine.run("p", "SELECT word FROM t ORDER BY n", Limits(bytes=100))
        whole = await engine.run("p", "SELECT n FROM t ORDER BY n", Limits(rows=2_000))
        none = await engine.run("p", "SELECT n, word FROM t WHERE n < 0")
    assert (few.rows[-1], few.limits_hit) == ((299,), ("rows",))
    assert (0 < len(short.rows) <= 10, short.limits_hit) == (True, ("bytes",))
    assert (len(whole.rows), whole.rows[-1], whole.limits_hit) == (2_000, (1_999,), ())
    assert (none.columns, none.rows) == (("n", "word"), ())


@pytest.mark.parametrize("sql", [SLEEP, "SELECT count(*) FROM t AS a, t AS b, t AS c, t AS d"])
async def test_a_runaway_query_ends_at_its_limit_on_the_server_too(
    postgres_source: Source, active: Callable[[], int], sql: str
) -> None:
    async with Engine({"p": postgres_source}) as engine:
        await engine.run("p", "SELECT 1")
        began = time.monotonic()
        with pytest.raises(QueryTimedOut):
            await engine.run("p", sql, Limits(wall_s=1.5))
        assert time.monotonic() - began <= 1.3 * 1.5
        await until(lambda: active() == 0, within=2)
        assert (await engine.run("p", "SELECT 2")).rows == ((2,),)


async def test_a_cancelled_query_ends_on_the_server(postgres_source: Source, active: Callable[[], int]) -> None:
    async with Engine({"p": postgres_source}) as engine:
        work = asyncio.ensure_future(engine.run("p", SLEEP, query_id="mine"))
        await until(lambda: active() == 1)
        assert await engine.cancel("mine")
        with pytest.raises(QueryCancelled):
            await work
        await until(lambda: active() == 0, within=2)
        assert (await engine.run("p", "SELECT 2")).rows == ((2,),)


async def test_the_query_of_a_killed_process_ends_on_the_server(
    postgres_source: Source, active: Callable[[], int]
) -> None:
    async with Engine({"p": postgres_source}, workers=1) as engine:
        work = asyncio.ensure_future(engine.run("p", SLEEP))
        await until(lambda: active() == 1)
        (pid,) = engine.pids
        os.kill(pid, signal.SIGKILL)
        with pytest.raises(WorkerLost):
            await work
        await until(lambda: active() == 0, within=5)
        assert (await engine.run("p", "SELECT 2")).rows == ((2,),)


async def test_the_engine_alone_refuses_what_is_no_query(postgres_source: Source, postgresql_url: str) -> None:
    statements = [
        "DELETE FROM t", "INSERT INTO t VALUES (1, 'a')", "CREATE TABLE u(a int)", "DROP TABLE t", "TRUNCATE t",
        "WITH gone AS (DELETE FROM t RETURNING *) SELECT * FROM gone", "SELECT 1; DELETE FROM t", "COMMIT",
        "SELECT * INTO u FROM t", "COPY t TO PROGRAM 'cat > /dev/null'", "COPY t TO STDOUT", "SET ROLE postgres",
        "SELECT set_config('transaction_read_only', 'off', true)", "SELECT nextval('s')", "SELECT lo_create(0)",
        "NOTIFY somebody", "LISTEN somebody", "VACUUM", "DO $$ BEGIN DELETE FROM t; END $$", "SELECT f()", "",
        "SELECT n FROM t FOR UPDATE",
    ]  # fmt: skip
    with psycopg.connect(postgresql_url, autocommit=True) as connection:
        connection.execute("CREATE SEQUENCE s")
        connection.execute(
            "CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql SECURITY DEFINER"
            " AS $$ BEGIN DELETE FROM t; RETURN 1; END $$"
        )
    async with Engine({"p": postgres_source}, workers=1) as engine:
        outcomes = await engine.run_many("p", statements)
        accepted = [
            sql for sql, outcome in zip(statements, outcomes, strict=True) if not isinstance(outcome, QueryFailed)
        ]
        assert not accepted
        assert (await engine.run("p", "SELECT count(*), sum(n) FROM t")).rows == ((2_000, 1_999_000),)
        assert (await engine.run("p", "SELECT last_value, is_called FROM s")).rows == ((1, False),)


async def test_a_query_leaves_nothing_for_the_next(postgres_source: Source) -> None:
    async with Engine({"p": postgres_source}, workers=1) as engine:
        await engine.run("p", "SELECT set_config('search_path', 'elsewhere', false), pg_advisory_lock(7)")
        rows = await engine.run(
            "p", "SELECT current_setting('search_path'), (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory')"
        )
        assert rows.rows == (('"$user", public', 0),)


async def test_an_error_holds_nothing_of_the_address(postgresql: Any) -> None:
    port = postgresql.port
    sources = {
        "password": f"postgresql://postgres:not-the-password@127.0.0.1:{port}/postgres",
        "user": f"postgresql://nobody-here:not-the-password@127.0.0.1:{port}/postgres",
        "database": postgresql.url("no-such-database"),
        "port": "postgresql://postgres:not-the-password@127.0.0.1:9/postgres",
        "malformed": "postgresql://postgres:not-the-password@127.0.0.1:port/x?what=not-the-password",
        "nonsense": "not-the-password",
    }
    named = {name: Source("postgres", SecretStr(address)) for name, address in sources.items()}
    said: dict[str, str] = {}
    async with Engine(named) as engine:
        for name in named:
            with pytest.raises(SourceUnreachable) as caught:
                await engine.run(name, "SELECT 1")
            said[name] = str(caught.value)
    assert said["password"] == "the database 'password' cannot be reached: it refuses the credentials"
    assert said["database"] == "the database 'database' cannot be reached: it has no database of that name"
    assert said["port"] == "the database 'port' cannot be reached: it refuses connections"
    for message in said.values():
        for secret in ("not-the-password", "nobody-here", "no-such-database", "127.0.0.1", str(port)):
            assert secret not in message


async def test_a_server_that_was_killed_is_found_again(own_postgresql: Any) -> None:
    source = Source("postgres", SecretStr(own_postgresql.url()))
    async with Engine({"p": source}, workers=2) as engine:
        assert (await engine.run("p", "SELECT 1")).rows == ((1,),)
        work = asyncio.ensure_future(engine.run("p", SLEEP))
        await until(lambda: _sleeping(own_postgresql.url()) == 1)
        own_postgresql.kill()
        with pytest.raises(SourceUnreachable):
            await work
        with pytest.raises(SourceUnreachable):
            await engine.run("p", "SELECT 2")
        own_postgresql.start()
        began = time.monotonic()
        answer = None
        while answer is None:
            with suppress(SourceUnreachable):
                answer = await engine.run("p", "SELECT 3")
            assert time.monotonic() - began < 10
        assert answer.rows == ((3,),)


def _sleeping(url: str) -> int:
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE state = 'active' AND application_name = 'spyne' AND wait_event = 'PgSleep'"
        ).fetchone()
    assert row is not None
    return int(row[0])


async def test_a_lock_of_somebody_else_holds_a_query_up_only_so_long(
    postgres_source: Source, postgresql_url: str
) -> None:
    with psycopg.connect(postgresql_url) as connection:
        connection.execute("LOCK TABLE t IN ACCESS EXCLUSIVE MODE")
        async with Engine({"p": postgres_source}, workers=1) as engine:
            with pytest.raises(QueryFailed, match="lock"):
                await engine.run("p", "SELECT n FROM t", Limits(wall_s=20))
