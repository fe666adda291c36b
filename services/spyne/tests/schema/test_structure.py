"""What tells that tables have changed."""

import contextlib
import sqlite3
import time

import duckdb
import psycopg
import pytest
from pydantic import SecretStr
from spyne.schema.errors import SourceUnreachable
from spyne.schema.source import Source
from spyne.schema.structure import structure_token


def changed(kind, place, statement):
    """Execute a statement in a database, on a connection of its own."""
    if kind == "duckdb":
        with duckdb.connect(place) as connection:
            connection.execute(statement)
    elif kind == "sqlite":
        with contextlib.closing(sqlite3.connect(place)) as connection, connection:
            connection.execute(statement)
    else:
        with psycopg.connect(place, autocommit=True) as connection:
            connection.execute(statement)


@pytest.fixture(params=["sqlite", "postgres", "duckdb"])
def database(request, tmp_path):
    """A database with a table: its kind and place, and a function that reads its token."""
    kind = request.param
    place = str(tmp_path / f"a.{kind}")
    if kind == "postgres":
        server = request.getfixturevalue("postgresql")
        place = server.url(server.create_database())
    changed(kind, place, "CREATE TABLE boats (id INTEGER PRIMARY KEY, name TEXT)")

    def token():
        until = time.monotonic() + 10
        while (found := structure_token(Source(kind, SecretStr(place)))) is None:  # a file that changed just now
            assert time.monotonic() < until
        return found

    return kind, place, token


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE piers (id INTEGER)", "CREATE VIEW v AS SELECT name FROM boats", "DROP TABLE boats",
        "ALTER TABLE boats ADD COLUMN length INTEGER", "ALTER TABLE boats RENAME COLUMN name TO title",
    ],
)  # fmt: skip
def test_a_change_of_tables_is_seen(database, statement):
    kind, place, token = database
    before = token()
    assert token() == before

    changed(kind, place, statement)

    assert token() != before


def test_a_change_of_rows_is_none(database):
    kind, place, token = database
    before = token()

    changed(kind, place, "INSERT INTO boats VALUES (1, 'Nina')")

    assert (token() == before) is (kind != "duckdb")  # a file that changes is read again as a whole


@pytest.mark.parametrize("kind", ["sqlite", "duckdb", "postgres"])
def test_what_cannot_be_reached_tells_nothing(kind, tmp_path):
    place = "postgresql://u:p@127.0.0.1:9/x" if kind == "postgres" else str(tmp_path / "none")
    with contextlib.suppress(SourceUnreachable):
        assert structure_token(Source(kind, SecretStr(place))) is None
