"""Which environment variables source reads: by language and library, with what is required and what is not known."""

from pathlib import Path
from textwrap import dedent

import pytest
from roadworthy.source import files
from roadworthy.source.setting import SettingKind, guess_kind
from roadworthy.source.settings import Setting, SettingsFound, find_settings


def found(folder: Path, **sources: str) -> SettingsFound:
    """Write files (``app_py`` is app.py, ``a__b_py`` is a/b.py) and read them."""
    for name, text in sources.items():
        stem, _, suffix = name.replace("__", "/").rpartition("_")
        write(folder, f"{stem}.{suffix}", text)
    return find_settings(folder)


def write(folder: Path, name: str, text: str) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(dedent(text), encoding="utf-8")


def summary(settings: SettingsFound) -> dict[str, tuple[bool | None, str | None]]:
    return {each.name: (each.required, each.default) for each in settings.settings}


def test_os_environ_tells_required_from_optional(tmp_path: Path) -> None:
    settings = found(
        tmp_path,
        app_py="""\
        import os
        from os import environ as e, getenv

        KEY = "CONSTANT"
        a = os.environ["A"]
        b = os.environ.get("B")
        c = os.getenv("C", "three")
        d = e["D"]
        f = getenv(key="F", default=str(5))
        g = getenv("G") or "seven"
        h = e.get("H", -8)
        i = "I" in os.environ
        j = e.setdefault("J", "ten")
        k = os.environ[KEY]
        os.environ["WRITTEN"] = "x"
        del os.environ["DELETED"]
        os.environ.update(OTHER="x")
        """,
    )
    assert summary(settings) == {
        "A": (True, None),
        "B": (False, None),
        "C": (False, "three"),
        "D": (True, None),
        "F": (False, None),
        "G": (False, "seven"),
        "H": (False, "-8"),
        "I": (False, None),
        "J": (False, "ten"),
        "CONSTANT": (True, None),
    }
    assert settings.complete
    assert settings.files == 1
    a = settings.named("A")
    assert isinstance(a, Setting)
    assert (a.place, a.how) == ("app.py:5", "os.environ[...]")


def test_one_required_read_makes_a_variable_required(tmp_path: Path) -> None:
    settings = found(tmp_path, a_py="import os\nos.getenv('X', 'd')\n", b_py="import os\n\nos.environ['X']\n")
    (x,) = settings.settings
    assert (x.required, x.default, x.place) == (True, "d", "b.py:3")


@pytest.mark.parametrize(
    "source",
    [
        "import os\nos.environ[name]\n",
        "import os\nos.getenv(f'{a}_B')\n",
        "import os\ndict(os.environ)\n",
        "from os import environ\nfor key in environ: pass\n",
        "import os\n{**os.environ}\n",
        "import os\nos.environ.copy()\n",
        "from flask import Flask\napp = Flask('x')\napp.config.from_prefixed_env()\n",
        "from environs import Env\nenv = Env()\nenv.str(name)\n",
        "from pydantic_settings import BaseSettings\nclass S(BaseSettings):\n  model_config = {'env_prefix': f()}\n",
        "from pydantic_settings import BaseSettings\nclass S(BaseSettings):\n  model_config = built('x')\n  url: str\n",
        "import os\ndef broken(:\n  os.environ['A']\n",
        "import os\nos.environ['A']\0",
    ],
)
def test_what_cannot_be_told_is_a_gap_with_its_place(tmp_path: Path, source: str) -> None:
    settings = found(tmp_path, app_py=source)
    assert not settings.complete
    assert len(settings.gaps) == 1
    assert settings.gaps[0].startswith("app.py")


def test_an_empty_folder_is_not_complete(tmp_path: Path) -> None:
    assert find_settings(tmp_path).gaps == ("no source file was found in the folder",)


