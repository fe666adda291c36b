"""Parts of a start or a stop that are cancelled from inside, or don't let themselves be cancelled."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from chassis import lifecycle, stopping
from chassis.dependencies.call import Call
from chassis.errors import StartError
from chassis.lifecycle import Lifecycle
from chassis.state import Phase, ServiceState
from chassis.steps import StartPhase, Step
from chassis.threads import in_daemon_thread


class Closing(Call):
    """A dependency that tells whether it was closed."""

    closed = False

    async def close(self) -> None:
        self.closed = True


class Life:
    """A lifecycle with one step and one function for the stop."""

    def __init__(self, step: Callable[[], Any], on_stop: Callable[[], Any] = list) -> None:
        self.dependency = Closing("mail", lost="nothing")
        self.state = ServiceState()
        steps = [Step("step", StartPhase.TABLES, step)]
        self.cycle = Lifecycle(self.state, [self.dependency], steps, [on_stop], lambda: (30.0, False))


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Try again soon, and give up on parts of a stop soon."""
    monkeypatch.setattr(lifecycle, "AGAIN_S", 0.05)
    monkeypatch.setattr(stopping, "CLOSE_S", 0.3)


async def ends_cancelled() -> None:
    """Do what many stops do: cancel a task of one's own, and wait for it."""
    task = asyncio.create_task(asyncio.sleep(60))
    await asyncio.sleep(0)
    task.cancel()
    await task


async def test_a_stop_function_that_ends_cancelled_stops_no_other_part(caplog: pytest.LogCaptureFixture) -> None:
    life = Life(list, ends_cancelled)
    await life.cycle.start()
    await life.cycle.stop()
    assert life.dependency.closed
    assert life.state.phase is Phase.STOPPED
    assert "stop: ends_cancelled: CancelledError" in caplog.text


async def test_a_step_that_ends_cancelled_has_failed() -> None:
    life = Life(ends_cancelled)
    with pytest.raises(StartError, match="step"):
        await life.cycle.start()
    await life.cycle.stop()


async def test_a_stop_does_not_wait_for_a_step_that_turns_its_cancellation_into_an_error() -> None:
    begun = asyncio.Event()

    async def stubborn() -> None:
        begun.set()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            raise ConnectionError("the driver's words for it") from None

    life = Life(stubborn)
    starting = asyncio.create_task(life.cycle.start())
    await begun.wait()
    await asyncio.wait_for(life.cycle.stop(), 10.0)
    assert life.dependency.closed
    assert life.state.phase is Phase.STOPPED
    await asyncio.wait({starting}, timeout=5)
    assert starting.done()
    starting.exception()


async def test_a_stop_does_not_wait_for_a_step_that_refuses_to_be_cancelled() -> None:
    begun, over = asyncio.Event(), asyncio.Event()

    async def stubborn() -> None:
        begun.set()
        while not over.is_set():
            try:
                await over.wait()
            except asyncio.CancelledError:
                continue

    life = Life(stubborn)
    starting = asyncio.create_task(life.cycle.start())
    await begun.wait()
    try:
        await asyncio.wait_for(life.cycle.stop(), 10.0)
        assert life.dependency.closed
    finally:
        over.set()
    await asyncio.wait({starting}, timeout=5)
    assert life.state.phase is Phase.STOPPED, "a start that was given up does not begin to serve"


async def test_an_iterator_that_ends_in_a_thread_is_told_as_an_error() -> None:
    empty: list[int] = []
    with pytest.raises(RuntimeError, match="StopIteration"):
        await asyncio.wait_for(in_daemon_thread(lambda: next(iter(empty)), "check"), 5.0)
