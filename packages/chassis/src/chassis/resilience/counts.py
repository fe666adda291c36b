"""What a pipeline counts, and what it shows of it: plain frozen numbers, for metrics, health and tests."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import log2

from chassis.resilience.circuit import BreakerState

_PER_OCTAVE = 16  # buckets for each doubling of a duration: each is 4.4 % wide
_OFFSET = 512  # keeps their numbers above 0, where int() rounds down
_TINY_S = 1e-7  # a duration of 0 has no logarithm


def _middle_s(bucket: int) -> float:
    return float(2 ** ((bucket + 0.5 - _OFFSET) / _PER_OCTAVE) - _TINY_S)


class Rejection(StrEnum):
    """Why the dependency was not asked."""

    CIRCUIT_OPEN = "circuit_open"
    BULKHEAD_FULL = "bulkhead_full"
    RATE_LIMITED = "rate_limited"
    NO_TIME_LEFT = "no_time_left"


@dataclass(frozen=True)
class Latency:
    """How long attempts took that came back, with an answer or an error; cancelled ones are left out.

    Attributes:
        count: how many there were.
        total_s: their durations added up.
        longest_s: the longest one.
        buckets: how many there were in each of the buckets, which are 4.4 % wide.
    """

    count: int
    total_s: float
    longest_s: float
    buckets: Mapping[int, int]

    def quantile_s(self, share: float) -> float:
        """Return the duration that ``share`` (0 to 1) of the attempts stayed within, to 2.2 %; 0.0 when none were.

        0.5 is the median, 0.95 the P95.
        """
        rank = share * self.count
        seen = 0
        for bucket in sorted(self.buckets):
            seen += self.buckets[bucket]
            if seen >= rank:
                return min(max(_middle_s(bucket), 0.0), self.longest_s)
        return self.longest_s

    def cumulative(self, bounds_s: Sequence[float]) -> tuple[int, ...]:
        """Return for each bound how many attempts took no longer, to 2.2 % of the bound: a Prometheus histogram."""
        return tuple(sum(n for bucket, n in self.buckets.items() if _middle_s(bucket) <= bound) for bound in bounds_s)


@dataclass(frozen=True)
class Snapshot:
    """What has come of a pipeline's calls so far. Attempts are counted one by one: a retried call makes several.

    Attributes:
        name: the pipeline's.
        breaker: the state of its breaker.
        in_flight: attempts under way.
        waiting: calls that wait for their turn at the bulkhead.
        succeeded: attempts that were answered.
        failed: attempts that raised an error or ran out of time.
        timed_out: those of the failed ones that ran out of time.
        cancelled: attempts that the caller cancelled: neither answered nor failed.
        rejected: attempts that were not made, by cause; causes that have not occurred are there with 0.
        retried: attempts that were a retry.
        budget_exhausted: retries that were not made because the budget was used up.
        fallbacks: calls that the fallback answered.
        opened: how often the breaker opened.
        latency: how long attempts took.
    """

    name: str
    breaker: BreakerState
    in_flight: int
    waiting: int
    succeeded: int
    failed: int
    timed_out: int
    cancelled: int
    rejected: Mapping[Rejection, int]
    retried: int
    budget_exhausted: int
    fallbacks: int
    opened: int
    latency: Latency

    @property
    def attempts(self) -> int:
        """How often the dependency was asked."""
        return self.succeeded + self.failed + self.cancelled + self.in_flight

    @property
    def calls(self) -> int:
        """How often callers called. Those that went away while they waited for their turn are left out."""
        return self.attempts + sum(self.rejected.values()) - self.retried

    @property
    def seconds_total(self) -> float:
        """How long the attempts took that came back, in all."""
        return self.latency.total_s


class Tally:
    """Counts attempts; the gate's lock guards it."""

    def __init__(self) -> None:
        """Begin with nothing counted."""
        self.succeeded = self.failures = self.timed_out = self.cancelled = 0
        self.retried = self.budget_exhausted = self.fallbacks = self.opened = 0
        self.rejected: Counter[Rejection] = Counter()
        self.total_s = self.longest_s = 0.0
        self.buckets: defaultdict[int, int] = defaultdict(int)

    def answered(self, seconds: float) -> None:
        """Count an attempt that was answered, by how long it took."""
        self.succeeded += 1
        self._came_back(seconds)

    def failed(self, seconds: float, *, timed_out: bool, opened: bool) -> None:
        """Count an attempt that failed, and whether it opened the breaker."""
        self.failures += 1
        self.timed_out += timed_out
        self.opened += opened
        self._came_back(seconds)

    def _came_back(self, seconds: float) -> None:
        self.total_s += seconds
        self.longest_s = max(self.longest_s, seconds)
        self.buckets[int(log2(seconds + _TINY_S) * _PER_OCTAVE + _OFFSET)] += 1

    def snapshot(self, name: str, breaker: BreakerState, in_flight: int, waiting: int) -> Snapshot:
        """Return all counts of this moment, with what the gate adds."""
        return Snapshot(
            name=name,
            breaker=breaker,
            in_flight=in_flight,
            waiting=waiting,
            succeeded=self.succeeded,
            failed=self.failures,
            timed_out=self.timed_out,
            cancelled=self.cancelled,
            rejected={cause: self.rejected[cause] for cause in Rejection},
            retried=self.retried,
            budget_exhausted=self.budget_exhausted,
            fallbacks=self.fallbacks,
            opened=self.opened,
            latency=Latency(self.succeeded + self.failures, self.total_s, self.longest_s, dict(self.buckets)),
        )
