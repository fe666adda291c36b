"""Settings are read from the variables that the readiness document names, with its defaults."""

import pytest
from chassis import SettingsError
from spyne.settings import OPENAI, Settings

KEY = "kJ8-aa0Pq_zz81mNvB72hsXc4uTe9RwYd"


@pytest.fixture(autouse=True)
def _only_the_key(monkeypatch, tmp_path):
    """Nothing that is set on this machine counts."""
    monkeypatch.chdir(tmp_path)
    for name in ("PORT", "DATABASE_URL", "REDIS_URL", "OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_MODEL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("RCA_SECRET_KEY", KEY)


def test_the_defaults_are_those_of_the_document():
    settings = Settings()

    found = (settings.port, settings.workers, settings.threads, settings.log_level, settings.debug)
    assert found == (8080, 4, 4, "info", False)
    assert (settings.rate_limit_rpm, settings.rate_limit_rph) == (60, 1000)
    assert (settings.max_content_length, settings.request_timeout_s) == (16777216, 120.0)
    assert (settings.llm_model, settings.llm_timeout) == ("gpt-4", 120.0)
    assert settings.clarification_mode is True


def test_without_a_secret_key_it_does_not_start(monkeypatch):
    monkeypatch.delenv("RCA_SECRET_KEY")

    with pytest.raises(SettingsError, match="RCA_SECRET_KEY: is missing"):
        Settings()


@pytest.mark.parametrize("weak", ["short", "change-me-change-me-change-me-change-me", "a" * 40])
def test_a_weak_secret_key_is_refused_without_being_shown(monkeypatch, weak):
    monkeypatch.setenv("RCA_SECRET_KEY", weak)

    with pytest.raises(SettingsError) as caught:
        Settings()

    assert "RCA_SECRET_KEY" in str(caught.value)
    assert weak not in str(caught.value)


@pytest.mark.parametrize(
    ("variable", "name", "given", "expected"),
    [
        ("RCA_TIMEOUT", "request_timeout_s", "50", 50.0),
        ("RCA_LLM_TIMEOUT", "llm_timeout", "180", 180.0),
        ("RCA_LLM_MODEL", "llm_model", "local", "local"),
        ("RCA_WORKERS", "workers", "2", 2),
        ("RCA_LOG_LEVEL", "log_level", "DEBUG", "debug"),
        ("RCA_DEBUG", "log_level", "true", "debug"),
        ("SPYNE_CLARIFICATION_MODE", "clarification_mode", "false", False),
        ("RCA_CORS_ORIGINS", "cors_origins", "https://a.example,https://b.example",
         ["https://a.example", "https://b.example"]),
        ("OPENAI_BASE_URL", "llm_url", "http://localhost:11434/v1", "http://localhost:11434/v1"),
        ("OPENAI_API_KEY", "llm_url", "sk-something", OPENAI),
    ],
)  # fmt: skip
def test_a_variable_sets(monkeypatch, variable, name, given, expected):
    monkeypatch.setenv(variable, given)

    settings = Settings()

    assert getattr(settings, name) == expected
    assert settings.load_warnings == ()


def test_parts_of_an_address_make_the_address_of_postgresql(monkeypatch):
    for name, value in {"TYPE": "postgresql", "HOST": "db", "PORT": "5433", "PASSWORD": "p@ss/word"}.items():
        monkeypatch.setenv(f"RCA_DB_{name}", value)

    assert Settings().state_url == "postgresql://spyne_user:p%40ss%2Fword@db:5433/spyne_db"


def test_a_whole_address_comes_before_its_parts(monkeypatch):
    monkeypatch.setenv("RCA_DB_TYPE", "postgresql")
    monkeypatch.setenv("DATABASE_URL", "sqlite:///other.db")

    assert Settings().state_url == "sqlite:///other.db"


def test_the_model_can_be_switched_off(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-something")
    monkeypatch.setenv("RCA_ENABLE_LLM", "false")

    assert Settings().llm_url is None


def test_a_source_that_cannot_be_read_is_told_without_being_shown(monkeypatch):
    monkeypatch.setenv("SPYNE_DATABASES", "shop=shop.db,sales=mysql://me:hunter2secret@db/sales")

    with pytest.raises(SettingsError) as caught:
        Settings()

    assert "SPYNE_DATABASES: database 2: expected an address" in str(caught.value)
    assert "hunter2secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, []),
        ({"RCA_API_KEY": "ask", "RCA_ADMIN_KEY": "all", "RCA_HOST": "0.0.0.0"}, []),
        ({"RCA_API_KEY": "ask"}, ["RCA_ADMIN_KEY is not set: nobody may register"]),
        ({"RCA_HOST": "0.0.0.0"}, ["whoever reaches the port may ask, register databases and see the history"]),
        ({"RCA_HOST": "0.0.0.0", "RCA_ADMIN_KEY": "all"}, ["whoever reaches the port may ask, and see the history"]),
        ({"SPYNE_DATABASES": "shop=gone.db"}, ["SPYNE_DATABASES: shop: there is no file"]),
    ],
)
def test_what_is_likely_to_be_a_mistake_is_warned_about(monkeypatch, given, said):
    for name, value in given.items():
        monkeypatch.setenv(name, value)

    warnings = Settings().load_warnings

    assert len(warnings) == len(said)
    assert all(part in warning for part, warning in zip(said, warnings, strict=True))


def test_a_database_with_a_wrong_port_stops_the_start_and_says_so(monkeypatch):
    monkeypatch.setenv("SPYNE_DATABASES", "sales=postgresql://me:hunter2secret@db:99999/sales")

    with pytest.raises(SettingsError, match="database 1: expected a port from 1 to 65535") as caught:
        Settings()

    assert "hunter2secret" not in str(caught.value)


def test_a_semantic_model_that_cannot_be_read_is_warned_about(monkeypatch, tmp_path):
    for name, text in {"good.yaml": "tables: {}", "bad.yaml": "tables: [", "other.yml": "tables: {}"}.items():
        (tmp_path / name).write_text(text)
    monkeypatch.setenv("SPYNE_SEMANTICS", str(tmp_path))
    other, bad = Settings().load_warnings
    monkeypatch.setenv("SPYNE_SEMANTICS", str(tmp_path / "none"))
    (none,) = Settings().load_warnings

    assert bad.startswith("SPYNE_SEMANTICS: bad.yaml, line 1: expected YAML")
    assert "other.yml: expected the name of a database and .yaml" in other
    assert "there is no folder" in none
