"""Pipelines: guarding, adjusting, counting, listing, and what comes round what."""

import asyncio
import functools
import gc
import inspect
import weakref

import pytest
from chassis.errors import CircuitOpenError, DeadlineExceededError
from chassis.resilience import (
    Breaker,
    Fallback,
    Pipeline,
    Policy,
    Rejection,
    Retry,
    pipelines,
)
from chassis.testing import HANG, HeldClock, ScriptedDependency, instant_backoff

REFUSED = ConnectionError("refused")


def test_a_guarded_function_looks_like_the_one_it_guards():
    def quote(day: str, *, language: str = "en") -> str:
        """Return the quote of a day."""
        return f"{day} {language}"

    guarded = Pipeline("quotes").guard(quote)

    assert guarded("monday", language="de") == "monday de"
    assert (guarded.__name__, guarded.__doc__) == ("quote", quote.__doc__)
    assert inspect.signature(guarded) == inspect.signature(quote)
    assert not inspect.iscoroutinefunction(guarded)


async def test_a_guarded_coroutine_function_is_one_too():
    @Pipeline("quotes").guard
    async def quote(day: str) -> str:
        return day

    assert inspect.iscoroutinefunction(quote)
    assert await quote("monday") == "monday"


async def test_objects_that_are_called_and_partial_functions_are_guarded_as_what_they_are():
    class Quotes:
        async def __call__(self, day):
            return day

        async def of(self, day):
            return day

    guard = Pipeline("quotes").guard

    assert await guard(Quotes())("monday") == "monday"
    assert await guard(functools.partial(Quotes(), "monday"))() == "monday"
    assert await guard(Quotes().of)("monday") == "monday"
    assert guard(functools.partial(int, base=2))("101") == 5


@pytest.mark.parametrize("wrong", [3, (each for each in ())])
def test_what_is_not_a_function_is_refused(wrong):
    with pytest.raises(TypeError, match="quotes: expected a function to guard"):
        Pipeline("quotes").guard(wrong)


def test_generators_are_refused_because_they_cannot_be_made_again():
    def quotes():
        yield "a quote"

    async def aquotes():
        yield "a quote"

    for each in (quotes, aquotes):
        with pytest.raises(TypeError, match="a generator cannot be guarded"):
            Pipeline("quotes").guard(each)


def test_all_functions_of_one_pipeline_share_its_breaker(ask):
    pipeline = Pipeline("quotes", Policy(breaker=Breaker(failures=1)))
    other = pipeline.guard(lambda: "answer")

    with pytest.raises(ConnectionError):
        ask(pipeline, ScriptedDependency(REFUSED))

    with pytest.raises(CircuitOpenError):
        other()


def test_adjusting_reaches_functions_guarded_before(ask):
    pipeline = Pipeline("quotes", Policy(retry=Retry(attempts=2)))
    dependency = ScriptedDependency(REFUSED, REFUSED, "answer")
    guarded = pipeline.guard(dependency.call)

    pipeline.adjust(Policy(retry=Retry(attempts=3)))

    with instant_backoff():
        assert guarded() == "answer"
    assert pipeline.policy.retry.attempts == 3


async def test_adjusting_leaves_calls_under_way_and_the_state_of_the_breaker_alone(eventually):
    clock = HeldClock()
    pipeline = Pipeline("quotes", Policy(deadline_s=None, breaker=Breaker(failures=1, open_s=30)), clock=clock)
    hanging = ScriptedDependency(HANG)
    call = asyncio.create_task(pipeline.acall(hanging.acall))
    await eventually(lambda: hanging.under_way)
    with pytest.raises(ConnectionError):
        await pipeline.acall(ScriptedDependency(REFUSED).acall)

    pipeline.adjust(Policy(deadline_s=5.0, breaker=Breaker(failures=7, open_s=60)))

    assert pipeline.breaker.state == "open"
    assert pipeline.snapshot().in_flight == 1
    hanging.release()
    await call
    assert pipeline.snapshot().in_flight == 0
    pipeline.adjust(Policy(breaker=None))
    assert pipeline.breaker.state == "closed"


def test_an_isolated_dependency_stays_isolated_when_the_policy_is_adjusted():
    pipeline = Pipeline("quotes")
    pipeline.breaker.isolate()

    pipeline.adjust(Policy(breaker=None))

    assert pipeline.breaker.state == "isolated"


def test_the_counts_tell_what_has_come_of_all_calls(ask):
    clock = HeldClock()
    policy = Policy(deadline_s=None, retry=Retry(attempts=2), breaker=Breaker(failures=3), fallback=Fallback("plan b"))
    pipeline = Pipeline("quotes", policy, clock=clock)

    with instant_backoff():
        for script in (["fine"], [REFUSED, "fine"], [REFUSED, REFUSED], [REFUSED], [KeyError()]):
            try:
                ask(pipeline, ScriptedDependency(*script))
            except KeyError:
                raise AssertionError("the breaker should be open by now") from None

    counts = pipeline.snapshot()
    assert counts.name == "quotes"
    assert counts.calls == 5
    assert (counts.attempts, counts.succeeded, counts.failed, counts.retried) == (6, 2, 4, 2)
    assert (counts.breaker, counts.opened, counts.fallbacks) == ("open", 1, 3)
    assert counts.rejected == {**dict.fromkeys(Rejection, 0), Rejection.CIRCUIT_OPEN: 1}
    assert (counts.in_flight, counts.waiting, counts.cancelled) == (0, 0, 0)


