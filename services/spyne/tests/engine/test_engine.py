"""Queries run in processes that end with them; on files."""

import asyncio
import os
import signal
import time
from contextlib import suppress
from pathlib import Path

import pytest
from spyne.engine import (
    Engine,
    EngineBusy,
    Limits,
    QueryCancelled,
    QueryFailed,
    QueryTimedOut,
    QueryTooLarge,
    Source,
    UnknownDatabase,
    WorkerLost,
)

MIB = 1024 * 1024
ENDLESS = "SELECT count(*) FROM t AS a, t AS b, t AS c, t AS d"
Sources = dict[str, Source]


async def under_way(engine: Engine, work: asyncio.Task[object]) -> None:
    """Wait until a query runs: then a process takes processor time."""
    before = {pid: _processor_ticks(pid) for pid in engine.pids}
    deadline = time.monotonic() + 20
    while not any(_processor_ticks(pid) > before.get(pid, 0) + 3 for pid in engine.pids):
        assert time.monotonic() < deadline, "no process of the engine took any processor time"
        assert not work.done(), "the query ended before anything could be done to it"
        before = {pid: before.get(pid, _processor_ticks(pid)) for pid in engine.pids}
        await asyncio.sleep(0.01)  # polling, bounded above


def _processor_ticks(pid: int) -> int:
    with suppress(FileNotFoundError, ProcessLookupError):
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        return int(fields[11]) + int(fields[12])
    return 0


@pytest.mark.parametrize("database", ["sqlite", "duckdb"])
async def test_rows_come_back(sources: Sources, database: str) -> None:
    async with Engine(sources) as engine:
        rows = await engine.run(database, "SELECT n, word AS what FROM t ORDER BY n LIMIT 2")
    assert (rows.columns, rows.rows, rows.limits_hit) == (("n", "what"), ((0, "word 0"), (1, "word 1")), ())
    assert rows.elapsed_s > 0


@pytest.mark.parametrize("database", ["sqlite", "duckdb"])
async def test_what_is_cut_off_is_said(sources: Sources, database: str) -> None:
    async with Engine(sources) as engine:
        few = await engine.run(database, "SELECT n FROM t ORDER BY n", Limits(rows=10))
        short = await engine.run(database, "SELECT word FROM t ORDER BY n", Limits(bytes=100))
        whole = await engine.run(database, "SELECT n FROM t", Limits(rows=2_000))
    assert (len(few.rows), few.limits_hit) == (10, ("rows",))
    assert (0 < len(short.rows) <= 10, short.limits_hit) == (True, ("bytes",))
    assert (len(whole.rows), whole.limits_hit) == (2_000, ())


@pytest.mark.parametrize(
    ("database", "sql"),
    [
        ("sqlite", ENDLESS),
        ("sqlite", "SELECT printf('%.*c', 2000000000, 'a')"),
        ("sqlite", "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"),
        ("sqlite", "SELECT replace(hex(randomblob(2000000)), '0', hex(randomblob(200000)))"),
        ("duckdb", ENDLESS.replace("count(*)", "sum(a.n * b.n % 7 + c.n * d.n % 5)")),
    ],
)  # fmt: skip
async def test_a_runaway_query_ends_at_its_limit(sources: Sources, database: str, sql: str) -> None:
    limit = 1.5
    async with Engine(sources) as engine:
        await engine.run(database, "SELECT 1")  # the processes are there
        began = time.monotonic()
        with pytest.raises((QueryTimedOut, QueryTooLarge)):
            await engine.run(database, sql, Limits(wall_s=limit))
        assert time.monotonic() - began <= 1.3 * limit
        assert (await engine.run(database, "SELECT 2")).rows == ((2,),)


async def test_processor_time_is_limited_too(sources: Sources) -> None:
    async with Engine(sources) as engine:
        began = time.monotonic()
        with pytest.raises(QueryTimedOut):
            await engine.run("sqlite", ENDLESS, Limits(wall_s=60, cpu_s=1))
        assert time.monotonic() - began < 30
        assert (await engine.run("sqlite", "SELECT 2")).rows == ((2,),)


