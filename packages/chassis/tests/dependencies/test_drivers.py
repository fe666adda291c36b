"""Drivers are loaded when the settings are checked: before workers are forked, and before any check counts its time."""

import subprocess
import sys

import pytest

PROGRAM = """
import sys
import chassis

service = chassis.Service("notes")
service.{kind}("it", lambda _: "{address}"{more})
assert "{driver}" not in sys.modules
service.lifecycle.validate()
assert "{driver}" in sys.modules
"""


@pytest.mark.parametrize(
    ("kind", "address", "driver", "more"),
    [
        pytest.param("sql", "postgresql://me@127.0.0.1:1/notes", "psycopg", "", marks=pytest.mark.needs("sql")),
        pytest.param("sql", "sqlite:///notes.db", "aiosqlite", "", marks=pytest.mark.needs("sql")),
        pytest.param(
            "valkey", "redis://127.0.0.1:1/0", "redis.asyncio", ", lost='x'", marks=pytest.mark.needs("valkey")
        ),
        pytest.param("http", "http://127.0.0.1:1", "httpx", ", lost='x'", marks=pytest.mark.needs("http")),
    ],
)
def test_checking_the_settings_loads_the_driver(kind: str, address: str, driver: str, more: str) -> None:
    program = PROGRAM.format(kind=kind, address=address, driver=driver, more=more)
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)

    assert ended.returncode == 0, ended.stderr
