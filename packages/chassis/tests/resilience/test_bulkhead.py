"""The bulkhead and the rate limit: how many at once, how many a second, and who waits."""

import asyncio
import contextlib
import threading

import pytest
from chassis.errors import BulkheadFullError, CallRateExceededError, CircuitOpenError, DeadlineExceededError
from chassis.resilience import Breaker, Bulkhead, Pipeline, Policy, Rate
from chassis.testing import HANG, Hang, HeldClock, ScriptedDependency

REFUSED = ConnectionError("refused")


def bulkhead(max_concurrent, max_wait_s=0.0, **others):
    """Return a pipeline with a bulkhead, and nothing else unless said."""
    options = {"deadline_s": None, "breaker": None, **others}
    return Pipeline("quotes", Policy(bulkhead=Bulkhead(max_concurrent, max_wait_s), **options))


async def occupied(pipeline, places, eventually):
    """Occupy so many places; return what holds them and the calls under way."""
    holding = ScriptedDependency(then=HANG)
    calls = [asyncio.create_task(pipeline.acall(holding.acall)) for _ in range(places)]
    await eventually(lambda: holding.under_way == places)
    return holding, calls


async def test_a_call_over_the_limit_is_refused_at_once_and_says_so(eventually):
    pipeline = bulkhead(2)
    holding, calls = await occupied(pipeline, 2, eventually)
    dependency = ScriptedDependency()

    with pytest.raises(BulkheadFullError, match="quotes: not asked: 2 calls are under way, which is its limit"):
        await pipeline.acall(dependency.acall)
    assert dependency.calls == []
    holding.release()
    await asyncio.gather(*calls)

    assert await pipeline.acall(ScriptedDependency("answer").acall) == "answer"
    assert pipeline.snapshot().rejected["bulkhead_full"] == 1


def test_threads_never_exceed_the_limit_and_lose_no_place(until):
    pipeline = bulkhead(3)
    dependency = ScriptedDependency(*[HANG] * 3, then="answer")
    refused = []

    def call():
        try:
            pipeline.call(dependency.call)
        except BulkheadFullError as error:
            refused.append(error)

    threads = [threading.Thread(target=call) for _ in range(20)]
    for thread in threads:
        thread.start()
    until(lambda: len(refused) == 17)
    dependency.release()
    for thread in threads:
        thread.join(30)

    assert dependency.most_at_once == 3
    assert pipeline.snapshot().in_flight == 0
    assert pipeline.call(dependency.call) == "answer"


def test_the_dependency_being_full_does_not_open_the_breaker(until):
    pipeline = bulkhead(1, breaker=Breaker(failures=1))
    dependency = ScriptedDependency(HANG)
    thread = threading.Thread(target=lambda: pipeline.call(dependency.call))
    thread.start()
    until(lambda: dependency.under_way)

    for _ in range(5):
        with pytest.raises(BulkheadFullError):
            pipeline.call(dependency.call)
    dependency.release()
    thread.join(30)

    assert pipeline.breaker.state == "closed"


async def test_a_call_may_wait_for_its_turn_first_come_first_served(eventually):
    pipeline = bulkhead(1, max_wait_s=30)
    holding, calls = await occupied(pipeline, 1, eventually)
    order = []

    async def note(number):
        order.append(number)

    for number in range(5):
        calls.append(asyncio.create_task(pipeline.acall(note, number)))
        await eventually(lambda wanted=number + 1: pipeline.snapshot().waiting == wanted)
    holding.release()
    await asyncio.gather(*calls)

    assert order == [0, 1, 2, 3, 4]
    assert (pipeline.snapshot().in_flight, pipeline.snapshot().waiting) == (0, 0)


async def test_a_wait_is_bounded(eventually):
    pipeline = bulkhead(1, max_wait_s=0.02)
    holding, calls = await occupied(pipeline, 1, eventually)

    with pytest.raises(BulkheadFullError):
        await pipeline.acall(ScriptedDependency().acall)
    with pytest.raises(BulkheadFullError):
        await asyncio.to_thread(pipeline.call, ScriptedDependency().call)
    holding.release()
    await asyncio.gather(*calls)

    counts = pipeline.snapshot()
    assert (counts.waiting, counts.in_flight, counts.rejected["bulkhead_full"]) == (0, 0, 2)


