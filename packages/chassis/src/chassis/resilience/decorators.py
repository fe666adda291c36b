"""Retry, circuit breaker and fallback as plain decorators, each on a pipeline of its own, for calls that stand alone.

What several callers share is better declared once: see :class:`chassis.resilience.Pipeline`.
"""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, ParamSpec, TypeVar

from chassis.clock import SYSTEM_CLOCK, Clock
from chassis.resilience.checking import Check
from chassis.resilience.circuit import BreakerState
from chassis.resilience.layers import answer_of
from chassis.resilience.pipeline import Pipeline
from chassis.resilience.policy import ANY_ERROR, Breaker, Fallback, Policy, Retry

P = ParamSpec("P")
T = TypeVar("T")

_log = logging.getLogger("chassis.resilience")


@dataclass(frozen=True)
class RetryConfig:
    """When :func:`retry_with_backoff` asks again.

    Attributes:
        max_attempts: how often to ask in all.
        initial_delay: the longest wait before the first retry, in seconds; the wait is drawn from 0 to that.
        max_delay: the longest wait before any retry, in seconds.
        exponential_base: how much longer each wait may be than the one before.
        retryable_exceptions: the errors to retry after.
    """

    max_attempts: int = 3
    initial_delay: float = 1.0
    max_delay: float = 60.0
    exponential_base: float = 2.0
    retryable_exceptions: tuple[type[Exception], ...] = (Exception,)

    def __post_init__(self) -> None:
        """Check the options."""
        check = Check(self)
        check.whole("max_attempts", least=1, example=3)
        check.number("initial_delay", least=0, example=1)
        check.number("max_delay", least=0, example=60)
        check.number("exponential_base", least=1, example=2)
        check.done()


def retry_with_backoff(config: RetryConfig | None = None) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Ask again after an error, with growing, random waits. For functions and coroutine functions.

    Args:
        config: when to; ``RetryConfig()`` by default.

    Raises:
        TypeError: the decorator was used without parentheses.
    """
    if callable(config):
        raise TypeError("expected a RetryConfig or nothing: write @retry_with_backoff()")
    config = config or RetryConfig()
    retry = Retry(
        attempts=config.max_attempts,
        backoff_s=min(config.initial_delay, config.max_delay),
        max_backoff_s=config.max_delay,
        multiplier=config.exponential_base,
        on=config.retryable_exceptions,
        budget=None,  # it shares its dependency with no other pipeline that we know of
    )
    return lambda call: Pipeline(_name(call), Policy(deadline_s=None, breaker=None, retry=retry)).guard(call)


def graceful_degradation(
    fallback_value: Any = None, *, exceptions: tuple[type[Exception], ...] = ANY_ERROR
) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Return a value in place of an error, and log that. For functions and coroutine functions.

    Args:
        fallback_value: the answer. A list, dict or set is copied for each caller.
        exceptions: the errors that are answered so.
    """
    answer = answer_of(Fallback(value=fallback_value))

    def decorate(call: Callable[P, T]) -> Callable[P, T]:
        name = _name(call)

        def degraded(error: Exception) -> Any:
            _log.warning("%s: failed with %s; its fallback answers", name, type(error).__name__)
            return answer(error)

        fallback = Fallback(call=degraded, on=exceptions)
        return Pipeline(name, Policy(deadline_s=None, breaker=None, fallback=fallback)).guard(call)

    return decorate


class CircuitBreaker:
    """Stops calling what fails, and finds out gently when it works again.

    Args:
        failure_threshold: failures in a row that open it.
        recovery_timeout: seconds until it lets one call through to see.
        name: for errors, logs and metrics.
        clock: tells the time.
    """

    def __init__(
        self,
        failure_threshold: int = 5,
        recovery_timeout: float = 60.0,
        *,
        name: str = "circuit breaker",
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        """Begin closed.

        Raises:
            ValueError: an option is wrong.
        """
        breaker = Breaker(failures=failure_threshold, open_s=recovery_timeout)
        self._pipeline = Pipeline(name, Policy(deadline_s=None, breaker=breaker), clock=clock)

    @property
    def state(self) -> BreakerState:
        """Closed, open, half-open or isolated."""
        return self._pipeline.breaker.state

    def call(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call a function.

        Raises:
            CircuitOpenError: it was not called; ``retry_after_s`` says when trying again makes sense.
        """
        return self._pipeline.call(function, *args, **kwargs)

    async def acall(self, function: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call a coroutine function; everything as in :meth:`call`."""
        return await self._pipeline.acall(function, *args, **kwargs)


def _name(call: Callable[..., Any]) -> str:
    return getattr(call, "__qualname__", None) or type(call).__qualname__
