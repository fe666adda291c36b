"""Databases of their own for the tests of the engine."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import duckdb
import pytest
from pydantic import SecretStr
from spyne.engine import Source

FEW = 2_000


@pytest.fixture
def sources(tmp_path: Path) -> dict[str, Source]:
    """A SQLite and a DuckDB file, each with a table `t` of 2,000 rows."""
    with closing(sqlite3.connect(tmp_path / "a.sqlite")) as connection, connection:
        connection.execute("CREATE TABLE t(n INTEGER, word TEXT)")
        connection.executemany("INSERT INTO t VALUES (?, ?)", [(n, f"word {n}") for n in range(FEW)])
    with duckdb.connect(str(tmp_path / "a.duckdb")) as made:
        made.execute(f"CREATE TABLE t AS SELECT range AS n, 'word ' || range AS word FROM range({FEW})")
    return {
        "sqlite": Source("sqlite", SecretStr(str(tmp_path / "a.sqlite"))),
        "duckdb": Source("duckdb", SecretStr(str(tmp_path / "a.duckdb"))),
    }


@pytest.fixture
def postgres_source(postgresql_url: str) -> Source:
    """A PostgreSQL database with the same table."""
    import psycopg

    with psycopg.connect(postgresql_url, autocommit=True) as connection:
        connection.execute(
            f"CREATE TABLE t AS SELECT n, 'word ' || n AS word FROM generate_series(0, {FEW - 1}) AS s(n)".encode()
        )
    return Source("postgres", SecretStr(postgresql_url))


@pytest.fixture
def active(postgresql_url: str) -> Callable[[], int]:
    """How many queries of Spyne are running in that PostgreSQL database."""
    import psycopg

    def count() -> int:
        with psycopg.connect(postgresql_url, autocommit=True) as connection:
            row = connection.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'spyne' AND state = 'active'"
                " AND datname = current_database()"
            ).fetchone()
            assert row is not None
            return int(row[0])

    return count
