"""What the tests of running parts share: coroutine tests, a way to wait for a condition, and a check for leftovers."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from pathlib import Path

import psutil
import pytest
from hypothesis import HealthCheck, settings

# A loaded machine is no reason to fail: properties are about answers, and every test has its own bound in time.
settings.register_profile("shared-machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("shared-machine")

TEST_BOUND_S = 90.0
GONE_BOUND_S = 5.0

Eventually = Callable[..., Awaitable[None]]


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run a test that is a coroutine in an event loop of its own, for a bounded time; it takes no plugin."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    wanted = inspect.signature(pyfuncitem.obj).parameters
    given = {name: value for name, value in pyfuncitem.funcargs.items() if name in wanted}
    asyncio.run(_carried_out(pyfuncitem.obj(**given)))
    return True


async def _carried_out(test: Coroutine[object, object, None]) -> None:
    """Carry out a test, and let the connections that it closed come to their end: no task may outlive it."""
    await asyncio.wait_for(test, TEST_BOUND_S)
    others = asyncio.all_tasks() - {asyncio.current_task()}
    _, left = await asyncio.wait(others, timeout=GONE_BOUND_S) if others else (set(), set())
    assert not left, f"tasks left behind: {left}"


@pytest.fixture
def eventually() -> Eventually:
    """Wait until a condition is true, asked again and again, at most ``within`` seconds."""

    async def wait(condition: Callable[[], object], within: float = 10.0) -> None:
        deadline = time.monotonic() + within
        while not condition():
            assert time.monotonic() < deadline, (
                f"still not true after {within:g} s: {inspect.getsource(condition).strip()}"
            )
            await asyncio.sleep(0.01)

    return wait


@pytest.fixture
def leaves_nothing(tmp_path: Path) -> Iterator[None]:
    """Fail a test that leaves a process behind: a child of this one, or one that was started from its folder."""
    before = set(_below_us())  # such as a server that many tests share, and what that starts
    yield
    deadline = time.monotonic() + GONE_BOUND_S
    while left := [each for each in {*_below_us(), *_started_from(tmp_path)} - before if _alive(each, before)]:
        assert time.monotonic() < deadline, f"left behind: {[_described(each) for each in left]}"
        time.sleep(0.02)  # polling a condition, bounded above


def _below_us() -> list[psutil.Process]:
    return psutil.Process().children(recursive=True)


def _started_from(folder: Path) -> list[psutil.Process]:
    return [
        each
        for each in psutil.process_iter(["cmdline", "cwd"])
        if any(str(folder) in part for part in (*(each.info["cmdline"] or ()), each.info["cwd"] or ""))
    ]


def _alive(process: psutil.Process, known: set[psutil.Process]) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE and known.isdisjoint(process.parents())
    except psutil.Error:
        return False


def _described(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline()) or process.name()
    except psutil.Error:
        return str(process.pid)
