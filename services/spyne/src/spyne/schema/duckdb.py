"""Reads the schema of a DuckDB file, through a connection that cannot write or reach anything else."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb

from spyne.schema.duckdb_file import connected
from spyne.schema.infer import infer_foreign_keys
from spyne.schema.kinds import declared_kind
from spyne.schema.model import ColumnInfo, ForeignKey, Schema, TableInfo
from spyne.schema.profile import Profiler, Rows, Unreadable, containment, kept_values, quoted
from spyne.schema.version import structure_hash

_MEMORY_BYTES = 512 * 1024 * 1024
_AT_ONCE = 200

Key = tuple[str, str]  # schema, table


def read_duckdb(path: str | Path, *, budget_s: float = 20.0) -> Schema:
    """The tables, views, keys, kinds and values of a DuckDB file; values for `budget_s` seconds at most.

    Raises SourceUnreachable when the file cannot be opened.
    """
    with contextlib.closing(connected(str(path), _MEMORY_BYTES)) as connection:
        reader = _Reader(connection, budget_s)
        tables = infer_foreign_keys(tuple(reader.tables()), reader.contained)
        return Schema(dialect="duckdb", tables=tables, version=structure_hash(tables))


class _Reader:
    def __init__(self, connection: duckdb.DuckDBPyConnection, budget_s: float) -> None:
        self._connection = connection
        self._profiler = Profiler(self._fetched, budget_s)
        self.contained = containment(self._profiler, _place)

    def tables(self) -> Iterator[TableInfo]:
        columns: dict[Key, list[tuple[Any, ...]]] = {}
        for row in self._all(
            "SELECT schema_name, table_name, column_name, data_type, is_nullable, comment FROM duckdb_columns()"
            " WHERE NOT internal AND database_name = current_database() ORDER BY table_oid, column_index"
        ):
            columns.setdefault((row[0], row[1]), []).append(row[2:])
        keys = self._constraints()
        for schema, name, comment, is_view in self._all(
            "SELECT schema_name, table_name, comment, false FROM duckdb_tables()"
            " WHERE NOT internal AND database_name = current_database() UNION ALL"
            " SELECT schema_name, view_name, comment, true FROM duckdb_views()"
            " WHERE NOT internal AND database_name = current_database()"
        ):
            place = f"{quoted(schema)}.{quoted(name)}"
            declared = keys.get((schema, name), [])
            yield TableInfo(
                name=name,
                table_schema=schema,
                columns=tuple(self._column(place, *column) for column in columns.get((schema, name), [])),
                primary_key=next((tuple(row[1]) for row in declared if row[0] == "PRIMARY KEY"), ()),
                foreign_keys=tuple(
                    ForeignKey(
                        columns=tuple(row[1]),
                        references_schema=schema,
                        references=row[2],
                        referenced_columns=tuple(row[3]),
                    )
                    for row in declared
                    if row[0] == "FOREIGN KEY"
                ),
                unique=tuple(tuple(row[1]) for row in declared if row[0] == "UNIQUE"),
                rows=self._profiler.rows(place),
                is_view=is_view,
                description=comment or "",
            )

    def _constraints(self) -> dict[Key, list[tuple[Any, ...]]]:
        found: dict[Key, list[tuple[Any, ...]]] = {}
        for row in self._all(
            "SELECT schema_name, table_name, constraint_type, constraint_column_names, referenced_table,"
            " referenced_column_names FROM duckdb_constraints() WHERE database_name = current_database()"
        ):
            found.setdefault((row[0], row[1]), []).append(row[2:])
        return found

    def _column(self, place: str, name: str, declared: str, nullable: bool, comment: str | None) -> ColumnInfo:
        kind = declared_kind(declared)
        values, distinct = self._profiler.values(place, quoted(name)) if kind != "other" else (None, None)
        return ColumnInfo(
            name=name, declared_type=declared, kind=kind, nullable=nullable, description=comment or "",
            distinct=distinct, values=kept_values(values),
        )  # fmt: skip

    def _fetched(self, statement: str, within_s: float) -> Rows:
        alarm = threading.Timer(within_s, self._connection.interrupt)
        alarm.daemon = True
        alarm.start()
        try:
            cursor = self._connection.execute(statement)
            while rows := cursor.fetchmany(_AT_ONCE):
                yield from rows
        except (duckdb.Error, RuntimeError):
            raise Unreadable from None
        finally:
            alarm.cancel()
            alarm.join()

    def _all(self, statement: str) -> list[tuple[Any, ...]]:
        return self._connection.execute(statement).fetchall()


def _place(table: TableInfo) -> str:
    return f"{quoted(table.table_schema or 'main')}.{quoted(table.name)}"
