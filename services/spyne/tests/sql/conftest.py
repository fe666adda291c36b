"""The same shop in SQLite, DuckDB and PostgreSQL: real engines, which the tests only read from."""

import sqlite3
from collections.abc import Callable, Iterator
from datetime import date, datetime
from datetime import time as clock
from decimal import Decimal
from typing import Any

import duckdb
import psycopg
import pytest
from spyne.schema.model import ColumnInfo, Dialect, ForeignKey, Schema, TableInfo
from spyne.sql.aggregates import register

DIALECTS: tuple[Dialect, ...] = ("sqlite", "postgres", "duckdb")
TABLES: dict[str, list[tuple[str, str, str]]] = {
    "customers": [
        ("id", "INTEGER PRIMARY KEY", "integer"), ("Name", "VARCHAR(40)", "text"), ("city", "TEXT", "text"),
        ("joined", "DATE", "date"), ("active", "BOOLEAN", "boolean"),
    ],
    "orders": [
        ("id", "INTEGER PRIMARY KEY", "integer"), ("customer", "INTEGER", "integer"),
        ("amount", "NUMERIC(10,2)", "number"), ("placed", "TIMESTAMP", "timestamp"), ("opens", "TIME", "time"),
        ("code", "TEXT", "text"), ("pieces", "INTEGER", "integer"),
    ],
    "order": [("key", "TEXT", "text"), ("select", "INTEGER", "integer")],
}  # fmt: skip
ROWS: dict[str, list[tuple[object, ...]]] = {
    "customers": [
        (1, "Ada", "Rome", "2023-01-31", True), (2, "Bo", "Oslo", "2024-02-29", False),
        (3, "ada", "Rome", "2023-12-31", True), (4, "Di%", None, "2024-12-30", None),
        (5, "E_v", "Oslo", None, True), (6, "O'Neil \\ co", "Paris", "2021-01-03", False),
    ],
    "orders": [
        (1, 1, "10.50", "2023-02-01 10:00:00", "08:30:00", "7", 3),
        (2, 1, "20.00", "2023-02-28 23:59:59", "09:00:00", "007", 2),
        (3, 2, "5.25", "2024-03-01 00:00:00", "10:15:00", "x1", 0),
        (4, 3, "99.99", "2024-03-31 12:30:15", None, "X1", 7),
        (5, 5, None, None, "23:59:59", None, None), (6, None, "7.00", "2021-01-01 06:00:00", "00:00:00", "a*b", 1),
        (7, 3, "40.00", "2024-05-05 05:05:05", "07:00:00", "a%b", 4),
    ],
    "order": [("a", 1), ("b", 2), (None, 3)],
}  # fmt: skip
MADE_BY = ForeignKey(columns=("customer",), references="customers", referenced_columns=("id",))
Run = Callable[[str, Dialect], list[tuple[object, ...]]]


def shop(dialect: Dialect) -> Schema:
    """The schema, as a reader would have it."""
    place = {"sqlite": None, "postgres": "public", "duckdb": "main"}[dialect]
    tables = []
    for name, columns in TABLES.items():
        infos = tuple(ColumnInfo(name=each, declared_type=kind.split()[0], kind=real) for each, kind, real in columns)  # type: ignore[arg-type]
        key = ("id",) if "PRIMARY KEY" in columns[0][1] else ()
        links = (MADE_BY,) if name == "orders" else ()
        tables.append(TableInfo(name=name, table_schema=place, columns=infos, primary_key=key, foreign_keys=links))
    return Schema(dialect=dialect, tables=tuple(tables), version="1")


def statements() -> list[str]:
    """What makes the shop, in SQL that the three agree on."""
    made = []
    for name, columns in TABLES.items():
        made.append(
            f'CREATE TABLE "{name}" ({", ".join(f"{chr(34)}{each}{chr(34)} {kind}" for each, kind, _ in columns)})'
        )
        made += [f'INSERT INTO "{name}" VALUES ({", ".join(map(_literal, row))})' for row in ROWS[name]]
    return made


def _literal(value: object) -> str:
    if value is None or isinstance(value, bool):
        return {None: "NULL", True: "TRUE", False: "FALSE"}[value]
    return str(value) if isinstance(value, int) else "'" + str(value).replace("'", "''") + "'"


def plain(value: object) -> object:
    """A cell without what engines differ in: decimals, truth values, dates as objects."""
    match value:
        case bool():
            return int(value)
        case Decimal() | float():
            return round(float(value), 6)
        case datetime():
            return value.isoformat(" ")
        case date() | clock():
            return value.isoformat()
    return value


@pytest.fixture(scope="session")
def run(postgresql: Any) -> Iterator[Run]:
    """Run SQL on the shop in one of the three; tests only read it."""
    lite = sqlite3.connect(":memory:")
    register(lite)
    duck = duckdb.connect()
    url = postgresql.url(postgresql.create_database())
    server = psycopg.connect(url, autocommit=True)
    for statement in statements():
        lite.execute(statement)
        duck.execute(statement)
        server.execute(statement.encode())

    def rows(sql: str, dialect: Dialect) -> list[tuple[object, ...]]:
        nonlocal server
        if dialect == "sqlite":
            found = lite.execute(sql).fetchall()
        elif dialect == "duckdb":
            found = duck.execute(sql).fetchall()
        else:
            try:
                found = server.execute(sql.encode()).fetchall()
            except psycopg.OperationalError:
                if not server.closed:
                    raise
                server = psycopg.connect(url, autocommit=True)  # the connection was lost: a statement does that twice
                found = server.execute(sql.encode()).fetchall()
        return [tuple(plain(cell) for cell in row) for row in found]

    yield rows
    lite.close()
    duck.close()
    server.close()
