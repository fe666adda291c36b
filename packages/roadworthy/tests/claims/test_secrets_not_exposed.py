"""secrets-not-exposed on literal evidence."""

from types import SimpleNamespace
from typing import Any

import pytest
from roadworthy.claims.observability.secrets_not_exposed import CLAIM
from roadworthy.domain.evidence import SecretSeen, SecretsSearch


def seen(place: str = "log", where: str = "line 12", **rest: Any) -> SecretSeen:
    values: dict[str, Any] = {"form": "plain", "count": 1, "offset": 40, "excerpt": "token=[secret]"}
    return SecretSeen("a token in the query string", place, where, **{**values, **rest})


def search(build: SimpleNamespace, *found: SecretSeen, **rest: Any) -> SecretsSearch:
    values: dict[str, Any] = {
        "planted": ("a token in the query string", "the setting SIGNING_KEY"),
        "too_plain": (),
        "requests": 28,
        "endpoints": ("POST /notes", "GET /notes/1"),
        "statuses": {"201": 2, "404": 6, "422": 20},
        "outages": ("database",),
        "log_lines": 60,
        "marker_lines": 4,
        "lines_not_kept": 0,
        "log_files": (),
        "error_answers": 26,
        "health": ("/readyz",),
        "metrics": "/metrics",
        "seen": found,
        "control_before": build.sample("create", 201),
        "control_after": build.sample("create", 201),
        "process_alive": True,
    }
    return SecretsSearch(experiment="exposed-secrets", **build.stamp, **{**values, **rest})


def test_holds_when_none_is_seen_and_it_had_logged_something(build: SimpleNamespace) -> None:
    found = build.finding(CLAIM, search(build, too_plain=("the setting APP_KEY",)))
    assert build.label(CLAIM, search(build)) == "PROVEN"
    assert "None of 2 secrets is in the 60 lines" in found.summary
    assert "while database refused connections" in found.scope
    assert found.scope.endswith("not searched for, too plain: the setting APP_KEY")


@pytest.mark.parametrize(
    ("place", "where", "says"),
    [
        ("log", "line 12", "a token in the query string is in the log (line 12), plain."),
        ("log file", "work/app.log", "a token in the query string is in log file work/app.log, plain."),
        ("error answer", "POST /notes 422", "a token in the query string is in error answer POST /notes 422, plain."),
        ("health", "GET /readyz 503", "a token in the query string is in health GET /readyz 503, plain."),
        ("metrics", "GET /metrics 200", "a token in the query string is in metrics GET /metrics 200, plain."),
    ],
)
def test_is_violated_by_one_in_any_place(build: SimpleNamespace, place: str, where: str, says: str) -> None:
    found = search(build, seen(place, where))
    assert build.label(CLAIM, found) == "REFUTED"
    assert build.finding(CLAIM, found).summary == says


def test_a_summary_names_the_first_four_and_counts_the_rest(build: SimpleNamespace) -> None:
    summary = build.finding(CLAIM, search(build, *[seen(count=3)] * 6)).summary
    assert summary.count("is in 3 log lines, plain") == 4
    assert summary.endswith("; and 2 more.")


def test_exhibits_lead_to_the_exchange_or_show_the_line(build: SimpleNamespace) -> None:
    answer = seen("error answer", "POST /notes 422", form="half of it", exchange="x7")
    line, shown = build.finding(CLAIM, search(build, seen(), answer)).exhibits
    assert (line.kind, shown.kind, shown.ref) == ("log", "exchange", "x7")
    assert "half of it" in shown.text
    assert "at character 40: token=[secret]" in line.text


@pytest.mark.parametrize(
    ("rest", "verdict"),
    [
        ({"log_lines": 0, "marker_lines": 0}, "UNPROVEN(no-control)"),
        ({"statuses": {"silent": 20, "reset": 8}}, "UNPROVEN(no-control)"),
        ({"endpoints": ()}, "UNPROVEN(needs-input)"),
        ({"control_before": None}, "UNPROVEN(no-control)"),
        ({"process_alive": False}, "UNPROVEN(target-unhealthy)"),
        ({"lines_not_kept": 3}, "UNPROVEN(noisy)"),
    ],
)
def test_nothing_seen_means_nothing_without_something_to_search(
    build: SimpleNamespace, rest: dict[str, Any], verdict: str
) -> None:
    assert build.label(CLAIM, search(build, **rest)) == verdict
    assert build.label(CLAIM, search(build, seen(), **rest)) == "REFUTED"


def test_a_log_that_does_not_show_the_mark_still_is_one(build: SimpleNamespace) -> None:
    assert build.label(CLAIM, search(build, marker_lines=0)) == "PROVEN"


def test_a_service_that_is_ill_afterwards_has_not_kept_it(build: SimpleNamespace) -> None:
    assert build.label(CLAIM, search(build, control_after=build.sample("create", 503))) == "UNPROVEN(target-unhealthy)"
