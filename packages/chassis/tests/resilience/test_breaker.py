"""The breaker: when it opens, whom it lets through, and what closes it."""

import asyncio
import logging
import threading
from collections import deque

import pytest
from chassis.clock import SYSTEM_CLOCK
from chassis.errors import BulkheadFullError, CallRateExceededError, CircuitOpenError
from chassis.resilience import Breaker, BreakerState, Bulkhead, Pipeline, Policy, Rate
from chassis.resilience.gate import Gate
from chassis.testing import HANG, Hang, HeldClock, ScriptedDependency
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

REFUSED = ConnectionError("refused")


def guarded(breaker, clock=SYSTEM_CLOCK, **others):
    """Return a pipeline with a breaker, and nothing else unless said."""
    return Pipeline("quotes", Policy(deadline_s=None, breaker=breaker, **others), clock=clock)


def fail(ask, pipeline, times):
    """Let so many calls fail."""
    for _ in range(times):
        with pytest.raises(ConnectionError):
            ask(pipeline, ScriptedDependency(REFUSED))


def test_failures_in_a_row_open_it_and_an_open_one_asks_nobody(ask):
    pipeline = guarded(Breaker(failures=3, open_s=30))
    dependency = ScriptedDependency()

    fail(ask, pipeline, 3)
    with pytest.raises(CircuitOpenError) as raised:
        ask(pipeline, dependency)

    assert dependency.calls == []
    assert pipeline.breaker.state == "open"
    assert 29 < raised.value.retry_after_s <= 30
    assert str(raised.value) == "quotes: not asked: its circuit breaker is open"


def test_an_answer_in_between_starts_the_row_anew(ask):
    pipeline = guarded(Breaker(failures=3))

    for _ in range(5):
        fail(ask, pipeline, 2)
        ask(pipeline, ScriptedDependency("answer"))

    assert pipeline.breaker.state is BreakerState.CLOSED


def test_it_opens_when_so_many_of_the_last_calls_failed(ask):
    pipeline = guarded(Breaker(failures=3, window=6))

    fail(ask, pipeline, 1)
    for _ in range(5):  # they push the failure out of the window
        ask(pipeline, ScriptedDependency("answer"))
    for _ in range(2):
        fail(ask, pipeline, 1)
        ask(pipeline, ScriptedDependency("answer"))
    assert pipeline.breaker.state == "closed"
    fail(ask, pipeline, 1)

    assert pipeline.breaker.state == "open"


def test_errors_that_are_answers_do_not_open_it(ask):
    pipeline = guarded(Breaker(failures=1, on=(ConnectionError,)))

    for _ in range(3):
        with pytest.raises(KeyError):
            ask(pipeline, ScriptedDependency(KeyError("no such quote")))

    assert pipeline.breaker.state == "closed"
    assert pipeline.snapshot().failed == 3


def test_an_error_of_the_function_that_judges_errors_gives_the_place_back(ask):
    def judge(error):
        raise RuntimeError("a mistake in the judge")

    pipeline = guarded(Breaker(on=judge), bulkhead=Bulkhead(max_concurrent=1))

    with pytest.raises(RuntimeError, match="a mistake in the judge"):
        ask(pipeline, ScriptedDependency(REFUSED))

    assert pipeline.snapshot().in_flight == 0
    assert ask(pipeline, ScriptedDependency("answer")) == "answer"


def test_a_probe_that_is_answered_closes_it(ask):
    clock = HeldClock()
    pipeline = guarded(Breaker(failures=1, open_s=30), clock)
    fail(ask, pipeline, 1)

    clock.advance(29.9)
    with pytest.raises(CircuitOpenError):
        ask(pipeline, ScriptedDependency())
    clock.advance(0.2)

    assert ask(pipeline, ScriptedDependency("answer")) == "answer"
    assert pipeline.breaker.state == "closed"


def test_a_probe_that_fails_opens_it_for_as_long_again(ask):
    clock = HeldClock()
    pipeline = guarded(Breaker(failures=1, open_s=30), clock)
    fail(ask, pipeline, 1)
    clock.advance(31)

    fail(ask, pipeline, 1)

    assert pipeline.breaker.state == "open"
    assert pipeline.breaker.retry_after_s == 30
    assert pipeline.snapshot().opened == 2


