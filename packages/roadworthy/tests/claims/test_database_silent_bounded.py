"""database-silent-bounded on literal evidence."""

from types import SimpleNamespace

import pytest
from roadworthy.claims.dependencies.database_silent_bounded import CLAIM


def test_holds_when_every_request_ends_in_time(build: SimpleNamespace) -> None:
    good = build.window("silent", requests=build.steps(504, 500, seconds=5.0))
    assert build.label(CLAIM, good, build.discovery()) == "PROVEN"


@pytest.mark.parametrize("how", [404, 429, 500, "reset", "refused"])
def test_any_end_is_good_enough(build: SimpleNamespace, how: int | str) -> None:
    ended = build.window("silent", requests=build.steps(503, how, seconds=29.0))
    assert build.label(CLAIM, ended, build.discovery()) == "PROVEN"


def test_is_violated_by_one_request_that_hangs(build: SimpleNamespace) -> None:
    crowd = tuple(build.sample("create", 503) for _ in range(20))
    hangs = build.window("silent", requests=(*crowd, build.sample("read", "silent", seconds=32.0)))
    assert build.label(CLAIM, hangs, build.discovery()) == "REFUTED"
    found = build.finding(CLAIM, hangs, build.discovery())
    assert "1 of 21 requests" in found.summary
    assert found.fault_hits == 4


def test_an_answer_after_the_bound_is_too_late(build: SimpleNamespace) -> None:
    late = build.window("silent", requests=build.steps(503, 503, seconds=31.0))
    assert build.label(CLAIM, late, build.discovery()) == "REFUTED"


def test_a_process_that_ends_violates_it(build: SimpleNamespace) -> None:
    assert build.label(CLAIM, build.window("silent", process_alive=False), build.discovery()) == "REFUTED"


def test_our_own_short_time_out_decides_nothing(build: SimpleNamespace) -> None:
    given_up = build.window("silent", requests=build.steps("silent", 503, seconds=12.0))
    assert build.label(CLAIM, given_up, build.discovery()) == "UNPROVEN(budget)"


def test_working_on_is_not_applicable_only_when_no_byte_was_swallowed(build: SimpleNamespace) -> None:
    works = build.window("silent", requests=build.steps(), bytes_swallowed=0, hits=0)
    asks = build.window("silent", requests=build.steps(), bytes_swallowed=120)
    assert build.label(CLAIM, works, build.discovery()) == "NOT_APPLICABLE"
    assert build.label(CLAIM, asks, build.discovery()) == "PROVEN"


def test_does_not_apply_without_a_database(build: SimpleNamespace) -> None:
    assert build.label(CLAIM, build.discovery(dependencies=())) == "NOT_APPLICABLE"
    only_cache = build.discovery(dependencies=(build.facts("cache", "valkey"),))
    assert build.label(CLAIM, build.window("silent", "cache", "valkey"), only_cache) == "NOT_APPLICABLE"


def test_needs_its_control_its_fault_and_a_healthy_end(build: SimpleNamespace) -> None:
    assert build.label(CLAIM, build.window("silent", before=build.steps(500))) == "UNPROVEN(no-control)"
    assert build.label(CLAIM, build.window("silent", hits=0)) == "UNPROVEN(fault-not-fired)"
    assert build.label(CLAIM, build.window("silent", transaction_recovered_s=None)) == "UNPROVEN(target-unhealthy)"
    assert build.label(CLAIM, build.window("silent", requests=())) == "UNPROVEN(needs-input)"


def test_a_wait_that_was_cut_short_does_not_hide_a_violation(build: SimpleNamespace) -> None:
    short, long = build.sample("create", "silent", seconds=12.0), build.sample("read", "silent", seconds=32.0)
    mixed = build.window("silent", requests=(short, long))
    assert build.label(CLAIM, mixed) == "REFUTED"
    assert [each.text for each in build.finding(CLAIM, mixed).exhibits] == ["read silent after 32.0 s"]


def test_the_bound_itself_is_in_time_for_an_answer_and_too_long_for_silence(build: SimpleNamespace) -> None:
    assert build.label(CLAIM, build.window("silent", requests=build.steps(503, 503, seconds=30.0))) == "PROVEN"
    assert build.label(CLAIM, build.window("silent", requests=build.steps("silent", 503, seconds=30.0))) == "REFUTED"


def test_shows_the_slowest_request_when_it_holds(build: SimpleNamespace) -> None:
    quick, slow = build.sample("create", 503, seconds=5.0), build.sample("read", 500, seconds=9.0)
    found = build.finding(CLAIM, build.window("silent", requests=(quick, slow)))
    assert [each.text for each in found.exhibits] == ["read 500 after 9.0 s"]
