"""Settings come from the environment, .env and files; all that is wrong is told at once, and no secret is shown."""

import enum
import logging
import traceback
from pathlib import Path
from typing import Annotated, Literal

import pytest
from chassis.errors import SettingsError
from chassis.redaction import REDACTOR
from chassis.settings import (
    AlsoFrom,
    Secret,
    ServiceSettings,
    Strength,
    settings_config,
    validate_configuration,
)
from chassis.settings_describe import settings_values
from pydantic import BaseModel, Field, HttpUrl, SecretStr, field_validator, model_validator

STRONG = "Xk3-9vQz_7LmPw2R8tYb4NcH6dJf1GsA"


class Mode(enum.Enum):
    FAST = "fast"
    SAFE = "safe"


class Limits(BaseModel):
    low: int = 1
    high: int


class Settings(ServiceSettings):
    model_config = settings_config(prefix="NOTES_")

    database_url: Annotated[SecretStr, AlsoFrom("DATABASE_URL")] = Field(
        description="Where notes are kept.", examples=["sqlite+aiosqlite:///notes.db"]
    )
    signing_key: Secret = Field(description="Signs access tokens")
    short_key: Annotated[SecretStr, Strength(12)] | None = None
    api_key: str = ""
    mode: Mode = Mode.SAFE
    shape: Literal["round", "square"] = "round"
    ratio: float = Field(0.5, gt=0, lt=1)
    upstream: HttpUrl | None = None
    origins: list[int] = Field(default=[])
    limits: Limits | None = None
    even: int = 2

    @field_validator("even")
    @classmethod
    def _is_even(cls, value: int) -> int:
        if value % 2:
            raise ValueError("must be even")
        return value


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for key in ("PORT", "DATABASE_URL"):
        monkeypatch.delenv(key, raising=False)


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch):
    def put(**values: str) -> None:
        for key, value in values.items():
            monkeypatch.setenv(key, value)

    put(NOTES_DATABASE_URL="sqlite+aiosqlite:///notes.db", NOTES_SIGNING_KEY=STRONG)
    return put


def problems() -> tuple[str, ...]:
    with pytest.raises(SettingsError) as caught:
        Settings()
    return caught.value.problems


def test_settings_are_typed_and_have_defaults(environment) -> None:
    environment(NOTES_PORT="9000", NOTES_CORS_ORIGINS="https://a.example, https://b.example", NOTES_LOG_LEVEL="INFO",
                NOTES_ORIGINS="[1, 2]", NOTES_LIMITS='{"high": 3}', NOTES_MODE="fast")  # fmt: skip
    settings = Settings()
    assert (settings.port, settings.host, settings.workers) == (9000, "127.0.0.1", 1)
    assert settings.cors_origins == ["https://a.example", "https://b.example"]
    assert (settings.origins, settings.limits, settings.mode) == ([1, 2], Limits(high=3), Mode.FAST)
    assert settings.log_level == "info"
    assert settings.signing_key.get_secret_value() == STRONG
    assert settings.load_warnings == ()


def test_precedence_is_arguments_then_environment_then_env_file_then_default(environment, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("NOTES_PORT=1\nNOTES_HOST=from-file\nNOTES_THREADS=7\nNOTES_WORKERS=3\n")
    environment(NOTES_PORT="2", NOTES_HOST="from-environment")
    settings = Settings(port=3)
    assert (settings.port, settings.host, settings.threads, settings.workers) == (3, "from-environment", 7, 3)
    assert settings.max_in_flight == 1000


def test_port_is_read_without_the_prefix_too_and_the_environment_beats_the_env_file(
    environment, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text("NOTES_PORT=1\n")
    environment(PORT="2")
    assert Settings().port == 2
    environment(NOTES_PORT="3")
    assert Settings().port == 3


def test_a_problem_names_the_key_that_was_used(environment) -> None:
    environment(PORT="many")
    assert problems() == ("PORT: expected a whole number from 0 to 65535, for example NOTES_PORT=8080",)


def test_an_empty_value_is_no_value(environment) -> None:
    environment(NOTES_LIMITS_URL="", NOTES_PORT="", NOTES_SIGNING_KEY="")
    (problem,) = problems()
    assert problem.startswith("NOTES_SIGNING_KEY: is missing")


def test_a_secret_is_read_from_a_file_and_loses_its_last_line_break(environment, tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "key").write_text(STRONG + "\r\n")
    monkeypatch.delenv("NOTES_SIGNING_KEY")
    environment(NOTES_SIGNING_KEY_FILE=str(tmp_path / "key"))
    assert Settings().signing_key.get_secret_value() == STRONG


def test_a_secret_file_named_in_the_env_file_is_read_too(environment, tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "key").write_text(STRONG)
    (tmp_path / ".env").write_text(f"NOTES_SIGNING_KEY_FILE={tmp_path / 'key'}\n")
    monkeypatch.delenv("NOTES_SIGNING_KEY")
    assert Settings().signing_key.get_secret_value() == STRONG


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "No such file or directory"),
        (b"\xff\xfe\xff", "it is not UTF-8"),
        (b"x" * 70_000, "it is larger than 65536"),
    ],
)
def test_a_file_that_cannot_be_read_is_a_problem_that_does_not_show_its_path(
    content: bytes | None, reason: str, environment, tmp_path: Path, monkeypatch
) -> None:
    path = tmp_path / "CANARY-the-secret-itself-put-here-by-mistake"
    if content is not None:
        path.write_bytes(content)
    monkeypatch.delenv("NOTES_SIGNING_KEY")
    environment(NOTES_SIGNING_KEY_FILE=str(path))
    (problem,) = problems()
    assert problem.startswith("NOTES_SIGNING_KEY_FILE: expected the path of a readable text file")
    assert reason in problem
    assert "CANARY" not in problem


