"""Deadlines: one for the whole call, carried into what it calls; and the time limit of each attempt."""

import asyncio
import contextvars
import time

import pytest
from chassis import context
from chassis.errors import DeadlineExceededError
from chassis.resilience import Breaker, Bulkhead, Pipeline, Policy, Retry
from chassis.testing import HANG, HeldClock, ScriptedDependency, instant_backoff


def within(seconds, clock=None, **others):
    """Return a pipeline with a deadline, and nothing else unless said."""
    policy = Policy(deadline_s=seconds, **{"breaker": None, **others})
    return Pipeline("quotes", policy) if clock is None else Pipeline("quotes", policy, clock=clock)


async def test_a_coroutine_without_an_answer_ends_at_its_deadline():
    pipeline = within(0.05)
    began = time.monotonic()

    with pytest.raises(DeadlineExceededError) as raised:
        await pipeline.acall(ScriptedDependency(HANG).acall)

    assert 0.05 <= time.monotonic() - began < 2
    assert str(raised.value) == "quotes: no answer within its time, 0.05 s at most"
    assert raised.value.dependency == "quotes"
    counts = pipeline.snapshot()
    assert (counts.failed, counts.timed_out, counts.cancelled, counts.in_flight) == (1, 1, 0, 0)
    assert asyncio.current_task().cancelling() == 0


async def test_the_deadline_follows_the_clock_of_the_pipeline():
    clock = HeldClock()
    call = asyncio.create_task(within(3600.0, clock).acall(ScriptedDependency(HANG).acall))
    await clock.await_sleepers()

    clock.advance(3599)
    await asyncio.sleep(0.01)
    assert not call.done()
    clock.advance(1)

    with pytest.raises(DeadlineExceededError):
        await call
    assert clock.sleepers == 0


async def test_many_calls_end_each_at_its_own_deadline():
    pipeline = within(0.05)
    ended = []

    async def call(number):
        await asyncio.sleep(number / 1000)
        began = time.monotonic()
        with pytest.raises(DeadlineExceededError):
            await pipeline.acall(ScriptedDependency(HANG).acall)
        ended.append((number, time.monotonic() - began))

    await asyncio.gather(*(call(number) for number in range(100)))

    assert [number for number, _ in ended] == list(range(100))
    assert min(took for _, took in ended) >= 0.05


async def test_calls_that_are_answered_in_time_never_hear_of_it():
    pipeline = within(0.02)

    for _ in range(5):
        assert await pipeline.acall(ScriptedDependency("answer").acall) == "answer"
    await asyncio.sleep(0.05)  # past the deadlines of all of them

    assert asyncio.current_task().cancelling() == 0


async def test_the_earlier_deadline_of_the_caller_holds():
    pipeline = within(60.0)

    with context.time_limit(0.05), pytest.raises(DeadlineExceededError):
        await pipeline.acall(ScriptedDependency(HANG).acall)

    assert pipeline.snapshot().timed_out == 1


async def test_it_holds_behind_calls_that_have_longer(eventually):
    pipeline = within(60.0)
    longer = ScriptedDependency(HANG)
    before = asyncio.create_task(pipeline.acall(longer.acall))
    await eventually(lambda: longer.under_way)

    with context.time_limit(0.05), pytest.raises(DeadlineExceededError):
        await asyncio.wait_for(pipeline.acall(ScriptedDependency(HANG).acall), 20)

    longer.release()
    await before


async def test_the_later_deadline_of_the_caller_does_not():
    with context.time_limit(60.0), pytest.raises(DeadlineExceededError):
        await within(0.05).acall(ScriptedDependency(HANG).acall)


async def test_nested_calls_share_the_deadline_of_the_outermost():
    outer, inner = within(0.05), within(60.0)
    seen = []

    async def ask_inner():
        async def look():
            seen.append(context.remaining_s())
            await asyncio.Event().wait()

        await inner.acall(look)

    with pytest.raises(DeadlineExceededError):
        await outer.acall(ask_inner)

    assert 0 < seen[0] <= 0.05
    assert inner.snapshot().timed_out == outer.snapshot().timed_out == 1
    assert context.remaining_s() is None


def test_a_function_sees_how_much_time_is_left_and_the_caller_none_of_it(ask):
    seen = []

    def look():
        seen.append(context.remaining_s())

    async def alook():
        look()

    within(5.0).call(look)
    asyncio.run(within(5.0).acall(alook))
    with context.time_limit(2.0):
        within(5.0).call(look)
        within(5.0, attempt_timeout_s=1.0).call(look)

    assert seen == [pytest.approx(5.0, abs=0.5)] * 2 + [pytest.approx(2.0, abs=0.5), pytest.approx(1.0, abs=0.5)]
    assert context.remaining_s() is None


def test_without_time_left_nothing_is_asked_and_no_breaker_counts_it(ask):
    pipeline = within(5.0, breaker=Breaker(failures=1))
    dependency = ScriptedDependency()

    with context.time_limit(0.0), pytest.raises(DeadlineExceededError, match="no time left"):
        ask(pipeline, dependency)

    assert dependency.calls == []
    assert pipeline.breaker.state == "closed"
    assert pipeline.snapshot().rejected["no_time_left"] == 1


def test_a_driver_that_gives_up_at_the_deadline_is_a_deadline_exceeded():
    clock = HeldClock()

    def drive():
        clock.advance(context.remaining_s(clock.monotonic()))
        raise TimeoutError("the driver's own words")

    with pytest.raises(DeadlineExceededError) as raised:
        within(2.0, clock).call(drive)

    assert isinstance(raised.value.__cause__, TimeoutError)


