"""Settings: typed, read from the environment, ``.env`` and secret files, checked at start, and never printed.

A service subclasses :class:`ServiceSettings`::

    class Settings(ServiceSettings):
        model_config = settings_config(prefix="NOTES_")
        database_url: SecretStr = Field(description="Where notes are kept", examples=["sqlite+aiosqlite:///notes.db"])
        signing_key: Secret = Field(description="Signs access tokens")

``Settings()`` loads them, or raises one :class:`~chassis.errors.SettingsError` that lists everything that is wrong.
What is secret is hidden from then on in all logs: it is taught to :data:`chassis.redaction.REDACTOR`.
"""

import ipaddress
from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, PrivateAttr, SecretStr, ValidationError, field_validator, model_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, EnvSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from chassis.errors import SettingsError
from chassis.redaction import REDACTOR
from chassis.redaction_forms import HIDDEN, SECRET_SETTING
from chassis.settings_fields import AlsoFrom, Secret, Strength, is_secret, key_of
from chassis.settings_report import ConfigurationReport, problems_of, validate_configuration
from chassis.settings_sources import Reading, decode, merge, reading

__all__ = [
    "AlsoFrom",
    "ConfigurationReport",
    "Secret",
    "ServiceSettings",
    "Strength",
    "settings_config",
    "validate_configuration",
]


def settings_config(prefix: str = "", *, env_file: str | None = ".env") -> SettingsConfigDict:
    """Return the ``model_config`` of a service's settings.

    Args:
        prefix: what its keys begin with, such as ``NOTES_``.
        env_file: read when it exists; the environment takes precedence. None for no such file.
    """
    return SettingsConfigDict(
        env_prefix=prefix,
        env_file=env_file,
        env_ignore_empty=True,  # NOTES_CACHE_URL= is what compose files make of a variable that is not set
        enable_decoding=False,  # the source would raise at the first text that is no JSON, and show it
        hide_input_in_errors=True,
        extra="ignore",
        frozen=True,
        validate_default=True,
    )