def test_a_weak_secret_in_a_file_is_reported_under_the_name_of_the_file(environment, tmp_path, monkeypatch) -> None:
    (tmp_path / "key").write_text("hunter2-CANARY")
    monkeypatch.delenv("NOTES_SIGNING_KEY")
    environment(NOTES_SIGNING_KEY_FILE=str(tmp_path / "key"))
    (problem,) = problems()
    assert problem.startswith("NOTES_SIGNING_KEY_FILE: expected a secret of at least 32 characters")
    assert "hunter2" not in problem


def test_a_key_and_its_file_cannot_both_be_set(environment, tmp_path: Path) -> None:
    environment(NOTES_SIGNING_KEY_FILE=str(tmp_path / "key"))
    (problem,) = problems()
    assert "NOTES_SIGNING_KEY or NOTES_SIGNING_KEY_FILE" in problem


def test_log_file_is_a_setting_and_no_file_that_holds_one(environment) -> None:
    environment(NOTES_LOG_FILE="/var/log/notes.log")
    assert Settings().log_file == "/var/log/notes.log"


def test_all_problems_are_told_at_once_with_key_expectation_and_example(environment, monkeypatch) -> None:
    for key in ("NOTES_DATABASE_URL", "NOTES_SIGNING_KEY"):
        monkeypatch.delenv(key)
    environment(NOTES_PORT="eighty", NOTES_MODE="quick", NOTES_SHAPE="oval", NOTES_RATIO="2", NOTES_EVEN="3",
                NOTES_UPSTREAM="not a url", NOTES_ORIGINS="1,two", NOTES_LIMITS="{", NOTES_TRUSTED_PROXIES="here",
                NOTES_EXIT_WHEN_NOT_STARTED="perhaps")  # fmt: skip
    lines = sorted(problems())
    generate = 'for example the output of: python -c "import secrets; print(secrets.token_urlsafe(32))"'
    signing_key, proxies, database, *others = (lines[9], lines[10], lines[0], *lines[1:9], lines[11])
    assert database == (
        "NOTES_DATABASE_URL: is missing; expected a secret (Where notes are kept), "
        "for example NOTES_DATABASE_URL=sqlite+aiosqlite:///notes.db"
    )
    assert signing_key == (
        "NOTES_SIGNING_KEY: is missing; expected a secret of at least 32 characters that is no placeholder "
        f"(Signs access tokens), {generate}"
    )
    assert proxies == (
        "NOTES_TRUSTED_PROXIES: not every item is an IP network; expected a list, separated by commas, "
        "for example NOTES_TRUSTED_PROXIES=10.0.0.0/8,192.168.0.0/16"
    )
    assert others == [
        "NOTES_EVEN: must be even; expected a whole number, for example NOTES_EVEN=2",
        "NOTES_EXIT_WHEN_NOT_STARTED: expected true or false, for example NOTES_EXIT_WHEN_NOT_STARTED=false",
        "NOTES_LIMITS: expected a JSON object, for example NOTES_LIMITS=...",
        "NOTES_MODE: expected one of fast, safe, for example NOTES_MODE=safe",
        "NOTES_ORIGINS (item 2): expected a list, separated by commas, for example NOTES_ORIGINS=a,b",
        "NOTES_PORT: expected a whole number from 0 to 65535, for example NOTES_PORT=8080",
        "NOTES_RATIO: expected a number above 0, below 1, for example NOTES_RATIO=0.5",
        "NOTES_SHAPE: expected one of round, square, for example NOTES_SHAPE=round",
        "NOTES_UPSTREAM: expected a URL, for example NOTES_UPSTREAM=...",
    ]