def test_a_time_out_of_the_driver_before_the_deadline_passes_as_it_is(ask):
    with pytest.raises(TimeoutError, match="its own"):
        ask(within(5.0), ScriptedDependency(TimeoutError("its own")))


def test_an_answer_that_came_late_is_still_an_answer():
    clock = HeldClock()

    def late():
        clock.advance(10)
        return "late"

    assert within(2.0, clock).call(late) == "late"


async def test_each_attempt_has_its_own_limit_within_the_deadline():
    pipeline = within(30.0, attempt_timeout_s=0.02, retry=Retry(attempts=3), breaker=Breaker(failures=9))
    dependency = ScriptedDependency(HANG, HANG, "answer")

    with instant_backoff():
        assert await pipeline.acall(dependency.acall) == "answer"

    counts = pipeline.snapshot()
    assert (counts.timed_out, counts.retried, counts.succeeded) == (2, 2, 1)


async def test_a_dependency_that_hangs_opens_the_breaker():
    pipeline = within(0.02, breaker=Breaker(failures=2))

    for _ in range(2):
        with pytest.raises(DeadlineExceededError):
            await pipeline.acall(ScriptedDependency(HANG).acall)

    assert pipeline.breaker.state == "open"


async def test_a_caller_that_goes_away_is_no_deadline(eventually):
    pipeline = within(60.0)
    dependency = ScriptedDependency(HANG)
    call = asyncio.create_task(pipeline.acall(dependency.acall))
    await eventually(lambda: dependency.under_way)

    call.cancel()

    with pytest.raises(asyncio.CancelledError):
        await call
    assert pipeline.snapshot().cancelled == 1


async def test_a_caller_that_goes_away_in_the_moment_of_the_deadline_is_gone():
    """Both cancel the task: the deadline takes only its own cancellation back."""
    pipeline = within(0.02)
    loop = asyncio.get_running_loop()

    async def call():
        task = asyncio.current_task()

        async def both_at_once():
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:  # the deadline's; the caller's comes while this cleans up
                loop.call_soon(task.cancel)
                await asyncio.Event().wait()

        await pipeline.acall(both_at_once)

    task = asyncio.create_task(call())
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_cancellation_that_the_task_had_survived_before_is_none_of_the_calls():
    async def survivor():
        asyncio.current_task().cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.sleep(0)
        with pytest.raises(DeadlineExceededError):
            await within(0.02).acall(ScriptedDependency(HANG).acall)
        return asyncio.current_task().cancelling()

    assert await asyncio.create_task(survivor()) == 1


async def test_an_answer_given_in_spite_of_the_deadline_leaves_no_cancellation_behind():
    async def stubborn():
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return "all the same"

    assert await within(0.02).acall(stubborn) == "all the same"
    assert asyncio.current_task().cancelling() == 0
    await asyncio.sleep(0)


async def test_an_error_raised_in_spite_of_the_deadline_passes_as_it_is():
    async def translating():
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            raise ValueError("a library's own words") from None

    with pytest.raises(ValueError, match="a library's own words"):
        await within(0.02).acall(translating)
    assert asyncio.current_task().cancelling() == 0


async def test_a_task_group_round_the_call_ends_as_it_should():
    async def fails_soon():
        await asyncio.sleep(0.01)
        raise KeyError("sibling")

    async def siblings():
        async with asyncio.TaskGroup() as group:
            group.create_task(within(60.0).acall(ScriptedDependency(HANG).acall))
            group.create_task(fails_soon())

    with pytest.raises(ExceptionGroup) as raised:
        await siblings()

    assert raised.group_contains(KeyError, depth=1)
    assert len(raised.value.exceptions) == 1


async def test_asyncio_timeout_inside_and_outside_keeps_its_meaning():
    async def inside():
        async with asyncio.timeout(0.01):
            await asyncio.Event().wait()

    with pytest.raises(TimeoutError):
        await within(60.0).acall(inside)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await within(60.0).acall(ScriptedDependency(HANG).acall)


async def test_a_call_closed_by_the_garbage_collector_gives_everything_back():
    pipeline = within(60.0, bulkhead=Bulkhead(max_concurrent=1))
    call = pipeline.acall(ScriptedDependency(HANG).acall)
    call.send(None)
    assert pipeline.snapshot().in_flight == 1

    contextvars.Context().run(call.close)  # not the context that it began in

    assert pipeline.snapshot().in_flight == 0
    assert pipeline.snapshot().cancelled == 1


async def test_a_call_that_no_task_awaits_is_told_what_it_lacks():
    call = within(60.0).acall(ScriptedDependency().acall)
    raised = []

    def without_task():
        try:
            call.send(None)
        except RuntimeError as error:
            raised.append(str(error))

    asyncio.get_running_loop().call_soon(without_task)
    await asyncio.sleep(0.01)

    assert raised == ["a time limit needs a task to cancel: await the guarded call in one"]


def test_one_guarded_function_works_in_many_event_loops():
    pipeline = within(0.02)
    guarded = pipeline.guard(ScriptedDependency(then=HANG).acall)

    for _ in range(3):
        with pytest.raises(DeadlineExceededError):
            asyncio.run(guarded())

    assert pipeline.snapshot().timed_out == 3
