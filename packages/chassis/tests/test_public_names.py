"""The public names: what there is, where it comes from, and what importing it costs."""

import ast
import subprocess
import sys
from pathlib import Path

import chassis
import pytest

IMPORT_BOUND_MS = 60.0
HEAVY = ("pydantic", "sqlalchemy", "redis", "httpx", "orjson", "prometheus_client", "asyncio")


def printed_by(script: str) -> str:
    """Run a script in a Python of its own."""
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout


def test_the_names_are_sorted_and_each_has_a_home() -> None:
    assert chassis.__all__ == sorted(chassis.__all__)
    assert set(chassis.__all__) == set(chassis._HOMES)


@pytest.mark.parametrize("name", chassis.__all__)
def test_each_name_can_be_imported_and_is_documented(name: str) -> None:
    found = getattr(chassis, name)
    assert found is not None
    if callable(found):
        assert found.__doc__


def test_type_checkers_see_the_same_names() -> None:
    tree = ast.parse(Path(str(chassis.__file__)).read_text())
    seen = {
        alias.name: node.module
        for branch in tree.body
        if isinstance(branch, ast.If)
        for node in branch.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert seen == {name: f"chassis.{home}" for name, home in chassis._HOMES.items()}


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = chassis.no_such_name  # type: ignore[attr-defined]


def test_importing_is_cheap_and_brings_no_extra() -> None:
    script = (
        "import sys, time; began = time.process_time(); import chassis; "
        "print((time.process_time() - began) * 1000); "
        f"print([name for name in {HEAVY} if name in sys.modules])"
    )
    outputs = [printed_by(script).splitlines() for _ in range(3)]
    assert min(float(milliseconds) for milliseconds, _ in outputs) < IMPORT_BOUND_MS
    assert outputs[0][1] == "[]"


def test_declaring_a_service_brings_no_extra() -> None:
    script = (
        "import sys, chassis; service = chassis.Service('notes'); service.sql('database', lambda s: s.database_url); "
        "service.valkey('cache', lambda s: s.cache_url); service.http('quotes', lambda s: s.quotes_url); "
        "print([name for name in ('sqlalchemy', 'redis', 'httpx', 'uvicorn') if name in sys.modules])"
    )
    assert printed_by(script).strip() == "[]"
