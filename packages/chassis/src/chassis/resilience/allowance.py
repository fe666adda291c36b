"""Two small accounts of one dependency: how often to ask, and how often to ask again. The gate's lock guards both."""

import math

from chassis.resilience.policy import Budget, Rate


class Spacing:
    """A token bucket, kept as the time at which it will be full again (GCRA, ITU-T I.371)."""

    __slots__ = ("_full_at", "_interval_s", "_tolerance_s", "unlimited")

    def __init__(self, rate: Rate | None) -> None:
        """Begin with a full bucket."""
        self._full_at = -math.inf
        self.configure(rate)

    def configure(self, rate: Rate | None) -> None:
        """Take a new rate; what was used stays used."""
        self.unlimited = rate is None
        self._interval_s = 0.0 if rate is None else rate.per_s / rate.calls
        burst = 1 if rate is None else rate.burst or max(int(rate.calls), 1)
        self._tolerance_s = (burst - 1) * self._interval_s

    def refusal(self, now: float) -> float | None:
        """Tell in how many seconds the next call may go; None when it may now."""
        early_s = self._full_at - now - self._tolerance_s
        return early_s if early_s > 0 and not self.unlimited else None

    def take(self, now: float) -> None:
        """Use one token."""
        self._full_at = max(self._full_at, now) + self._interval_s


class RetryBudget:
    """The tokens of a :class:`~chassis.resilience.policy.Budget`, kept as how many of them are ``spent``."""

    __slots__ = ("_options", "spent")

    def __init__(self, options: Budget | None) -> None:
        """Begin with a full reserve; with no options, with one that has no end."""
        self.spent = 0.0
        self.configure(options)

    def configure(self, options: Budget | None) -> None:
        """Take new options; what was spent stays spent."""
        self._options = options

    def earn(self) -> None:
        """Save what an answer is worth."""
        if self._options is not None:
            self.spent = max(self.spent - self._options.ratio, 0.0)

    def refund(self) -> None:
        """Take back one token that was spent in vain."""
        self.spent = max(self.spent - 1, 0.0)

    def spend(self) -> bool:
        """Spend one token; False when there is none."""
        if self._options is None:
            return True
        if self.spent + 1 > self._options.reserve:
            return False
        self.spent += 1
        return True