@pytest.mark.parametrize(
    ("database", "sql"),
    [
        ("sqlite", "SELECT group_concat(a.word || b.word) FROM t AS a, t AS b"),
        ("duckdb", "SELECT list(a.word || b.word) FROM t AS a, t AS b, t AS c"),
        ("duckdb", "SELECT repeat('a', 1000000000)"),
    ],
)
async def test_a_query_that_takes_too_much_memory_ends(sources: Sources, database: str, sql: str) -> None:
    async with Engine(sources) as engine:
        with pytest.raises(QueryTooLarge):
            await engine.run(database, sql, Limits(memory_bytes=64 * MIB))
        assert (await engine.run(database, "SELECT 2")).rows == ((2,),)


async def test_a_process_killed_in_the_middle_fails_that_query_alone(sources: Sources) -> None:
    async with Engine(sources, workers=1) as engine:
        await engine.run("sqlite", "SELECT 1")
        work = asyncio.ensure_future(engine.run("sqlite", ENDLESS))
        await under_way(engine, work)
        (busy,) = engine.pids
        os.kill(busy, signal.SIGKILL)
        with pytest.raises(WorkerLost):
            await work
        for _ in range(4):
            assert (await engine.run("sqlite", "SELECT 2")).rows == ((2,),)
        assert busy not in engine.pids


async def test_processes_killed_while_idle_are_replaced(sources: Sources) -> None:
    async with Engine(sources, workers=1) as engine:
        await engine.run("sqlite", "SELECT 1")
        (first,) = engine.pids
        os.kill(first, signal.SIGKILL)
        with suppress(WorkerLost):  # when the news of its end has not come yet
            await engine.run("sqlite", "SELECT 2")
        assert (await engine.run("sqlite", "SELECT 3")).rows == ((3,),)
        assert first not in engine.pids


@pytest.mark.parametrize("database", ["sqlite", "duckdb"])
async def test_a_query_is_cancelled_by_its_id(sources: Sources, database: str) -> None:
    sql = ENDLESS.replace("count(*)", "sum(a.n * b.n % 7 + c.n * d.n % 5)")
    async with Engine(sources) as engine:
        await engine.run(database, "SELECT 1")
        work = asyncio.ensure_future(engine.run(database, sql, query_id="mine"))
        await under_way(engine, work)
        began = time.monotonic()
        assert await engine.cancel("mine")
        with pytest.raises(QueryCancelled):
            await work
        assert time.monotonic() - began < 1
        assert (await engine.run(database, "SELECT 2")).rows == ((2,),)
        assert not await engine.cancel("mine")


async def test_a_query_that_waits_can_be_cancelled(sources: Sources) -> None:
    async with Engine(sources, workers=1) as engine:
        work = asyncio.ensure_future(engine.run("sqlite", ENDLESS))
        await under_way(engine, work)
        waits = asyncio.ensure_future(engine.run("sqlite", "SELECT 1", query_id="second"))
        while not await engine.cancel("second"):
            await asyncio.sleep(0)
        with pytest.raises(QueryCancelled):
            await waits
        assert not work.done()
        work.cancel()
        with pytest.raises(asyncio.CancelledError):
            await work


async def test_a_caller_that_goes_away_frees_its_process(sources: Sources) -> None:
    async with Engine(sources, workers=1) as engine:
        work = asyncio.ensure_future(engine.run("sqlite", ENDLESS))
        await under_way(engine, work)
        work.cancel()
        with pytest.raises(asyncio.CancelledError):
            await work
        assert (await engine.run("sqlite", "SELECT 2", Limits(wait_s=10))).rows == ((2,),)


async def test_one_caller_with_many_queries_leaves_room_for_the_next(sources: Sources) -> None:
    async with Engine(sources, workers=2) as engine:
        await engine.run("sqlite", "SELECT 1")
        greedy = [asyncio.ensure_future(engine.run("sqlite", ENDLESS, caller="greedy")) for _ in range(6)]
        await under_way(engine, greedy[0])
        for number in range(20):
            rows = await engine.run("sqlite", f"SELECT {number}", Limits(wait_s=5), caller="modest")
            assert rows.rows == ((number,),)
        assert not any(task.done() for task in greedy)
        for task in greedy:
            task.cancel()
        await asyncio.wait(greedy)


