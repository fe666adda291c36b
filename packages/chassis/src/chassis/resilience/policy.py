"""What is to be done about a dependency that is slow, down or overrun, as plain options.

Every option object is frozen and checked when it is made; all its problems are told at once. Times are in seconds.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from chassis.errors import DeadlineExceededError, DependencyDownError
from chassis.resilience.checking import Check

Errors = tuple[type[Exception], ...] | Callable[[Exception], bool]
"""Which errors are meant: their types, or a function that tells."""

TRANSIENT: tuple[type[Exception], ...] = (ConnectionError, TimeoutError, DependencyDownError, DeadlineExceededError)
"""Errors that may be gone on the next try: no connection, no answer in time, "not now"."""

ANY_ERROR: tuple[type[Exception], ...] = (Exception,)

LONGEST_WINDOW = 1000
"""Calls that a breaker looks at, at most."""


@dataclass(frozen=True)
class Budget:
    """How many retries all callers of one dependency share, so that an outage is not made worse by retrying.

    A retry spends one token, an answer earns ``ratio`` of one, and there are never more than ``reserve``. So retries
    never exceed ``reserve + ratio * answers``: an outage costs the dependency at most ``reserve`` extra requests,
    however much or little traffic there is, and one that fails half of the time gets at most ``1 + ratio`` requests
    per call in the long run. The reserve is full at the start: it is the floor that lets a service with little
    traffic retry at all. (The idea is that of gRPC's retry throttling, gRFC A6.)

    Attributes:
        ratio: tokens that an answer earns, 0 to 1.
        reserve: tokens at the start, and the most that can be saved.
    """

    ratio: float = 0.2
    reserve: int = 5

    def __post_init__(self) -> None:
        """Check the options."""
        check = Check(self)
        check.number("ratio", least=0, most=1, example=0.2)
        check.whole("reserve", least=1, example=5)
        check.done()


@dataclass(frozen=True)
class Retry:
    """Ask again after an error that may be gone by then. Only for calls that may be made twice.

    The wait before retry n is drawn from 0 to ``min(max_backoff_s, backoff_s * multiplier ** (n - 1))`` ("full
    jitter", M. Brooker, "Exponential Backoff And Jitter", 2015), after the time that the error's ``retry_after_s``
    asks for. There is no retry when that time is over ``max_backoff_s``, when the wait would outlast the deadline,
    when the budget is used up, or when the dependency was not or would not be asked (open breaker, full bulkhead, rate
    limit).

    Attributes:
        attempts: how often to ask in all, the first time included.
        backoff_s: the longest wait before the first retry.
        max_backoff_s: the longest wait before any retry.
        multiplier: how much longer each wait may be than the one before, 1 or more.
        on: the errors to retry after.
        budget: what all callers share; None for no limit, where a call stands alone.
    """

    attempts: int = 3
    backoff_s: float = 0.1
    max_backoff_s: float = 5.0
    multiplier: float = 2.0
    on: Errors = TRANSIENT
    budget: Budget | None = field(default_factory=Budget)

    def __post_init__(self) -> None:
        """Check the options."""
        check = Check(self)
        check.whole("attempts", least=1, example=3)
        check.number("backoff_s", least=0, example=0.1)
        check.number("max_backoff_s", least=0, example=5)
        check.number("multiplier", least=1, example=2)
        check.done()
        check.that(
            self.max_backoff_s >= self.backoff_s,
            f"max_backoff_s: expected at least backoff_s, which is {self.backoff_s:g}, not {self.max_backoff_s:g}",
        )
        check.done()


@dataclass(frozen=True)
class Breaker:
    """Stop asking a dependency that fails, and find out gently when it is back.

    It opens when ``failures`` of the last ``window`` calls failed. After ``open_s`` it lets exactly ``probes`` calls
    through: if all of them succeed it closes, if one fails it opens again. A probe that has not come back after a
    further ``open_s`` is given up on, and others are let through. A cancelled call counts as nothing.

    Attributes:
        failures: failed calls that open it.
        window: how many of the last calls are looked at; None for as many as ``failures``: failures in a row.
        open_s: how long it stays open before it lets probes through.
        probes: calls that are let through then.
        on: the errors that count as failures of the dependency, and so does running out of time. Any other error is an
            answer, and counts as success.
    """

    failures: int = 5
    window: int | None = None
    open_s: float = 30.0
    probes: int = 1
    on: Errors = ANY_ERROR

    def __post_init__(self) -> None:
        """Check the options."""
        check = Check(self)
        check.whole("failures", least=1, most=LONGEST_WINDOW, example=5)
        check.whole("window", least=1, most=LONGEST_WINDOW, example=20, optional=True)
        check.number("open_s", over=0, example=30)
        check.whole("probes", least=1, example=1)
        check.done()
        check.that(
            self.window is None or self.window >= self.failures,
            f"window: expected at least failures, which is {self.failures}, not {self.window}",
        )
        check.done()


@dataclass(frozen=True)
class Rate:
    """Ask a dependency no more often than it allows. A call above the limit is refused at once.

    The limit is a token bucket, kept as one number (the generic cell rate algorithm, ITU-T I.371).

    Attributes:
        calls: how many calls are allowed ``per_s`` seconds, attempts counted one by one.
        per_s: the length of that time.
        burst: how many of them may come at once; None for ``calls``.
    """

    calls: float = 100.0
    per_s: float = 1.0
    burst: int | None = None

    def __post_init__(self) -> None:
        """Check the options."""
        check = Check(self)
        check.number("calls", over=0, example=100)
        check.number("per_s", over=0, example=1)
        check.whole("burst", least=1, example=10, optional=True)
        check.done()


@dataclass(frozen=True)
class Bulkhead:
    """Let no more than so many calls be under way at once, so that one slow dependency cannot take every thread.

    Attributes:
        max_concurrent: calls under way at once.
        max_wait_s: how long a further call waits for its turn, first come, first served; 0 to be refused at once.
    """

    max_concurrent: int = 32
    max_wait_s: float = 0.0

    def __post_init__(self) -> None:
        """Check the options."""
        check = Check(self)
        check.whole("max_concurrent", least=1, example=32)
        check.number("max_wait_s", least=0, example=0.5)
        check.done()


@dataclass(frozen=True)
class HardTimeout:
    """Run each attempt of a sync call in a thread of its own, and leave the thread behind when time is up.

    Python cannot end a thread: the work goes on until it ends by itself. So this is a last resort for a library that
    knows no time-out of its own, and costs a thread start a call (about 50 us). Coroutines don't need it.

    Attributes:
        max_abandoned: how many threads may be left behind; with that many, further calls are refused at once.
    """

    max_abandoned: int = 16

    def __post_init__(self) -> None:
        """Check the options."""
        check = Check(self)
        check.whole("max_abandoned", least=1, example=16)
        check.done()


@dataclass(frozen=True)
class Fallback:
    """Answer in the dependency's place when all else has failed.

    Attributes:
        value: the answer. A list, dict or set is copied for each caller.
        call: makes the answer instead, from the error; a coroutine function where calls are awaited, or a plain one.
        on: the errors that are answered for; by default those of a dependency that is down, slow or not asked.
    """

    value: Any = None
    call: Callable[[Exception], Any] | Callable[[Exception], Awaitable[Any]] | None = None
    on: Errors = TRANSIENT

    def __post_init__(self) -> None:
        """Check the options."""
        check = Check(self)
        check.that(self.call is None or self.value is None, "expected value or call, not both")
        check.done()


@dataclass(frozen=True)
class Policy:
    """Everything that a guarded call goes through, from the outside to the inside; None leaves a part out.

    fallback > deadline > retry > breaker > rate limit > bulkhead > attempt time-out > the call

    Attributes:
        fallback: answers when all else has failed.
        deadline_s: for the whole call, waits and retries included. An earlier deadline of the caller stays. Coroutines
            are cancelled then; a sync call cannot be, so its driver asks ``chassis.context.remaining_s()``.
        retry: asks again. Off by default: only you know whether a call may be made twice.
        breaker: stops asking after failures.
        rate: limits how often to ask.
        bulkhead: limits how many ask at once.
        attempt_timeout_s: for each single attempt; works as the deadline does.
        hard_timeout: makes both hold for sync calls, by threads.
    """

    deadline_s: float | None = 10.0
    retry: Retry | None = None
    breaker: Breaker | None = field(default_factory=Breaker)
    rate: Rate | None = None
    bulkhead: Bulkhead | None = None
    attempt_timeout_s: float | None = None
    hard_timeout: HardTimeout | None = None
    fallback: Fallback | None = None

    def __post_init__(self) -> None:
        """Check the options."""
        check = Check(self)
        check.number("deadline_s", over=0, example=10, optional=True)
        check.number("attempt_timeout_s", over=0, example=2, optional=True)
        check.that(
            self.hard_timeout is None or self.deadline_s is not None or self.attempt_timeout_s is not None,
            "hard_timeout: expected deadline_s or attempt_timeout_s as well: it needs a time to hold",
        )
        check.done()


def matcher(errors: Errors) -> Callable[[Exception], bool]:
    """Return a function that tells whether an error is meant."""
    if isinstance(errors, tuple):
        return lambda error: isinstance(error, errors)
    return errors
