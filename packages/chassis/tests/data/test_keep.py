"""Which backups are kept: rules that hold for any history."""

from datetime import UTC, datetime

import pytest
from chassis.data import Keep
from hypothesis import given
from hypothesis import strategies as st

pytestmark = pytest.mark.needs("sql")

TIMES = st.sets(st.integers(0, 200 * 86_400).map(float), max_size=60)
KEEPS = st.builds(Keep, st.integers(0, 8), st.integers(0, 8), st.integers(0, 8))


def moments(*texts: str) -> list[float]:
    """Read moments of UTC."""
    return [datetime.fromisoformat(each).replace(tzinfo=UTC).timestamp() for each in texts]


def test_the_last_the_daily_and_the_weekly_ones_are_kept() -> None:
    history = moments(
        "2025-01-26T10:00", "2025-01-27T10:00", "2025-02-02T09:00", "2025-02-02T10:00",
        "2025-02-03T08:00", "2025-02-03T09:00", "2025-02-03T10:00",
    )  # fmt: skip
    assert Keep(last=2, daily=2, weekly=3).choose(history) == set(
        moments("2025-01-26T10:00", "2025-02-02T10:00", "2025-02-03T09:00", "2025-02-03T10:00")
    )


@given(TIMES, KEEPS)
def test_the_newest_is_always_kept_and_never_more_than_asked_for(times: set[float], keep: Keep) -> None:
    kept = keep.choose(times)
    assert kept <= times
    assert not times or max(times) in kept
    assert len(kept) <= max(keep.last, 1) + keep.daily + keep.weekly


@given(TIMES, KEEPS)
def test_choosing_again_among_the_kept_deletes_nothing_more(times: set[float], keep: Keep) -> None:
    kept = keep.choose(times)
    assert keep.choose(kept) == kept


@given(TIMES, KEEPS, KEEPS)
def test_asking_for_more_keeps_at_least_as_much(times: set[float], keep: Keep, more: Keep) -> None:
    larger = Keep(keep.last + more.last, keep.daily + more.daily, keep.weekly + more.weekly)
    assert keep.choose(times) <= larger.choose(times)


@given(TIMES, KEEPS)
def test_each_of_the_last_days_keeps_its_newest(times: set[float], keep: Keep) -> None:
    newest: dict[object, float] = {}
    for time in sorted(times):
        newest[datetime.fromtimestamp(time, UTC).date()] = time
    days = sorted(newest, reverse=True, key=str)[: keep.daily]
    assert {newest[day] for day in days} <= keep.choose(times)


def test_negative_numbers_are_refused() -> None:
    with pytest.raises(ValueError, match="cannot be negative"):
        Keep(daily=-1)
