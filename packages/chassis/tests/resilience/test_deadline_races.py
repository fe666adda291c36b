"""Deadlines, callers that go away and answers that meet in one moment are never confused."""

import asyncio
import contextlib
import importlib
import random

import pytest
from chassis.errors import DeadlineExceededError
from chassis.resilience import Breaker, Bulkhead, Pipeline, Policy, Retry

MOMENTS = (0.001, 0.002, 0.003, 0.004)
CALLERS = 400


class Race:
    """Callers whose calls are nested or not, answered, refused or too slow, and some of whom go away meanwhile."""

    def __init__(self, seed):
        self.chance = random.Random(seed)
        self.outer = Pipeline(
            "outer",
            Policy(
                deadline_s=0.004, breaker=None, bulkhead=Bulkhead(CALLERS), retry=Retry(attempts=2, backoff_s=0.001)
            ),
        )
        self.inner = Pipeline(
            "inner", Policy(deadline_s=0.003, attempt_timeout_s=0.002, breaker=Breaker(failures=CALLERS))
        )
        self.wrong = []
        self.gone = set()

    async def dependency(self, seconds, refuses):
        await asyncio.sleep(seconds)
        if refuses:
            raise ConnectionError("refused")

    async def caller(self, *question, nested):
        with contextlib.suppress(DeadlineExceededError, ConnectionError):
            if nested:
                await self.outer.acall(self.inner.acall, self.dependency, *question)
            else:
                await self.inner.acall(self.dependency, *question)
        if asyncio.current_task().cancelling():
            self.wrong.append("a cancellation was swallowed, or one was left behind")

    def go_away(self, task):
        if task.cancel():
            self.gone.add(task)

    async def run(self):
        chance, loop, tasks = self.chance, asyncio.get_running_loop(), []
        for _ in range(CALLERS):
            question = chance.choice([0, *MOMENTS]), chance.random() < 0.3
            tasks.append(asyncio.create_task(self.caller(*question, nested=chance.random() < 0.5)))
            if chance.random() < 0.4:
                loop.call_later(chance.choice(MOMENTS) + chance.random() / 1e4, self.go_away, tasks[-1])
            if chance.random() < 0.1:
                await asyncio.sleep(0.001)
        done, _ = await asyncio.wait(tasks, timeout=30)
        self.wrong += [f"cancelled: {task.cancelled()}" for task in done if task.cancelled() != (task in self.gone)]
        assert len(done) == CALLERS


@pytest.mark.parametrize("loop", ["asyncio", pytest.param("uvloop", marks=pytest.mark.needs("serve"))])
def test_deadlines_and_cancellations_that_race_are_never_confused(loop):
    new_loop = importlib.import_module(loop).new_event_loop
    for seed in range(5):
        race = Race(seed)
        with asyncio.Runner(loop_factory=new_loop) as runner:
            runner.run(race.run())

        assert race.wrong == []
        for counts in (race.outer.snapshot(), race.inner.snapshot()):
            assert counts.in_flight == counts.waiting == 0
            assert counts.timed_out > 0
            assert counts.cancelled > 0
            assert counts.latency.count == counts.succeeded + counts.failed
