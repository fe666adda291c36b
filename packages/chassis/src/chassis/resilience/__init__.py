"""Guarded calls: retry, breaker, deadline, bulkhead, rate limit and fallback, in one pipeline per dependency.

::

    quotes = Pipeline("quotes", Policy(deadline_s=2.0, retry=Retry(attempts=3), fallback=Fallback(value="")))

    @quotes.guard
    async def quote_of_the_day() -> str: ...
"""

from chassis.resilience.adjusting import adjustable, adjusted
from chassis.resilience.circuit import BreakerState
from chassis.resilience.counts import Latency, Rejection, Snapshot
from chassis.resilience.decorators import CircuitBreaker, RetryConfig, graceful_degradation, retry_with_backoff
from chassis.resilience.pipeline import BreakerControl, Pipeline, pipelines
from chassis.resilience.policy import (
    TRANSIENT,
    Breaker,
    Budget,
    Bulkhead,
    Errors,
    Fallback,
    HardTimeout,
    Policy,
    Rate,
    Retry,
)

__all__ = [
    "TRANSIENT",
    "Breaker",
    "BreakerControl",
    "BreakerState",
    "Budget",
    "Bulkhead",
    "CircuitBreaker",
    "Errors",
    "Fallback",
    "HardTimeout",
    "Latency",
    "Pipeline",
    "Policy",
    "Rate",
    "Rejection",
    "Retry",
    "RetryConfig",
    "Snapshot",
    "adjustable",
    "adjusted",
    "graceful_degradation",
    "pipelines",
    "retry_with_backoff",
]
