"""startup-time-bounded on literal evidence."""

from types import SimpleNamespace

import pytest
from roadworthy.claims.startup.startup_time_bounded import CLAIM
from roadworthy.domain.evidence import Start, StartsAndStops


def starts(build: SimpleNamespace, *ready_s: float | None) -> StartsAndStops:
    """Fresh starts, with the time each took."""
    made = tuple(Start(1.0, each, "transaction", None if each else 1, ("cannot bind",)) for each in ready_s)
    return StartsAndStops(
        experiment="start-and-stop", **build.stamp, starts=made, stops=(), start_bound_s=30.0, stop_bound_s=30.0
    )


def test_holds_by_the_median(build: SimpleNamespace) -> None:
    assert build.label(CLAIM, starts(build, 2.0, 3.0, 45.0)) == "PROVEN"
    summary = build.finding(CLAIM, starts(build, 2.0, 3.0, 45.0)).summary
    assert "3.0 s" in summary
    assert "slowest 45.0 s" in summary


def test_is_violated_by_the_median(build: SimpleNamespace) -> None:
    assert build.label(CLAIM, starts(build, 2.0, 31.0, 45.0)) == "REFUTED"


@pytest.mark.parametrize("ready_s", [(None, None, 2.0), (None, None, None)])
def test_is_violated_when_half_of_them_never_become_ready(
    build: SimpleNamespace, ready_s: tuple[float | None, ...]
) -> None:
    assert build.label(CLAIM, starts(build, *ready_s)) == "REFUTED"
    assert "cannot bind" in build.finding(CLAIM, starts(build, *ready_s)).exhibits[0].text


def test_one_start_that_fails_is_noise(build: SimpleNamespace) -> None:
    assert build.label(CLAIM, starts(build, 2.0, None, 2.0)) == "UNPROVEN(noisy)"


@pytest.mark.parametrize("ready_s", [(), (2.0,), (45.0, 45.0)])
def test_fewer_than_three_decide_nothing(build: SimpleNamespace, ready_s: tuple[float, ...]) -> None:
    assert build.label(CLAIM, starts(build, *ready_s)) == "UNPROVEN(budget)"
