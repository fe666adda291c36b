"""The public names: what there is, where it comes from, and what importing it costs."""

import ast
import inspect
import subprocess
import sys
from collections.abc import Iterator
from enum import EnumMeta
from pathlib import Path

import chassis
import pytest

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


def test_importing_brings_no_extra_and_nothing_heavy() -> None:
    script = f"import sys, chassis; print([name for name in {HEAVY} if name in sys.modules])"
    assert printed_by(script).strip() == "[]"


def test_declaring_a_service_brings_no_extra() -> None:
    script = (
        "import sys, chassis; service = chassis.Service('notes'); service.sql('database', lambda s: s.database_url); "
        "service.valkey('cache', lambda s: s.cache_url); service.http('quotes', lambda s: s.quotes_url); "
        "print([name for name in ('sqlalchemy', 'redis', 'httpx', 'uvicorn') if name in sys.modules])"
    )
    assert printed_by(script).strip() == "[]"


def test_the_public_surface_is_as_reviewed() -> None:
    """A change here is one that users notice: look at it, then write the file anew with what the failure shows."""
    reviewed = (Path(__file__).parent / "public_surface.txt").read_text(encoding="utf-8")
    assert "\n".join(surface()) + "\n" == reviewed


def surface() -> Iterator[str]:
    for name in chassis.__all__:
        found = getattr(chassis, name)
        yield f"{name}{parameters(found)}"
        if inspect.isclass(found):
            for member in sorted(vars(found)):
                if not member.startswith("_") and "model_" not in member:
                    yield f"    {member}{parameters(inspect.getattr_static(found, member))}"


def parameters(found: object) -> str:
    """The names of the parameters, ``*`` before those that are passed by name, ``=`` behind those with a default."""
    found = found.__func__ if isinstance(found, classmethod | staticmethod) else found
    if not callable(found) or isinstance(found, EnumMeta):
        return ""
    try:
        listed = list(inspect.signature(found).parameters.values())
    except (TypeError, ValueError):
        return ""
    marks = {inspect.Parameter.VAR_POSITIONAL: "*", inspect.Parameter.VAR_KEYWORD: "**"}
    shown = []
    for each in listed:
        if each.kind is inspect.Parameter.KEYWORD_ONLY and "*" not in shown:
            shown.append("*")
        shown.append(f"{marks.get(each.kind, '')}{each.name}{'' if each.default is inspect.Parameter.empty else '='}")
    return f"({', '.join(shown)})"
