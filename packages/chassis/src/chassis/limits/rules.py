"""What a limit is, and what comes of asking it: shared by the limiter in this process and the one in Valkey."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

_TOLERANCE = 1e-3
"""Of an interval. Sums of floats are a little off, and the last request of a full budget must not fail for that."""


@dataclass(frozen=True, slots=True)
class Rule:
    """So many requests in so many seconds.

    The whole number may come at once; after that, one is regained every ``period_s / limit`` seconds. So a client that
    keeps asking gets ``limit`` at first and then ``limit`` per period, and no fresh budget at the turn of a minute.

    Args:
        limit: requests, 1 or more.
        period_s: seconds, more than 0.
    """

    limit: int
    period_s: float
    interval_s: float = field(init=False, repr=False, compare=False)
    """Seconds in which one request is regained."""
    window_s: float = field(init=False, repr=False, compare=False)
    """How far ahead of the clock a key's arrival time may be: the period, and a little for rounding."""

    def __post_init__(self) -> None:
        """Refuse what limits nothing, and work out the rest once."""
        if self.limit < 1 or self.period_s <= 0:
            raise ValueError(
                f"a rule needs a limit of 1 or more in more than 0 s, got {self.limit} in {self.period_s} s"
            )
        object.__setattr__(self, "interval_s", self.period_s / self.limit)
        object.__setattr__(self, "window_s", self.period_s + self.interval_s * _TOLERANCE)


def per_minute(limit: int) -> Rule:
    """So many requests a minute."""
    return Rule(limit, 60.0)


def per_hour(limit: int) -> Rule:
    """So many requests an hour."""
    return Rule(limit, 3600.0)


class Decision(NamedTuple):
    """Whether a request may go ahead. Under several rules, the numbers are those of the rule with the least left.

    All but ``allowed`` is worked out when it is asked for: most decisions are only asked that.
    """

    allowed: bool
    rule: Rule | None = None
    """The rule that the numbers are of; None if no rule was applied."""
    ahead_s: float = 0.0
    """How far ahead of the clock the rule's arrival time would be; where nothing was counted, how long to wait."""
    counted: bool = True
    """False when the request could not be counted, because the key map is full or the shared store did not answer: then
    it was the limiter's stated policy that decided."""

    @property
    def limit(self) -> int:
        """The rule's number of requests; 0 without a rule."""
        return 0 if self.rule is None else self.rule.limit

    @property
    def remaining(self) -> int:
        """Requests that could follow at once."""
        if self.rule is None or not self.allowed:
            return 0
        return int((self.rule.window_s - self.ahead_s) / self.rule.interval_s)

    @property
    def retry_after_s(self) -> float:
        """When asking again can succeed; 0.0 if this one was allowed."""
        if self.allowed:
            return 0.0
        return self.ahead_s if self.rule is None else self.ahead_s - self.rule.window_s

    @property
    def reset_s(self) -> float:
        """When the whole budget is back."""
        return self.ahead_s if self.allowed or self.rule is None else self.ahead_s - self.rule.interval_s


UNLIMITED = Decision(allowed=True)
FULL = Decision(allowed=False, ahead_s=1.0, counted=False)
"""There is no room for another key."""
new_decision = tuple.__new__
"""Makes a decision of a class and a tuple of all its fields: half the cost of calling the class."""


def decide(rules: Sequence[Rule], ahead_s: Sequence[float]) -> Decision:
    """Judge a request by how far ahead of the clock each rule's arrival time would be with it.

    This is the generic cell rate algorithm (ITU-T I.371): a request conforms while that time stays within the window.

    Args:
        rules: the rules.
        ahead_s: for each rule, its time ahead of the clock with this request, in seconds; 0.0 for a rule left out.
    """
    least = math.inf  # requests left; below zero: seconds too many
    rule_with_least, its_ahead_s = None, 0.0
    for rule, seconds in zip(rules, ahead_s, strict=False):
        if seconds:
            left = rule.window_s - seconds
            if left >= 0:
                left /= rule.interval_s
            if left < least:
                least, rule_with_least, its_ahead_s = left, rule, seconds
    if rule_with_least is None:
        return UNLIMITED
    return new_decision(Decision, (least >= 0, rule_with_least, its_ahead_s, True))