def test_all_probes_must_be_answered_however_slowly_they_come(ask):
    clock = HeldClock()
    pipeline = guarded(Breaker(failures=1, open_s=30, probes=3), clock)
    fail(ask, pipeline, 1)

    for expected in ("half_open", "half_open", "closed"):
        clock.advance(100)
        ask(pipeline, ScriptedDependency("answer"))
        assert pipeline.breaker.state == expected


@pytest.mark.parametrize("probes", [1, 3])
def test_half_open_admits_exactly_n_of_100_threads(probes, until):
    clock = HeldClock()
    pipeline = guarded(Breaker(failures=1, open_s=30, probes=probes), clock)
    with pytest.raises(ConnectionError):
        pipeline.call(ScriptedDependency(REFUSED).call)
    dependency = ScriptedDependency(then=HANG)
    together = threading.Barrier(100)
    refused = []

    def call():
        together.wait(30)
        try:
            pipeline.call(dependency.call)
        except CircuitOpenError as error:
            refused.append(error)

    clock.advance(31)
    threads = [threading.Thread(target=call) for _ in range(100)]
    for thread in threads:
        thread.start()
    until(lambda: len(refused) == 100 - probes and dependency.under_way == probes)
    dependency.release()
    for thread in threads:
        thread.join(30)

    assert len(dependency.calls) == probes
    assert pipeline.breaker.state == "closed"


@pytest.mark.parametrize("probes", [1, 3])
async def test_half_open_admits_exactly_n_of_100_tasks(probes, eventually):
    clock = HeldClock()
    pipeline = guarded(Breaker(failures=1, open_s=30, probes=probes), clock)
    with pytest.raises(ConnectionError):
        await pipeline.acall(ScriptedDependency(REFUSED).acall)
    dependency = ScriptedDependency(then=HANG)

    clock.advance(31)
    tasks = [asyncio.create_task(pipeline.acall(dependency.acall)) for _ in range(100)]
    await eventually(lambda: sum(task.done() for task in tasks) == 100 - probes)
    dependency.release()
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)

    assert len(dependency.calls) == probes
    assert sum(isinstance(each, CircuitOpenError) for each in outcomes) == 100 - probes
    assert pipeline.breaker.state == "closed"


async def test_threads_and_tasks_share_the_probes(eventually):
    clock = HeldClock()
    pipeline = guarded(Breaker(failures=1, open_s=30), clock)
    with pytest.raises(ConnectionError):
        await pipeline.acall(ScriptedDependency(REFUSED).acall)
    dependency = ScriptedDependency(then=HANG)
    clock.advance(31)

    in_thread = asyncio.create_task(asyncio.to_thread(pipeline.call, dependency.call))
    await eventually(lambda: dependency.under_way == 1)
    with pytest.raises(CircuitOpenError):
        await pipeline.acall(dependency.acall)
    dependency.release()
    await in_thread

    assert len(dependency.calls) == 1


async def test_a_cancelled_probe_makes_room_for_another(eventually):
    clock = HeldClock()
    pipeline = guarded(Breaker(failures=1, open_s=30), clock)
    with pytest.raises(ConnectionError):
        await pipeline.acall(ScriptedDependency(REFUSED).acall)
    clock.advance(31)
    hanging = ScriptedDependency(HANG)
    probe = asyncio.create_task(pipeline.acall(hanging.acall))
    await eventually(lambda: hanging.under_way)

    probe.cancel()
    with pytest.raises(asyncio.CancelledError):
        await probe
    assert pipeline.breaker.state == "half_open"

    assert await pipeline.acall(ScriptedDependency("answer").acall) == "answer"
    assert pipeline.breaker.state == "closed"


async def test_cancellations_neither_open_it_nor_count_as_failures(eventually):
    pipeline = guarded(Breaker(failures=1), bulkhead=Bulkhead(max_concurrent=20))
    dependency = ScriptedDependency(*[HANG] * 20, "answer")
    tasks = [asyncio.create_task(pipeline.acall(dependency.acall)) for _ in range(20)]
    await eventually(lambda: dependency.under_way == 20)

    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)

    counts = pipeline.snapshot()
    assert (counts.breaker, counts.cancelled, counts.failed, counts.in_flight) == ("closed", 20, 0, 0)
    assert await pipeline.acall(dependency.acall) == "answer"


