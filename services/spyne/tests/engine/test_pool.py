"""Processes, handed out in turn."""

import asyncio
import os
import signal
import time

import pytest
from spyne.engine.errors import EngineBusy
from spyne.engine.pool import Pool
from spyne.engine.process import Process

WITHIN_S = 30.0


async def both(pool: Pool) -> list[Process]:
    """Wait until both processes are there."""
    taken = [await pool.taken(name, WITHIN_S) for name in ("first", "second")]
    for name, process in zip(("first", "second"), taken, strict=True):
        pool.returned(name, process)
    return taken


async def killed(process: Process) -> None:
    os.kill(process.pid, signal.SIGKILL)
    deadline = time.monotonic() + 10
    while process.is_alive:
        assert time.monotonic() < deadline, "it outlived kill -9"
        await asyncio.sleep(0.01)  # polling, bounded above


async def test_one_caller_never_has_all_processes() -> None:
    pool = Pool(2, lambda: ["sqlite"])
    try:
        await both(pool)
        mine = await pool.taken("greedy", WITHIN_S)
        with pytest.raises(EngineBusy):
            await pool.taken("greedy", 0.05)
        other = await pool.taken("modest", 0.05)
        pool.returned("greedy", mine)
        pool.returned("modest", other)
    finally:
        await pool.close()


async def test_who_breaks_a_process_waits_for_the_next_and_takes_none_of_the_others() -> None:
    pool = Pool(2, lambda: ["sqlite"])
    try:
        first = await both(pool)
        mine = await pool.taken("greedy", WITHIN_S)
        await killed(mine)
        pool.returned("greedy", mine)
        waits = asyncio.ensure_future(pool.taken("greedy", WITHIN_S))
        await asyncio.sleep(0)  # it asks first
        other = await pool.taken("modest", 0.05)  # at once
        assert other in first
        new = await waits
        assert new not in first
        pool.returned("modest", other)
        pool.returned("greedy", new)
    finally:
        await pool.close()


async def test_a_process_that_cannot_be_started_fails_who_waits_and_is_tried_again() -> None:
    dialects = ["no-such-dialect"]
    pool = Pool(1, lambda: dialects)
    try:
        with pytest.raises(EngineBusy, match="could be started"):
            await pool.taken("anybody", WITHIN_S)
        dialects[:] = ["sqlite"]
        pool.returned("anybody", await pool.taken("anybody", WITHIN_S))
    finally:
        await pool.close()


async def test_a_closed_pool_leaves_no_process() -> None:
    pool = Pool(2, lambda: ["sqlite"])
    processes = await both(pool)
    waits = asyncio.ensure_future(pool.taken("anybody", WITHIN_S))
    await waits
    pool.returned("anybody", waits.result())
    await pool.close()
    assert not any(process.is_alive for process in processes)
    assert not pool.pids