@pytest.mark.parametrize(
    "weak",
    ["short", "changeme-changeme-changeme-changeme", "Change_This_In_Production_0123456789", "a" * 40, "abcabc" * 8,
     "your-secret-key-here-0123456789-abcd", "PLACEHOLDER-0123456789-abcdefghijkl"],
)  # fmt: skip
def test_a_weak_secret_is_refused_and_not_shown(weak: str, environment) -> None:
    environment(NOTES_SIGNING_KEY=weak)
    (problem,) = problems()
    assert problem.startswith("NOTES_SIGNING_KEY: expected a secret of at least 32 characters that is no placeholder")
    assert weak not in problem


def test_the_strength_can_be_chosen(environment) -> None:
    environment(NOTES_SHORT_KEY="4fQ-z8Lw_1xP")
    assert Settings().short_key is not None
    environment(NOTES_SHORT_KEY="4fQ-z8Lw_1x")
    assert "at least 12 characters" in problems()[0]


def test_keys_that_mean_nothing_are_warned_about_with_the_nearest_name(environment, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("NOTES_TRHEADS=8\n")
    environment(NOTES_RATE_LIMT_RPM="CANARY", NOTES_UNHEARD_OF_THING="CANARY", OTHER_PORT="1",
                NOTES_DEPENDENCY_QUOTES_RETRY_ATTEMPTS="2", NOTES_SHORT_KEY_FILE="", NOTES_PORT="1",
                NOTES_SERVICE_HOST="10.0.0.1", NOTES_SERVICE_PORT="80", NOTES_PORT_80_TCP_ADDR="10.0.0.1")  # fmt: skip
    assert Settings().load_warnings == (
        "NOTES_RATE_LIMT_RPM: no such setting; did you mean NOTES_RATE_LIMIT_RPM?",
        "NOTES_TRHEADS: no such setting; did you mean NOTES_THREADS?",
        "NOTES_UNHEARD_OF_THING: no such setting",
    )


def test_an_env_file_that_cannot_be_read_is_a_problem_without_its_content(environment, tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"NOTES_API_KEY=canary-\xff\xfe\n")
    with pytest.raises(SettingsError) as caught:
        Settings()
    shown = everything_shown(caught.value)
    assert caught.value.problems == (".env: expected a readable text file (it is not UTF-8)",)
    assert "canary" not in shown


def test_options_of_dependencies_are_gathered(environment) -> None:
    environment(NOTES_DEPENDENCY_QUOTES_RETRY_ATTEMPTS="2", NOTES_DEPENDENCY_CACHE_TIMEOUT_S="0.5")
    assert Settings().dependency_overrides == {"quotes_retry_attempts": "2", "cache_timeout_s": "0.5"}


def test_settings_do_not_change(environment) -> None:
    with pytest.raises(ValueError, match="frozen"):
        Settings().port = 1


def test_a_loaded_secret_is_hidden_in_logs_from_then_on(environment) -> None:
    environment(NOTES_DATABASE_URL="postgresql://app:dsn-canary-77@db/notes", NOTES_API_KEY="api-canary-88")
    settings = Settings()
    assert "canary" not in REDACTOR.clean("dsn-canary-77 api-canary-88")
    assert "canary" not in repr(settings) + str(settings)


class Mail(BaseModel):
    """Settings within a setting."""

    host: str
    password: str = ""
    tls: SecretStr | None = None


class Several(ServiceSettings):
    """Secrets within lists and structures."""

    model_config = settings_config(prefix="NOTES_")
    api_keys: list[str] = Field(default=[])
    tokens: list[SecretStr] = Field(default=[])
    by_tenant: dict[str, SecretStr] = Field(default={})
    brokers: list[str] = Field(default=[])
    mail: Mail | None = None
    fallback_url: str = "postgresql://app:default-canary-9@db/notes"


def test_secrets_in_lists_and_structures_are_hidden_too(environment, tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("canary-key-1,canary-key-2\n")
    environment(NOTES_API_KEYS_FILE=str(tmp_path / "keys"), NOTES_TOKENS="canary-token-3,canary-token-4",
                NOTES_BY_TENANT='{"one": "canary-tenant-5"}', NOTES_BROKERS="amqp://u:canary-pass-6@a,amqp://u:canary-pass-7@b",
                NOTES_MAIL='{"host": "mx.example", "password": "canary-mail-8", "tls": "canary-tls-10"}')  # fmt: skip
    settings = Several()
    assert settings.api_keys == ["canary-key-1", "canary-key-2"]
    secrets = "key-1 key-2 token-3 token-4 tenant-5 pass-6 pass-7 mail-8 tls-10"
    for secret in (*(f"canary-{each}" for each in secrets.split()), "default-canary-9"):
        assert "canary" not in REDACTOR.clean(f"got {secret}!"), secret
    for shown in (repr(settings), str(settings), str(settings_values(settings))):
        assert "canary" not in shown
        assert "mx.example" in shown


def test_a_file_that_only_the_weaker_source_names_need_not_be_there(environment, tmp_path: Path, monkeypatch) -> None:
    (tmp_path / ".env").write_text("NOTES_SIGNING_KEY_FILE=/run/secrets/of-production\n")
    assert Settings().signing_key.get_secret_value() == STRONG
    monkeypatch.delenv("NOTES_SIGNING_KEY")
    assert problems()[0].startswith("NOTES_SIGNING_KEY_FILE: expected the path of a readable text file")


class Talkative(ServiceSettings):
    """Its own validators put values into their messages."""

    model_config = settings_config(prefix="TALK_")
    password: SecretStr
    dsn: str = ""

    @field_validator("password")
    @classmethod
    def _field(cls, value: SecretStr) -> SecretStr:
        raise ValueError(f"{value.get_secret_value()} is no good password")

    @field_validator("dsn")
    @classmethod
    def _dsn(cls, value: str) -> str:
        raise ValueError(f"cannot use {value}")


class Whole(ServiceSettings):
    model_config = settings_config(prefix="WHOLE_")
    password: SecretStr

    @model_validator(mode="after")
    def _all(self) -> "Whole":
        raise ValueError(f"{self.password.get_secret_value()} and {self.port} do not go together")


CANARIES = {
    "NOTES_DATABASE_URL": "postgresql://app:canary-A1-pw/with#odd?chars@db/notes", "NOTES_SIGNING_KEY": "canary-B2",
    "NOTES_SHORT_KEY": "canary-C3", "NOTES_API_KEY": "canary-D4-in-a-plain-text", "NOTES_PORT": "canary-E5",
    "NOTES_LIMITS_URL": "redis://:canary-F6@cache", "TALK_PASSWORD": "canary-G7-talk",
    "TALK_DSN": "mysql://u:canary-H8@h/d", "WHOLE_PASSWORD": "canary-I9-whole", "NOTES_LIMITS": "{canary-J0",
    "NOTES_ORIGINS": "[canary-K1", "NOTES_SHAPE": "canary-L2", "NOTES_SIGNING_KEY_FILE": "canary-M3",
}  # fmt: skip


def everything_shown(error: BaseException) -> str:
    """Return all that a tool may print about an exception: its text, its chain, and the variables of each frame."""
    shown = traceback.TracebackException.from_exception(error, capture_locals=True)
    return "\n".join(["".join(shown.format()), repr(error), str(error.__cause__), str(error.__context__)])


@pytest.mark.parametrize("settings", [Settings, Talkative, Whole])
def test_no_secret_is_in_a_start_up_error_however_it_is_printed(settings, environment, caplog) -> None:
    environment(**CANARIES)
    with pytest.raises(SettingsError) as caught:
        settings()
    shown = everything_shown(caught.value)
    assert "canary" not in shown
    assert "problems = (" in shown  # the variables are there
    with caplog.at_level(logging.DEBUG):
        assert not validate_configuration(settings)
    assert "canary" not in caplog.text


def test_secrets_given_as_arguments_are_not_shown_either(environment) -> None:
    given = {"short_key": "canary-arg-1", "port": "canary-arg-2"}
    try:
        Settings(**given)
    except SettingsError as error:
        del given
        frames = traceback.TracebackException.from_exception(error, capture_locals=True)
        assert "canary" not in "".join(frames.format())
    else:
        pytest.fail("the port is wrong")


def test_validating_a_configuration_logs_what_is_wrong_and_is_false(environment, caplog) -> None:
    environment(NOTES_PORT="eighty", NOTES_NOPE="1")
    with caplog.at_level(logging.INFO, "chassis.settings"):
        report = validate_configuration(Settings)
        assert not report
        assert report.problems[0].startswith("NOTES_PORT: ")
        assert "configuration: NOTES_PORT: expected a whole number" in caplog.text
        environment(NOTES_PORT="80")
        valid = validate_configuration(Settings)
    assert valid
    assert valid.warnings == ("NOTES_NOPE: no such setting",)
    assert caplog.messages[-1] == "All configuration checks passed!"
