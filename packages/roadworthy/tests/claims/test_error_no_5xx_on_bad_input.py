"""error-no-5xx-on-bad-input on literal evidence."""

from types import SimpleNamespace
from typing import Any

import pytest
from roadworthy.claims.errors.error_no_5xx_on_bad_input import CLAIM
from roadworthy.domain.evidence import BadAnswer, BadInput


def bad(build: SimpleNamespace, shown: int | str = 500, *again: int | str) -> BadAnswer:
    """A hostile request and what it was answered when it was sent again."""
    repeats = tuple(build.sample("POST /items", each) for each in again)
    return BadAnswer("nul character in title", "POST /items", build.sample("POST /items", shown), repeats)


def bad_input(build: SimpleNamespace, *answers: BadAnswer, **rest: Any) -> BadInput:
    values = {
        "control_before": build.sample("delete", 204),
        "control_after": build.sample("delete", 204),
        "requests": 120,
        "operations": ("GET /items", "POST /items"),
        "excluded": (),
        "statuses": {"422": 100, "200": 20},
        "bad": answers,
        "process_alive": True,
    }
    return BadInput(experiment="bad-input", **build.stamp, **{**values, **rest})


def test_holds_when_nothing_is_answered_5xx(build: SimpleNamespace) -> None:
    seen = bad_input(build, excluded=("GET /status/{code}",))
    assert build.label(CLAIM, seen) == "PROVEN"
    assert "2 operations, 120 requests" in build.finding(CLAIM, seen).scope
    assert "GET /status/{code}" in build.finding(CLAIM, seen).scope


def test_is_violated_by_a_5xx_that_comes_again(build: SimpleNamespace) -> None:
    assert build.label(CLAIM, bad_input(build, bad(build, 500, 422, 500))) == "REFUTED"
    assert "POST /items; nul character in title: 500" in (
        build.finding(CLAIM, bad_input(build, bad(build, 500, 500))).summary
    )


@pytest.mark.parametrize("again", [(), (422, 422)])
def test_a_5xx_that_does_not_come_again_decides_nothing(build: SimpleNamespace, again: tuple[int, ...]) -> None:
    assert build.label(CLAIM, bad_input(build, bad(build, 500, *again))) == "UNPROVEN(noisy)"


@pytest.mark.parametrize("status", [501, 505])
def test_statuses_that_speak_of_the_request_do_not_count(build: SimpleNamespace, status: int) -> None:
    assert build.label(CLAIM, bad_input(build, bad(build, status, status, status))) == "PROVEN"


def test_a_closed_connection_counts_only_when_the_process_ends(build: SimpleNamespace) -> None:
    closed = bad(build, "reset", "reset")
    assert build.label(CLAIM, bad_input(build, closed)) == "PROVEN"
    crash = bad_input(build, closed, process_alive=False, control_after=build.sample("create", "refused"))
    assert build.label(CLAIM, crash) == "REFUTED"
    assert "ends the process" in build.finding(CLAIM, crash).summary


def test_only_the_last_broken_connection_can_have_ended_it(build: SimpleNamespace) -> None:
    harmless = BadAnswer("malformed JSON", "PUT /items", build.sample("PUT /items", "reset"), ())
    crash = bad_input(build, harmless, bad(build, "reset", "refused"), process_alive=False, control_after=None)
    assert "nul character" in build.finding(CLAIM, crash).summary
    assert "PUT" not in build.finding(CLAIM, crash).summary


def test_a_process_that_ends_for_no_known_reason_decides_nothing(build: SimpleNamespace) -> None:
    assert build.label(CLAIM, bad_input(build, process_alive=False)) == "UNPROVEN(target-unhealthy)"


@pytest.mark.parametrize("control", ["control_before", "control_after"])
def test_an_environment_that_is_broken_decides_nothing(build: SimpleNamespace, control: str) -> None:
    seen = bad(build, 500, 500)
    assert build.label(CLAIM, bad_input(build, seen, **{control: build.sample("create", 500)})) == (
        "UNPROVEN(no-control)"
    )
    assert build.label(CLAIM, bad_input(build, seen, **{control: None})) == "UNPROVEN(no-control)"


def test_nothing_to_send_needs_input(build: SimpleNamespace) -> None:
    assert build.label(CLAIM, bad_input(build, requests=0, control_before=None)) == "UNPROVEN(needs-input)"


def test_requests_that_were_turned_away_prove_nothing(build: SimpleNamespace) -> None:
    assert build.label(CLAIM, bad_input(build, statuses={"401": 95, "422": 5})) == "UNPROVEN(no-control)"
    assert build.label(CLAIM, bad_input(build, statuses={"401": 80, "422": 20})) == "PROVEN"


def test_a_sweep_that_was_cut_short_proves_nothing(build: SimpleNamespace) -> None:
    assert build.label(CLAIM, bad_input(build, cut_short=True)) == "UNPROVEN(budget)"
    assert build.label(CLAIM, bad_input(build, bad(build, 500, 500), cut_short=True)) == "REFUTED"


def test_a_request_without_an_answer_proves_nothing(build: SimpleNamespace) -> None:
    silent = bad_input(build, statuses={"422": 119, "silent": 1})
    assert build.label(CLAIM, silent) == "UNPROVEN(noisy)"
    assert "1 of 120 hostile requests had no answer" in build.finding(CLAIM, silent).summary
