"""Settings describe themselves: a table, a .env.example that loads, and a test that neither drifts."""

from pathlib import Path
from typing import Annotated

import pytest
from chassis.errors import SettingsError
from chassis.settings import Secret, ServiceSettings, settings_config
from chassis.settings_describe import (
    differs,
    render_env_example,
    render_markdown,
    settings_table,
    settings_values,
)
from chassis.settings_fields import AlsoFrom
from chassis.settings_overrides import dependency_overrides
from pydantic import Field, SecretStr

DOCS = Path(__file__).parents[4] / "docs" / "chassis"


class Notes(ServiceSettings):
    model_config = settings_config(prefix="NOTES_")


class Settings(ServiceSettings):
    model_config = settings_config(prefix="DOC_")
    database_url: Annotated[SecretStr, AlsoFrom("DATABASE_URL")] = Field(
        description="Where notes are kept", examples=["sqlite+aiosqlite:///notes.db"]
    )
    signing_key: Secret = Field(description="Signs access tokens")
    replica: str = Field("postgresql://app:canary-default@replica/x", description="Read | only")
    backup_key: SecretStr = SecretStr("canary-as-a-default")
    workers: int = Field(2, ge=1, description="Processes, more than usual")


def test_the_table_has_the_services_own_settings_first_and_all_of_them() -> None:
    rows = settings_table(Settings)
    assert {row.key for row in rows[:5]} == {
        "DOC_DATABASE_URL", "DOC_SIGNING_KEY", "DOC_REPLICA", "DOC_BACKUP_KEY", "DOC_WORKERS",
    }  # fmt: skip
    assert len(rows) == len(Settings.model_fields)
    database = next(row for row in rows if row.key == "DOC_DATABASE_URL")
    assert (database.also, database.required, database.secret) == (("DATABASE_URL",), True, True)
    assert next(row for row in rows if row.key == "DOC_PORT").expected == "a whole number from 0 to 65535"


def test_no_default_that_is_secret_is_shown() -> None:
    shown = render_markdown(Settings) + render_env_example(Settings) + repr(settings_table(Settings))
    assert "canary" not in shown
    assert "postgresql://app:[redacted]@replica/x" in shown


def test_the_table_is_markdown_with_every_cell_in_place() -> None:
    lines = render_markdown(Settings).splitlines()
    assert lines[0] == "| Key | Expected | Default | What for |"
    assert all(line.replace("\\|", "").count("|") == 5 for line in lines)
    assert (
        "| `DOC_SIGNING_KEY` | a secret of at least 32 characters that is no placeholder | **required** "
        "| Signs access tokens |" in lines
    )
    assert "| `DOC_PORT`, or `PORT` | a whole number from 0 to 65535 | `8080` | Port to listen on; 0 for any |" in lines


def test_the_env_example_loads_once_the_secrets_are_filled_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DATABASE_URL", raising=False)
    example = render_env_example(Settings)
    Path(".env").write_text(example)
    with pytest.raises(SettingsError) as caught:
        Settings()
    assert [problem.partition(":")[0] for problem in caught.value.problems] == ["DOC_SIGNING_KEY"]
    Path(".env").write_text(example.replace("DOC_SIGNING_KEY=", "DOC_SIGNING_KEY=8Qx-4nV_zT6pL2rW9kYc5mB7hJd3gFsA"))
    settings = Settings()
    assert settings.database_url.get_secret_value() == "sqlite+aiosqlite:///notes.db"
    assert settings.load_warnings == ()


def test_every_line_of_the_env_example_loads_when_it_is_uncommented(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    lines = [line.removeprefix("#") for line in render_env_example(Settings).splitlines() if not line.startswith("# ")]
    text = "\n".join(line for line in lines if "<NAME>" not in line)
    text = text.replace("[redacted]", "x").replace(
        "DOC_SIGNING_KEY=", "DOC_SIGNING_KEY=8Qx-4nV_zT6pL2rW9kYc5mB7hJd3gFsA"
    )
    Path(".env").write_text(text)
    settings = Settings()
    assert settings.dependency_overrides == {"quotes_retry_attempts": "2"}
    assert settings.port == 8080


def test_drift_is_told_as_a_difference_and_no_drift_as_nothing(tmp_path: Path) -> None:
    page = tmp_path / "settings.md"
    assert "+| Key |" in differs(page, render_markdown(Settings))
    page.write_text(f"# Settings\n\n{render_markdown(Settings)}\nMore.\n")
    assert differs(page, render_markdown(Settings)) == ""
    page.write_text(page.read_text().replace("65535", "65536"))
    assert "-| `DOC_PORT`, or `PORT` | a whole number from 0 to 65536" in differs(page, render_markdown(Settings))


def test_values_in_use_can_be_shown_without_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    key = SecretStr("canary-8Qx-4nV_zT6pL2rW9kYc5mB7hJd3g")
    dsn = "postgresql://a:canary-dsn-1@h/d"
    settings = Settings(database_url=dsn, signing_key=key, cors_origins=["https://u:canary-dsn-2@h"])
    values = settings_values(settings)
    assert "canary" not in str(values)
    assert (values["DOC_SIGNING_KEY"], values["DOC_LIMITS_URL"], values["DOC_PORT"]) == ("[redacted]", "", "8080")


def test_options_are_sorted_by_dependency_and_option() -> None:
    overrides = {"quotes_retry_attempts": "2", "quotes_api_timeout_s": "1.5"}
    options = ["retry.attempts", "timeout_s"]
    assert dependency_overrides(overrides, ["quotes", "quotes-api"], options) == {
        "quotes": {"retry.attempts": "2"},
        "quotes-api": {"timeout_s": "1.5"},
    }


def test_options_that_fit_nothing_are_all_told_with_the_nearest_key() -> None:
    with pytest.raises(SettingsError) as caught:
        dependency_overrides({"quotes_retry_atempts": "2", "zzz": "1"}, ["quotes"], ["retry.attempts"], "NOTES_")
    misspelt, unheard_of = caught.value.problems
    expected = "expected the name of a dependency and an option of its policy"
    assert misspelt == (
        f"NOTES_DEPENDENCY_QUOTES_RETRY_ATEMPTS: {expected}; did you mean NOTES_DEPENDENCY_QUOTES_RETRY_ATTEMPTS?"
    )
    assert unheard_of == f"NOTES_DEPENDENCY_ZZZ: {expected}; declared: quotes"


def test_the_documentation_has_the_settings_that_there_are() -> None:
    assert differs(DOCS / "settings.md", render_markdown(Notes)) == ""
