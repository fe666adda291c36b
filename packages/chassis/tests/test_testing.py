"""What the chassis gives to tests of services does what it says."""

import asyncio
import threading
import time

import pytest
from chassis.errors import DependencyDownError
from chassis.resilience import Breaker, Pipeline, Policy, Retry
from chassis.testing import HANG, Hang, HeldClock, ScriptedDependency, Slow, inject, instant_backoff

REFUSED = ConnectionError("refused")
QUICK_S = 5.0


# -- the held clock


def test_a_held_clock_stands_still_until_it_is_moved():
    clock = HeldClock(monotonic=10.0, time=1_000.0)

    clock.advance(2.5)

    assert (clock.monotonic(), clock.time()) == (12.5, 1_002.5)
    with pytest.raises(ValueError, match="time does not go back"):
        clock.advance(-1)


def test_threads_asleep_wake_when_their_time_has_come():
    clock = HeldClock()
    woken = []

    def sleeper(seconds):
        clock.sleep(seconds)
        woken.append(seconds)

    threads = {seconds: threading.Thread(target=sleeper, args=(seconds,)) for seconds in (1, 2, 3)}
    for thread in threads.values():
        thread.start()
    clock.wait_for_sleepers(3)

    clock.advance(2)
    threads[1].join(QUICK_S)
    threads[2].join(QUICK_S)
    assert sorted(woken) == [1, 2]
    assert clock.sleepers == 1
    clock.advance(1)
    threads[3].join(QUICK_S)
    assert sorted(woken) == [1, 2, 3]


async def test_tasks_asleep_wake_when_their_time_has_come():
    clock = HeldClock()
    tasks = [asyncio.create_task(clock.asleep(seconds)) for seconds in (1, 2, 3)]
    await clock.await_sleepers(3)

    clock.advance(2)
    await asyncio.wait(tasks[:2], timeout=QUICK_S)
    assert [task.done() for task in tasks] == [True, True, False]
    await asyncio.to_thread(clock.advance, 1)  # from another thread
    await asyncio.wait_for(tasks[2], QUICK_S)


async def test_a_cancelled_sleeper_is_forgotten():
    clock = HeldClock()
    task = asyncio.create_task(clock.asleep(1))
    await clock.await_sleepers()

    task.cancel()
    await asyncio.wait([task])

    assert clock.sleepers == 0
    clock.advance(5)


async def test_sleeping_no_time_takes_none():
    clock = HeldClock()

    clock.sleep(0)
    await clock.asleep(0)

    assert clock.sleepers == 0


async def test_waiting_for_sleepers_that_never_come_ends_with_a_message():
    clock = HeldClock()

    with pytest.raises(TimeoutError, match=r"expected 1 asleep within 0\.01 s, found 0"):
        clock.wait_for_sleepers(within_s=0.01)
    with pytest.raises(TimeoutError, match="found 0"):
        await clock.await_sleepers(within_s=0.01)


def test_a_clock_may_be_moved_after_the_event_loop_of_a_sleeper_is_closed():
    clock = HeldClock()
    loop = asyncio.new_event_loop()
    sleeping = clock.asleep(1)

    async def begin():
        sleeping.send(None)

    loop.run_until_complete(begin())
    loop.close()
    clock.advance(1)

    sleeping.close()
    assert clock.sleepers == 0


# -- waits that take no time


def test_waits_between_attempts_take_no_time_and_are_recorded():
    pipeline = Pipeline("quotes", Policy(deadline_s=None, retry=Retry(attempts=4, backoff_s=60, max_backoff_s=600)))
    dependency = ScriptedDependency(REFUSED, DependencyDownError("quotes", "busy", retry_after_s=100), "answer")
    began = time.monotonic()

    with instant_backoff() as waits:
        assert pipeline.call(dependency.call) == "answer"

    assert time.monotonic() - began < QUICK_S
    assert 0 <= waits[0] <= 60
    assert 100 <= waits[1] <= 220


def test_waits_take_their_time_again_afterwards():
    clock = HeldClock()
    pipeline = Pipeline("quotes", Policy(deadline_s=None, retry=Retry(backoff_s=1)), clock=clock)
    dependency = ScriptedDependency(DependencyDownError("quotes", "busy", retry_after_s=1), "answer")
    with instant_backoff() as outer, instant_backoff() as inner:
        pass

    thread = threading.Thread(target=lambda: pipeline.call(dependency.call))
    thread.start()
    clock.wait_for_sleepers()
    clock.advance(5)
    thread.join(QUICK_S)

    assert len(dependency.calls) == 2
    assert outer == inner == []


# -- scripts


