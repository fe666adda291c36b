"""Retries: how often, how long apart, after what, and never so many that they make an outage worse."""

import asyncio
import contextlib
import random
import statistics

import pytest
from chassis import context
from chassis.errors import (
    BulkheadFullError,
    CallRateExceededError,
    CircuitOpenError,
    DeadlineExceededError,
    DependencyDownError,
)
from chassis.resilience import Breaker, Budget, Pipeline, Policy, Retry
from chassis.testing import HeldClock, ScriptedDependency, instant_backoff
from hypothesis import given
from hypothesis import strategies as st

REFUSED = ConnectionError("refused")


def only(retry, **others):
    """Return a pipeline that retries and does nothing else."""
    return Pipeline("quotes", Policy(deadline_s=None, breaker=None, retry=retry, **others))


def test_a_call_is_made_again_until_it_is_answered(ask):
    dependency = ScriptedDependency(REFUSED, REFUSED, "answer")

    with instant_backoff() as waits:
        assert ask(only(Retry(attempts=3)), dependency, "question") == "answer"

    assert dependency.calls == [(("question",), {})] * 3
    assert len(waits) == 2


def test_the_last_error_comes_through_as_it_is(ask):
    last = ConnectionError("the last")
    dependency = ScriptedDependency(REFUSED, last)

    with instant_backoff(), pytest.raises(ConnectionError) as raised:
        ask(only(Retry(attempts=2)), dependency)

    assert raised.value is last


@pytest.mark.parametrize("error", [ValueError("wrong question"), KeyError("x"), OSError("disk full")])
def test_an_error_that_asking_again_cannot_mend_is_not_retried(ask, error):
    dependency = ScriptedDependency(error)

    with instant_backoff() as waits, pytest.raises(type(error)):
        ask(only(Retry()), dependency)

    assert waits == []


@pytest.mark.parametrize("not_asked", [CircuitOpenError, BulkheadFullError, CallRateExceededError])
def test_what_was_not_asked_is_never_retried_even_if_any_error_may_be(ask, not_asked):
    dependency = ScriptedDependency(not_asked("other", "not asked"))

    with instant_backoff() as waits, pytest.raises(not_asked):
        ask(only(Retry(on=(Exception,))), dependency)

    assert waits == []


def test_a_function_may_say_which_errors_are_retried(ask):
    dependency = ScriptedDependency(ValueError("busy"), ValueError("wrong"))

    with instant_backoff() as waits, pytest.raises(ValueError, match="wrong"):
        ask(only(Retry(attempts=9, on=lambda error: "busy" in str(error))), dependency)

    assert len(waits) == 1


@pytest.mark.parametrize("stop", [KeyboardInterrupt, SystemExit])
def test_a_call_that_is_to_stop_is_not_retried(stop):
    dependency = ScriptedDependency(stop)

    with pytest.raises(stop):
        only(Retry(on=(Exception,))).call(dependency.call)

    assert len(dependency.calls) == 1


@given(
    backoff_s=st.floats(0, 10),
    more_s=st.floats(0, 100),
    multiplier=st.floats(1, 1e6),
    attempts=st.integers(1, 40),
)
def test_waits_stay_between_zero_and_their_growing_bound(backoff_s, more_s, multiplier, attempts):
    retry = Retry(
        attempts=attempts,
        backoff_s=backoff_s,
        max_backoff_s=backoff_s + more_s,
        multiplier=multiplier,
        budget=None,
    )
    dependency = ScriptedDependency(then=REFUSED)

    with instant_backoff() as waits, pytest.raises(ConnectionError):
        only(retry).call(dependency.call)

    assert len(waits) == attempts - 1
    for number, wait_s in enumerate(waits):
        bound_s = backoff_s + more_s
        if multiplier**number < 1e15:
            bound_s = min(bound_s, backoff_s * multiplier**number)
        assert 0 <= wait_s <= bound_s


def test_a_bound_too_large_to_compute_is_the_longest_wait():
    dependency = ScriptedDependency(then=REFUSED)
    pipeline = only(Retry(attempts=4, backoff_s=0.1, max_backoff_s=2.0, multiplier=1e200, budget=None))

    with instant_backoff() as waits, pytest.raises(ConnectionError):
        pipeline.call(dependency.call)

    assert max(waits) <= 2.0


