"""Schemas of PostgreSQL and DuckDB, and the version of the data, from real databases."""

import os
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pytest
from pydantic import SecretStr
from spyne.ask.facts import Facts
from spyne.ask.joins import JoinGraph
from spyne.schema.errors import SourceUnreachable
from spyne.schema.model import Schema, TableInfo
from spyne.schema.read import data_version, read_schema
from spyne.schema.source import Source

SCRIPT = """
    CREATE TYPE mood AS ENUM ('sad', 'glad');
    CREATE TABLE customer(id INTEGER PRIMARY KEY, name VARCHAR(50) NOT NULL UNIQUE, feels mood, born DATE,
        seen TIMESTAMP, weight NUMERIC(5, 2), active BOOLEAN, tags TEXT[]);
    CREATE TABLE "order"(id BIGINT PRIMARY KEY, customer_id INTEGER REFERENCES customer(id), day TEXT);
    CREATE TABLE visit(id INTEGER, customer_id INTEGER);
    CREATE SCHEMA stock;
    CREATE TABLE stock.item(code TEXT, place INTEGER, PRIMARY KEY(code, place));
    CREATE VIEW adult AS SELECT id, name FROM customer;
    INSERT INTO customer VALUES (1, 'Ada', 'glad', '2000-02-29', '2024-01-31 10:00:00', 61.5, true, NULL),
        (2, 'Bo', 'sad', '1999-01-01', '2024-02-01 11:30:00', 70, false, NULL);
    INSERT INTO "order" VALUES (1, 1, '2024-01-31');
    INSERT INTO visit VALUES (1, 2), (2, 2);
    COMMENT ON TABLE customer IS 'who buys';
    COMMENT ON COLUMN customer.born IS 'date of birth';
"""


@pytest.fixture
def postgres(postgresql_url: str) -> Source:
    with psycopg.connect(postgresql_url, autocommit=True) as connection:
        for statement in SCRIPT.split(";\n"):
            if statement.strip():
                connection.execute(statement.encode())
    return Source("postgres", SecretStr(postgresql_url))


@pytest.fixture
def duck(tmp_path: Path) -> Source:
    path = tmp_path / "a.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute(SCRIPT)
    return Source("duckdb", SecretStr(str(path)))


@pytest.fixture(params=["postgres", "duck"])
def source(request: pytest.FixtureRequest) -> Source:
    made: Source = request.getfixturevalue(request.param)
    return made


def qualified(schema: Schema) -> dict[str, TableInfo]:
    return {f"{table.table_schema}.{table.name}": table for table in schema.tables}


def test_tables_kinds_values_and_keys_are_read(source: Source) -> None:
    schema = read_schema(source)
    assert schema.dialect == source.dialect
    tables = qualified(schema)
    main = "public" if source.dialect == "postgres" else "main"
    assert set(tables) == {f"{main}.{name}" for name in ("customer", "order", "visit", "adult")} | {"stock.item"}
    customer = tables[f"{main}.customer"]
    assert {column.name: (column.kind, sorted(column.values or ())) for column in customer.columns} == {
        "id": ("integer", [1, 2]), "name": ("text", ["Ada", "Bo"]), "feels": ("text", ["glad", "sad"]),
        "born": ("date", ["1999-01-01", "2000-02-29"]),
        "seen": ("timestamp", ["2024-01-31T10:00:00", "2024-02-01T11:30:00"]), "weight": ("number", [61.5, 70.0]),
        "active": ("boolean", [False, True]), "tags": ("other", []),
    }  # fmt: skip
    assert (customer.primary_key, customer.unique, customer.rows) == (("id",), (("name",),), 2)
    assert (customer.description, customer.column("born").description) == ("who buys", "date of birth")
    assert (customer.column("name").nullable, customer.column("born").nullable) == (False, True)
    assert tables["stock.item"].primary_key == ("code", "place")
    assert tables[f"{main}.adult"].is_view
    assert tables[f"{main}.order"].column("day").kind == "text"  # as the database takes it


def test_declared_keys_are_read_and_others_found(source: Source) -> None:
    schema = read_schema(source)
    (declared,) = schema.table("order").foreign_keys
    (found,) = schema.table("visit").foreign_keys
    assert (declared.columns, declared.references, declared.referenced_columns, declared.inferred) == (
        ("customer_id",), "customer", ("id",), False,
    )  # fmt: skip
    assert (found.columns, found.references, found.referenced_columns, found.inferred) == (
        ("customer_id",), "customer", ("id",), True,
    )  # fmt: skip


def test_a_key_points_at_the_table_of_its_own_schema_where_two_are_called_the_same(postgres: Source) -> None:
    with psycopg.connect(postgres.location.get_secret_value(), autocommit=True) as connection:
        connection.execute("CREATE SCHEMA archive")
        connection.execute("CREATE TABLE archive.customer(id INTEGER PRIMARY KEY, note TEXT)")
        connection.execute("CREATE TABLE archive.letter(id INTEGER, customer_id INTEGER REFERENCES archive.customer)")
    schema = read_schema(postgres)
    facts = Facts(schema)
    assert [key.references_schema for key in schema.table("letter").foreign_keys] == ["archive"]
    assert [key.references_schema for key in schema.table("order").foreign_keys] == ["public"]
    assert facts["customer"].table.table_schema == "public"
    assert JoinGraph(facts).path(["order"], "customer") is not None
    assert JoinGraph(facts).path(["letter"], "customer") is None, "its customers are those of another schema"


def test_without_time_for_values_the_structure_is_still_read(source: Source) -> None:
    quick, whole = read_schema(source, budget_s=0), read_schema(source)
    assert quick.version == whole.version
    assert quick.table("customer").rows is None
    assert {column.values for column in quick.table("customer").columns} == {None}
    assert [column.kind for column in quick.table("customer").columns] == [
        column.kind for column in whole.table("customer").columns
    ]


