"""Which Python a command runs on, and what that Python can import."""

import sys
import venv
from pathlib import Path

import pytest
from roadworthy.source.drivers import database_drivers, interpreter_of


def program(path: Path, text: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


@pytest.fixture
def python(tmp_path: Path) -> Path:
    """A virtual environment's Python: a link, which must not be followed."""
    link = tmp_path / ".venv" / "bin" / "python"
    link.parent.mkdir(parents=True)
    link.symlink_to(sys.executable)
    return link


@pytest.mark.parametrize(
    "command",
    [
        [".venv/bin/python", "-m", "app"],
        ["env", "A=1", ".venv/bin/python", "app.py"],
        ["sh", "-c", "exec .venv/bin/python -m app --bind={port}"],
        ["bash", "-c", ".venv/bin/python -m migrate && A=1 .venv/bin/python -m app"],
        ["tini", "--", ".venv/bin/python", "-m", "app"],
        ["uv", "run", "python", "-m", "app"],
        ["poetry", "run", "uvicorn", "app:app"],
        [".venv/bin/tool"],
        [".venv/bin/long"],
        [".venv/bin/by-env"],
        ["tool"],
        ["python"],
    ],
    ids=" ".join,
)
def test_a_command_runs_on_the_python_of_its_environment(tmp_path: Path, python: Path, command: list[str]) -> None:
    program(python.parent / "tool", f"#!{python}\nimport sys\n")
    program(python.parent / "long", f"#!/bin/sh\n'''exec' \"{python}\" \"$0\" \"$@\"\n' '''\nimport sys\n")
    program(python.parent / "by-env", "#!/usr/bin/env -S python -u\n")
    assert interpreter_of(command, tmp_path, path=str(python.parent)) == python


@pytest.mark.parametrize(
    "command",
    [
        [],
        ["no-such-program"],
        ["./node", "server.js"],
        ["./empty"],
        ["./binary"],
        ["sh", "-c", "'"],
        ["./no"],
        ["npm", "run"],
    ],
    ids=" ".join,
)
def test_a_command_that_does_not_run_on_python_has_none(tmp_path: Path, command: list[str]) -> None:
    program(tmp_path / "node", "#!/usr/bin/env node\n")
    program(tmp_path / "empty")
    (tmp_path / "binary").write_bytes(b"\x7fELF\0\xff")
    assert interpreter_of(command, tmp_path, path=str(tmp_path)) is None


def test_a_project_without_an_environment_has_no_known_python(tmp_path: Path) -> None:
    if any((folder / ".venv").exists() for folder in tmp_path.parents):
        pytest.fail("a .venv above the temporary folder makes this test meaningless; set --basetemp elsewhere")
    assert interpreter_of(["uv", "run", "app"], tmp_path) is None


def test_drivers_are_those_that_the_interpreter_can_import(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    venv.create(tmp_path / "v", with_pip=False, symlinks=True)
    python = tmp_path / "v" / "bin" / "python"
    assert "asyncpg" not in database_drivers(python)
    (packages,) = (tmp_path / "v").glob("lib/python*/site-packages")
    marker = tmp_path / "imported"
    for name in ("asyncpg", "redis"):
        program(packages / name / "__init__.py", f"open({str(marker)!r}, 'w')")
    assert {"asyncpg", "redis"} <= database_drivers(python)
    assert not marker.exists()
    monkeypatch.chdir(tmp_path)
    assert "asyncpg" in database_drivers(Path("v/bin/python"))


def test_a_folder_of_the_target_is_no_driver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    venv.create(tmp_path / "v", with_pip=False, symlinks=True)
    program(tmp_path / "v" / "bin" / "asyncpg" / "__init__.py")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "v" / "bin"))
    assert "asyncpg" not in database_drivers(tmp_path / "v" / "bin" / "python")


def test_an_interpreter_that_cannot_be_asked_has_no_drivers(tmp_path: Path) -> None:
    assert database_drivers(tmp_path / "missing") == set()
    assert database_drivers(program(tmp_path / "says-nonsense", "#!/bin/sh\necho nonsense\n")) == set()
    assert database_drivers(program(tmp_path / "fails", "#!/bin/sh\nexit 1\n")) == set()
