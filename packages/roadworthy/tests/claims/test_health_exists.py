"""health-exists on literal evidence."""

from types import SimpleNamespace

import pytest
from roadworthy.claims.health.health_exists import CLAIM


def test_holds_for_an_endpoint_that_a_program_can_read(build: SimpleNamespace) -> None:
    assert build.label(CLAIM, build.discovery()) == "PROVEN"


def test_is_violated_without_any_and_says_how_many_paths_were_tried(build: SimpleNamespace) -> None:
    found = build.finding(CLAIM, build.discovery(health=()))
    assert build.label(CLAIM, build.discovery(health=())) == "REFUTED"
    assert "33" in found.summary
    assert "[endpoints]" in found.summary


def test_a_web_page_is_no_health_endpoint(build: SimpleNamespace) -> None:
    page = build.endpoint("/health", "health", kind="text/HTML; charset=utf-8")
    assert build.label(CLAIM, build.discovery(health=(page,))) == "REFUTED"
    assert "/health" in build.finding(CLAIM, build.discovery(health=(page,))).summary


def test_an_endpoint_that_is_not_2xx_while_all_is_well_is_none(build: SimpleNamespace) -> None:
    assert build.label(CLAIM, build.discovery(health=(build.endpoint(shown=503),))) == "REFUTED"


def test_one_readable_endpoint_among_pages_is_enough(build: SimpleNamespace) -> None:
    page = build.endpoint("/status", "health", kind="text/html")
    assert build.label(CLAIM, build.discovery(health=(page, build.endpoint()))) == "PROVEN"


def test_nothing_counts_when_another_process_may_have_answered(build: SimpleNamespace) -> None:
    assert build.label(CLAIM, build.discovery(owns_port=False)) == "UNPROVEN(no-control)"
    assert build.label(CLAIM, build.discovery(owns_port=False, health=())) == "UNPROVEN(no-control)"


@pytest.mark.parametrize("answer", ["401 application/json", "400 text/html", "503 text/plain", "silent"])
def test_a_service_that_turns_everything_away_is_not_judged(build: SimpleNamespace, answer: str) -> None:
    closed = build.discovery(health=(), nothing_here=answer, transaction=())
    assert build.label(CLAIM, closed) == "UNPROVEN(no-control)"
    assert "[auth]" in build.finding(CLAIM, closed).decidable_by


@pytest.mark.parametrize("answer", ["200 text/html", "302 text/html", "404 application/json"])
def test_a_service_that_answers_has_none(build: SimpleNamespace, answer: str) -> None:
    assert build.label(CLAIM, build.discovery(health=(), nothing_here=answer, transaction=())) == "REFUTED"


def test_a_service_whose_transaction_works_does_not_turn_everything_away(build: SimpleNamespace) -> None:
    assert build.label(CLAIM, build.discovery(health=(), nothing_here="401 application/json")) == "REFUTED"
