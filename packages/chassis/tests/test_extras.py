"""Without its extras the chassis imports, builds a service and answers, and it names the extra that something needs."""

import json
import os
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import chassis
import pytest

from . import extras

HERE = Path(__file__).parent
SOURCE = Path(chassis.__file__).parent
BOUND_S = 100.0
WITHOUT_EXTRAS = [str(HERE / "without_extras.py")]
ADAPTERS = {  # import what they adapt; the core imports them when a service uses it
    "chassis.dependencies.http_client",
    "chassis.dependencies.sql_bounds",
    "chassis.dependencies.sql_engines",
    "chassis.dependencies.sql_errors",
    "chassis.dependencies.valkey_client",
    "chassis.observe.gunicorn_logger",
}
WHOLE_OF_AN_EXTRA = ("chassis.auth", "chassis.data")

IMPORT_EACH = """
import importlib, json, sys
failed = {}
for name in json.loads(sys.argv[1]):
    try:
        importlib.import_module(name)
    except Exception as error:
        failed[name] = str(error)
print(json.dumps(failed))
"""

ANSWER = """
import asyncio, chassis, contextlib, json, sys

async def hello(scope, receive, send):
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"hello"})

async def ask(application, path):
    sent = []
    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}
    async def send(message):
        sent.append(message)
    scope = {"type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "scheme": "http",
             "path": path, "raw_path": path.encode(), "query_string": b"", "root_path": "", "headers": [],
             "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80)}
    await application(scope, receive, send)
    return [sent[0]["status"], b"".join(each.get("body", b"") for each in sent[1:]).decode()]

async def main():
    service = chassis.Service("plain", logs=False)
    application = service.asgi(hello)
    await service.lifecycle.start()
    answers = {path: await ask(application, path) for path in ("/", "/livez", "/readyz", "/metrics")}
    await service.lifecycle.stop()
    print(json.dumps(answers))

asyncio.run(main())
"""

USES = {
    "sql": "service.sql('database', lambda _: 'sqlite://').url()",
    "valkey": "service.valkey('cache', lambda _: 'redis://127.0.0.1:1/0', lost='speed').client",
    "http": "service.http('quotes', lambda _: 'http://127.0.0.1:1', lost='quotes').client",
    "auth": "import chassis.auth",
    "serve": "serve(service.asgi(None))",
    "gunicorn": "serve(service.wsgi(None))",
    "otel": "os.environ['OTEL_EXPORTER_OTLP_ENDPOINT'] = 'http://127.0.0.1:1'; tracing.start('plain')",
    "sentry": "start_sentry('https://key@127.0.0.1/1')",
}
USE_EACH = """
import json, os, sys
import chassis
from chassis.observe import tracing
from chassis.observe.sentry import start_sentry
from chassis.serve import serve

said = {}
for extra, use in json.loads(sys.argv[1]).items():
    service = chassis.Service("plain", logs=False)
    service.settings = service.settings_class()
    try:
        exec(use)
    except chassis.ChassisError as error:
        said[extra] = str(error)
print(json.dumps(said))
"""


def without_extras(tmp_path: Path, script: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    file = tmp_path / "script.py"
    file.write_text(script)
    argv = [sys.executable, *WITHOUT_EXTRAS, str(file), *arguments]
    return subprocess.run(argv, cwd=tmp_path, capture_output=True, text=True, timeout=BOUND_S, check=False)


def modules() -> list[str]:
    """All modules of the chassis; Alembic's environment is one that only Alembic runs."""
    names = (".".join(file.relative_to(SOURCE.parent).with_suffix("").parts) for file in SOURCE.rglob("*.py"))
    return sorted(each.removesuffix(".__init__") for each in names if "alembic_environment" not in each)


def test_every_module_of_the_core_imports_without_extras_and_the_others_name_theirs(tmp_path: Path) -> None:
    done = without_extras(tmp_path, IMPORT_EACH, json.dumps([each for each in modules() if each != "chassis.__main__"]))
    assert done.returncode == 0, done.stderr
    failed: dict[str, str] = json.loads(done.stdout)
    whole = {each for each in modules() if each.startswith(WHOLE_OF_AN_EXTRA)}
    assert failed.keys() == ADAPTERS | whole
    for each in whole:
        extra = "auth,sql" if each.startswith("chassis.auth") else "sql"
        assert failed[each].endswith(f"is missing: install roadworthy-chassis[{extra}]"), each


def test_a_service_without_extras_is_built_and_answers(tmp_path: Path) -> None:
    done = without_extras(tmp_path, ANSWER)
    assert done.returncode == 0, done.stderr
    answers = json.loads(done.stdout)
    assert answers["/"] == [200, "hello"]
    assert [answers[path][0] for path in ("/livez", "/readyz", "/metrics")] == [200, 200, 200]
    assert "plain_requests_total" in answers["/metrics"][1]


def test_what_needs_an_extra_names_it(tmp_path: Path) -> None:
    assert USES.keys() == extras.EXTRAS.keys()
    done = without_extras(tmp_path, USE_EACH, json.dumps(USES))
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout.splitlines()[-1])
    for extra in USES:
        named = "auth,sql" if extra == "auth" else extra
        assert said[extra].endswith(f"is missing: install roadworthy-chassis[{named}]"), said[extra]