def test_latencies_are_told_as_quantiles_and_as_a_histogram():
    clock = HeldClock()
    pipeline = Pipeline("quotes", Policy(deadline_s=None), clock=clock)

    for milliseconds in range(1, 101):
        pipeline.call(clock.advance, milliseconds / 1000)

    latency = pipeline.snapshot().latency
    assert latency.count == 100
    assert latency.total_s == pytest.approx(5.05)
    assert latency.longest_s == pytest.approx(0.1)
    assert latency.quantile_s(0.5) == pytest.approx(0.050, rel=0.05)
    assert latency.quantile_s(0.95) == pytest.approx(0.095, rel=0.05)
    assert latency.quantile_s(1.0) == pytest.approx(0.1, rel=0.05)
    assert latency.cumulative((0.0005, 0.0102, 0.0502, 1.0)) == (0, 10, 50, 100)
    assert pipeline.snapshot().seconds_total == latency.total_s


def test_a_pipeline_without_calls_has_latencies_of_zero():
    latency = Pipeline("quotes").snapshot().latency

    assert (latency.count, latency.quantile_s(0.5), latency.cumulative((1.0,))) == (0, 0.0, (0,))


def test_attempts_that_took_no_time_are_counted():
    pipeline = Pipeline("quotes", Policy(deadline_s=None), clock=HeldClock())

    pipeline.call(int)

    assert pipeline.snapshot().latency.quantile_s(0.5) == 0.0


def test_pipelines_are_listed_by_name_as_long_as_they_are_in_use():
    a, b = Pipeline("test-b"), Pipeline("test-a")

    assert [each for each in pipelines() if each in (a, b)] == [b, a]
    gone = weakref.ref(a)
    del a
    gc.collect()
    assert gone() is None


def test_guarded_functions_that_nobody_uses_are_forgotten():
    pipeline = Pipeline("quotes")
    before = len(pipeline._guarded)

    for _ in range(10):
        pipeline.guard(lambda: None)
    gc.collect()

    assert len(pipeline._guarded) == before


# -- the fallback


def test_the_fallback_answers_when_all_else_has_failed(ask):
    policy = Policy(retry=Retry(attempts=2), breaker=Breaker(failures=2), fallback=Fallback(value="plan b"))
    pipeline = Pipeline("quotes", policy)
    dependency = ScriptedDependency(REFUSED, REFUSED)

    with instant_backoff():
        assert ask(pipeline, dependency) == "plan b"
        assert ask(pipeline, dependency) == "plan b"  # from an open breaker

    assert len(dependency.calls) == 2


async def test_the_fallback_answers_at_the_deadline():
    pipeline = Pipeline("quotes", Policy(deadline_s=0.02, fallback=Fallback(value="plan b")))

    assert await pipeline.acall(ScriptedDependency(HANG).acall) == "plan b"


def test_the_fallback_makes_its_answer_from_the_error(ask):
    pipeline = Pipeline("quotes", Policy(fallback=Fallback(call=lambda error: f"because {error}")))

    assert ask(pipeline, ScriptedDependency(REFUSED)) == "because refused"


async def test_the_fallback_may_be_a_coroutine():
    async def plan_b(error):
        await asyncio.sleep(0)
        return type(error).__name__

    pipeline = Pipeline("quotes", Policy(fallback=Fallback(call=plan_b)))

    assert await pipeline.acall(ScriptedDependency(REFUSED).acall) == "ConnectionError"


def test_a_mistake_of_the_caller_is_not_covered_up(ask):
    pipeline = Pipeline("quotes", Policy(fallback=Fallback(value="plan b")))

    with pytest.raises(KeyError):
        ask(pipeline, ScriptedDependency(KeyError("no such quote")))


def test_a_caller_that_changes_the_answer_changes_only_its_own(ask):
    pipeline = Pipeline("quotes", Policy(breaker=None, fallback=Fallback(value=[])))
    dependency = ScriptedDependency(then=REFUSED)

    ask(pipeline, dependency).append("changed")

    assert ask(pipeline, dependency) == []


async def test_a_cancelled_call_has_no_fallback(eventually):
    pipeline = Pipeline("quotes", Policy(fallback=Fallback(value="plan b", on=(Exception,))))
    dependency = ScriptedDependency(HANG)
    call = asyncio.create_task(pipeline.acall(dependency.acall))
    await eventually(lambda: dependency.under_way)

    call.cancel()

    with pytest.raises(asyncio.CancelledError):
        await call
    assert pipeline.snapshot().fallbacks == 0


def test_the_deadline_is_one_for_all_attempts():
    clock = HeldClock()

    def slow():
        clock.advance(0.6)
        raise REFUSED

    pipeline = Pipeline("quotes", Policy(deadline_s=2.0, retry=Retry(attempts=9, backoff_s=0)), clock=clock)

    with pytest.raises((ConnectionError, DeadlineExceededError)):
        pipeline.call(slow)
    assert pipeline.snapshot().attempts == 4
