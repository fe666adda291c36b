"""What the sync and the async layers decide alike: whether and when to ask again, and what to answer in place."""

import copy
import random
from collections.abc import Callable
from typing import Any

from chassis import context
from chassis.clock import Clock
from chassis.errors import BulkheadFullError, CallRateExceededError, CircuitOpenError
from chassis.resilience.gate import Gate
from chassis.resilience.policy import Fallback, Retry, matcher

_NOT_ASKED = (CircuitOpenError, BulkheadFullError, CallRateExceededError)


def longest_wait_s(options: Retry, retry: int) -> float:
    """Return the longest wait before the n-th retry, n from 1."""
    try:
        return min(options.max_backoff_s, options.backoff_s * options.multiplier ** (retry - 1))
    except OverflowError:
        return options.max_backoff_s


def pause_before_retry(options: Retry | None, gate: Gate, clock: Clock) -> Callable[[int, BaseException], float | None]:
    """Return a function from the attempts made and the last error to the seconds to wait; None to give up."""
    if options is None:
        return lambda _attempts, _error: None
    meant = matcher(options.on)

    def pause(attempts: int, error: BaseException) -> float | None:
        if attempts >= options.attempts or not isinstance(error, Exception) or isinstance(error, _NOT_ASKED):
            return None
        asked_for_s = getattr(error, "retry_after_s", None) or 0.0
        if asked_for_s > options.max_backoff_s or not meant(error):
            return None
        wait_s = asked_for_s + random.random() * longest_wait_s(options, attempts)
        left_s = context.remaining_s(clock.monotonic())
        if left_s is not None and wait_s >= left_s:
            return None
        shut_s = gate.retry_after_s()
        if shut_s is not None and wait_s < shut_s:  # this failure has opened the breaker: it would not be asked
            return None
        return wait_s if gate.take_retry() else None

    return pause


def answer_of(options: Fallback) -> Callable[[Exception], Any]:
    """Return a function from the error to the answer in its place."""
    if options.call is not None:
        return options.call
    if isinstance(options.value, list | dict | set | bytearray):
        return lambda _: copy.copy(options.value)
    return lambda _: options.value
