"""The layers round a plain function, a closure each; :mod:`~chassis.resilience.async_layers` has those for coroutines.

:func:`compose` puts together the ones that a policy asks for, once, so that a call pays for nothing else.
"""

from collections.abc import Callable
from typing import Any

from chassis.clock import Clock
from chassis.context import deadline
from chassis.errors import DeadlineExceededError
from chassis.resilience import waits
from chassis.resilience.gate import MUST_WAIT, Gate
from chassis.resilience.layers import answer_of, pause_before_retry
from chassis.resilience.policy import Fallback, Policy, matcher
from chassis.resilience.queueing import wait_in_thread
from chassis.resilience.threads import Threads

Call = Callable[..., Any]


def compose(call: Call, policy: Policy, gate: Gate, clock: Clock, threads: Threads) -> Call:
    """Return the call with everything round it that the policy asks for."""
    if policy.hard_timeout is not None:
        call = threads.running(call, gate.name, clock)
    if policy.attempt_timeout_s is not None:
        call = _limited(call, policy.attempt_timeout_s, gate.name, clock)
    call = _attempted(call, policy, gate, clock)
    if policy.hard_timeout is not None:
        call = threads.bounded(call, gate, policy.hard_timeout.max_abandoned)
    if policy.deadline_s is not None:
        call = _limited(call, policy.deadline_s, gate.name, clock)
    if policy.fallback is not None:
        call = _answered(call, policy.fallback, gate)
    return call


def _attempted(call: Call, policy: Policy, gate: Gate, clock: Clock) -> Call:
    """Make attempts, each through the gate, until one is answered or the policy gives up."""
    now, until_of, enter, succeeded, failed = clock.monotonic, deadline.get, gate.enter, gate.succeeded, gate.failed
    pause = pause_before_retry(policy.retry, gate, clock)
    max_wait_s = policy.bulkhead.max_wait_s if policy.bulkhead else 0.0

    def attempted(*args: Any, **kwargs: Any) -> Any:
        attempts = 0
        while True:
            began = now()
            until = until_of()
            if until is not None and began >= until:
                raise gate.no_time_left()
            period = enter()
            if period == MUST_WAIT:
                period = wait_in_thread(gate, max_wait_s if until is None else min(max_wait_s, until - began))
                began = now()
            try:
                answer = call(*args, **kwargs)
            except BaseException as error:
                failed(period, error, now() - began)
                attempts += 1
                wait_s = pause(attempts, error)
                if wait_s is None:
                    raise
            else:
                succeeded(period, now() - began)
                return answer
            try:
                waits.sleep(clock, wait_s)
            except BaseException:
                gate.give_retry_back()
                raise
            gate.retried()

    return attempted


def _limited(call: Call, seconds: float, name: str, clock: Clock) -> Call:
    """Carry the time limit to whoever asks for it. Nothing can be interrupted: see ``HardTimeout``."""
    now, until_of, set_until, reset = clock.monotonic, deadline.get, deadline.set, deadline.reset

    def limited(*args: Any, **kwargs: Any) -> Any:
        until = now() + seconds
        outer = until_of()
        if outer is not None and outer < until:
            until = outer
        token = set_until(until)
        try:
            return call(*args, **kwargs)
        except TimeoutError as error:
            if now() < until:
                raise
            raise DeadlineExceededError(name, f"no answer within its time, {seconds:g} s at most") from error
        finally:
            reset(token)

    return limited


def _answered(call: Call, options: Fallback, gate: Gate) -> Call:
    meant, answer = matcher(options.on), answer_of(options)

    def answered(*args: Any, **kwargs: Any) -> Any:
        try:
            return call(*args, **kwargs)
        except Exception as error:
            if not meant(error):
                raise
            gate.fell_back()
            return answer(error)

    return answered
