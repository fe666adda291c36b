"""Turns a PostgreSQL dump (CREATE TABLE and INSERT) into a SQLite database, by way of DuckDB.

Times that are relative to the day of loading (`CURRENT_DATE - INTERVAL '3 days'`) are worked out while loading, so that
questions about "the last month" have rows to find. Tables lose the schema they lie in.
"""

import datetime as dt
import decimal
import sqlite3
from contextlib import closing
from pathlib import Path

import duckdb
import sqlglot
from sqlglot import exp

# How sqlglot reads what the dumps give to TO_CHAR, and what is meant by it.
_FORMATS = {"Month": "%B", "%Y%m%%u %H:%i:%s": "%Y%m%d %H:%M:%S"}


def load_dump(dump: Path, database: Path) -> None:
    """Create the SQLite database from the dump. Raises ValueError for a statement that it does not know."""
    with duckdb.connect() as loader, closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("PRAGMA synchronous = OFF")
        for statement in sqlglot.parse(dump.read_text(), read="postgres"):
            if isinstance(statement, exp.Create) and statement.kind == "TABLE":
                created = _plain(statement)
                connection.execute(created.sql("sqlite", comments=False))
                for reference in list(created.find_all(exp.Reference)):  # the rows are only passing through DuckDB
                    reference.parent.pop()
                loader.execute(created.sql("duckdb", comments=False))
            elif isinstance(statement, exp.Insert):
                loader.execute(_plain(statement).sql("duckdb", comments=False))
            elif statement is not None and not isinstance(statement, exp.Create):
                raise ValueError(f"{dump.name}: expected CREATE TABLE or INSERT, got {statement.sql()[:80]!r}")
        for (name,) in loader.execute("SELECT table_name FROM duckdb_tables() ORDER BY table_oid").fetchall():
            rows = loader.execute(f'SELECT * FROM "{name}"').fetchall()  # noqa: S608 - a name from the dump
            if rows:
                places = ", ".join("?" * len(rows[0]))
                values = [[_cell(value) for value in row] for row in rows]
                connection.executemany(f'INSERT INTO "{name}" VALUES ({places})', values)  # noqa: S608 - the same


def _plain(statement: exp.Expression) -> exp.Expression:
    """The statement without what only PostgreSQL knows: schemas, counters, its words for formats and units."""
    plain = statement.copy()
    for table in plain.find_all(exp.Table):
        table.set("db", None)
    for kind in plain.find_all(exp.DataType):
        if kind.this in {exp.DataType.Type.SERIAL, exp.DataType.Type.BIGSERIAL}:
            kind.set("this", exp.DataType.Type.INT)
    for column in plain.find_all(exp.ColumnDef):
        kept = [each for each in column.constraints if not isinstance(each.kind, exp.DefaultColumnConstraint)]
        column.set("constraints", kept)
    for shown in plain.find_all(exp.TimeToStr):
        wanted = shown.args["format"].name
        shown.set("format", exp.Literal.string(_FORMATS.get(wanted, wanted)))
    for interval in plain.find_all(exp.Interval):
        if interval.unit is not None and interval.unit.name.upper() == "MIN":
            interval.set("unit", exp.var("MINUTE"))
    return plain


def _cell(value: object) -> object:
    if isinstance(value, dt.datetime):
        return value.replace(tzinfo=None, microsecond=0).isoformat(" ")
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    return float(value) if isinstance(value, decimal.Decimal) else value
