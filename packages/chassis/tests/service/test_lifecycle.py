"""A service's life: the start in its order, again and again while a dependency is down, and the orderly stop."""

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from chassis import lifecycle, stopping
from chassis.dependencies.call import Call
from chassis.dependencies.condition import Checks, Status
from chassis.dependencies.declaration import Dependency
from chassis.dependencies.sql import Database
from chassis.errors import DependencyDownError, SettingsError, StartError
from chassis.lifecycle import Lifecycle
from chassis.state import Phase, ServiceState
from chassis.steps import StartPhase, Step

QUICK = Checks(every_s=0.05, every_s_when_down=0.05, again_s=0.02, timeout_s=0.3)


class Life:
    """A lifecycle with what belongs to it, and a list of what happened."""

    def __init__(self, *dependencies: Dependency, limit_s: float = 30.0, give_up: bool = False) -> None:
        self.state = ServiceState()
        self.happened: list[str] = []
        self.steps: list[Step] = []
        self.on_stop: list[Callable[[], Any]] = []
        self.cycle = Lifecycle(self.state, dependencies, self.steps, self.on_stop, lambda: (limit_s, give_up))

    def step(self, name: str, phase: StartPhase = StartPhase.TABLES, limit_s: float | None = None) -> None:
        async def happen() -> None:
            self.happened.append(name)

        self.steps.append(Step(name, phase, happen, limit_s))

    @asynccontextmanager
    async def led(self) -> AsyncIterator[None]:
        try:
            await self.cycle.start()
            yield
        finally:
            await self.cycle.stop()


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Try again soon."""
    monkeypatch.setattr(lifecycle, "AGAIN_S", 0.05)


class Switch(Call):
    """A dependency that works or not, as it is told."""

    def __init__(self, name: str = "switch", works: bool = True, **declared: Any) -> None:
        super().__init__(name, check=self.look, checks=QUICK, **declared)
        self.works = works
        self.closed = 0

    async def look(self) -> None:
        if not self.works:
            raise DependencyDownError(self.name, "off")

    async def close(self) -> None:
        self.closed += 1


async def test_phases_have_an_order_whatever_the_order_of_registration() -> None:
    life = Life(Switch())
    for phase in (StartPhase.SERVICES, StartPhase.SEED, StartPhase.TABLES):
        life.step(f"own {phase}", phase)
    async with life.led():
        assert life.state.phase is Phase.SERVING
        assert [each["step"] for each in life.cycle.report()] == [
            "validate settings",
            "connect",
            "own tables",
            "own seed",
            "own services",
            "watch dependencies",
        ]
        assert {each["status"] for each in life.cycle.report()} == {"done"}
    assert life.happened == ["own tables", "own seed", "own services"]


async def test_each_step_is_logged_with_its_time(caplog: pytest.LogCaptureFixture) -> None:
    life = Life()
    life.step("create tables")
    with caplog.at_level(logging.INFO, "chassis.lifecycle"):
        async with life.led():
            pass
    logged = {record.getMessage(): getattr(record, "context", {}) for record in caplog.records}
    assert logged["start: create tables: done"]["seconds"] >= 0
    assert "started" in logged
    assert "stopped" in logged


async def test_a_required_dependency_that_is_down_leaves_the_service_unready_until_it_comes(eventually: Any) -> None:
    switch = Switch(works=False)
    life = Life(switch)
    life.step("create tables")
    async with life.led():
        assert life.state.phase is Phase.STARTING
        assert life.happened == []
        switch.works = True
        await eventually(lambda: life.state.phase is Phase.SERVING)
        assert life.happened == ["create tables"]


@pytest.mark.needs("sql")
async def test_tables_are_made_when_the_database_comes_later(own_postgresql: Any, eventually: Any) -> None:
    from sqlalchemy import text

    own_postgresql.kill()
    database = Database("database", address=own_postgresql.url, checks=QUICK)
    life = Life(database)

    async def create_tables() -> None:
        async with database.session() as session:
            await session.execute(text("CREATE TABLE note (id INTEGER PRIMARY KEY)"))

    life.steps.append(Step("create tables", StartPhase.TABLES, create_tables))
    async with life.led():
        assert life.state.phase is Phase.STARTING
        await asyncio.to_thread(own_postgresql.start)
        await eventually(lambda: life.state.phase is Phase.SERVING)
        async with database.session() as session:
            await session.execute(text("SELECT * FROM note"))


async def test_steps_that_are_done_are_not_done_again_after_a_failure_further_on(eventually: Any) -> None:
    life = Life()
    life.step("create tables")
    tries: list[int] = []

    async def seed() -> None:
        tries.append(1)
        if len(tries) < 3:
            raise DependencyDownError("database", "gone for a moment")

    life.steps.append(Step("seed", StartPhase.SEED, seed))
    async with life.led():
        await eventually(lambda: life.state.phase is Phase.SERVING)
    assert len(tries) == 3
    assert life.happened == ["create tables"]


async def test_an_optional_dependency_that_is_down_is_left_out_and_comes_back_by_itself(eventually: Any) -> None:
    switch = Switch(works=False, lost="light")
    life = Life(switch)
    async with life.led():
        assert life.state.phase is Phase.SERVING
        assert switch.status is Status.DOWN
        switch.works = True
        await eventually(lambda: switch.up)


async def test_giving_up_names_the_step_that_was_not_done() -> None:
    life = Life(Switch(works=False), limit_s=0.3, give_up=True)
    with pytest.raises(StartError, match="connect"):
        await life.cycle.start()
    await life.cycle.stop()


async def test_a_mistake_in_a_step_ends_the_start_and_names_it() -> None:
    life = Life()

    async def seed() -> None:
        raise KeyError("no such note")

    life.steps.append(Step("seed notes", StartPhase.SEED, seed))
    with pytest.raises(StartError, match="seed notes: failed: KeyError"):
        await life.cycle.start()
    assert life.state.phase is Phase.STARTING
    await life.cycle.stop()


async def test_a_step_has_a_time_limit() -> None:
    life = Life(limit_s=0.1, give_up=True)

    async def hang() -> None:
        await asyncio.Event().wait()

    life.steps.append(Step("hang", StartPhase.TABLES, hang))
    with pytest.raises(StartError, match="hang"):
        await life.cycle.start()
    assert life.cycle.report()[2]["status"] == "failed"
    await life.cycle.stop()


async def test_a_sync_step_that_takes_too_long_is_waited_for_rather_than_started_twice(eventually: Any) -> None:
    life = Life()
    over = threading.Event()
    started: list[int] = []

    def slow() -> None:
        started.append(1)
        over.wait(30)

    life.steps.append(Step("slow", StartPhase.TABLES, slow, limit_s=0.05))
    async with life.led():
        await eventually(lambda: life.cycle.report()[2]["attempts"] >= 3)
        over.set()
        await eventually(lambda: life.state.phase is Phase.SERVING)
    assert len(started) == 1


async def test_the_port_opens_though_a_step_takes_long(monkeypatch: pytest.MonkeyPatch, eventually: Any) -> None:
    monkeypatch.setattr(lifecycle, "PORT_OPENS_S", 0.05)
    life = Life()
    over = asyncio.Event()
    life.steps.append(Step("migrate", StartPhase.TABLES, over.wait))
    async with life.led():
        assert life.state.phase is Phase.STARTING
        over.set()
        await eventually(lambda: life.state.phase is Phase.SERVING)


@pytest.mark.needs("sql")
async def test_settings_that_cannot_be_right_are_told_all_at_once_before_anything_is_asked() -> None:
    life = Life(
        Database("database", address=lambda: "mysql://host", setting="NOTES_DATABASE_URL"),
        Call("mail", address=lambda: None, setting="NOTES_MAIL_URL"),
        Call("archive", address=lambda: None, lost="old notes"),
    )
    with pytest.raises(SettingsError) as caught:
        await life.cycle.start()
    assert [problem.partition(":")[0] for problem in caught.value.problems] == ["NOTES_DATABASE_URL", "NOTES_MAIL_URL"]
    await life.cycle.stop()


async def test_the_stop_goes_backwards() -> None:
    first, second = Switch("first"), Switch("second")
    life = Life(first, second)
    order: list[str] = []
    life.on_stop += [lambda: order.append("one"), lambda: order.append("two")]
    for each in (first, second):
        each.close = lambda name=each.name: _note(order, name)  # type: ignore[method-assign]
    async with life.led():
        pass
    assert order == ["two", "one", "second", "first"]
    assert life.state.phase is Phase.STOPPED


async def _note(order: list[str], name: str) -> None:
    order.append(name)


async def test_a_part_of_the_stop_that_fails_or_hangs_stops_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stopping, "CLOSE_S", 0.1)
    switch = Switch()
    life = Life(switch)

    async def hang() -> None:
        await asyncio.Event().wait()

    def fail() -> None:
        raise RuntimeError("no")

    life.on_stop += [hang, fail]
    async with life.led():
        pass
    assert switch.closed == 1


async def test_a_stop_ends_a_start_that_is_under_way() -> None:
    life = Life(Switch(works=False))
    await life.cycle.start()
    assert life.cycle.running
    await life.cycle.stop()
    assert not life.cycle.running
    assert life.state.phase is Phase.STOPPED


async def test_a_service_can_be_started_again() -> None:
    life = Life(Switch())
    life.step("create tables")
    for _ in range(2):
        async with life.led():
            assert life.state.phase is Phase.SERVING
    assert life.happened == ["create tables", "create tables"]
