"""config-error-names-key on literal evidence."""

from types import SimpleNamespace
from typing import Any

import pytest
from roadworthy.claims.configuration.config_error_names_key import CLAIM, names_key
from roadworthy.domain.evidence import Withheld, WithheldOutcome, WithheldSettings


def exited(key: str, output: str) -> Withheld:
    return Withheld(key, WithheldOutcome.EXITED, 1.0, 1, None, None, output)


def serves(key: str) -> Withheld:
    return Withheld(key, WithheldOutcome.SERVES, 1.0, None, transaction_ok=True, failed_step=None, output="")


def settings(build: SimpleNamespace, *withheld: Withheld, **rest: Any) -> WithheldSettings:
    values = {"control": True, "allowed_s": 15.0, "searched": "the manifest", "complete": True, "withheld": withheld}
    return WithheldSettings(experiment="withheld-settings", **build.stamp, **{**values, **rest})


NAMED = exited("DATABASE_URL", "Traceback ...\nKeyError: 'DATABASE_URL'")
UNNAMED = exited("SECRET_KEY", "error: connection failed")


def test_holds_when_each_refusal_names_its_key(build: SimpleNamespace) -> None:
    assert build.label(CLAIM, settings(build, NAMED, serves("LOG_LEVEL"))) == "PROVEN"
    assert "KeyError: 'DATABASE_URL'" in build.finding(CLAIM, settings(build, NAMED)).exhibits[0].text


def test_is_violated_by_one_that_does_not(build: SimpleNamespace) -> None:
    assert build.label(CLAIM, settings(build, NAMED, UNNAMED)) == "REFUTED"
    assert "SECRET_KEY" in build.finding(CLAIM, settings(build, NAMED, UNNAMED)).summary
    assert "DATABASE_URL" not in build.finding(CLAIM, settings(build, NAMED, UNNAMED)).summary


def test_is_violated_by_an_exit_without_a_word(build: SimpleNamespace) -> None:
    assert build.label(CLAIM, settings(build, exited("TOKEN", ""))) == "REFUTED"


def test_output_that_was_cut_off_decides_nothing(build: SimpleNamespace) -> None:
    flood = exited("SECRET_KEY", "x" * 16_384)
    assert build.label(CLAIM, settings(build, flood)) == "UNPROVEN(noisy)"
    assert build.label(CLAIM, settings(build, flood, UNNAMED)) == "REFUTED"


def test_does_not_apply_when_it_never_refuses(build: SimpleNamespace) -> None:
    assert build.label(CLAIM, settings(build, serves("LOG_LEVEL"))) == "NOT_APPLICABLE"
    assert build.label(CLAIM, settings(build)) == "NOT_APPLICABLE"


def test_needs_a_control_and_a_setting(build: SimpleNamespace) -> None:
    assert build.label(CLAIM, settings(build, UNNAMED, control=False)) == "UNPROVEN(no-control)"
    assert build.label(CLAIM, settings(build, complete=False)) == "UNPROVEN(needs-input)"


@pytest.mark.parametrize(
    ("key", "output"),
    [
        ("DATABASE_URL", "set DATABASE_URL"),
        ("DATABASE_URL", "1 validation error for Settings\ndatabase_url\n  Field required"),
        ("BOOKINGS_DATABASE_URL", "database_url\n  Field required [type=missing]"),
        ("BOOKINGS_DATABASE__URL", "database.url: Field required"),
        ("DATABASE_URL", "error: the option --database-url is required"),
        ("DATABASE_URL", "databaseUrl must be set"),
        ("APP_SECRET", "1 validation error for Settings\nsecret\n  Field required"),
        ("APP_SECRET", "missing option --secret"),
        ("APP_SECRET", "KeyError: 'secret'"),
        ("TOKEN", "TOKEN is not set"),
        ("DATABASE_URL", "environment variable MYAPP_DATABASE_URL is missing"),
    ],
)
def test_recognises_a_key_as_libraries_write_it(key: str, output: str) -> None:
    assert names_key(output, key)


@pytest.mark.parametrize(
    ("key", "output"),
    [
        ("DATABASE_URL", "Could not parse SQLAlchemy URL from string ''"),
        ("DATABASE_URL", "the database refused the connection"),
        ("TOKEN", "SyntaxError: unexpected token"),
        ("APP_SECRET", "a secret is needed"),
        ("SECRET_KEY", "secret_keyring not found"),
        ("DATABASE_URL", ""),
    ],
)
def test_is_not_fooled_by_ordinary_words(key: str, output: str) -> None:
    assert not names_key(output, key)