async def test_callers_that_wait_take_turns(sources: Sources) -> None:
    order: list[str] = []
    async with Engine(sources, workers=1) as engine:
        blocking = asyncio.ensure_future(engine.run("sqlite", ENDLESS))
        await under_way(engine, blocking)

        async def ask(caller: str) -> None:
            await engine.run("sqlite", "SELECT 1", caller=caller)
            order.append(caller)

        waiting = [asyncio.ensure_future(ask("a")) for _ in range(4)] + [asyncio.ensure_future(ask("b"))]
        await asyncio.sleep(0)
        blocking.cancel()
        await asyncio.gather(*waiting)
        with suppress(asyncio.CancelledError):
            await blocking
    assert order.index("b") <= 1


async def test_a_query_waits_for_its_turn_only_so_long(sources: Sources) -> None:
    async with Engine(sources, workers=1) as engine:
        work = asyncio.ensure_future(engine.run("sqlite", ENDLESS))
        await under_way(engine, work)
        with pytest.raises(EngineBusy):
            await engine.run("sqlite", "SELECT 1", Limits(wait_s=0.1))
        work.cancel()
        await asyncio.wait({work})


async def test_several_queries_run_one_after_the_other_and_fail_alone(sources: Sources) -> None:
    async with Engine(sources) as engine:
        outcomes = await engine.run_many("sqlite", ["SELECT 1", "SELECT no", ENDLESS, "SELECT 4"], Limits(wall_s=0.5))
    assert [type(outcome).__name__ for outcome in outcomes] == ["Rows", "QueryFailed", "QueryTimedOut", "Rows"]


async def test_several_queries_go_on_after_one_that_ended_its_process(sources: Sources) -> None:
    bomb = "SELECT printf('%.*c', 2000000000, 'a')"
    async with Engine(sources) as engine:
        outcomes = await engine.run_many("sqlite", [bomb, "SELECT 2"], Limits(wall_s=0.5))
    assert isinstance(outcomes[0], QueryTimedOut)
    assert not isinstance(outcomes[1], Exception)
    assert outcomes[1].rows == ((2,),)


async def test_what_the_database_says_is_passed_on(sources: Sources) -> None:
    async with Engine(sources) as engine:
        with pytest.raises(QueryFailed, match="no such column: missing"):
            await engine.run("sqlite", "SELECT missing FROM t")
        with pytest.raises(UnknownDatabase, match="'elsewhere'"):
            await engine.run("elsewhere", "SELECT 1")


async def test_databases_may_be_added_while_it_runs(sources: Sources) -> None:
    known: dict[str, Source] = {}
    async with Engine(known) as engine:
        with pytest.raises(UnknownDatabase):
            await engine.run("later", "SELECT 1")
        known["later"] = sources["sqlite"]
        assert (await engine.run("later", "SELECT 1")).rows == ((1,),)


async def test_its_processes_are_given_no_secret_and_end_with_it(
    sources: Sources, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RCA_SECRET_KEY", "a-secret-of-the-service")
    async with Engine(sources, workers=2) as engine:
        await asyncio.gather(*(engine.run("sqlite", f"SELECT {number}") for number in range(4)))
        pids = engine.pids
        for pid in pids:
            shown = _contents_of_process(pid)
            assert b"a-secret-of-the-service" not in shown
            assert b"a.sqlite" not in shown
    assert pids
    assert not [pid for pid in pids if _is_there(pid)]


def _is_there(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def _contents_of_process(pid: int) -> bytes:
    """What anybody on the machine may see of a process, and its environment."""
    return b"".join(Path(f"/proc/{pid}/{name}").read_bytes() for name in ("environ", "cmdline"))


async def test_a_closed_engine_takes_no_query_and_ends_those_under_way(sources: Sources) -> None:
    engine = Engine(sources)
    work = asyncio.ensure_future(engine.run("sqlite", ENDLESS))
    await under_way(engine, work)
    await engine.close()
    with pytest.raises(QueryCancelled):
        await work
    with pytest.raises(EngineBusy, match="stopping"):
        await engine.run("sqlite", "SELECT 1")