def test_only_what_the_user_may_read_is_there(postgres: Source, postgresql: Any) -> None:
    address = postgres.location.get_secret_value()
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute("DROP ROLE IF EXISTS spyne_reader")
        connection.execute("CREATE ROLE spyne_reader LOGIN PASSWORD 'reads'")
        connection.execute("GRANT SELECT ON adult TO spyne_reader")
        connection.execute("GRANT SELECT ON stock.item TO spyne_reader")  # without USAGE on the schema
    try:
        host = f"127.0.0.1:{postgresql.port}"
        restricted = Source(
            "postgres", SecretStr(f"postgresql://spyne_reader:reads@{host}/{address.rsplit('/', 1)[1]}")
        )
        assert [table.name for table in read_schema(restricted).tables] == ["adult"]
    finally:
        with psycopg.connect(address, autocommit=True) as connection:
            connection.execute("DROP OWNED BY spyne_reader")
            connection.execute("DROP ROLE spyne_reader")


def test_a_slow_view_costs_a_bounded_time_and_hides_nothing(postgres: Source) -> None:
    with psycopg.connect(postgres.location.get_secret_value(), autocommit=True) as connection:
        connection.execute("CREATE VIEW slow AS SELECT 1 AS one WHERE pg_sleep(600) IS NOT NULL")
        connection.execute("CREATE VIEW zero AS SELECT 1 / (id - 1) AS one FROM customer")
    began = time.monotonic()
    schema = read_schema(postgres, budget_s=3)
    assert time.monotonic() - began < 20
    assert (schema.table("slow").rows, schema.table("slow").column("one").kind) == (None, "integer")
    assert schema.table("zero").column("one").values is None
    assert "customer" in {table.name for table in schema.tables}


def test_a_sqlite_file_is_read_by_the_same_call(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "a.sqlite")) as connection:
        connection.execute("CREATE TABLE t(a)")
    schema = read_schema(Source("sqlite", SecretStr(str(tmp_path / "a.sqlite"))))
    assert (schema.dialect, [table.name for table in schema.tables]) == ("sqlite", ["t"])


def test_what_cannot_be_opened_is_said_without_its_address(tmp_path: Path, postgresql: Any) -> None:
    broken = tmp_path / "broken.db"
    broken.write_bytes(b"no database, whatever it is called" * 100)
    for source in (
        Source("sqlite", SecretStr(str(tmp_path / "missing"))), Source("duckdb", SecretStr(str(tmp_path / "missing"))),
        Source("sqlite", SecretStr(str(broken))), Source("duckdb", SecretStr(str(broken))),
        Source("postgres", SecretStr(f"postgresql://postgres:secret-word@127.0.0.1:{postgresql.port}/postgres")),
        Source("postgres", SecretStr("postgresql://postgres:secret-word@127.0.0.1:9/postgres")),
        Source("postgres", SecretStr("secret-word")),
    ):  # fmt: skip
        with pytest.raises(SourceUnreachable) as caught:
            read_schema(source)
        assert not any(part in str(caught.value) for part in ("secret-word", "127.0.0.1", str(tmp_path)))
        assert "secret" not in repr(source).replace("SecretStr", "").lower()


def test_a_schema_is_read_while_nothing_may_be_written(duck: Source) -> None:
    path = Path(duck.location.get_secret_value())
    before = path.read_bytes()
    read_schema(duck)
    assert path.read_bytes() == before


def test_the_version_of_the_data_changes_with_a_write_to_postgres(postgres: Source) -> None:
    first = data_version(postgres)
    assert first is not None
    with psycopg.connect(postgres.location.get_secret_value(), autocommit=True) as connection:
        connection.execute("INSERT INTO visit VALUES (3, 1)")
    assert data_version(postgres) != first


@pytest.mark.parametrize("dialect", ["sqlite", "duckdb"])
def test_the_version_of_the_data_changes_with_a_write_to_a_file(tmp_path: Path, dialect: str) -> None:
    path = tmp_path / "data"
    source = Source(dialect, SecretStr(str(path)))  # type: ignore[arg-type]
    with pytest.raises(SourceUnreachable):
        data_version(source)
    _write(dialect, path, "CREATE TABLE t(a INT)")
    assert data_version(source) is None  # it may change again within the resolution of the clock
    _settle(path)
    first = data_version(source)
    assert first is not None
    assert data_version(source) == first
    _write(dialect, path, "INSERT INTO t VALUES (1)")
    _settle(path, by=20)
    assert data_version(source) not in {None, first}


def test_a_write_that_is_still_in_the_log_beside_the_file_counts(tmp_path: Path) -> None:
    path = tmp_path / "data"
    source = Source("sqlite", SecretStr(str(path)))
    with closing(sqlite3.connect(path)) as writer:
        writer.execute("PRAGMA journal_mode = WAL")
        writer.execute("CREATE TABLE t(a)")
        writer.commit()
        log = tmp_path / "data-wal"
        _settle(path)
        _settle(log)
        first = data_version(source)
        writer.execute("INSERT INTO t VALUES (1)")
        writer.commit()
        assert data_version(source) != first
        _settle(log, by=20)
        assert data_version(source) not in {None, first}


def _write(dialect: str, path: Path, statement: str) -> None:
    if dialect == "duckdb":
        with duckdb.connect(str(path)) as connection:
            connection.execute(statement)
    else:
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute(statement)


def _settle(path: Path, by: float = 30) -> None:
    """Make a file look as though it was written some seconds ago."""
    then = time.time() - by
    os.utime(path, (then, then))
