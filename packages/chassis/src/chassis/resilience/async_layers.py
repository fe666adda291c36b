"""The layers round a coroutine function, one closure each; :mod:`~chassis.resilience.sync_layers` has those for others.

:func:`compose` puts together the ones that a policy asks for, once, so that a call pays for nothing else.
"""

import asyncio
import inspect
from collections.abc import Callable
from typing import Any

from chassis.clock import Clock
from chassis.context import deadline
from chassis.errors import DeadlineExceededError
from chassis.resilience import waits
from chassis.resilience.alarms import AlarmsByLoop, Limit
from chassis.resilience.gate import MUST_WAIT, Gate
from chassis.resilience.layers import answer_of, pause_before_retry
from chassis.resilience.policy import Fallback, Policy, matcher
from chassis.resilience.queueing import wait_in_loop

Call = Callable[..., Any]


def compose(call: Call, policy: Policy, gate: Gate, clock: Clock) -> Call:
    """Return the call with everything round it that the policy asks for."""
    if policy.attempt_timeout_s is not None:
        call = _limited(call, policy.attempt_timeout_s, gate.name, clock)
    call = _attempted(call, policy, gate, clock)
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

    async def attempted(*args: Any, **kwargs: Any) -> Any:
        attempts = 0
        while True:
            began = now()
            until = until_of()
            if until is not None and began >= until:
                raise gate.no_time_left()
            period = enter()
            if period == MUST_WAIT:
                period = await wait_in_loop(gate, max_wait_s if until is None else min(max_wait_s, until - began))
                began = now()
            try:
                answer = await call(*args, **kwargs)
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
                await waits.asleep(clock, wait_s)
            except BaseException:
                gate.give_retry_back()
                raise
            gate.retried()

    return attempted


def _limited(call: Call, seconds: float, name: str, clock: Clock) -> Call:
    """Cancel the call when its time is up; see :mod:`chassis.resilience.alarms`."""
    now, until_of, set_until, reset = clock.monotonic, deadline.get, deadline.set, deadline.reset
    get_loop, current_task = asyncio.get_running_loop, asyncio.current_task
    alarms_by_loop = AlarmsByLoop(clock)

    async def limited(*args: Any, **kwargs: Any) -> Any:
        loop = get_loop()
        alarms = alarms_by_loop.latest
        if alarms is None or alarms.loop is not loop:
            alarms = alarms_by_loop.of(loop)
        until = now() + seconds
        outer = until_of()
        if outer is None or until <= outer:
            line = alarms.line
        else:
            until, line = outer, alarms.timers
        limit = Limit(current_task(loop), until)
        line.add(limit)
        token = set_until(until)
        try:
            answer = await call(*args, **kwargs)
        except BaseException as error:
            if limit.expired and limit.took_back() and isinstance(error, asyncio.CancelledError | TimeoutError):
                raise DeadlineExceededError(name, f"no answer within its time, {seconds:g} s at most") from error
            raise
        finally:
            line.remove(limit)
            try:  # noqa: SIM105 - contextlib.suppress would cost more than all the rest of this layer
                reset(token)
            except ValueError:  # the garbage collector closes the call, in a context that is not the call's
                pass
        if limit.expired:  # and answered all the same
            limit.took_back()
        return answer

    return limited


def _answered(call: Call, options: Fallback, gate: Gate) -> Call:
    meant, answer_to = matcher(options.on), answer_of(options)

    async def answered(*args: Any, **kwargs: Any) -> Any:
        try:
            return await call(*args, **kwargs)
        except Exception as error:
            if not meant(error):
                raise
            gate.fell_back()
            answer = answer_to(error)
            return await answer if inspect.isawaitable(answer) else answer

    return answered