def test_pydantic_settings_by_prefix_alias_and_default(tmp_path: Path) -> None:
    settings = found(
        tmp_path,
        config_py="""\
        from typing import Annotated, ClassVar, Optional
        from pydantic import AliasChoices, Field, PostgresDsn, RedisDsn, SecretStr
        from pydantic_settings import BaseSettings, SettingsConfigDict

        class Base(BaseSettings):
            model_config = SettingsConfigDict(env_prefix="APP_")

        class Settings(Base):
            kind: ClassVar[str] = "x"
            _private: int = 1
            database: PostgresDsn
            cache: RedisDsn = "redis://localhost"
            secret: SecretStr = Field(min_length=8)
            workers: int = Field(4, ge=1)
            names: list[str] = Field(default_factory=list)
            aliased: str = Field(alias="other_name")
            either: str = Field(validation_alias=AliasChoices("FIRST", "SECOND"))
            annotated: Annotated[str, Field(validation_alias="THIRD")]
            optional: Optional[str]
            ellipsis: str = Field(...)
        """,
    )
    assert summary(settings) == {
        "APP_DATABASE": (True, None),
        "APP_CACHE": (False, "redis://localhost"),
        "APP_SECRET": (True, None),
        "APP_WORKERS": (False, "4"),
        "APP_NAMES": (False, None),
        "OTHER_NAME": (True, None),
        "FIRST": (False, None),
        "SECOND": (False, None),
        "THIRD": (True, None),
        "APP_OPTIONAL": (True, None),
        "APP_ELLIPSIS": (True, None),
    }
    kinds = {each.name: each.kind for each in settings.settings}
    assert kinds["APP_DATABASE"] is SettingKind.POSTGRESQL
    assert kinds["APP_CACHE"] is SettingKind.REDIS
    assert kinds["APP_SECRET"] is SettingKind.SECRET
    assert kinds["APP_WORKERS"] is SettingKind.INTEGER
    assert settings.complete


def test_pydantic_settings_across_files_and_of_version_one(tmp_path: Path) -> None:
    settings = found(
        tmp_path,
        base_py="""\
        from pydantic import BaseSettings, Field
        class Common(BaseSettings):
            debug: bool = False
            class Config:
                env_prefix = "x_"
                case_sensitive = True
        """,
        main_py="""\
        from typing import Optional
        from base import Common
        from pydantic import BaseSettings, Field
        class Mine(Common):
            url: str = Field(..., env="MY_URL")
        class Old(BaseSettings):
            nothing: Optional[str]
            both: str = Field(env=["ONE", "TWO"])
        class NotSettings:
            other: str
        """,
    )
    assert summary(settings) == {
        "x_debug": (False, "False"),
        "MY_URL": (True, None),
        "NOTHING": (False, None),
        "ONE": (False, None),
        "TWO": (False, None),
    }


def test_nested_pydantic_settings_are_a_gap_and_nested_classes_read_their_own(tmp_path: Path) -> None:
    settings = found(
        tmp_path,
        config_py="""\
        from pydantic_settings import BaseSettings, SettingsConfigDict
        class Database(BaseSettings):
            model_config = {"env_prefix": "DB_"}
            url: str
        class Settings(BaseSettings):
            model_config = SettingsConfigDict(env_nested_delimiter="__")
            database: Database = Database()
            name: str
        """,
    )
    assert summary(settings) == {"DB_URL": (True, None), "NAME": (True, None)}
    assert settings.gaps == ("config.py:5 Settings also reads nested names",)


def test_decouple_environs_django_environ_and_starlette(tmp_path: Path) -> None:
    settings = found(
        tmp_path,
        a_py="""\
        from decouple import config
        A1 = config("A1")
        A2 = config("A2", default="x", cast=str)
        A3 = config("A3", "y")
        """,
        b_py="""\
        from environs import Env
        env = Env()
        env.read_env()
        B1 = env("B1")
        B2 = env.int("B2", 3)
        with env.prefixed("P_"):
            B3 = env.bool("B3", default=True)
        """,
        c_py="""\
        import environ
        env = environ.Env(DEBUG=(bool, False))
        DEBUG = env("DEBUG")
        SECRET_KEY = env("SECRET_KEY")
        DATABASES = {"default": env.db()}
        CACHES = {"default": env.cache("MY_CACHE", default="dummycache://")}
        """,
        core__d_py="""\
        from starlette.config import Config
        config = Config(".env")
        D1 = config("D1", cast=int)
        D2 = config("D2", bool, False)
        """,
        e_py="""\
        from core.d import config
        from .b import env as settings
        E1 = config("E1", default="z")
        E2 = settings.str("E2")
        """,
        unrelated_py="""\
        from somewhere import config, env
        config("NO1")
        env("NO2")
        """,
    )
    assert summary(settings) == {
        "A1": (True, None),
        "A2": (False, "x"),
        "A3": (False, "y"),
        "B1": (True, None),
        "B2": (False, "3"),
        "P_B3": (False, "True"),
        "DEBUG": (False, "False"),
        "SECRET_KEY": (True, None),
        "DATABASE_URL": (True, None),
        "MY_CACHE": (False, "dummycache://"),
        "D1": (True, None),
        "D2": (False, "False"),
        "E1": (False, "z"),
        "E2": (True, None),
    }
    assert settings.complete