async def test_a_probe_that_hangs_is_given_up_on(eventually):
    clock = HeldClock()
    pipeline = guarded(Breaker(failures=1, open_s=30), clock)
    with pytest.raises(ConnectionError):
        await pipeline.acall(ScriptedDependency(REFUSED).acall)
    clock.advance(31)
    hanging = ScriptedDependency(HANG)
    lost = asyncio.create_task(pipeline.acall(hanging.acall))
    await eventually(lambda: hanging.under_way)

    with pytest.raises(CircuitOpenError):
        await pipeline.acall(ScriptedDependency().acall)
    clock.advance(31)
    assert await pipeline.acall(ScriptedDependency("answer").acall) == "answer"
    hanging.release()
    await lost

    assert pipeline.breaker.state == "closed"


async def test_calls_from_before_the_outage_say_nothing_about_what_comes_after(eventually):
    clock = HeldClock()
    pipeline = guarded(Breaker(failures=2, open_s=30), clock)
    late_answer, late_failure = ScriptedDependency(HANG), ScriptedDependency(Hang(then=REFUSED))
    before = [asyncio.create_task(pipeline.acall(each.acall)) for each in (late_answer, late_failure)]
    await eventually(lambda: late_answer.under_way and late_failure.under_way)
    for _ in range(2):
        with pytest.raises(ConnectionError):
            await pipeline.acall(ScriptedDependency(REFUSED).acall)
    clock.advance(31)
    probe = ScriptedDependency(HANG)
    probing = asyncio.create_task(pipeline.acall(probe.acall))
    await eventually(lambda: probe.under_way)

    late_answer.release()
    late_failure.release()
    await asyncio.gather(*before, return_exceptions=True)
    assert pipeline.breaker.state == "half_open"
    probe.release()
    await probing

    assert pipeline.breaker.state == "closed"


async def test_a_probe_that_finds_the_bulkhead_full_leaves_its_place_to_another(eventually):
    clock = HeldClock()
    pipeline = guarded(Breaker(failures=1, open_s=30, probes=2), clock, bulkhead=Bulkhead(max_concurrent=2))
    hanging = ScriptedDependency(HANG, REFUSED, HANG)
    calls = [asyncio.create_task(pipeline.acall(hanging.acall))]
    await eventually(lambda: hanging.under_way)
    with pytest.raises(ConnectionError):
        await pipeline.acall(hanging.acall)
    clock.advance(31)
    calls.append(asyncio.create_task(pipeline.acall(hanging.acall)))
    await eventually(lambda: hanging.under_way == 2)

    for _ in range(3):
        with pytest.raises(BulkheadFullError):
            await pipeline.acall(ScriptedDependency().acall)
    hanging.release()
    await asyncio.gather(*calls)

    assert pipeline.breaker.state == "half_open"
    assert await pipeline.acall(ScriptedDependency("answer").acall) == "answer"
    assert pipeline.breaker.state == "closed"


def test_a_probe_over_the_rate_limit_leaves_its_place_to_another(ask):
    clock = HeldClock()
    pipeline = guarded(Breaker(failures=1, open_s=30), clock, rate=Rate(calls=1, per_s=1e6))
    fail(ask, pipeline, 1)
    clock.advance(31)

    for _ in range(3):
        with pytest.raises(CallRateExceededError):
            ask(pipeline, ScriptedDependency())
    clock.advance(1e6)

    assert ask(pipeline, ScriptedDependency("answer")) == "answer"
    assert pipeline.breaker.state == "closed"


def test_it_is_isolated_by_hand_until_it_is_restored(ask):
    clock = HeldClock()
    pipeline = guarded(Breaker(open_s=30), clock)

    pipeline.breaker.isolate()
    clock.advance(1e6)
    with pytest.raises(CircuitOpenError, match="isolated by hand") as raised:
        ask(pipeline, ScriptedDependency())
    assert pipeline.breaker.state == "isolated"
    assert raised.value.retry_after_s is None
    assert pipeline.breaker.retry_after_s == float("inf")
    pipeline.breaker.restore()

    assert ask(pipeline, ScriptedDependency("answer")) == "answer"


def test_a_pipeline_without_a_breaker_can_be_isolated_too(ask):
    pipeline = guarded(None)
    fail(ask, pipeline, 20)

    pipeline.breaker.isolate()
    with pytest.raises(CircuitOpenError):
        ask(pipeline, ScriptedDependency())
    pipeline.breaker.restore()

    assert ask(pipeline, ScriptedDependency("answer")) == "answer"


