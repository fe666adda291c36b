"""health-exists on literal evidence."""

from types import SimpleNamespace

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