# -- how tests are left out


def test_the_table_names_the_extras_and_their_packages() -> None:
    project = tomllib.loads((HERE.parent / "pyproject.toml").read_text())["project"]
    assert extras.EXTRAS.keys() == project["optional-dependencies"].keys()


@pytest.mark.needs(*extras.EXTRAS)
def test_each_package_of_an_extra_is_in_the_table() -> None:
    project = tomllib.loads((HERE.parent / "pyproject.toml").read_text())["project"]
    provided = metadata.packages_distributions()
    for extra, requirements in project["optional-dependencies"].items():
        wanted = {each.partition(">")[0].partition("[")[0] for each in requirements}
        of_modules = {name.lower() for each in extras.EXTRAS[extra] for name in _distributions(each, provided)}
        assert wanted <= of_modules, extra


def _distributions(module: str, provided: dict[str, list[str]]) -> list[str]:
    return [name.replace("_", "-") for name in provided.get(module.partition(".")[0], [])]


SUITE = """
import sqlalchemy
import pytest

pytestmark = pytest.mark.needs("{need}")

@pytest.mark.parametrize("number", [1, 2])
def test_of_the_file(number):
    assert sqlalchemy
"""
SINGLE = """
import pytest

def test_of_the_core():
    pass

@pytest.mark.needs("sql")
def test_alone():
    import sqlalchemy
"""


def pytest_in(folder: Path, python: list[str], *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run tests in a process of their own, without the plugins that happen to be installed."""
    argv = [sys.executable, *python, "-m", "pytest", "-p", "no:cacheprovider", *arguments]
    environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    return subprocess.run(
        argv, cwd=folder, capture_output=True, text=True, timeout=BOUND_S, check=False, env=environment
    )


def suite(tmp_path: Path, python: list[str], need: str = "sql") -> str:
    """Run a small suite of tests, with the hooks of this one, and return what it printed."""
    (tmp_path / "test_file.py").write_text(SUITE.format(need=need))
    (tmp_path / "test_single.py").write_text(SINGLE)
    (tmp_path / "extras.py").write_text((HERE / "extras.py").read_text())
    (tmp_path / "conftest.py").write_text("from extras import *")
    done = pytest_in(tmp_path, python, "--strict-markers", ".")
    return done.stdout + done.stderr


@pytest.mark.needs("sql")
def test_where_an_extra_is_installed_its_tests_run(tmp_path: Path) -> None:
    out = suite(tmp_path, [])
    assert "4 passed in" in out
    assert "left out" not in out


def test_where_an_extra_is_missing_its_tests_are_left_out_and_it_is_said_how_many_and_why(tmp_path: Path) -> None:
    out = suite(tmp_path, WITHOUT_EXTRAS)
    assert "1 passed, 2 skipped in" in out
    assert "left out: what they need is not installed" in out
    assert "    2 needs sql" in out.splitlines()
    assert "missing: sqlalchemy, alembic, aiosqlite, psycopg, redis, " in out


def test_a_need_that_nobody_knows_is_an_error(tmp_path: Path) -> None:
    assert "needs('sequel'): expected one of sql, valkey" in suite(tmp_path, [], need="sequel")


def test_every_file_of_this_suite_says_what_it_imports() -> None:
    done = pytest_in(HERE, WITHOUT_EXTRAS, "-p", "pytest_timeout", "-q", "--collect-only", str(HERE))
    assert done.returncode == 0, done.stdout[-3000:]