class ServiceSettings(BaseSettings):
    """The settings that every service has. Each is a key: ``port`` is NOTES_PORT for the prefix NOTES_.

    Raises:
        SettingsError: one or more are missing or wrong; all are listed, and no value of a secret is shown.
    """

    model_config = settings_config()

    host: str = Field("127.0.0.1", description="Address to listen on; 0.0.0.0 for all")
    port: Annotated[int, AlsoFrom("PORT")] = Field(8080, ge=0, le=65535, description="Port to listen on; 0 for any")
    workers: int = Field(1, ge=1, description="Processes that serve requests")
    threads: int = Field(4, ge=1, description="Threads per process, for a WSGI application")

    log_level: Literal["debug", "info", "warning", "error", "critical"] = Field("info", description="Least log level")
    log_file: str = Field("", description="File to log to, besides stdout", examples=["/var/log/notes/notes.log"])
    log_file_max_bytes: int = Field(100 * 2**20, ge=65536, description="Size at which the log file is rotated")
    log_file_backups: int = Field(5, ge=0, description="Rotated log files that are kept")

    cors_origins: list[str] = Field(
        default=[], description="Origins that browsers may call from", examples=["https://app.example.org"]
    )
    rate_limit_rpm: int = Field(60, ge=0, description="Requests per minute and client; 0 for no limit")
    rate_limit_rph: int = Field(1000, ge=0, description="Requests per hour and client; 0 for no limit")
    rate_limit_global_rpm: int = Field(0, ge=0, description="Requests per minute of all clients; 0 for no limit")
    limits_url: SecretStr | None = Field(
        None, description="Valkey that shares rate limits between processes", examples=["redis://127.0.0.1:6379/0"]
    )
    limits_fail: Literal["open", "closed", "local"] = Field(
        "local", description="When that Valkey is down: let all pass, deny all, or count in each process"
    )
    trusted_proxies: list[str] = Field(
        default=[], description="Networks whose X-Forwarded-For is believed", examples=["10.0.0.0/8,192.168.0.0/16"]
    )
    max_content_length: int = Field(16 * 2**20, ge=0, description="Largest request body, in bytes")
    max_in_flight: int = Field(1000, ge=1, description="Requests at a time; more are answered 503")
    request_timeout_s: float = Field(120.0, gt=0, description="Time that a request may take, in seconds")

    start_timeout_s: float = Field(60.0, gt=0, description="Time that the start may take, in seconds")
    exit_when_not_started: bool = Field(
        False, description="Whether to exit when a required dependency is down at start, rather than wait unready"
    )
    pre_drain_s: float = Field(1.0, ge=0, description="Time between not being ready and refusing connections")
    drain_s: float = Field(25.0, ge=0, description="Time that requests in flight have to finish at a stop, in seconds")
    dependency_overrides: dict[str, str] = Field(
        default={},
        description="Options of the policy of one dependency, each by a key of its own",
        examples=['{"quotes_retry_attempts": "2"}'],
    )
    _load_warnings: tuple[str, ...] = PrivateAttr(default=())

    def __init__(self, **values: Any) -> None:
        """Load from all sources; ``values`` take precedence over them."""
        notes = Reading()
        token = reading.set(notes)
        problems: tuple[str, ...] = ()
        try:
            super().__init__(**values)
            problems = tuple(notes.problems)
        except ValidationError as error:
            cls = type(self)
            problems = problems_of(error, str(cls.model_config.get("env_prefix", "")), cls.model_fields, notes)
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
            problems = (f"{type(self).model_config.get('env_file')}: expected a readable text file ({reason})",)
        finally:
            reading.reset(token)
        if problems:  # raised out here, so that the error which knows all values is not its context
            values.clear()  # for handlers that show the variables of each frame
            raise SettingsError(problems)
        self._load_warnings = tuple(notes.warnings)
        for name, key, _ in _keys(type(self)):
            _learn(key, getattr(self, name), secret=False)  # defaults, and what is secret by its type within others

    @property
    def load_warnings(self) -> tuple[str, ...]:
        """Keys with the service's prefix that mean nothing, one line each; for the log, once it is set up."""
        return self._load_warnings

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Make one source of the environment, ``.env`` and the files that they name."""
        sources = [source for source in (dotenv_settings, env_settings) if isinstance(source, EnvSettingsSource)]
        merged = merge(
            sources[-1].env_prefix,
            settings_cls.model_fields,
            [source.env_vars for source in sources],
            reading.get(Reading()),
        )
        sources[-1].env_vars = merged
        return init_settings, sources[-1], file_secret_settings

    @model_validator(mode="before")
    @classmethod
    def _prepared(cls, values: Any) -> Any:
        """Teach the redactor what is secret, before anything can fail and be logged, and take lists apart."""
        if not isinstance(values, dict):
            return values
        prepared = dict(values)
        for name, key, field in _keys(cls):
            for given in {name, key, key.lower(), field.alias or name} & prepared.keys():
                raw = prepared[given]
                _learn(key, raw, secret=is_secret(name, field))
                if isinstance(raw, str):
                    prepared[given] = decode(field, raw)
                    _learn(key, prepared[given], secret=is_secret(name, field))
        return prepared

    @field_validator("log_level", mode="before")
    @classmethod
    def _lower(cls, value: Any) -> Any:
        return value.lower() if isinstance(value, str) else value

    @field_validator("trusted_proxies")
    @classmethod
    def _networks(cls, value: list[str]) -> list[str]:
        for network in value:
            try:
                ipaddress.ip_network(network, strict=False)
            except ValueError:
                raise ValueError("not every item is an IP network") from None
        return value

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        """Show the settings without secrets, also those that a service declared as plain texts."""
        for name, value in super().__repr_args__():
            field = type(self).model_fields.get(name or "")
            if field is not None and isinstance(value, str | list | tuple | set | frozenset | dict):
                value = HIDDEN if value and is_secret(name or "", field) else REDACTOR.clean_data(value)  # noqa: PLW2901
            elif isinstance(value, BaseModel):
                value = REDACTOR.clean(repr(value))  # noqa: PLW2901
            yield name, value


def _learn(key: str, value: Any, *, secret: bool) -> None:
    """Teach the redactor the secrets in a value: all texts of a secret one, and of others what is secret within."""
    if hasattr(value, "get_secret_value"):
        value, secret = value.get_secret_value(), True
    if isinstance(value, bytes):
        value = value.decode("utf-8", "surrogateescape")
    if isinstance(value, str) and (secret or "://" in value):
        REDACTOR.learn(key, value)
    for name, each in _within(value):
        _learn(key, each, secret=secret or SECRET_SETTING.search(name) is not None)


def _within(value: Any) -> Iterator[tuple[str, Any]]:
    """Yield the parts of a structure, by name where they have one."""
    if isinstance(value, BaseModel):
        yield from ((name, getattr(value, name)) for name in type(value).model_fields)
    elif isinstance(value, dict):
        yield from ((str(name), each) for name, each in value.items())
    elif isinstance(value, list | tuple | set | frozenset):
        yield from (("", each) for each in value)


def _keys(cls: type[BaseSettings]) -> Iterator[tuple[str, str, FieldInfo]]:
    prefix = str(cls.model_config.get("env_prefix", ""))
    for name, field in cls.model_fields.items():
        yield name, key_of(prefix, name, field), field