async def test_what_was_under_way_does_not_end_an_isolation(eventually):
    pipeline = guarded(Breaker(failures=1))
    hanging = ScriptedDependency(HANG)
    call = asyncio.create_task(pipeline.acall(hanging.acall))
    await eventually(lambda: hanging.under_way)

    pipeline.breaker.isolate()
    hanging.release()
    await call

    assert pipeline.breaker.state == "isolated"


def test_opening_and_closing_are_logged(ask, caplog):
    clock = HeldClock()
    pipeline = guarded(Breaker(failures=1, open_s=30), clock)

    with caplog.at_level(logging.INFO, "chassis.resilience"):
        fail(ask, pipeline, 1)
        clock.advance(31)
        ask(pipeline, ScriptedDependency("answer"))

    assert [(each.levelname, each.message) for each in caplog.records] == [
        ("WARNING", "quotes: circuit breaker opened: it is not asked for a while"),
        ("INFO", "quotes: circuit breaker closed: it answers again"),
    ]


class BreakerModel(RuleBasedStateMachine):
    """Whatever mix of calls, cancellations, time and hands: the gate does what a plain model does."""

    FAILURES, WINDOW, OPEN_S, PROBES = 2, 4, 10.0, 2

    def __init__(self):
        super().__init__()
        self.clock = HeldClock(monotonic=0.0)
        breaker = Breaker(failures=self.FAILURES, window=self.WINDOW, open_s=self.OPEN_S, probes=self.PROBES)
        self.gate = Gate("quotes", Policy(breaker=breaker), self.clock)
        self.under_way = []  # (the gate's period, the model's era)
        self.new_era("closed")

    def new_era(self, state):
        self.state = state
        self.era = object()
        self.last = deque(maxlen=self.WINDOW)
        self.admitted = self.answered = 0
        self.until = self.clock.monotonic() + self.OPEN_S

    @rule()
    def begin(self):
        overdue = self.clock.monotonic() >= self.until
        if self.state == "closed":
            admitted = True
        elif self.state == "half_open":
            admitted = self.admitted < self.PROBES or overdue
            if self.admitted >= self.PROBES and overdue:
                self.new_era("half_open")
        else:
            admitted = self.state == "open" and overdue
            if admitted:
                self.new_era("half_open")
        if not admitted:
            with pytest.raises(CircuitOpenError):
                self.gate.enter()
            return
        if self.state == "half_open":
            self.admitted += 1
            self.until = self.clock.monotonic() + self.OPEN_S
        self.under_way.append((self.gate.enter(), self.era))

    @precondition(lambda self: self.under_way)
    @rule(data=st.data(), outcome=st.sampled_from(["answered", "failed", "cancelled"]))
    def end(self, data, outcome):
        period, era = self.under_way.pop(data.draw(st.integers(0, len(self.under_way) - 1)))
        if outcome == "answered":
            self.gate.succeeded(period, 0.001)
        else:
            self.gate.failed(period, REFUSED if outcome == "failed" else asyncio.CancelledError(), 0.001)
        if era is not self.era:
            return
        if outcome == "cancelled":
            self.admitted -= 1
        elif self.state == "half_open" and outcome == "answered":
            self.answered += 1
            if self.answered == self.PROBES:
                self.new_era("closed")
        elif outcome == "failed" and (self.state == "half_open" or sum(self.last_with(True)) >= self.FAILURES):
            self.new_era("open")
        else:
            self.last.append(outcome == "failed")

    def last_with(self, failed):
        return deque([*self.last, failed], maxlen=self.WINDOW)

    @rule(seconds=st.sampled_from([0.1, 5.0, 10.0, 30.0]))
    def wait(self, seconds):
        self.clock.advance(seconds)

    @rule(isolated=st.booleans())
    def operate_by_hand(self, isolated):
        if isolated:
            self.gate.isolate()
            self.new_era("isolated")
        else:
            self.gate.restore()
            self.new_era("closed")

    @invariant()
    def same_state(self):
        assert self.gate.state == self.state
        assert self.gate.snapshot().in_flight == len(self.under_way)

    @invariant()
    def never_more_probes_than_allowed(self):
        if self.state == "half_open":
            assert sum(era is self.era for _, era in self.under_way) <= self.PROBES


TestBreakerModel = BreakerModel.TestCase
TestBreakerModel.settings = settings(max_examples=150, stateful_step_count=40)
