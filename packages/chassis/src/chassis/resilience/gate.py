"""What every attempt passes on its way in and out: breaker, rate limit and bulkhead together.

One lock guards all state of one dependency, for threads and event loops alike. It is held for a few instructions at a
time, never during a call, a wait or a log line. It is re-entrant because the garbage collector may close an abandoned
coroutine in the middle of anything, and that coroutine leaves through here.

While all is *calm* (nothing has failed lately, and nobody waits) an attempt that is answered leaves without the lock:
it adds how long it took to a list, which is atomic. Those who enter take it off and count it.
"""

import asyncio
import logging
import sys
import threading
from collections import deque
from typing import Protocol

from chassis import context
from chassis.clock import Clock
from chassis.errors import BulkheadFullError, CallRateExceededError, CircuitOpenError, DeadlineExceededError
from chassis.resilience.allowance import RetryBudget, Spacing
from chassis.resilience.circuit import BreakerState, Circuit
from chassis.resilience.counts import Rejection, Snapshot, Tally
from chassis.resilience.policy import Policy, matcher

MUST_WAIT = -1
"""What :meth:`Gate.enter` returns in place of a period when the caller has to wait for its turn."""

_BATCH = 64  # a longer one is not cheaper, and whoever counts it is held up for longer
_log = logging.getLogger("chassis.resilience")


class Waiter(Protocol):
    """A caller that waits for its turn at the bulkhead."""

    granted: bool

    def wake(self) -> bool:
        """End its wait; False when it is gone."""


