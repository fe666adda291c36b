"""What a service declares, and what is made of it: settings, policies, tables, rules, the manifest, checks."""

import tomllib
from pathlib import Path
from typing import Any

import chassis
import pytest
from chassis.checking import CheckStatus
from pydantic import Field, SecretStr


class Settings(chassis.ServiceSettings):
    model_config = chassis.settings_config(prefix="NOTES_", env_file=None)
    database_url: SecretStr = Field(description="Where notes are kept", examples=["sqlite:///notes.db"])
    cache_url: SecretStr | None = None
    quotes_url: str | None = None
    signing_key: chassis.Secret = Field(description="Signs tokens")


KEY = "Zq8rT5xWv2LmNc7KpYd4HsBg9JfAe6Ru"


def made(**values: Any) -> chassis.Service:
    service = chassis.Service("notes", Settings, version="1.0", logs=False)
    service.sql("database", lambda s: s.database_url)
    service.valkey("cache", lambda s: s.cache_url, lost="notes are read from the 'database' | slowly {{ really }}")
    service.http("quotes", lambda s: s.quotes_url, lost="notes come without a quote")
    if values:
        service.settings = Settings(signing_key=KEY, **values)
    return service


def test_a_declaration_reads_no_settings() -> None:
    service = made()
    assert [each.name for each in service.dependencies] == ["database", "cache", "quotes"]
    assert [each.setting for each in service.dependencies] == [
        "NOTES_DATABASE_URL",
        "NOTES_CACHE_URL",
        "NOTES_QUOTES_URL",
    ]


def test_two_dependencies_cannot_have_one_name() -> None:
    service = made()
    with pytest.raises(ValueError, match="database"):
        service.sql("database", lambda s: s.database_url)


def test_an_empty_setting_is_no_setting() -> None:
    assert not made(database_url="sqlite://", cache_url="").dependencies[1].configured


@pytest.mark.needs("sql", "http")
def test_policies_are_adjusted_by_settings() -> None:
    service = made(
        database_url="sqlite://",
        dependency_overrides={"quotes_retry_attempts": "7", "quotes_deadline_s": "1.5", "database_breaker": "off"},
    )
    service.lifecycle.validate()
    database, _, quotes = service.dependencies
    assert quotes.policy.retry is not None
    assert (quotes.policy.retry.attempts, quotes.policy.deadline_s) == (7, 1.5)
    assert database.policy.breaker is None


def test_an_adjustment_that_fits_nothing_is_told_with_its_key() -> None:
    service = made(database_url="sqlite://", dependency_overrides={"quotes_retry_attempts": "many"})
    with pytest.raises(chassis.SettingsError, match="NOTES_DEPENDENCY_QUOTES"):
        service.lifecycle.validate()


def test_settings_are_loaded_anew_at_each_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTES_SIGNING_KEY", KEY)
    service = made()
    for url in ("sqlite:///one.db", "sqlite:///two.db"):
        monkeypatch.setenv("NOTES_DATABASE_URL", url)
        service._forget()
        assert service.dependencies[0].address() == url


def test_the_degrade_table_has_a_row_for_each_dependency() -> None:
    lines = made().degrade_table().splitlines()
    assert lines[2].startswith("| database | sql | yes | everything: the service is not ready |")
    assert "| cache | valkey | no | notes are read from the 'database' \\| slowly {{ really }} |" in lines[3]
    assert len(lines) == 5


@pytest.mark.needs("pyyaml")
def test_alert_rules_are_a_file_that_prometheus_reads() -> None:
    import yaml

    groups = yaml.safe_load(made().alert_rules())["groups"]
    assert [group["name"] for group in groups] == ["notes"]
    rules = {rule["alert"]: rule for rule in groups[0]["rules"]}
    down = rules["NotesDatabaseDown"]
    assert down["expr"] == 'notes_dependency_up{dependency="database"} == 0'
    assert down["labels"] == {"severity": "critical", "service": "notes"}
    assert rules["NotesCacheDown"]["labels"]["severity"] == "warning"
    assert "{{ really" not in rules["NotesCacheDown"]["annotations"]["description"].replace('{{ "{{" }}', "")
    assert {"NotesNotReady", "NotesAbsent", "NotesErrors", "NotesSlow", "NotesSaturated"} <= set(rules)


def test_the_manifest_is_toml_with_everything_an_inspector_needs() -> None:
    manifest = tomllib.loads(made().describe_manifest(["python", "-m", "notes"]))
    assert manifest["target"] == {"name": "notes", "command": ["python", "-m", "notes"]}
    assert manifest["dependencies"]["database"] == {
        "kind": "postgresql",
        "variable": "NOTES_DATABASE_URL",
        "scheme": "postgresql",
    }
    assert manifest["dependencies"]["cache"]["kind"] == "valkey"
    assert "NOTES_SIGNING_KEY" in manifest["environment"]
    assert manifest["environment"]["NOTES_RATE_LIMIT_RPM"] == "0"
    assert manifest["configurations"]["sqlite"]["environment"] == {"NOTES_DATABASE_URL": "sqlite:///{data}/database.db"}
    assert manifest["endpoints"]["readiness"] == "/readyz"
    assert manifest["bounds"]["stop_s"] > 25
    settings = {key.removeprefix("NOTES_").lower(): value for key, value in manifest["environment"].items()}
    assert Settings(database_url="sqlite://", **settings), "the service starts with what the manifest says"


def test_a_check_tells_what_is_wrong_by_its_status(own_valkey: Any, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/notes.db"
    good = made(database_url=url, cache_url=own_valkey.url()).check()
    assert (good.status, bool(good)) == (CheckStatus.OK, True)
    assert good.lines[2] == "quotes: not configured; set NOTES_QUOTES_URL"
    own_valkey.kill()
    degraded = made(database_url=url, cache_url=own_valkey.url()).check()
    assert degraded.status is CheckStatus.DEGRADED
    assert "cache: not reachable" in degraded.lines[1]
    required = made(database_url="postgresql://me:swordfish@127.0.0.1:1/notes").check()
    assert required.status is CheckStatus.REQUIRED_UNREACHABLE
    assert "NOTES_DATABASE_URL" in required.lines[0]
    wrong = made(database_url="mysql://me:swordfish@host/notes").check()
    assert wrong.status is CheckStatus.SETTINGS_WRONG
    assert "swordfish" not in "".join((*required.lines, *wrong.lines))


def test_a_check_names_a_setting_that_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTES_DATABASE_URL", raising=False)
    report = made().check()
    assert report.status is CheckStatus.SETTINGS_WRONG
    assert any(line.startswith("NOTES_DATABASE_URL") for line in report.lines)
