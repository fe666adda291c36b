"""sigterm-exits on literal evidence."""

from types import SimpleNamespace

from roadworthy.claims.shutdown.sigterm_exits import CLAIM
from roadworthy.domain.evidence import Start, StartsAndStops, Stop


def stops(build: SimpleNamespace, *stopped: Stop, ready_s: float | None = 1.0) -> StartsAndStops:
    """Fresh starts and how each was stopped."""
    return StartsAndStops(
        experiment="start-and-stop",
        **build.stamp,
        starts=(Start(0.5, ready_s, "transaction", None, ()),),
        stops=stopped,
        start_bound_s=30.0,
        stop_bound_s=30.0,
    )


QUICK = Stop(0.4, 0.4, -15, ())


def test_holds_when_all_exit_whatever_their_status(build: SimpleNamespace) -> None:
    assert build.label(CLAIM, stops(build, QUICK, Stop(29.0, 29.0, 0, ("4711",)))) == "PROVEN"


def test_is_violated_by_one_that_stays(build: SimpleNamespace) -> None:
    assert build.label(CLAIM, stops(build, QUICK, Stop(None, 32.0, None, ()))) == "REFUTED"
    assert "1 of 2" in build.finding(CLAIM, stops(build, QUICK, Stop(None, 32.0, None, ()))).summary


def test_is_violated_by_one_that_exits_too_late(build: SimpleNamespace) -> None:
    assert build.label(CLAIM, stops(build, Stop(31.0, 32.0, 0, ()))) == "REFUTED"


def test_our_own_short_wait_decides_nothing(build: SimpleNamespace) -> None:
    assert build.label(CLAIM, stops(build, QUICK, Stop(None, 10.0, None, ()))) == "UNPROVEN(budget)"


def test_needs_an_instance_that_was_ready(build: SimpleNamespace) -> None:
    assert build.label(CLAIM, stops(build)) == "UNPROVEN(not-run)"
    assert build.label(CLAIM, stops(build, QUICK, ready_s=None)) == "UNPROVEN(no-control)"


def test_children_that_outlive_it_are_shown(build: SimpleNamespace) -> None:
    found = build.finding(CLAIM, stops(build, Stop(0.4, 0.4, 0, ("4711",))))
    assert "4711" in found.exhibits[0].text