def test_a_script_answers_and_raises_step_by_step():
    dependency = ScriptedDependency("answer", REFUSED, KeyError, None)

    assert dependency.call(1, two=2) == "answer"
    with pytest.raises(ConnectionError):
        dependency.call()
    with pytest.raises(KeyError):
        dependency.call()
    assert dependency.call() is None
    assert dependency.calls[0] == ((1,), {"two": 2})
    with pytest.raises(AssertionError, match="the script has 4 steps, and this is call 5"):
        dependency.call()


async def test_a_script_for_coroutines_goes_on_with_its_last_step():
    dependency = ScriptedDependency(REFUSED, then="answer")

    with pytest.raises(ConnectionError):
        await dependency.acall()
    assert [await dependency.acall() for _ in range(3)] == ["answer"] * 3


async def test_a_hanging_step_lasts_until_it_is_released(eventually):
    dependency = ScriptedDependency(HANG, Hang(then=REFUSED), Hang(then=Hang(then="nested")))
    calls = [asyncio.create_task(dependency.acall()) for _ in range(2)]
    calls.append(asyncio.create_task(asyncio.to_thread(dependency.call)))
    await eventually(lambda: dependency.under_way == 3)

    dependency.release()
    outcomes = await asyncio.gather(*calls, return_exceptions=True)

    assert outcomes == [None, REFUSED, "nested"]
    assert (dependency.under_way, dependency.most_at_once) == (0, 3)


async def test_a_slow_step_takes_its_time_on_the_clock_of_the_script():
    clock = HeldClock()
    dependency = ScriptedDependency(Slow(2.0, then="answer"), Slow(2.0, then="answer"), clock=clock)
    calls = [asyncio.create_task(dependency.acall()), asyncio.create_task(asyncio.to_thread(dependency.call))]
    await clock.await_sleepers(2)

    clock.advance(2.0)

    assert await asyncio.gather(*calls) == ["answer", "answer"]


# -- faults


async def test_a_fault_hits_functions_and_coroutines_that_were_guarded_before():
    pipeline = Pipeline("test-faults-1", Policy(breaker=None))
    dependency = ScriptedDependency(then="answer")
    guarded, aguarded = pipeline.guard(dependency.call), pipeline.guard(dependency.acall)

    with inject("test-faults-1", error=REFUSED) as fault:
        with pytest.raises(ConnectionError):
            guarded()
        with pytest.raises(ConnectionError):
            await aguarded()

    assert fault.hits == 2
    assert dependency.calls == []
    assert guarded() == await aguarded() == "answer"


def test_the_policy_meets_the_fault_as_it_would_in_earnest():
    pipeline = Pipeline("quotes", Policy(retry=Retry(attempts=3), breaker=Breaker(failures=3)))

    with inject(pipeline, error=ConnectionError, times=2) as fault, instant_backoff():
        assert pipeline.call(lambda: "answer") == "answer"
        assert fault.hits == 2
    with inject(pipeline, error=ConnectionError), instant_backoff(), pytest.raises(ConnectionError):
        pipeline.call(lambda: "answer")

    assert pipeline.breaker.state == "open"


async def test_a_slow_dependency_is_slow_on_the_clock_of_its_pipeline():
    clock = HeldClock()
    pipeline = Pipeline("quotes", Policy(deadline_s=None), clock=clock)

    with inject(pipeline, delay_s=30):
        acall = asyncio.create_task(pipeline.acall(ScriptedDependency("answer").acall))
        call = asyncio.create_task(asyncio.to_thread(pipeline.call, ScriptedDependency("answer").call))
        await clock.await_sleepers(2)
        clock.advance(30)
        assert await asyncio.gather(acall, call) == ["answer", "answer"]


def test_faults_add_up_and_end_one_by_one():
    pipeline = Pipeline("quotes", Policy(breaker=None))

    with inject(pipeline, error=KeyError):
        with inject(pipeline, error=IndexError), pytest.raises(IndexError):
            pipeline.call(int)
        with pytest.raises(KeyError):
            pipeline.call(int)

    assert pipeline.call(int) == 0


def test_a_fault_ends_when_the_test_fails():
    pipeline = Pipeline("quotes", Policy(breaker=None))

    with pytest.raises(AssertionError), inject(pipeline, error=KeyError):
        raise AssertionError

    assert pipeline.call(int) == 0


def test_a_fault_at_nothing_is_an_error():
    known = Pipeline("test-faults-2")

    with (
        pytest.raises(LookupError, match=f"no pipeline is named 'nowhere'; there are: .*{known.name}"),
        inject("nowhere", error=KeyError),
    ):
        pass
    with pytest.raises(ValueError, match="this fault would do nothing"), inject(known):
        pass
