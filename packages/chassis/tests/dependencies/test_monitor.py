"""Background health: it stays true, and bounded, whatever a dependency does."""

import asyncio
import logging
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from chassis.dependencies.call import Call
from chassis.dependencies.condition import Checks, Status
from chassis.dependencies.declaration import Dependency
from chassis.dependencies.monitor import Monitor
from chassis.dependencies.valkey import Valkey
from chassis.errors import DependencyDownError
from chassis.resilience.policy import TRANSIENT, Breaker, Policy

QUICK = Checks(every_s=0.05, every_s_when_down=0.05, again_s=0.02, timeout_s=0.3)


@asynccontextmanager
async def watched(*dependencies: Dependency) -> AsyncIterator[Monitor]:
    monitor = Monitor(dependencies)
    monitor.start()
    try:
        yield monitor
    finally:
        await monitor.stop()
        for each in dependencies:
            await each.close()


class Switch:
    """Works or not, as it is told."""

    def __init__(self) -> None:
        self.works = True
        self.asked = 0

    async def check(self) -> None:
        self.asked += 1
        if not self.works:
            raise DependencyDownError("switch", "off")


async def test_a_dependency_that_fails_is_down_and_one_that_returns_is_up(eventually: Any) -> None:
    switch = Switch()
    dependency = Call("switch", check=switch.check, checks=QUICK)
    async with watched(dependency):
        await eventually(lambda: dependency.up)
        switch.works = False
        await eventually(lambda: dependency.status is Status.DOWN)
        switch.works = True
        await eventually(lambda: dependency.up)


async def test_a_real_server_that_is_killed_and_started_again_is_followed(own_valkey: Any, eventually: Any) -> None:
    cache = Valkey("cache", address=own_valkey.url, checks=QUICK)
    async with watched(cache):
        await eventually(lambda: cache.up)
        assert cache.condition.latency_s > 0
        own_valkey.kill()
        await eventually(lambda: cache.status is Status.DOWN)
        own_valkey.start()
        await eventually(lambda: cache.up)


async def test_a_real_call_that_fails_has_it_checked_at_once(eventually: Any) -> None:
    switch = Switch()
    dependency = Call("switch", check=switch.check, checks=Checks(every_s=60, again_s=0.02))

    @dependency.guard
    async def ask() -> None:
        await switch.check()

    async with watched(dependency):
        await eventually(lambda: dependency.up)
        switch.works = False
        with pytest.raises(DependencyDownError):
            await ask()
        await eventually(lambda: dependency.status is Status.DOWN, within=3)


async def test_a_real_call_that_fails_while_checks_succeed_changes_nothing(eventually: Any) -> None:
    switch = Switch()
    dependency = Call("switch", check=switch.check, checks=Checks(every_s=60, again_s=0.02))

    @dependency.guard
    async def fail() -> None:
        raise DependencyDownError("switch", "only this once")

    async with watched(dependency):
        await eventually(lambda: dependency.up)
        asked = switch.asked
        with pytest.raises(DependencyDownError):
            await fail()
        await eventually(lambda: switch.asked > asked, within=3)
        assert dependency.up


async def test_an_open_breaker_is_a_dependency_that_is_down(eventually: Any) -> None:
    breaker = Breaker(failures=1, open_s=0.5, on=TRANSIENT)
    seldom = Checks(every_s=60, every_s_when_down=0.05, again_s=0.02)
    dependency = Call("switch", check=Switch().check, checks=seldom, policy=Policy(breaker=breaker))

    @dependency.guard
    async def fail() -> None:
        raise DependencyDownError("switch", "partly broken")

    async with watched(dependency):
        await eventually(lambda: dependency.up)
        with pytest.raises(DependencyDownError):
            await fail()
        await eventually(lambda: dependency.status is Status.DOWN)
        await eventually(lambda: dependency.up, within=5)


async def test_a_dependency_that_is_isolated_by_hand_is_down_until_it_is_restored(eventually: Any) -> None:
    seldom = Checks(every_s=60, every_s_when_down=0.05, again_s=0.02)
    dependency = Call("switch", check=Switch().check, checks=seldom)
    async with watched(dependency):
        await eventually(lambda: dependency.up)
        dependency.pipeline.breaker.isolate()
        await eventually(lambda: dependency.status is Status.DOWN)
        dependency.pipeline.breaker.restore()
        await eventually(lambda: dependency.up)


async def test_a_check_that_hangs_in_a_thread_starts_no_second_one_and_holds_up_nobody(eventually: Any) -> None:
    hanging = threading.Event()
    started: list[int] = []

    def hang() -> None:
        started.append(1)
        hanging.wait(30)

    stuck = Call("stuck", check=hang, checks=QUICK)
    fine = Call("fine", check=Switch().check, checks=QUICK)
    async with watched(stuck, fine):
        await eventually(lambda: stuck.status is Status.DOWN and fine.up)
        checked = fine.condition.checked
        await eventually(lambda: fine.condition.checked > checked + 1.0)
        assert len(started) == 1, "a check that is not over is waited for, not repeated"
        hanging.set()


async def test_a_check_that_refuses_to_be_cancelled_is_left_alone(eventually: Any) -> None:
    over = asyncio.Event()

    async def stubborn() -> None:
        while not over.is_set():
            try:
                await over.wait()
            except asyncio.CancelledError:
                continue

    dependency = Call("stubborn", check=stubborn, checks=QUICK)
    async with watched(dependency):
        await eventually(lambda: dependency.status is Status.DOWN)
        over.set()


async def test_changes_are_logged_with_what_is_lost(eventually: Any, caplog: pytest.LogCaptureFixture) -> None:
    switch = Switch()
    dependency = Call("switch", check=switch.check, checks=QUICK, lost="light")
    with caplog.at_level(logging.INFO, "chassis.dependencies"):
        async with watched(dependency):
            await eventually(lambda: dependency.up)
            switch.works = False
            await eventually(lambda: dependency.status is Status.DOWN)
    messages = {record.getMessage(): vars(record)["context"] for record in caplog.records}
    assert messages["switch is down"]["lost"] == "light"
    assert messages["switch is up"]["dependency"] == "switch"


async def test_what_is_not_configured_is_not_watched() -> None:
    switch = Switch()
    dependency = Call("switch", check=switch.check, checks=QUICK, address=lambda: None)
    async with watched(dependency) as monitor:
        await monitor.check_all()
        assert dependency.status is Status.NOT_CONFIGURED
    assert switch.asked == 0
