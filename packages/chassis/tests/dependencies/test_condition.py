"""What checks say about a dependency: thresholds, times, bounds."""

import pytest
from chassis.dependencies.condition import Checks, Condition, Status


def test_the_first_check_decides_at_once() -> None:
    for ok, expected in ((True, Status.UP), (False, Status.DOWN)):
        condition = Condition(Checks(failures=3, successes=3))
        assert condition.status is Status.UNKNOWN
        assert condition.record(ok, now=1.0)
        assert condition.status is expected


def test_one_slow_answer_changes_nothing() -> None:
    condition = Condition(Checks(failures=2))
    condition.record(ok=True, now=1.0)
    for now in range(2, 20, 2):
        assert not condition.record(ok=False, now=float(now))
        assert not condition.record(ok=True, now=now + 1.0)
    assert condition.status is Status.UP
    assert condition.since == 1.0


def test_failures_in_a_row_make_it_down_and_successes_in_a_row_up() -> None:
    condition = Condition(Checks(failures=2, successes=3))
    condition.record(ok=True, now=1.0)
    condition.record(ok=False, now=2.0)
    assert condition.record(ok=False, now=3.0)
    assert (condition.status, condition.since) == (Status.DOWN, 3.0)
    assert [condition.record(ok=True, now=now, latency_s=0.2) for now in (4.0, 5.0, 6.0)] == [False, False, True]
    assert (condition.status, condition.since, condition.latency_s) == (Status.UP, 6.0, 0.2)


def test_a_result_that_contradicts_is_checked_again_soon() -> None:
    condition = Condition(Checks(every_s=30, every_s_when_down=10, again_s=0.5))
    condition.record(ok=True, now=1.0)
    assert condition.next_check_s() == 30
    condition.record(ok=False, now=2.0)
    assert condition.next_check_s() == 0.5
    condition.record(ok=False, now=3.0)
    assert condition.next_check_s() == 10


def test_the_default_checks_tell_of_a_loss_within_5_s_and_of_a_return_within_10_s() -> None:
    assert Checks().bound_s < 5
    assert Checks().return_bound_s < 10


def test_a_decision_needs_no_count() -> None:
    condition = Condition(Checks(failures=10))
    condition.record(ok=True, now=1.0)
    assert condition.decide(Status.DOWN, now=2.0)
    assert not condition.decide(Status.DOWN, now=3.0)
    assert condition.since == 2.0


@pytest.mark.parametrize("ok", [True, False])
def test_the_time_of_the_last_check_is_kept(ok: bool) -> None:
    condition = Condition(Checks())
    condition.record(ok, now=5.0)
    condition.record(not ok, now=7.0)
    assert condition.checked == 7.0