def test_waits_are_spread_over_all_of_their_range():
    """Full jitter: uniform from 0, so that callers that failed together do not come back together."""
    random.seed(20_240_501)
    dependency = ScriptedDependency(then=REFUSED)
    pipeline = only(Retry(attempts=2, backoff_s=1.0, budget=None))

    with instant_backoff() as waits:
        for _ in range(2_000):
            with pytest.raises(ConnectionError):
                pipeline.call(dependency.call)

    tenths = statistics.quantiles(waits, n=10)
    assert tenths == pytest.approx([each / 10 for each in range(1, 10)], abs=0.05)


def test_the_dependency_is_asked_no_earlier_than_it_said(ask):
    dependency = ScriptedDependency(DependencyDownError("quotes", "busy", retry_after_s=3.0), "answer")

    with instant_backoff() as waits:
        ask(only(Retry(backoff_s=0.5)), dependency)

    assert 3.0 <= waits[0] <= 3.5


def test_a_dependency_that_asks_for_a_longer_wait_than_allowed_is_not_asked_again(ask):
    dependency = ScriptedDependency(DependencyDownError("quotes", "maintenance", retry_after_s=3600.0))

    with instant_backoff() as waits, pytest.raises(DependencyDownError) as raised:
        ask(only(Retry(max_backoff_s=5.0)), dependency)

    assert waits == []
    assert raised.value.retry_after_s == 3600.0


def test_a_wait_that_would_outlast_the_deadline_is_not_begun(ask):
    dependency = ScriptedDependency(DependencyDownError("quotes", "busy", retry_after_s=3.0))
    pipeline = Pipeline("quotes", Policy(deadline_s=2.0, retry=Retry()))

    with instant_backoff() as waits, pytest.raises(DependencyDownError):
        ask(pipeline, dependency)

    assert waits == []


def test_the_deadline_of_the_caller_bounds_the_waits_of_a_policy_that_has_none(ask):
    dependency = ScriptedDependency(DependencyDownError("quotes", "busy", retry_after_s=3.0))

    with context.time_limit(2.0), instant_backoff() as waits, pytest.raises(DependencyDownError):
        ask(only(Retry()), dependency)

    assert waits == []


def test_waits_go_by_the_clock_of_the_pipeline():
    clock = HeldClock()
    dependency = ScriptedDependency(DependencyDownError("quotes", "busy", retry_after_s=2.0), "answer")
    pipeline = Pipeline("quotes", Policy(deadline_s=None, retry=Retry(backoff_s=0)), clock=clock)

    async def scene():
        call = asyncio.create_task(pipeline.acall(dependency.acall))
        await clock.await_sleepers()
        clock.advance(1.9)
        await asyncio.sleep(0.01)
        assert len(dependency.calls) == 1
        clock.advance(0.2)
        return await call

    assert asyncio.run(scene()) == "answer"


def test_a_cancelled_wait_ends_the_call():
    clock = HeldClock()
    dependency = ScriptedDependency(then=REFUSED)
    pipeline = Pipeline("quotes", Policy(deadline_s=None, retry=Retry(backoff_s=5)), clock=clock)

    async def scene():
        call = asyncio.create_task(pipeline.acall(dependency.acall))
        await clock.await_sleepers()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call

    asyncio.run(scene())
    assert len(dependency.calls) == 1
    assert clock.sleepers == 0
    assert (pipeline.snapshot().calls, pipeline.snapshot().retried) == (1, 0)


def test_callers_that_go_away_while_they_wait_use_up_no_budget():
    clock = HeldClock()
    dependency = ScriptedDependency(then=REFUSED)
    policy = Policy(deadline_s=None, breaker=None, retry=Retry(backoff_s=5, budget=Budget(reserve=2)))
    pipeline = Pipeline("quotes", policy, clock=clock)

    async def scene():
        for _ in range(5):
            call = asyncio.create_task(pipeline.acall(dependency.acall))
            await clock.await_sleepers()
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call

    asyncio.run(scene())
    for _ in range(5):

        def interrupted(_seconds):
            raise KeyboardInterrupt

        clock.sleep = interrupted
        with pytest.raises(KeyboardInterrupt):
            pipeline.call(dependency.call)
    assert pipeline.snapshot().budget_exhausted == 0


# -- the budget


def amplification(pipeline, ask, callers, dependency):
    """Return how many requests each caller has caused."""
    before = len(dependency.calls)
    with instant_backoff():
        for _ in range(callers):
            with pytest.raises(ConnectionError):
                ask(pipeline, dependency)
    return (len(dependency.calls) - before) / callers


