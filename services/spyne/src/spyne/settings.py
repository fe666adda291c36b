"""What can be set: by RCA_ and SPYNE_ variables, as the readiness document names them, with its defaults."""

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import chassis
from pydantic import Field, SecretStr, model_validator
from sqlalchemy import URL

from spyne.schema.semantics import SemanticError, read_semantics
from spyne.sources import NamedSource, parse_sources, warnings_about

OPENAI = "https://api.openai.com/v1"


class Settings(chassis.ServiceSettings):
    """The settings of Spyne, beside what every service has."""

    model_config = chassis.settings_config(prefix="RCA_")

    workers: int = Field(4, ge=1, description="Processes that serve requests")
    threads: int = Field(4, ge=1, description="Threads per process that read questions and schemas, and write files")
    request_timeout_s: Annotated[float, chassis.AlsoFrom("RCA_TIMEOUT")] = Field(
        120.0, gt=0, description="Time that a request may take, in seconds"
    )
    limits_url: Annotated[SecretStr | None, chassis.AlsoFrom("RCA_REDIS_URL", "REDIS_URL")] = Field(
        None, description="Valkey or Redis that shares rate limits between processes", examples=["redis://localhost/0"]
    )
    debug: bool = Field(False, description="Whether to log details; the same as RCA_LOG_LEVEL=debug")

    secret_key: chassis.Secret = Field(description="Encrypts the credentials of registered databases")
    previous_secret_key: SecretStr | None = Field(
        None,
        description="The key before RCA_SECRET_KEY: what it encrypted is still read, and encrypted anew when saved",
    )
    api_key: SecretStr | None = Field(
        None, description="Callers must send it as X-API-Key or Authorization: Bearer; without it, anyone may ask"
    )
    admin_key: SecretStr | None = Field(
        None,
        description="Needed to register, change and remove databases, and to verify answers; "
        "without any key, whoever reaches Spyne may",
    )

    data_dir: Path = Field(Path("spyne-data"), description="Folder of the state in SQLite and the demo database")
    database_url: Annotated[SecretStr | None, chassis.AlsoFrom("DATABASE_URL")] = Field(
        None,
        description="Where Spyne keeps its own state; instead of RCA_DB_*",
        examples=["postgresql://spyne_user:secret@localhost/spyne_db"],
    )
    db_type: Literal["sqlite", "postgresql"] = Field("sqlite", description="Where Spyne keeps its own state")
    db_host: str = Field("localhost", description="Host of PostgreSQL")
    db_port: int = Field(5432, ge=1, le=65535, description="Port of PostgreSQL")
    db_name: str = Field("spyne_db", description="Database in PostgreSQL")
    db_user: str = Field("spyne_user", description="Account in PostgreSQL")
    db_password: SecretStr | None = Field(None, description="Password in PostgreSQL")
    cache_url: Annotated[SecretStr | None, chassis.AlsoFrom("RCA_REDIS_URL", "REDIS_URL")] = Field(
        None, description="Valkey or Redis that keeps results of queries", examples=["redis://localhost:6379/0"]
    )
    cache_s: int = Field(60, ge=0, description="Seconds that a result is kept; 0 for not at all")

    sources: Annotated[SecretStr, chassis.AlsoFrom("SPYNE_DATABASES")] = Field(
        SecretStr(""),
        description="Databases to ask, as NAME=LOCATION separated by commas: files of SQLite or DuckDB, or PostgreSQL",
        examples=["shop=shop.db,sales=postgresql://reader:secret@localhost/sales"],
    )
    files_dir: Path | None = Field(
        None, description="Folder from which files may be registered over the API; without it, none may"
    )
    demo: bool = Field(True, description="Whether there is a demo database of a fictional shop")
    schema_ttl_s: float = Field(300.0, gt=0, description="Seconds after which a schema is read again")
    semantics_dir: Annotated[Path | None, chassis.AlsoFrom("SPYNE_SEMANTICS")] = Field(
        None, description="Folder of semantic models: NAME.yaml says what people call the tables of the database NAME"
    )
    views_only: bool = Field(False, description="Whether only views may be asked, in PostgreSQL")

    query_timeout_s: float = Field(30.0, gt=0, description="Time that a query may take, in seconds")
    query_rows: int = Field(1000, ge=1, le=10_000, description="Rows of a result at most")
    query_bytes: int = Field(16 * 2**20, ge=1024, description="Bytes of a result at most")
    query_memory: int = Field(1024 * 2**20, ge=64 * 2**20, description="Bytes of memory of a query process at most")
    query_processes: int = Field(2, ge=1, description="Processes that run queries, for each process that serves")

    clarification_mode: Annotated[bool, chassis.AlsoFrom("SPYNE_CLARIFICATION_MODE")] = Field(
        True, description="Whether to ask back when a question has several readings; a request may say otherwise"
    )
    history_days: float = Field(90.0, ge=0, description="Days that history is kept; 0 for ever")
    session_days: float = Field(30.0, ge=0, description="Days that clarification sessions are kept; 0 for ever")

    openai_api_key: Annotated[SecretStr | None, chassis.AlsoFrom("OPENAI_API_KEY")] = Field(
        None, description="Key of the language model; without it, Spyne works by its grammar"
    )
    openai_base_url: Annotated[str | None, chassis.AlsoFrom("OPENAI_BASE_URL")] = Field(
        None, description=f"Any API that talks like OpenAI's; {OPENAI} when only a key is set"
    )
    llm_model: Annotated[str, chassis.AlsoFrom("OPENAI_MODEL")] = Field("gpt-4", description="Language model")
    llm_timeout: float = Field(120.0, gt=0, le=600, description="Time that the language model may take, in seconds")
    llm_temperature: float = Field(0.0, ge=0, le=2, description="Temperature of the language model")
    llm_max_tokens: int = Field(3000, ge=100, description="Tokens of its answer at most")

    enable_llm: bool = Field(True, description="Whether the language model is asked, where one is configured")
    enable_web: bool = Field(True, description="Whether there is a web page at /")
    enable_export: bool = Field(True, description="Whether results may be exported")

    @model_validator(mode="before")
    @classmethod
    def _debug_is_a_level(cls, values: Any) -> Any:
        """Let RCA_DEBUG=true mean the log level debug."""
        if isinstance(values, dict) and str(values.get("debug", "")).lower() in ("1", "true", "yes", "on"):
            return {**values, "log_level": "debug"}
        return values

    @model_validator(mode="after")
    def _sources_can_be_read(self) -> Self:
        """Check them now; a validator of the field may not say what is wrong, as a secret's message could hold it."""
        try:
            parse_sources(self.sources.get_secret_value())
        except ValueError as error:
            raise ValueError(f"SPYNE_DATABASES: {error}") from None
        return self

    @property
    def load_warnings(self) -> tuple[str, ...]:
        """What is likely to be a mistake, one line each: for the log, and for `spyne check`."""
        about = (warnings_about(self.named_sources), self._warnings_about_keys(), self._warnings_about_semantics())
        return (*super().load_warnings, *itertools.chain.from_iterable(about))

    def _warnings_about_keys(self) -> Iterator[str]:
        if self.api_key and not self.admin_key:
            yield "RCA_ADMIN_KEY is not set: nobody may register databases or verify answers over the API"
        if not (self.api_key or self.host in ("localhost", "::1") or self.host.startswith("127.")):
            yield (
                f"RCA_API_KEY is not set and RCA_HOST is {self.host}: whoever reaches the port may ask, "
                + ("" if self.admin_key else "register databases ")
                + "and see the history"
            )

    def _warnings_about_semantics(self) -> Iterator[str]:
        if self.semantics_dir is None:
            return
        if not self.semantics_dir.is_dir():
            yield f"SPYNE_SEMANTICS: there is no folder {self.semantics_dir.absolute()}"
        for path in sorted(self.semantics_dir.glob("*.yml")):
            yield f"SPYNE_SEMANTICS: {path.name}: expected the name of a database and .yaml; the file is left out"
        for path in sorted(self.semantics_dir.glob("*.yaml")):
            try:
                read_semantics(path)
            except (SemanticError, OSError, UnicodeDecodeError) as error:
                yield f"SPYNE_SEMANTICS: {error}; the file is left out"

    @property
    def named_sources(self) -> tuple[NamedSource, ...]:
        """The databases of SPYNE_DATABASES."""
        return parse_sources(self.sources.get_secret_value())

    @property
    def state_url(self) -> str:
        """Where Spyne keeps its own state."""
        if self.database_url is not None:
            return self.database_url.get_secret_value()
        if self.db_type == "sqlite":
            return f"sqlite:///{self.data_dir / 'spyne.db'}"
        password = self.db_password.get_secret_value() if self.db_password else None
        url = URL.create("postgresql", self.db_user, password, self.db_host, self.db_port, self.db_name)
        return url.render_as_string(hide_password=False)

    @property
    def llm_url(self) -> str | None:
        """Where the language model is; None when none is configured, or it is switched off."""
        if not self.enable_llm or not (self.openai_api_key or self.openai_base_url):
            return None
        return self.openai_base_url or OPENAI