class Gate:
    """Lets attempts in and out of one dependency. Made once per pipeline; :meth:`configure` changes its rules."""

    def __init__(self, name: str, policy: Policy, clock: Clock) -> None:
        """Begin with nothing under way."""
        self.name = name
        self._now = clock.monotonic
        self._lock = threading.RLock()
        self._circuit = Circuit(policy.breaker)
        self._spacing = Spacing(policy.rate)
        self._budget = RetryBudget(None)
        self._tally = Tally()
        self._inside = 0
        self._answered: list[float] = []  # how long they took that have left and are not counted yet
        self._waiting: deque[Waiter] = deque()
        self.configure(policy)

    def configure(self, policy: Policy) -> None:
        """Take new rules. Calls under way, the breaker's state and all counts stay."""
        bulkhead = policy.bulkhead
        with self._lock:
            self._counts_as_failure = matcher(policy.breaker.on if policy.breaker else ())
            self._circuit.configure(policy.breaker)
            self._spacing.configure(policy.rate)
            self._budget.configure(policy.retry.budget if policy.retry else None)
            self._places = bulkhead.max_concurrent if bulkhead else sys.maxsize
            self._may_wait = bulkhead is not None and bulkhead.max_wait_s > 0
            self._settle()

    # -- in

    def enter(self) -> int:
        """Let an attempt in.

        Returns:
            The breaker's period, to be handed in on the way out; or ``MUST_WAIT`` when the bulkhead is full and waiting
            for a place is allowed.

        Raises:
            CircuitOpenError: the breaker is open.
            CallRateExceededError: the rate limit is used up.
            BulkheadFullError: as many calls as allowed are under way.
        """
        with self._lock:
            plain = self._plain
            if not plain:
                self._settle()
                self._refuse()
            left = len(self._answered)
            if self._inside - left >= self._places:
                if self._may_wait:
                    return MUST_WAIT
                raise self.full()
            self._inside += 1
            if left >= _BATCH:
                self._count_answered()
            if not plain:
                self._admit()
            return self._circuit.period

    def enter_after_wait(self) -> int:
        """Let in an attempt that was given a place; much may have happened while it waited.

        Returns:
            The breaker's period.

        Raises:
            CircuitOpenError: the breaker is open by now.
            CallRateExceededError: the rate limit is used up by now.
        """
        with self._lock:
            try:
                self._refuse()
            except BaseException:
                self.give_back()
                raise
            self._admit()
            return self._circuit.period

    def _refuse(self) -> None:
        """Raise what speaks against another attempt, if anything does."""
        now = self._now()
        refusal_s = self._circuit.refusal(now)
        if refusal_s is not None:
            self._tally.rejected[Rejection.CIRCUIT_OPEN] += 1
            if self._circuit.state is BreakerState.ISOLATED:
                raise CircuitOpenError(self.name, "not asked: isolated by hand, until it is restored")
            state = self._circuit.state.replace("_", "-")
            raise CircuitOpenError(self.name, f"not asked: its circuit breaker is {state}", retry_after_s=refusal_s)
        refusal_s = self._spacing.refusal(now)
        if refusal_s is not None:
            self._tally.rejected[Rejection.RATE_LIMITED] += 1
            raise CallRateExceededError(self.name, "not asked: its rate limit is used up", retry_after_s=refusal_s)

    def _admit(self) -> None:
        now = self._now()
        self._circuit.admit(now)
        self._spacing.take(now)

    def full(self, reason: str = "") -> BulkheadFullError:
        """Count an attempt that found no place, and return its error."""
        with self._lock:
            self._tally.rejected[Rejection.BULKHEAD_FULL] += 1
        reason = reason or f"{self._places} calls are under way, which is its limit"
        return BulkheadFullError(self.name, f"not asked: {reason}")

    def no_time_left(self) -> DeadlineExceededError:
        """Count an attempt that came after its deadline, and return its error."""
        with self._lock:
            self._tally.rejected[Rejection.NO_TIME_LEFT] += 1
        return DeadlineExceededError(self.name, "not asked: the caller has no time left")

    # -- out

    def succeeded(self, period: int, seconds: float) -> None:
        """Let an attempt out that was answered."""
        self._answered.append(seconds)
        if not self._calm:
            with self._lock:
                self._budget.earn()
                closed = self._circuit.succeeded(period)
                self._settle()
            if closed:
                self._log_closed()

    def failed(self, period: int, error: BaseException, seconds: float) -> None:
        """Let an attempt out that raised. Out of time is a failure; cancelled, or without a connection, is nothing."""
        now = self._now()
        timed_out = isinstance(error, DeadlineExceededError)
        if isinstance(error, asyncio.CancelledError):
            until = context.deadline.get()
            timed_out = until is not None and now >= until
        not_asked = isinstance(error, BulkheadFullError) and error.dependency == self.name
        opened = closed = False
        counts = True
        try:
            counts = not not_asked and (timed_out or (isinstance(error, Exception) and self._counts_as_failure(error)))
        finally:  # whatever a caller's own function raises, the place is given back
            with self._lock:
                self._inside -= 1
                if not_asked:
                    self._tally.rejected[Rejection.BULKHEAD_FULL] += 1
                    self._circuit.given_back(period)
                elif not timed_out and not isinstance(error, Exception):
                    self._tally.cancelled += 1
                    self._circuit.given_back(period)
                else:
                    opened = counts and self._circuit.failed(period, now)
                    closed = not counts and self._circuit.succeeded(period)
                    self._tally.failed(seconds, timed_out=timed_out, opened=opened)
                self._settle()
        if opened:
            _log.warning("%s: circuit breaker opened: it is not asked for a while", self.name)
        elif closed:
            self._log_closed()

    def _count_answered(self) -> None:
        while self._answered:
            self._tally.answered(self._answered.pop())
            self._inside -= 1

    @property
    def _in_flight(self) -> int:
        return self._inside - len(self._answered)

    def _settle(self) -> None:
        """Give free places to those who wait longest, and see whether all is calm: after every change."""
        while self._waiting and self._in_flight < self._places:
            waiter = self._waiting.popleft()
            waiter.granted = waiter.wake()
            self._inside += waiter.granted
        self._calm = self._circuit.calm and not self._waiting and not self._budget.spent
        self._plain = self._calm and self._spacing.unlimited

    def _log_closed(self) -> None:
        _log.info("%s: circuit breaker closed: it answers again", self.name)

    # -- waiting for a place

    def queue(self, waiter: Waiter) -> None:
        """Wait for a place from now on; it is given at once when one has become free meanwhile."""
        with self._lock:
            self._waiting.append(waiter)
            self._calm = False  # before looking for a place: whoever leaves now sees it, or we see that he has left
            self._settle()

    def unqueue(self, waiter: Waiter) -> bool:
        """Stop waiting; tell whether a place was given."""
        with self._lock:
            if waiter in self._waiting:
                self._waiting.remove(waiter)
            return waiter.granted

    def give_back(self) -> None:
        """Return a place that was given and is not needed."""
        with self._lock:
            self._inside -= 1
            self._settle()

    # -- retries and fallbacks

    def take_retry(self) -> bool:
        """Spend a token of the retry budget; False when none is left."""
        with self._lock:
            granted = self._budget.spend()
            self._tally.budget_exhausted += not granted
            self._settle()
            return granted

    def give_retry_back(self) -> None:
        """Return the token of a retry that is not made: its caller went away during the wait."""
        with self._lock:
            self._budget.refund()
            self._settle()

    def retried(self) -> None:
        """Count a retry that is made now, after its wait."""
        with self._lock:
            self._tally.retried += 1

    def fell_back(self) -> None:
        """Count a call that the fallback answered."""
        with self._lock:
            self._tally.fallbacks += 1

    # -- from outside

    @property
    def state(self) -> BreakerState:
        """The breaker's state."""
        return self._circuit.state

    def retry_after_s(self) -> float | None:
        """Return for how long no call is let through; None when one is, ``inf`` when isolated."""
        with self._lock:
            return self._circuit.refusal(self._now())

    def isolate(self) -> None:
        """Let no call through until :meth:`restore`."""
        with self._lock:
            self._circuit.isolate()
            self._settle()
        _log.warning("%s: isolated by hand: it is not asked until it is restored", self.name)

    def restore(self) -> None:
        """Close the breaker, whatever its state."""
        with self._lock:
            self._circuit.restore()
            self._settle()
        _log.info("%s: restored by hand", self.name)

    def snapshot(self) -> Snapshot:
        """Return all counts of one moment."""
        with self._lock:
            self._count_answered()
            return self._tally.snapshot(self.name, self._circuit.state, self._in_flight, len(self._waiting))
