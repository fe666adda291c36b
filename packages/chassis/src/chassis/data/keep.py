"""Which backups to keep."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True, slots=True)
class Keep:
    """Keep the ``last`` backups, the newest of each of the last ``daily`` days, and of each of ``weekly`` weeks.

    Days and weeks (Monday to Sunday) are those of UTC that have a backup, so that a pause does not thin out what there
    is. The newest backup of all is always kept.
    """

    last: int = 7
    daily: int = 7
    weekly: int = 4

    def __post_init__(self) -> None:
        """Refuse numbers that make no sense."""
        if min(self.last, self.daily, self.weekly) < 0:
            raise ValueError(f"numbers of backups to keep cannot be negative: {self}")

    def choose(self, times: Iterable[float]) -> frozenset[float]:
        """Return which of the backups made at ``times`` (seconds since 1970-01-01 UTC) to keep."""
        newest_first = sorted(set(times), reverse=True)
        kept = set(newest_first[: max(self.last, 1)])
        days: dict[object, float] = {}
        weeks: dict[object, float] = {}
        for time in newest_first:
            day = datetime.fromtimestamp(time, UTC).date()
            days.setdefault(day, time)
            weeks.setdefault(day.isocalendar()[:2], time)
        kept.update(list(days.values())[: self.daily], list(weeks.values())[: self.weekly])
        return frozenset(kept)
