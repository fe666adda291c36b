"""The plain decorators."""

import asyncio
import logging

import pytest
from chassis.errors import CircuitOpenError
from chassis.resilience import CircuitBreaker, RetryConfig, graceful_degradation, retry_with_backoff
from chassis.testing import HeldClock, ScriptedDependency, instant_backoff

REFUSED = ConnectionError("refused")


def test_the_defaults_are_those_of_the_document():
    assert RetryConfig() == RetryConfig(
        max_attempts=3, initial_delay=1.0, max_delay=60.0, exponential_base=2.0, retryable_exceptions=(Exception,)
    )


def test_a_function_is_retried():
    dependency = ScriptedDependency(REFUSED, ValueError("anything"), "answer")

    @retry_with_backoff()
    def ask(day):
        return dependency.call(day)

    with instant_backoff() as waits:
        assert ask("monday") == "answer"
    assert 0 <= waits[0] <= 1.0
    assert 0 <= waits[1] <= 2.0


async def test_a_coroutine_function_is_retried():
    dependency = ScriptedDependency(REFUSED, REFUSED, REFUSED, REFUSED, "answer")

    @retry_with_backoff(config=RetryConfig(max_attempts=5, initial_delay=1.0, max_delay=2.0, exponential_base=2.0))
    async def ask():
        return await dependency.acall()

    with instant_backoff() as waits:
        assert await ask() == "answer"
    assert len(waits) == 4
    assert max(waits) <= 2.0


def test_every_call_has_all_of_its_attempts():
    dependency = ScriptedDependency(then=REFUSED)
    ask = retry_with_backoff(RetryConfig(max_attempts=4))(dependency.call)

    with instant_backoff():
        for _ in range(20):
            with pytest.raises(ConnectionError):
                ask()

    assert len(dependency.calls) == 80


def test_only_the_named_errors_are_retried():
    dependency = ScriptedDependency(ValueError("wrong"))
    ask = retry_with_backoff(RetryConfig(retryable_exceptions=(ConnectionError,)))(dependency.call)

    with pytest.raises(ValueError, match="wrong"):
        ask()
    assert len(dependency.calls) == 1


def test_a_longest_wait_under_the_first_one_holds():
    ask = retry_with_backoff(RetryConfig(initial_delay=1.0, max_delay=0.25))(ScriptedDependency(REFUSED, "fine").call)

    with instant_backoff() as waits:
        ask()
    assert waits[0] <= 0.25


def test_wrong_options_are_named():
    with pytest.raises(ValueError, match=r"RetryConfig: max_attempts: .*; exponential_base"):
        RetryConfig(max_attempts=0, exponential_base=0.1)
    with pytest.raises(ValueError, match="failures"):
        CircuitBreaker(failure_threshold=0)
    with pytest.raises(TypeError, match=r"write @retry_with_backoff\(\)"):
        retry_with_backoff(lambda: None)


def test_a_breaker_opens_and_recovers():
    clock = HeldClock()
    breaker = CircuitBreaker(failure_threshold=5, recovery_timeout=60.0, name="notion", clock=clock)
    dependency = ScriptedDependency(*[REFUSED] * 5, then="answer")

    for _ in range(5):
        with pytest.raises(ConnectionError):
            breaker.call(dependency.call, "page", size=3)
    assert breaker.state == "open"
    with pytest.raises(CircuitOpenError, match="notion") as raised:
        breaker.call(dependency.call)
    assert raised.value.retry_after_s == 60.0
    clock.advance(60)

    assert breaker.call(dependency.call) == "answer"
    assert breaker.state == "closed"
    assert dependency.calls[0] == (("page",), {"size": 3})


def test_a_breaker_guards_coroutines_too():
    breaker = CircuitBreaker(failure_threshold=1)

    async def scene():
        with pytest.raises(ConnectionError):
            await breaker.acall(ScriptedDependency(REFUSED).acall)
        with pytest.raises(CircuitOpenError):
            await breaker.acall(ScriptedDependency().acall)

    asyncio.run(scene())


def test_a_failing_function_is_answered_for_and_that_is_logged(caplog):
    @graceful_degradation(fallback_value=[])
    def search(text):
        raise ConnectionError("password=hunter2hunter2")

    with caplog.at_level(logging.WARNING, "chassis.resilience"):
        search("x").append("changed by the caller")
        assert search("x") == []

    assert "search: failed with ConnectionError; its fallback answers" in caplog.text
    assert "hunter2" not in caplog.text


async def test_a_failing_coroutine_function_is_answered_for():
    @graceful_degradation(fallback_value="plan b", exceptions=(ConnectionError,))
    async def search(error):
        raise error

    assert await search(REFUSED) == "plan b"
    with pytest.raises(ValueError, match="wrong"):
        await search(ValueError("wrong"))


def test_decorators_combine():
    dependency = ScriptedDependency(then=REFUSED)

    @graceful_degradation(fallback_value="plan b")
    @retry_with_backoff(RetryConfig(max_attempts=2))
    def ask():
        return dependency.call()

    with instant_backoff():
        assert ask() == "plan b"
    assert len(dependency.calls) == 2
