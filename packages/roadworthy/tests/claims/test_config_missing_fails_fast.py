"""config-missing-fails-fast on literal evidence."""

from types import SimpleNamespace
from typing import Any

import pytest
from roadworthy.claims.configuration.config_missing_fails_fast import CLAIM
from roadworthy.domain.evidence import Withheld, WithheldOutcome, WithheldSettings


def refused(key: str = "DATABASE_URL", seconds: float = 1.0, status: int | None = 1) -> Withheld:
    return Withheld(key, WithheldOutcome.EXITED, seconds, status, None, None, f"KeyError: '{key}'")


def optional(key: str = "LOG_LEVEL") -> Withheld:
    return Withheld(key, WithheldOutcome.SERVES, 2.0, None, transaction_ok=True, failed_step=None, output="")


def broken(build: SimpleNamespace, shown: int | str = 500, key: str = "DATABASE_URL") -> Withheld:
    step = build.sample("create", shown)
    return Withheld(key, WithheldOutcome.SERVES, 7.0, None, transaction_ok=False, failed_step=step, output="")


def hangs(key: str = "DATABASE_URL") -> Withheld:
    return Withheld(key, WithheldOutcome.HANGS, 15.0, None, None, None, "waiting for the database")


def settings(build: SimpleNamespace, *withheld: Withheld, **rest: Any) -> WithheldSettings:
    values = {"control": True, "allowed_s": 15.0, "searched": "the manifest", "complete": True, "withheld": withheld}
    return WithheldSettings(experiment="withheld-settings", **build.stamp, **{**values, **rest})


def test_holds_when_each_start_refuses_or_works(build: SimpleNamespace) -> None:
    seen = settings(build, refused(), optional())
    assert build.label(CLAIM, seen) == "PROVEN"
    summary = build.finding(CLAIM, seen).summary
    assert "without DATABASE_URL it refused to start" in summary
    assert "without LOG_LEVEL it went on working" in summary


def test_is_violated_when_it_starts_broken(build: SimpleNamespace) -> None:
    seen = settings(build, refused("SECRET"), broken(build))
    assert build.label(CLAIM, seen) == "REFUTED"
    assert "Without DATABASE_URL it starts, serves, and its transaction fails (create 500" in (
        build.finding(CLAIM, seen).summary
    )


def test_is_violated_when_it_neither_serves_nor_exits(build: SimpleNamespace) -> None:
    assert build.label(CLAIM, settings(build, hangs())) == "REFUTED"
    assert build.label(CLAIM, settings(build, hangs("DATABASE_HOST"))) == "REFUTED"


def test_is_violated_when_it_gives_up_with_success(build: SimpleNamespace) -> None:
    assert build.label(CLAIM, settings(build, refused(status=0))) == "REFUTED"


def test_one_broken_start_decides_over_doubts(build: SimpleNamespace) -> None:
    assert build.label(CLAIM, settings(build, broken(build, 401, "TOKEN"), broken(build))) == "REFUTED"


@pytest.mark.parametrize("key", ["PORT", "HOST", "APP_PORT", "UVICORN_HOST", "BIND"])
def test_silence_without_its_address_means_nothing(build: SimpleNamespace, key: str) -> None:
    assert build.label(CLAIM, settings(build, hangs(key), refused())) == "PROVEN"
    assert key in build.finding(CLAIM, settings(build, hangs(key), refused())).scope
    assert build.label(CLAIM, settings(build, hangs(key))) == "UNPROVEN(needs-input)"


@pytest.mark.parametrize(
    ("shown", "verdict"),
    [
        (401, "UNPROVEN(needs-input)"),
        (403, "UNPROVEN(needs-input)"),
        ("silent", "UNPROVEN(noisy)"),
        ("reset", "REFUTED"),
    ],
)
def test_a_refused_caller_and_our_own_time_out_are_no_failure(
    build: SimpleNamespace, shown: int | str, verdict: str
) -> None:
    assert build.label(CLAIM, settings(build, broken(build, shown, "API_TOKEN"))) == verdict


def test_serving_decides_nothing_without_a_transaction(build: SimpleNamespace) -> None:
    serves = Withheld("X", WithheldOutcome.SERVES, 1.0, None, None, None, "")
    assert build.label(CLAIM, settings(build, serves)) == "UNPROVEN(needs-input)"


def test_a_late_or_unexplained_exit_decides_nothing(build: SimpleNamespace) -> None:
    assert build.label(CLAIM, settings(build, refused(seconds=16.0))) == "UNPROVEN(noisy)"
    assert build.label(CLAIM, settings(build, refused(status=None))) == "UNPROVEN(noisy)"


def test_does_not_apply_without_settings(build: SimpleNamespace) -> None:
    assert build.label(CLAIM, settings(build)) == "NOT_APPLICABLE"
    assert build.label(CLAIM, settings(build, complete=False)) == "UNPROVEN(needs-input)"


def test_needs_a_start_that_works_with_all_settings(build: SimpleNamespace) -> None:
    assert build.label(CLAIM, settings(build, broken(build), control=False)) == "UNPROVEN(no-control)"


def test_says_when_there_may_be_more(build: SimpleNamespace) -> None:
    assert "there may be more" in build.finding(CLAIM, settings(build, refused(), complete=False)).scope


def test_a_refusal_without_its_address_counts_like_any_other(build: SimpleNamespace) -> None:
    seen = settings(build, refused("PORT"))
    assert build.label(CLAIM, seen) == "PROVEN"
    assert "left out" not in build.finding(CLAIM, seen).scope


def test_a_failure_needs_no_exchange_to_count(build: SimpleNamespace) -> None:
    vague = Withheld("X", WithheldOutcome.SERVES, 7.0, None, transaction_ok=False, failed_step=None, output="")
    assert build.label(CLAIM, settings(build, vague)) == "REFUTED"


def test_working_on_has_no_time_limit(build: SimpleNamespace) -> None:
    slow = Withheld("X", WithheldOutcome.SERVES, 20.0, None, transaction_ok=True, failed_step=None, output="")
    assert build.label(CLAIM, settings(build, slow)) == "PROVEN"


def test_shows_the_broken_starts_only_or_all_when_none_is(build: SimpleNamespace) -> None:
    shown = build.finding(CLAIM, settings(build, refused("SECRET"), broken(build))).exhibits
    assert [each.text for each in shown] == ["without DATABASE_URL: create 500 after 0.1 s"]
    shown = build.finding(CLAIM, settings(build, refused("SECRET"), optional())).exhibits
    assert [each.text for each in shown] == [
        "without SECRET: exited after 1.0 s, status 1: KeyError: 'SECRET'",
        "without LOG_LEVEL: serves after 2.0 s: no output",
    ]