def test_command_line_options_and_other_helpers_that_read_a_variable(tmp_path: Path) -> None:
    settings = found(
        tmp_path,
        cli_py="""\
        import click, dj_database_url
        @click.option("--a", envvar="A", required=True)
        @click.option("--b", envvar=["B1", "B2"], default="x")
        @click.option("--c", envvar=None)
        def main(): ...
        DATABASES = {"default": dj_database_url.config(default="sqlite:///x")}
        app.config.from_envvar("CONFIG_FILE")
        """,
    )
    assert summary(settings) == {
        "A": (True, None),
        "B1": (False, "x"),
        "B2": (False, "x"),
        "DATABASE_URL": (False, "sqlite:///x"),
        "CONFIG_FILE": (True, None),
    }
    assert settings.complete


X = (None, None)  # read, and nothing is said of what happens without it
Y = (False, "x")
OTHER_LANGUAGES = {
    "a.js": ("const a = process.env.A || 'x'; const b = process.env['B'];", {"A": Y, "B": X}),
    "a.ts": ("const { A, B: b } = process.env; process.env.C ?? `y`", {"A": X, "B": X, "C": (False, "y")}),
    "b.mjs": ("process.env.A = 'x'\nif (process.env.B === 'y') {}\n// process.env.C", {"B": X}),
    "a.go": ('os.Getenv("A"); os.LookupEnv("B")', {"A": X, "B": X}),
    "b.go": ('A string `env:"A,required"`\nB int `env:"B" envDefault:"3"`', {"A": (True, None), "B": (False, "3")}),
    "a.rb": ('ENV["A"]; ENV.fetch("B"); ENV.fetch("C", "x")', {"A": (False, None), "B": (True, None), "C": Y}),
    "A.java": ('System.getenv("A"); System.getenv().getOrDefault("B", "x");', {"A": X, "B": Y}),
    "a.properties": ("port=${PORT:x}\nspring.url=${DB_URL}", {"PORT": Y, "DB_URL": (True, None)}),
    "application.yml": ("url: ${DB_URL}", {"DB_URL": (True, None)}),
    "a.php": ("getenv('A'); env('B', 'x'); $_ENV['C'];", {"A": X, "B": Y, "C": X}),
    "a.rs": ('std::env::var("A")', {"A": X}),
    "a.cs": ('Environment.GetEnvironmentVariable("A") ?? "x"', {"A": Y}),
    "a.exs": ('System.fetch_env!("A"); System.get_env("B", "x")', {"A": (True, None), "B": Y}),
    "a.sh": ('exec serve "${A:-x}" "${B:?is missing}"', {"A": Y, "B": (True, None)}),
}  # fmt: skip


@pytest.mark.parametrize("name", OTHER_LANGUAGES)
def test_other_languages_are_read_by_the_shape_of_their_lines(tmp_path: Path, name: str) -> None:
    text, expected = OTHER_LANGUAGES[name]
    write(tmp_path, name, text)
    settings = find_settings(tmp_path)
    assert summary(settings) == expected
    assert settings.complete


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.js", "process.env[name]"),
        ("a.js", "load(process.env)"),
        ("a.go", "os.Getenv(name)"),
        ("a.go", "os.Environ()"),
        ("a.rb", "ENV[name]"),
        ("A.java", "System.getenv(name)"),
    ],
)
def test_computed_names_in_other_languages_are_gaps(tmp_path: Path, name: str, text: str) -> None:
    write(tmp_path, name, text)
    assert find_settings(tmp_path).gaps == (f"{name}:1 reads variables whose names cannot be told",)


def test_examples_come_from_dotenv_then_compose_then_dockerfile(tmp_path: Path) -> None:
    write(tmp_path, "app.py", "import os\nos.environ['A']\n")
    write(
        tmp_path,
        ".env.example",
        """\
        # a comment
        A=from-dotenv
        export QUOTED="a # b"   # c
        EMPTY=
        BARE=x # comment
        """,
    )
    write(
        tmp_path,
        "docker-compose.yml",
        """\
        services:
          app:
            build: .
            environment:
              A: from-compose
              DATABASE_URL: ${DATABASE_URL:-postgresql://app@db/app}
          worker:
            build: .
            environment: ["WORKERS=3", "PASSED_ON"]
          db:
            image: postgres
            environment: {POSTGRES_PASSWORD: x}
        """,
    )
    write(tmp_path, "Dockerfile", 'FROM python\nENV A=from-docker B="two words" \\\n    C=3\nENV OLD the old form\n')
    settings = find_settings(tmp_path)
    values = {name: (each.value, each.file, each.line) for name, each in settings.examples.items()}
    assert values == {
        "A": ("from-dotenv", ".env.example", 2),
        "QUOTED": ("a # b", ".env.example", 3),
        "EMPTY": ("", ".env.example", 4),
        "BARE": ("x", ".env.example", 5),
        "DATABASE_URL": ("postgresql://app@db/app", "docker-compose.yml", 6),
        "WORKERS": ("3", "docker-compose.yml", 9),
        "B": ("two words", "Dockerfile", 2),
        "C": ("3", "Dockerfile", 2),
        "OLD": ("the old form", "Dockerfile", 4),
    }
    a = settings.named("A")
    assert a is not None
    assert a.example == settings.examples["A"]


