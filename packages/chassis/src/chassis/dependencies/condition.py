"""What is known about a dependency: up or down, since when, how fast. The monitor asks, this remembers.

The schedule and the thresholds are those of Dropwizard's health checks (``checkInterval``, ``downtimeInterval``,
``failureAttempts``, ``successAttempts``), with shorter defaults: what health says is true within 5 s of a loss, and
within 10 s of a return.
"""

from dataclasses import dataclass
from enum import StrEnum

GRACE_S = 0.25
"""Seconds that a check gets to end by itself, after its time is up, before it is cancelled."""


class Status(StrEnum):
    """What is known about a dependency."""

    UNKNOWN = "unknown"
    UP = "up"
    DOWN = "down"
    NOT_CONFIGURED = "not configured"


@dataclass(frozen=True, slots=True)
class Checks:
    """How a dependency is watched.

    Args:
        every_s: seconds between checks while it is up.
        every_s_when_down: seconds between checks while it is down.
        again_s: seconds until the next check after one whose result differs from what is known.
        timeout_s: seconds that a check may take.
        failures: checks in a row that must fail before it counts as down, so that one slow answer changes nothing.
        successes: checks in a row that must succeed before it counts as up again.
    """

    every_s: float = 1.5
    every_s_when_down: float = 1.0
    again_s: float = 0.25
    timeout_s: float = 1.0
    failures: int = 2
    successes: int = 2

    @property
    def bound_s(self) -> float:
        """The longest time from a loss to the moment when health tells of it, in seconds, without any real calls."""
        return self.every_s + self.failures * (self.timeout_s + GRACE_S) + (self.failures - 1) * self.again_s

    @property
    def return_bound_s(self) -> float:
        """The longest time from a return to the moment when health tells of it, in seconds."""
        return (
            self.every_s_when_down + self.successes * (self.timeout_s + GRACE_S) + (self.successes - 1) * self.again_s
        )


class Condition:
    """What the checks of one dependency have shown.

    ``status`` is the verdict, ``since`` the time of its last change and ``checked`` that of the last check (seconds
    since 1970-01-01 UTC, 0.0 for never), ``latency_s`` how long the last successful check took.
    """

    __slots__ = ("_opposed", "checked", "latency_s", "rule", "since", "status")

    def __init__(self, rule: Checks) -> None:
        """Begin knowing nothing."""
        self.rule = rule
        self.status = Status.UNKNOWN
        self.since = 0.0
        self.checked = 0.0
        self.latency_s = 0.0
        self._opposed = 0  # results in a row that contradict the verdict

    def record(self, ok: bool, now: float, latency_s: float = 0.0) -> bool:
        """Take in the result of a check; return whether the verdict changed. The first result decides at once."""
        self.checked = now
        if ok:
            self.latency_s = latency_s
        verdict = Status.UP if ok else Status.DOWN
        if verdict is self.status:
            self._opposed = 0
            return False
        self._opposed += 1
        needed = self.rule.successes if ok else self.rule.failures
        if self.status is not Status.UNKNOWN and self._opposed < needed:
            return False
        return self.decide(verdict, now)

    def decide(self, status: Status, now: float) -> bool:
        """Set the verdict without counting, as when a circuit breaker opens; return whether it changed."""
        self._opposed = 0
        if status is self.status:
            return False
        self.status = status
        self.since = now
        return True

    def next_check_s(self) -> float:
        """Seconds until the next check is due."""
        if self._opposed:
            return self.rule.again_s
        return self.rule.every_s if self.status is Status.UP else self.rule.every_s_when_down