async def test_a_wait_ends_at_the_deadline(eventually):
    pipeline = bulkhead(1, max_wait_s=60)
    holding, calls = await occupied(pipeline, 1, eventually)
    pipeline.adjust(Policy(deadline_s=0.05, breaker=None, bulkhead=Bulkhead(1, max_wait_s=60)))

    with pytest.raises((BulkheadFullError, DeadlineExceededError)):
        await pipeline.acall(ScriptedDependency().acall)
    with pytest.raises(BulkheadFullError):
        await asyncio.to_thread(pipeline.call, ScriptedDependency().call)
    holding.release()
    await asyncio.gather(*calls)

    assert (pipeline.snapshot().waiting, pipeline.snapshot().in_flight) == (0, 0)


async def test_threads_and_tasks_wait_in_the_same_line(eventually):
    pipeline = bulkhead(1, max_wait_s=30)
    holding, calls = await occupied(pipeline, 1, eventually)
    order = []

    async def note(number):
        order.append(number)

    for number in range(4):
        if number % 2:
            calls.append(asyncio.create_task(asyncio.to_thread(pipeline.call, order.append, number)))
        else:
            calls.append(asyncio.create_task(pipeline.acall(note, number)))
        await eventually(lambda wanted=number + 1: pipeline.snapshot().waiting == wanted)
    holding.release()
    await asyncio.gather(*calls)

    assert order == [0, 1, 2, 3]


async def test_a_waiter_that_goes_away_leaves_the_line_and_takes_no_place(eventually):
    pipeline = bulkhead(1, max_wait_s=30)
    holding, calls = await occupied(pipeline, 1, eventually)
    waiting = [asyncio.create_task(pipeline.acall(ScriptedDependency("answer").acall)) for _ in range(3)]
    await eventually(lambda: pipeline.snapshot().waiting == 3)

    waiting[0].cancel()
    await asyncio.wait(waiting[:1])
    assert pipeline.snapshot().waiting == 2
    holding.release()
    await calls[0]
    waiting[1].cancel()  # in the moment in which it is given the place
    outcomes = await asyncio.gather(*waiting, return_exceptions=True)

    assert [type(each) for each in outcomes[:2]] == [asyncio.CancelledError] * 2
    assert outcomes[2] == "answer"
    assert (pipeline.snapshot().waiting, pipeline.snapshot().in_flight) == (0, 0)


def test_a_thread_that_is_interrupted_leaves_the_line(until, interrupt_when):
    pipeline = bulkhead(1, max_wait_s=30)
    holding = ScriptedDependency(HANG)
    thread = threading.Thread(target=lambda: pipeline.call(holding.call))
    thread.start()
    until(lambda: holding.under_way)

    with pytest.raises(interrupt_when(lambda: pipeline.snapshot().waiting)):
        pipeline.call(ScriptedDependency().call)
    holding.release()
    thread.join(30)

    assert (pipeline.snapshot().waiting, pipeline.snapshot().in_flight) == (0, 0)


async def test_who_waited_for_a_place_still_meets_the_breaker(eventually):
    pipeline = bulkhead(1, max_wait_s=30, breaker=Breaker(failures=1))
    failing = ScriptedDependency(Hang(then=REFUSED))
    first = asyncio.create_task(pipeline.acall(failing.acall))
    await eventually(lambda: failing.under_way)
    dependency = ScriptedDependency()
    waiting = [asyncio.create_task(pipeline.acall(dependency.acall)) for _ in range(3)]
    await eventually(lambda: pipeline.snapshot().waiting == 3)

    failing.release()
    outcomes = await asyncio.gather(first, *waiting, return_exceptions=True)

    assert [type(each) for each in outcomes] == [ConnectionError, *[CircuitOpenError] * 3]
    assert dependency.calls == []
    assert pipeline.snapshot().in_flight == 0


async def test_more_places_let_those_who_wait_in(eventually):
    pipeline = bulkhead(1, max_wait_s=30)
    holding, calls = await occupied(pipeline, 1, eventually)
    waiting = [asyncio.create_task(pipeline.acall(holding.acall)) for _ in range(3)]
    await eventually(lambda: pipeline.snapshot().waiting == 3)

    pipeline.adjust(Policy(deadline_s=None, breaker=None, bulkhead=Bulkhead(3, 30)))
    await eventually(lambda: holding.under_way == 3)
    assert pipeline.snapshot().waiting == 1
    pipeline.adjust(Policy(deadline_s=None, breaker=None))
    await eventually(lambda: holding.under_way == 4)
    holding.release()
    await asyncio.gather(*calls, *waiting)

    assert pipeline.snapshot().in_flight == 0


