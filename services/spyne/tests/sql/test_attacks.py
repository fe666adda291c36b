"""Every attack goes through the guard; what the guard lets pass is executed for real, and changes nothing."""

import hashlib
import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pytest
from pydantic import SecretStr
from spyne.engine import Engine, Limits
from spyne.engine.errors import QueryError
from spyne.schema.model import Dialect
from spyne.schema.source import Source
from spyne.sql.errors import Refused
from spyne.sql.guard import check

from .attacks import attacks, victim
from .conftest import DIALECTS

SETUP = [
    "CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT, city TEXT)",
    "CREATE TABLE orders (id INTEGER PRIMARY KEY, person INTEGER, amount NUMERIC(10, 2), placed DATE)",
    "CREATE TABLE secrets (token TEXT)",
    "INSERT INTO secrets VALUES ('s3cret-t0ken')",
    *(f"INSERT INTO people VALUES ({n}, 'name {n}', 'city {n % 7}')" for n in range(200)),
    *(f"INSERT INTO orders VALUES ({n}, {n % 200}, {n}.5, '2024-01-01')" for n in range(400)),
]
LIMITS = Limits(wall_s=1.0, cpu_s=2.0, memory_bytes=400_000_000, rows=1_000)
STATE = """
    SELECT 'table', relname, relkind::text FROM pg_class WHERE relnamespace = 'public'::regnamespace
    UNION ALL SELECT 'person', id::text, name || city FROM people
    UNION ALL SELECT 'order', id::text, concat(person, amount, placed) FROM orders
    UNION ALL SELECT 'secret', token, '' FROM secrets
    UNION ALL SELECT 'counter', last_value::text, is_called::text FROM counter
    UNION ALL SELECT 'large object', oid::text, '' FROM pg_largeobject_metadata
    UNION ALL SELECT 'role', rolname, rolsuper::text FROM pg_roles
    UNION ALL SELECT 'setting', name, setting FROM pg_settings WHERE source NOT IN ('session', 'client')
    UNION ALL SELECT 'lock', objid::text, mode FROM pg_locks WHERE locktype = 'advisory'
    ORDER BY 1, 2, 3
"""


@dataclass
class Target:
    """A database to attack, and all of its state."""

    location: str
    state: Callable[[], object]
    execute: Callable[[str], object]


def _file_state(folder: Path) -> Callable[[], object]:
    """All files beside the database, byte for byte."""
    return lambda: {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


def _sqlite(folder: Path) -> Target:
    folder.mkdir()
    connection = sqlite3.connect(folder / "victim.db")
    for statement in SETUP:
        connection.execute(statement)
    connection.commit()
    connection.close()
    return Target(str(folder / "victim.db"), _file_state(folder), lambda sql: _written(folder / "victim.db", sql))


def _written(path: Path, sql: str) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute(sql)
    connection.close()


def _duckdb(folder: Path) -> Target:
    folder.mkdir()
    with duckdb.connect(folder / "victim.duckdb") as connection:
        for statement in [*SETUP, "CREATE SEQUENCE counter"]:
            connection.execute(statement)

    def execute(sql: str) -> None:
        with duckdb.connect(folder / "victim.duckdb") as connection:
            connection.execute(sql)

    return Target(str(folder / "victim.duckdb"), _file_state(folder), execute)


def _postgres(server: Any) -> Target:
    url = server.url(server.create_database())
    connection = psycopg.connect(url, autocommit=True)
    for statement in [*SETUP, "CREATE SEQUENCE counter"]:
        connection.execute(statement.encode())
    connection.close()

    def state() -> object:
        with psycopg.connect(url, autocommit=True) as looking:
            return looking.execute(STATE).fetchall()

    def execute(sql: str) -> None:
        with psycopg.connect(url, autocommit=True) as writing:
            writing.execute(sql.encode())

    return Target(url, state, execute)


def _target(dialect: Dialect, folder: Path, request: pytest.FixtureRequest) -> Target:
    if dialect == "postgres":
        return _postgres(request.getfixturevalue("postgresql"))
    return _sqlite(folder / "files") if dialect == "sqlite" else _duckdb(folder / "files")


@pytest.fixture
def loot() -> list[Path]:
    """Where attacks would leave files."""
    return [Path("/tmp") / name for name in ("loot", "loot.db", "loot.csv", "loot.parquet")]


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_no_attack_takes_effect(
    dialect: Dialect, tmp_path: Path, loot: list[Path], request: pytest.FixtureRequest
) -> None:
    target = _target(dialect, tmp_path, request)
    before, files = target.state(), [path.exists() for path in loot]
    engine = Engine({"victim": Source(dialect, SecretStr(target.location))}, workers=1, limits=LIMITS)
    refused = executed = 0
    try:
        for aimed_at, _, statement in attacks():
            if aimed_at != dialect:
                continue
            try:
                safe = check(statement, victim(dialect))
            except Refused:
                refused += 1
                continue
            executed += 1
            started = time.monotonic()
            try:
                rows = await engine.run("victim", safe)
            except QueryError:
                pass  # ended by a limit, or by the database itself: no rows, and no effect, which is seen below
            else:
                assert len(rows.rows) <= 1_000
                assert "s3cret-t0ken" not in repr(rows.rows), statement
            assert time.monotonic() - started < 10, statement  # a limit of 1 s, on a machine that does other things too
    finally:
        await engine.close()
    assert target.state() == before
    assert [path.exists() for path in loot] == files
    assert executed
    assert refused > 100
    target.execute("UPDATE people SET city = 'pwned' WHERE id = 1")  # an effect would be seen
    assert target.state() != before