@pytest.mark.parametrize("callers", [25, 100, 1000])
def test_a_dead_dependency_gets_at_most_1_2_requests_per_call_from_25_calls_on(callers):
    """The reserve of 5 is the floor. It is spent once in an outage, so 25 calls make 30 requests, and no more."""

    def ask(pipeline, dependency):
        return pipeline.call(dependency.call)

    assert amplification(only(Retry(attempts=3)), ask, callers, ScriptedDependency(then=REFUSED)) <= 1.2


def test_coroutines_share_the_same_budget():
    pipeline = only(Retry(attempts=3))
    dependency = ScriptedDependency(then=REFUSED)

    async def scene():
        return await asyncio.gather(*(pipeline.acall(dependency.acall) for _ in range(100)), return_exceptions=True)

    with instant_backoff():
        outcomes = asyncio.run(scene())

    assert all(isinstance(each, ConnectionError) for each in outcomes)
    assert len(dependency.calls) == 105


def test_few_calls_get_their_retries_out_of_the_reserve(ask):
    dependency = ScriptedDependency(then=REFUSED)
    pipeline = only(Retry(attempts=3, budget=Budget(reserve=5)))

    assert amplification(pipeline, ask, 2, dependency) == 3.0
    assert amplification(pipeline, ask, 8, dependency) == 9 / 8  # the last of the reserve; from here on there is none


def test_low_traffic_with_a_breaker_stays_under_1_2_requests_per_call():
    """Calls an hour apart: five failed attempts open the breaker, and from then on each call is one probe."""
    clock = HeldClock()
    dependency = ScriptedDependency(then=REFUSED)
    pipeline = Pipeline("quotes", Policy(deadline_s=None, retry=Retry(), breaker=Breaker()), clock=clock)

    with instant_backoff():
        for _ in range(15):
            clock.advance(3600)
            with pytest.raises(ConnectionError):
                pipeline.call(dependency.call)

    assert len(dependency.calls) / 15 <= 1.2


def test_an_outage_after_a_long_healthy_time_costs_no_more(ask):
    dependency = ScriptedDependency(*["fine"] * 200, then=REFUSED)
    pipeline = only(Retry(attempts=3))
    for _ in range(200):
        ask(pipeline, dependency)

    assert amplification(pipeline, ask, 25, dependency) <= 1.2


def test_a_dependency_that_fails_every_other_time_gets_at_most_1_2_requests_per_call():
    dependency = ScriptedDependency(*[REFUSED, "fine"] * 2_000)
    pipeline = only(Retry(attempts=3))
    calls = 0

    with instant_backoff():
        while len(dependency.calls) < 3_000:
            calls += 1
            with contextlib.suppress(ConnectionError):
                pipeline.call(dependency.call)

    assert len(dependency.calls) <= 1.2 * calls + 5


def test_answers_earn_new_retries(ask):
    dependency = ScriptedDependency(REFUSED, REFUSED, *["fine"] * 4, REFUSED, "fine", REFUSED, then="fine")
    pipeline = only(Retry(attempts=2, budget=Budget(ratio=0.25, reserve=1)))

    with instant_backoff() as waits:
        with pytest.raises(ConnectionError):
            ask(pipeline, dependency)
        for _ in range(4):
            ask(pipeline, dependency)
        assert ask(pipeline, dependency) == "fine"
        with pytest.raises(ConnectionError):  # its token is spent again
            ask(pipeline, dependency)

    assert len(waits) == 2


def test_a_used_up_budget_shows_in_the_counts(ask):
    dependency = ScriptedDependency(then=REFUSED)
    pipeline = only(Retry(attempts=3))

    amplification(pipeline, ask, 10, dependency)

    counts = pipeline.snapshot()
    assert (counts.calls, counts.attempts, counts.retried, counts.budget_exhausted) == (10, 15, 5, 8)


def test_a_failure_that_opens_the_breaker_is_told_at_once():
    dependency = ScriptedDependency(then=REFUSED)
    pipeline = Pipeline("quotes", Policy(retry=Retry(attempts=3), breaker=Breaker(failures=2)))

    with instant_backoff() as waits, pytest.raises(ConnectionError):
        pipeline.call(dependency.call)

    assert len(waits) == 1
    assert pipeline.breaker.state == "open"


def test_attempts_that_ran_out_of_time_are_retried_within_the_deadline():
    dependency = ScriptedDependency(DeadlineExceededError("quotes", "no answer"), "answer")

    with instant_backoff():
        assert Pipeline("quotes", Policy(retry=Retry())).call(dependency.call) == "answer"
