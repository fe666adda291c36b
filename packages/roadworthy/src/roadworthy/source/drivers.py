"""Which database drivers the target's own Python can import, asked without importing the target."""

import json
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

DRIVERS = (
    "psycopg", "psycopg2", "psycopg2cffi", "asyncpg", "pg8000", "aiopg", "postgresql",
    "redis", "valkey", "aioredis", "coredis", "glide",
    "pymysql", "MySQLdb", "aiomysql", "asyncmy", "mysql.connector",
    "aiosqlite", "pymongo", "motor", "neo4j", "influxdb_client", "cassandra", "oracledb", "pyodbc",
    "sqlalchemy", "django", "peewee", "tortoise", "alembic",
)  # fmt: skip
"""Module names that are looked for. The last ones are no drivers: they say how a driver is used."""

TIMEOUT_S = 20.0
_SHEBANG_BYTES = 4096
_PYTHON = re.compile(r"(?:python|pypy)\d*(?:\.\d+)?")
_PROJECT_RUNNERS = {"uv", "poetry", "pdm", "rye", "hatch"}
_SHELLS = {"sh", "bash", "dash", "zsh"}
_WRAPPERS = {"env", "exec", "nohup", "setsid", "tini", "dumb-init", "stdbuf"}
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=")

# The empty entry of sys.path is the current folder, which an installed program does not search.
_QUESTION = """
import importlib.util, json, sys
sys.path[:] = [each for each in sys.path if each]
def has(name):
    try:
        return importlib.util.find_spec(name) is not None
    except Exception:
        return False
print(json.dumps([name for name in sys.argv[1:] if has(name)]))
"""


def database_drivers(python: Path) -> set[str]:
    """Return those of ``DRIVERS`` that this interpreter can import; empty when it cannot be asked."""
    environment = {key: os.environ[key] for key in ("PATH", "HOME", "LANG") if key in os.environ}
    try:
        answer = subprocess.run(
            [str(python.absolute()), "-c", _QUESTION, *DRIVERS],
            capture_output=True,
            env=environment,
            cwd=python.parent,
            timeout=TIMEOUT_S,
            check=True,
            stdin=subprocess.DEVNULL,
        )
        return set(json.loads(answer.stdout))
    except (OSError, subprocess.SubprocessError, ValueError):
        return set()


def interpreter_of(command: Sequence[str], directory: Path, path: str | None = None) -> Path | None:
    """Return the Python that a command runs on; None when it is not known to run on one.

    Args:
        command: program and arguments, as it would be started.
        directory: where it is started.
        path: the PATH that programs are looked up in; this process's own by default.
    """
    words = _unwrapped(command)
    if not words:
        return None
    name = Path(words[0]).name
    if name in _PROJECT_RUNNERS and "run" in words[1:]:
        return _project_python(directory)
    program = _program(words[0], directory, path)
    if program is None or _PYTHON.fullmatch(name):
        return program
    interpreter = _unwrapped(_shebang(program))
    if interpreter and _PYTHON.fullmatch(Path(interpreter[0]).name):
        return _program(interpreter[0], directory, path)
    return None


def _unwrapped(command: Sequence[str]) -> list[str]:
    """Return a command without what only prepares its start: ``env A=1``, ``exec``, ``tini --``, ``sh -c``."""
    words = list(command)
    while words:
        name = Path(words[0]).name
        if name in _SHELLS and "-c" in words[1:-1]:
            words = _last_command(words[words.index("-c") + 1])
        elif name in _WRAPPERS:
            words = words[1:]
            while words and (words[0].startswith("-") or _ASSIGNMENT.match(words[0])):
                words = words[1:]
        elif _ASSIGNMENT.match(words[0]):
            words = words[1:]
        else:
            break
    return words


def _last_command(script: str) -> list[str]:
    lexer = shlex.shlex(script, posix=True, punctuation_chars=";&|")
    lexer.whitespace_split = True
    try:
        words = list(lexer)
    except ValueError:
        return []
    ends = [index for index, word in enumerate(words) if set(word) <= set(";&|")]
    return words[ends[-1] + 1 :] if ends else words


def _program(name: str, directory: Path, path: str | None) -> Path | None:
    """Find a program as the system would, keeping links: a virtual environment's Python is one."""
    found = str(directory / name) if "/" in name else shutil.which(name, path=path)
    if not found:
        return None
    absolute = Path(os.path.abspath(directory / found))  # noqa: PTH100 - resolve() would follow the link
    return absolute if absolute.is_file() else None


def _project_python(directory: Path) -> Path | None:
    for folder in (directory, *directory.absolute().parents):
        python = folder / ".venv" / "bin" / "python"
        if python.exists():
            return python.absolute()
    return None


def _shebang(program: Path) -> list[str]:
    """Return the interpreter line of a script, also in the form for long paths: ``#!/bin/sh`` and ``'''exec'``."""
    try:
        with program.open("rb") as file:
            lines = file.read(_SHEBANG_BYTES).decode("utf-8", "replace").splitlines()
    except OSError:
        return []
    if not lines or not lines[0].startswith("#!"):
        return []
    if len(lines) > 1 and lines[1].startswith("'''exec'"):
        lines[0] = lines[1].removeprefix("'''exec'")
    try:
        return shlex.split(lines[0].removeprefix("#!"))
    except ValueError:
        return []
