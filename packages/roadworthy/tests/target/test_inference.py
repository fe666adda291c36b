"""What is told about a target by its source alone: dependencies, settings, set-up commands, and how each is given."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from roadworthy.domain.target import ConfigurationSpec, DependencySpec, TargetSpec, fill
from roadworthy.source.setting import SettingKind
from roadworthy.target.inference import infer, made_up, with_reads

Inferred = Callable[..., TargetSpec]
SQLALCHEMY = ("psycopg", "sqlalchemy")


@pytest.fixture
def inferred(tmp_path: Path) -> Inferred:
    """Infer a target from its files, run by a Python that has these drivers."""

    def make(
        source: str = "",
        drivers: tuple[str, ...] = SQLALCHEMY,
        environment: Mapping[str, str] | None = None,
        command: tuple[str, ...] = ("bin/python", "app.py"),
        **files: str,
    ) -> TargetSpec:
        folder = tmp_path / "shop"
        (folder / "bin").mkdir(parents=True)
        (folder / "bin" / "python").write_text(f"#!/bin/sh\necho '{json.dumps(drivers)}'\n")
        (folder / "bin" / "python").chmod(0o755)
        (folder / "app.py").write_text("import os\n" + dedent(source))
        for name, text in files.items():
            (folder / {"env_example": ".env.example", "alembic": "alembic.ini"}[name]).write_text(dedent(text))
        spec, found = infer(command, folder, environment or {})
        assert found.files >= 1
        return spec

    return make


def required(*names: str) -> str:
    return "\n".join(f"x = os.environ[{name!r}]" for name in names)


def wiring(spec: TargetSpec) -> list[tuple[str, str, str, str]]:
    return [(each.name, each.kind, each.variable, each.url_scheme) for each in spec.dependencies]


def test_a_command_alone_is_a_target(inferred: Inferred) -> None:
    spec = inferred("print('hello')")
    assert spec == TargetSpec("shop", spec.directory, ("bin/python", "app.py"))


def test_a_database_url_with_a_sqlite_default_is_inspected_on_both(inferred: Inferred) -> None:
    spec = inferred('url = os.environ.get("DATABASE_URL", "sqlite:///./shop.db")')
    assert wiring(spec) == [("database", "postgresql", "DATABASE_URL", "postgresql+psycopg")]
    assert spec.dependencies[0].found_by == "the source reads DATABASE_URL (app.py:2)"
    assert spec.configurations == (ConfigurationSpec("postgresql"), ConfigurationSpec("sqlite", dependencies=()))
    assert "DATABASE_URL" not in spec.environment


def test_a_database_url_without_sqlite_has_one_configuration(inferred: Inferred) -> None:
    spec = inferred(required("DATABASE_URL"))
    assert wiring(spec) == [("database", "postgresql", "DATABASE_URL", "postgresql+psycopg")]
    assert spec.configurations == ()


@pytest.mark.parametrize(
    ("drivers", "default", "scheme"),
    [
        (("psycopg2", "psycopg", "sqlalchemy"), "sqlite:///x.db", "postgresql"),
        (("psycopg", "sqlalchemy"), "sqlite:///x.db", "postgresql+psycopg"),
        (("asyncpg", "sqlalchemy"), "sqlite:///x.db", "postgresql+asyncpg"),
        (("pg8000", "sqlalchemy"), "sqlite:///x.db", "postgresql+pg8000"),
        (("psycopg", "asyncpg", "sqlalchemy"), "sqlite+aiosqlite:///x.db", "postgresql+asyncpg"),
        (("aiopg", "sqlalchemy"), "sqlite:///x.db", "postgresql"),
        (("asyncpg",), "sqlite:///x.db", "postgresql"),
        (("asyncpg",), "postgres://localhost/shop", "postgres"),
        (("psycopg", "sqlalchemy"), "postgresql+psycopg2://localhost/shop", "postgresql+psycopg2"),
    ],
)
def test_the_scheme_is_what_the_targets_values_or_its_driver_want(
    inferred: Inferred, drivers: tuple[str, ...], default: str, scheme: str
) -> None:
    spec = inferred(f'url = os.getenv("DATABASE_URL", "{default}")', drivers)
    assert [each.url_scheme for each in spec.dependencies] == [scheme]


def test_the_scheme_of_our_own_value_comes_before_that_of_the_example(inferred: Inferred) -> None:
    environment = {"DATABASE_URL": "postgresql+asyncpg://me@db/shop"}
    example = "DATABASE_URL=postgresql+psycopg://localhost/shop\n"
    spec = inferred(required("DATABASE_URL"), environment=environment, env_example=example)
    assert wiring(spec) == [("database", "postgresql", "DATABASE_URL", "postgresql+asyncpg")]
    assert spec.dependencies[0].url == ""  # ours, never the one that is in use


def test_the_scheme_of_the_example_is_used(inferred: Inferred) -> None:
    spec = inferred(required("DATABASE_URL"), env_example="DATABASE_URL=postgres://localhost/shop\n")
    assert wiring(spec) == [("database", "postgresql", "DATABASE_URL", "postgres")]


def test_a_database_that_the_target_has_no_driver_for_is_no_dependency(inferred: Inferred) -> None:
    spec = inferred('url = os.getenv("DATABASE_URL", "sqlite:///x.db")', ("sqlalchemy", "aiosqlite"))
    assert spec.dependencies == ()
    assert spec.configurations == ()


@pytest.mark.parametrize("drivers", [("redis",), ()])
def test_a_redis_url_is_a_cache(inferred: Inferred, drivers: tuple[str, ...]) -> None:
    assert wiring(inferred(required("REDIS_URL"), drivers)) == [("cache", "valkey", "REDIS_URL", "redis")]


def test_a_redis_url_of_a_target_that_cannot_speak_it_is_none(inferred: Inferred) -> None:
    assert inferred(required("REDIS_URL"), ("psycopg",)).dependencies == ()


def test_dependencies_of_the_same_kind_have_names_of_their_own(inferred: Inferred) -> None:
    names = ("APP_DATABASE_URL", "DATABASE_URL", "REPORTS_DATABASE_URL")
    spec = inferred(required(*names), environment={"DATABASE": "postgresql://localhost/shop"})
    assert [(each.name, each.variable) for each in spec.dependencies] == [
        ("database", "APP_DATABASE_URL"),
        ("database_url", "DATABASE_URL"),
        ("reports_database", "REPORTS_DATABASE_URL"),
        ("database_2", "DATABASE"),
    ]


def test_a_url_that_is_only_set_in_our_environment_is_a_dependency_too(inferred: Inferred) -> None:
    spec = inferred("", ("redis", "psycopg"), {"QUEUE": "redis://localhost/1", "OTHER": "http://localhost"})
    assert wiring(spec) == [("cache", "valkey", "QUEUE", "redis")]
    assert spec.dependencies[0].found_by == "QUEUE is set in the environment"


def test_a_database_in_parts_is_given_in_parts(inferred: Inferred) -> None:
    spec = inferred(required("DB_HOST", "DB_PORT", "DB_USER", "DB_PASSWORD", "DB_NAME"))
    assert wiring(spec) == [("database", "postgresql", "", "postgresql")]
    assert spec.environment == {
        "DB_HOST": "{database.host}",
        "DB_PORT": "{database.port}",
        "DB_USER": "{database.user}",
        "DB_PASSWORD": "{database.password}",
        "DB_NAME": "{database.name}",
    }
    assert spec.dependencies[0].found_by == "the source reads DB_HOST, DB_NAME, DB_PASSWORD, DB_PORT, DB_USER"


def test_a_cache_in_parts_beside_a_database_by_url(inferred: Inferred) -> None:
    spec = inferred(required("DATABASE_URL", "REDIS_HOST", "REDIS_PORT"), ("psycopg", "redis"))
    assert [(each.name, each.kind) for each in spec.dependencies] == [("database", "postgresql"), ("cache", "valkey")]
    assert spec.environment == {"REDIS_HOST": "{cache.host}", "REDIS_PORT": "{cache.port}"}


@pytest.mark.parametrize(
    ("names", "drivers"),
    [
        (("DB_PORT", "DB_USER"), ("psycopg",)),  # no host
        (("DB_HOST", "DB_PORT"), ("pymysql",)),  # some other database
        (("DB_HOST", "DB_PORT"), ()),  # nobody knows which
    ],
)
def test_parts_that_do_not_make_a_postgresql_are_plain_settings(
    inferred: Inferred, names: tuple[str, ...], drivers: tuple[str, ...]
) -> None:
    spec = inferred(required(*names), drivers)
    assert spec.dependencies == ()
    assert set(spec.environment) == set(names)


def test_parts_beside_a_url_of_the_same_kind_are_not_a_second_server(inferred: Inferred) -> None:
    spec = inferred(required("DATABASE_URL", "DB_HOST"))
    assert wiring(spec) == [("database", "postgresql", "DATABASE_URL", "postgresql+psycopg")]


def test_required_settings_are_made_up_and_say_so(inferred: Inferred) -> None:
    spec = inferred(required("SECRET_KEY", "PAGE_SIZE", "PUBLIC_URL", "UPLOAD_DIR", "GREETING"))
    assert spec.environment == {
        "SECRET_KEY": made_up("SECRET_KEY", SettingKind.SECRET),
        "PUBLIC_URL": "http://127.0.0.1:9",
        "UPLOAD_DIR": "{data}",
        "GREETING": made_up("GREETING", SettingKind.OTHER),
        "PAGE_SIZE": made_up("PAGE_SIZE", SettingKind.OTHER),
    }
    assert spec.origins["environment.SECRET_KEY"] == "made up, since the source requires it; read at app.py:2"


def test_optional_settings_are_left_alone(inferred: Inferred) -> None:
    assert inferred('a = os.getenv("DEBUG"); b = os.getenv("LEVEL", "info")').environment == {}


def test_a_value_in_our_environment_wins_also_for_optional_settings(inferred: Inferred) -> None:
    environment = {"LEVEL": "debug", "SECRET_KEY": "mine", "UNREAD": "x"}
    spec = inferred(
        'a = os.getenv("LEVEL", "info"); b = os.environ["SECRET_KEY"]',
        environment=environment,
        env_example="SECRET_KEY=theirs\n",
    )
    assert spec.environment == {"LEVEL": "debug", "SECRET_KEY": "mine"}
    assert spec.origins["environment.SECRET_KEY"] == "from the environment; read at app.py:2"


def test_an_example_is_better_than_something_made_up_unless_it_is_a_secret_or_stands_for_one(
    inferred: Inferred,
) -> None:
    example = """
        REGION=eu-west-1
        TENANT=<your tenant>
        SECRET_KEY=abc
        GREETING=changeme
    """
    spec = inferred(required("REGION", "TENANT", "SECRET_KEY", "GREETING"), env_example=example)
    assert spec.environment["REGION"] == "eu-west-1"
    assert spec.environment["SECRET_KEY"] == made_up("SECRET_KEY", SettingKind.SECRET)
    assert spec.environment["TENANT"].startswith("roadworthy-")
    assert spec.environment["GREETING"].startswith("roadworthy-")
    assert spec.origins["environment.REGION"] == "from .env.example; read at app.py:2"


def test_braces_in_values_and_commands_mean_themselves(inferred: Inferred) -> None:
    command = ("bin/python", "app.py", "--format={level} {x}", "--port={port}", "--in={data}/a")
    environment = {"FORMAT": '{"a": "{port}"}'}
    spec = inferred('a = os.getenv("FORMAT")', environment=environment, command=command)
    values = {"port": "8000", "data": "/d"}
    assert fill(spec.environment["FORMAT"], values) == '{"a": "{port}"}'
    assert [fill(part, values) for part in spec.command] == [
        "bin/python", "app.py", "--format={level} {x}", "--port=8000", "--in=/d/a",
    ]  # fmt: skip


def test_the_port_is_not_made_up(inferred: Inferred) -> None:
    assert inferred(required("PORT", "HTTP_PORT")).environment == {}


def test_migrations_are_set_up_by_the_targets_own_python(inferred: Inferred) -> None:
    spec = inferred("", alembic="[alembic]\n")
    assert spec.setup == ((str(spec.directory / "bin" / "python"), "-m", "alembic", "upgrade", "head"),)
    assert spec.origins == {"target.setup": "alembic.ini is in the folder"}


def test_what_is_not_installed_here_cannot_be_provided(inferred: Inferred, monkeypatch: pytest.MonkeyPatch) -> None:
    nothing = {"postgresql": False, "valkey": False}
    monkeypatch.setattr("roadworthy.target.inference.available", lambda: nothing)
    assert inferred(required("DATABASE_URL", "REDIS_URL", "DB_HOST")).dependencies == ()


def seen(spec: TargetSpec, *reads: str, environment: Mapping[str, str] | None = None, **more: Any) -> TargetSpec:
    return with_reads(spec, reads, environment or {}, **more)


def test_servers_that_were_only_seen_at_start_up_are_added(inferred: Inferred) -> None:
    spec = seen(inferred(required("DATABASE_URL"), ("psycopg",)), "DATABASE_URL", "CELERY_REDIS_URL", "HOME", "DEBUG")
    assert wiring(spec)[0][:3] == ("database", "postgresql", "DATABASE_URL")
    assert spec.dependencies[1:] == ()
    spec = seen(TargetSpec("t", Path("/"), ("serve",)), "REDIS_URL", "POSTGRES_URL")
    assert [(each.name, each.variable, each.found_by) for each in spec.dependencies] == [
        ("cache", "REDIS_URL", "it reads REDIS_URL at start-up"),
        ("database", "POSTGRES_URL", "it reads POSTGRES_URL at start-up"),
    ]


def test_reads_that_tell_nothing_new_change_nothing() -> None:
    spec = TargetSpec(
        "t",
        Path("/"),
        ("serve",),
        environment={"REDIS_URL": "x"},
        dependencies=(DependencySpec("database", "postgresql", "POSTGRES_URL"),),
    )
    assert seen(spec, "HOME", "REDIS_URL", "POSTGRES_URL") is spec
    assert seen(spec, "VALKEY_URL", known=["VALKEY_URL"]) is spec


def test_what_is_made_up_is_the_same_each_time_and_differs_by_name() -> None:
    assert made_up("A", SettingKind.SECRET) == made_up("A", SettingKind.SECRET) != made_up("B", SettingKind.SECRET)
    assert len(made_up("A", SettingKind.SECRET)) >= 32
    assert (made_up("A", SettingKind.BOOLEAN), made_up("A", SettingKind.INTEGER)) == ("false", "10")
    assert made_up("A", SettingKind.DATABASE).startswith("sqlite:///")