def test_waiters_of_a_closed_event_loop_hold_up_nobody(until):
    pipeline = bulkhead(1, max_wait_s=30)
    holding = ScriptedDependency(HANG)
    thread = threading.Thread(target=lambda: pipeline.call(holding.call))
    thread.start()
    until(lambda: holding.under_way)
    loop = asyncio.new_event_loop()
    lost = pipeline.acall(ScriptedDependency().acall)

    async def begin():
        lost.send(None)

    loop.run_until_complete(begin())
    loop.close()
    holding.release()
    thread.join(30)

    assert pipeline.call(ScriptedDependency("answer").call) == "answer"
    lost.close()
    assert pipeline.snapshot().in_flight == 0


def test_a_storm_of_threads_and_tasks_loses_no_place_and_keeps_the_limit():
    pipeline = bulkhead(4, max_wait_s=30)
    dependency = ScriptedDependency(then="answer")
    answers = []

    def calls_in_thread():
        answers.extend(pipeline.call(dependency.call) for _ in range(50))

    async def call(cancelled):
        task = asyncio.create_task(pipeline.acall(dependency.acall))
        await asyncio.sleep(0)
        if cancelled:
            task.cancel()
        try:
            answers.append(await task)
        except asyncio.CancelledError:
            answers.append("cancelled")

    async def calls_in_loop():
        await asyncio.gather(*(call(number % 3 == 0) for number in range(300)))

    threads = [threading.Thread(target=calls_in_thread) for _ in range(6)]
    threads += [threading.Thread(target=lambda: asyncio.run(calls_in_loop())) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert len(answers) == 6 * 50 + 2 * 300
    assert dependency.most_at_once <= 4
    counts = pipeline.snapshot()
    assert (counts.in_flight, counts.waiting) == (0, 0)
    assert counts.succeeded == len(dependency.calls)


# -- the rate limit


def test_calls_over_the_rate_are_refused_until_their_time_has_come(ask):
    clock = HeldClock()
    pipeline = Pipeline(
        "quotes", Policy(deadline_s=None, breaker=None, rate=Rate(calls=2, per_s=10, burst=3)), clock=clock
    )
    dependency = ScriptedDependency(then="answer")

    for _ in range(3):
        ask(pipeline, dependency)
    with pytest.raises(CallRateExceededError) as raised:
        ask(pipeline, dependency)
    assert raised.value.retry_after_s == pytest.approx(5.0)
    clock.advance(4.9)
    with pytest.raises(CallRateExceededError):
        ask(pipeline, dependency)
    clock.advance(0.2)
    ask(pipeline, dependency)

    assert len(dependency.calls) == 4
    assert pipeline.snapshot().rejected["rate_limited"] == 2


def test_a_rate_limited_dependency_gets_its_rate_and_no_more():
    clock = HeldClock()
    pipeline = Pipeline("quotes", Policy(deadline_s=None, breaker=None, rate=Rate(calls=50, burst=5)), clock=clock)
    dependency = ScriptedDependency(then="answer")

    for _ in range(1000):
        clock.advance(0.01)
        with contextlib.suppress(CallRateExceededError):
            pipeline.call(dependency.call)

    assert len(dependency.calls) == pytest.approx(50 * 10 + 5, abs=1)


def test_an_idle_time_saves_no_more_than_one_burst(ask):
    clock = HeldClock()
    pipeline = Pipeline("quotes", Policy(deadline_s=None, breaker=None, rate=Rate(calls=3, burst=2)), clock=clock)
    ask(pipeline, ScriptedDependency("answer"))
    clock.advance(3600)

    for _ in range(2):
        ask(pipeline, ScriptedDependency("answer"))
    with pytest.raises(CallRateExceededError):
        ask(pipeline, ScriptedDependency())


def test_threads_together_keep_the_rate():
    pipeline = Pipeline("quotes", Policy(deadline_s=None, breaker=None, rate=Rate(calls=10, per_s=1e6)))
    dependency = ScriptedDependency(then="answer")

    def call():
        for _ in range(20):
            with contextlib.suppress(CallRateExceededError):
                pipeline.call(dependency.call)

    threads = [threading.Thread(target=call) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert len(dependency.calls) == 10
