"""The circuit breaker's states, as a machine without time or locks of its own: :mod:`chassis.resilience.gate` has both.

::

    closed ── failures of the last window ──> open ── open_s later, with the next call ──> half-open
      ^                                         ^                                            │    │
      │                                         └────────────── a probe failed ──────────────┘    │
      └────────────────────────────────── all probes succeeded ───────────────────────────────────┘

Every change of state begins a new *period*. A call takes the number of the period that it began in with it, and what
comes of it counts only in that period: a call from before an outage can neither open nor close what came after.
"""

from enum import StrEnum

from chassis.resilience.policy import Breaker


class BreakerState(StrEnum):
    """What a breaker does with calls. ``isolated`` lets none through until a person restores it."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"
    ISOLATED = "isolated"


class Circuit:
    """Counts what came of calls, and says whether the next one may go. With no options, only isolating closes it.

    ``recent`` holds the last calls as bits, the latest lowest, 1 for a failure: while nothing fails it is 0 and costs
    nothing.
    """

    __slots__ = ("_mask", "_options", "_probes_left", "_successes", "_until", "period", "recent", "state")

    def __init__(self, options: Breaker | None) -> None:
        """Begin closed."""
        self.state = BreakerState.CLOSED
        self.period = 0
        self.recent = 0
        self._until = 0.0
        self._probes_left = 0
        self._successes = 0
        self.configure(options)

    def configure(self, options: Breaker | None) -> None:
        """Take new options. The state stays, unless there are no options now: nothing would end it."""
        self._options = options
        self._mask = 0 if options is None else (1 << (options.window or options.failures)) - 1
        self.recent &= self._mask
        if options is None and self.state is not BreakerState.ISOLATED:
            self._begin(BreakerState.CLOSED)

    @property
    def calm(self) -> bool:
        """Whether it is closed and none of the last calls failed: then an answer changes nothing."""
        return self.state is BreakerState.CLOSED and not self.recent

    def refusal(self, now: float) -> float | None:
        """Tell for how many seconds no call may go; None when one may, ``inf`` when isolated."""
        if self.state is BreakerState.CLOSED:
            return None
        if self.state is BreakerState.ISOLATED:
            return float("inf")
        if now >= self._until or (self.state is BreakerState.HALF_OPEN and self._probes_left):
            return None
        return self._until - now

    def admit(self, now: float) -> None:
        """Count a call that goes, right after :meth:`refusal` had nothing against it."""
        if self._options is None or self.state is BreakerState.CLOSED:
            return
        if not (self.state is BreakerState.HALF_OPEN and self._probes_left):  # a probe that is not back is given up on
            self._begin(BreakerState.HALF_OPEN)
        self._probes_left -= 1
        self._until = now + self._options.open_s

    def succeeded(self, period: int) -> bool:
        """Count an answer; tell whether it closed the breaker."""
        if period != self.period or self._options is None:
            return False
        if self.state is BreakerState.CLOSED:
            self.recent = (self.recent << 1) & self._mask
            return False
        self._successes += 1
        if self._successes < self._options.probes:
            return False
        self._begin(BreakerState.CLOSED)
        return True

    def failed(self, period: int, now: float) -> bool:
        """Count a failure; tell whether it opened the breaker."""
        if period != self.period or self._options is None:
            return False
        self.recent = (self.recent << 1 | 1) & self._mask
        if self.state is BreakerState.CLOSED and self.recent.bit_count() < self._options.failures:
            return False
        self._begin(BreakerState.OPEN)
        self._until = now + self._options.open_s
        return True

    def given_back(self, period: int) -> None:
        """Count a call that came to nothing, such as a cancelled one: another probe may go in its place."""
        if period == self.period and self.state is BreakerState.HALF_OPEN:
            self._probes_left += 1

    def isolate(self) -> None:
        """Let no call through until :meth:`restore`."""
        self._begin(BreakerState.ISOLATED)

    def restore(self) -> None:
        """Close, whatever the state is, and forget what failed."""
        self._begin(BreakerState.CLOSED)

    def _begin(self, state: BreakerState) -> None:
        self.state = state
        self.period += 1
        self.recent = 0
        self._successes = 0
        self._probes_left = 0 if self._options is None else self._options.probes