def test_a_broken_compose_file_is_passed_over(tmp_path: Path) -> None:
    write(tmp_path, "app.py", "")
    write(tmp_path, "compose.yml", "services: [")
    assert find_settings(tmp_path).examples == {}


def test_tests_installed_packages_and_build_outputs_do_not_ship(tmp_path: Path) -> None:
    read = "import os\nos.environ['{}']\n"
    for name in (
        "tests/a.py", "node_modules/b.js", ".venv/c.py", "x/site-packages/d.py", "build/e.py", ".git/f.py",
        "test_g.py", "h_test.py", "conftest.py", "i.test.js", "env/j.py",
    ):  # fmt: skip
        write(tmp_path, name, read.format("NO") if name.endswith(".py") else "process.env.NO")
    (tmp_path / "env" / "pyvenv.cfg").touch()
    write(tmp_path, "target/kept.py", read.format("KEPT"))
    write(tmp_path, "rust/Cargo.toml", "")
    write(tmp_path, "rust/target/gone.rs", 'env::var("NO")')
    assert [each.name for each in find_settings(tmp_path).settings] == ["KEPT"]


def test_reading_is_bounded_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MAX_FILES", 2)
    monkeypatch.setattr(files, "MAX_BYTES", 100)
    write(tmp_path, "a.py", "#" * 101)
    write(tmp_path, "b.py", "")
    write(tmp_path, "c.py", "")
    settings = find_settings(tmp_path)
    assert settings.files == 1
    assert settings.gaps == ("a.py is larger than 1 MiB", "more than 2 files; the rest was not read")


def test_reading_changes_nothing(tmp_path: Path) -> None:
    write(tmp_path, "app.py", "import os\nopen('made', 'w')\nos.environ['A']\n")
    find_settings(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["app.py"]


@pytest.mark.parametrize(
    ("name", "default", "annotation", "kind"),
    [
        ("DATABASE_URL", None, "", SettingKind.DATABASE),
        ("DATABASE_URL", "sqlite:///./x.db", "str", SettingKind.DATABASE),
        ("DATABASE_URL", "postgresql+asyncpg://h/x", "", SettingKind.POSTGRESQL),
        ("SQLALCHEMY_DATABASE_URI", None, "", SettingKind.DATABASE),
        ("APP_DB_URL", None, "", SettingKind.DATABASE),
        ("POSTGRES_URL", None, "", SettingKind.POSTGRESQL),
        ("MAIN", None, "PostgresDsn", SettingKind.POSTGRESQL),
        ("REDIS_URL", None, "", SettingKind.REDIS),
        ("CACHE", "redis://h", "", SettingKind.REDIS),
        ("PORT", None, "", SettingKind.PORT),
        ("HTTP_PORT", "8000", "int", SettingKind.PORT),
        ("SMTP_PORT", None, "", SettingKind.INTEGER),
        ("SECRET_KEY", None, "str", SettingKind.SECRET),
        ("STRIPE_API_KEY", None, "", SettingKind.SECRET),
        ("X", None, "SecretStr", SettingKind.SECRET),
        ("ACCESS_TOKEN_EXPIRE_MINUTES", "30", "int", SettingKind.INTEGER),
        ("TOKEN_URL", None, "", SettingKind.URL),
        ("OLLAMA", "http://localhost:11434", "", SettingKind.URL),
        ("DEBUG", "False", "", SettingKind.BOOLEAN),
        ("DEBUG", None, "bool", SettingKind.BOOLEAN),
        ("UPLOAD_DIR", None, "", SettingKind.PATH),
        ("UPLOADS", "./uploads", "", SettingKind.PATH),
        ("LOG_LEVEL", "INFO", "str", SettingKind.OTHER),
        ("PRINTER", None, "", SettingKind.OTHER),
    ],
)
def test_what_a_variable_holds_is_guessed(name: str, default: str | None, annotation: str, kind: SettingKind) -> None:
    assert guess_kind(name, default, annotation) is kind
