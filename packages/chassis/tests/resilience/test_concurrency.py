"""What many callers at once may rely on."""

import asyncio
import contextlib
import threading
from contextvars import ContextVar

import pytest
from chassis import context
from chassis.errors import BulkheadFullError, DeadlineExceededError
from chassis.resilience import Breaker, Bulkhead, HardTimeout, Pipeline, Policy, Rate, Retry
from chassis.testing import HANG, ScriptedDependency

EVERYTHING = Policy(
    deadline_s=30.0,
    retry=Retry(),
    breaker=Breaker(),
    rate=Rate(calls=1000),
    bulkhead=Bulkhead(8),
    attempt_timeout_s=20.0,
)
NOTE: ContextVar[str] = ContextVar("note", default="")


def test_8_guarded_calls_run_in_parallel_in_threads():
    """Each waits until all of them are inside: a lock held during a call would let them wait for ever."""
    pipeline = Pipeline("quotes", EVERYTHING)
    together = threading.Barrier(8)
    threads = [threading.Thread(target=lambda: pipeline.call(together.wait, 30)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert pipeline.snapshot().succeeded == 8


async def test_8_guarded_calls_run_in_parallel_in_an_event_loop():
    pipeline = Pipeline("quotes", EVERYTHING)
    together = asyncio.Barrier(8)

    async with asyncio.timeout(30):
        await asyncio.gather(*(pipeline.acall(together.wait) for _ in range(8)))

    assert pipeline.snapshot().succeeded == 8


@pytest.mark.parametrize("hard_timeout", [None, HardTimeout()], ids=["in its thread", "in a thread of its own"])
def test_context_variables_reach_a_function(hard_timeout):
    pipeline = Pipeline("quotes", Policy(hard_timeout=hard_timeout))
    NOTE.set("of the caller")
    token = context.correlation_id.set("abc")
    try:
        seen = pipeline.call(lambda: (NOTE.get(), context.correlation_id.get()))
    finally:
        context.correlation_id.reset(token)

    assert seen == ("of the caller", "abc")


async def test_context_variables_reach_a_coroutine_and_come_back():
    async def exchange():
        seen = NOTE.get()
        NOTE.set("of the dependency")
        return seen

    NOTE.set("of the caller")

    assert await Pipeline("quotes", EVERYTHING).acall(exchange) == "of the caller"
    assert NOTE.get() == "of the dependency"


def hard(seconds, max_abandoned, **others):
    """Return a pipeline that leaves calls behind when their time is up."""
    policy = Policy(deadline_s=None, attempt_timeout_s=seconds, hard_timeout=HardTimeout(max_abandoned), **others)
    return Pipeline("quotes", policy)


def test_a_function_that_hangs_is_left_behind_at_its_time_limit(until):
    pipeline = hard(0.02, 5)
    dependency = ScriptedDependency(HANG)

    with pytest.raises(DeadlineExceededError, match="its thread was left behind"):
        pipeline.call(dependency.call)
    assert pipeline._threads.left_behind == 1
    assert pipeline.snapshot().timed_out == 1
    dependency.release()
    until(lambda: pipeline._threads.left_behind == 0)


def test_hung_calls_starve_nobody_and_are_bounded(until):
    pipeline = hard(0.02, 12, breaker=None)
    hanging = ScriptedDependency(then=HANG)
    for _ in range(12):
        with pytest.raises(DeadlineExceededError):
            pipeline.call(hanging.call)
    others = hard(20.0, 1)
    dependency = ScriptedDependency(then="answer")

    assert others.call(dependency.call) == "answer"  # another dependency's calls have threads of their own
    with pytest.raises(BulkheadFullError, match="12 calls that ran out of time are still running"):
        pipeline.call(dependency.call)
    hanging.release()
    until(lambda: pipeline._threads.left_behind == 0)
    assert pipeline.call(dependency.call) == "answer"


def test_calls_that_hang_leave_threads_to_others_of_the_same_dependency(until):
    pipeline = hard(20.0, 16, breaker=None)
    hanging = ScriptedDependency(then=HANG)
    threads = [threading.Thread(target=lambda: pipeline.call(hanging.call)) for _ in range(40)]
    for thread in threads:
        thread.start()
    until(lambda: hanging.under_way == 40)

    assert pipeline.call(ScriptedDependency("answer").call) == "answer"
    hanging.release()
    for thread in threads:
        thread.join(30)


def test_a_caller_that_is_interrupted_leaves_its_thread_behind(until, interrupt_when):
    pipeline = hard(30.0, 5)
    dependency = ScriptedDependency(HANG)

    with pytest.raises(interrupt_when(lambda: dependency.under_way)):
        pipeline.call(dependency.call)

    assert pipeline._threads.left_behind == 1
    assert (pipeline.snapshot().cancelled, pipeline.breaker.state) == (1, "closed")
    dependency.release()
    until(lambda: pipeline._threads.left_behind == 0)


@pytest.mark.parametrize("error", [ValueError("its own"), KeyboardInterrupt()])
def test_what_a_thread_raises_is_raised_where_the_call_was_made(error):
    with pytest.raises(type(error)) as raised:
        hard(20.0, 1).call(ScriptedDependency(error).call)

    assert raised.value is error


async def test_a_coroutine_that_hangs_holds_up_nobody(eventually):
    pipeline = Pipeline("quotes", Policy(deadline_s=0.05, breaker=None, bulkhead=Bulkhead(4)))
    hanging = ScriptedDependency(then=HANG)

    outcomes = await asyncio.gather(*(pipeline.acall(hanging.acall) for _ in range(4)), return_exceptions=True)

    assert [type(each) for each in outcomes] == [DeadlineExceededError] * 4
    assert await pipeline.acall(ScriptedDependency("answer").acall) == "answer"


def test_counting_keeps_no_record_of_single_calls():
    pipeline = Pipeline("quotes", Policy(deadline_s=None))

    for _ in range(10_000):
        pipeline.call(int)

    assert len(pipeline._gate._answered) <= 100
    assert pipeline.snapshot().succeeded == 10_000


def test_counts_are_exact_under_threads():
    pipeline = Pipeline("quotes", Policy(deadline_s=None, breaker=Breaker(failures=1000, window=1000)))

    def calls():
        for number in range(500):
            with contextlib.suppress(ZeroDivisionError):
                pipeline.call(divmod, 1, number % 2)

    threads = [threading.Thread(target=calls) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    counts = pipeline.snapshot()
    assert (counts.succeeded, counts.failed, counts.in_flight) == (2000, 2000, 0)
    assert counts.latency.count == sum(counts.latency.buckets.values()) == 4000
