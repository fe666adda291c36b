"""Reads the schema of a PostgreSQL database, in a read-only transaction: what this user may SELECT, and no more."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import psycopg
from psycopg import sql

from spyne.schema.errors import SourceUnreachable
from spyne.schema.infer import infer_foreign_keys
from spyne.schema.kinds import declared_kind
from spyne.schema.model import ColumnInfo, ForeignKey, Kind, Schema, TableInfo
from spyne.schema.postgres_server import Connection, connected, reason
from spyne.schema.profile import Profiler, Rows, Unreadable, containment, kept_values, quoted
from spyne.schema.version import structure_hash

_CATALOGUE_S = 30

_TABLES = """
    SELECT c.oid, n.nspname, c.relname, c.relkind IN ('v', 'm'), coalesce(obj_description(c.oid, 'pg_class'), '')
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'v', 'm', 'p', 'f') AND NOT c.relispartition AND n.nspname <> 'information_schema'
      AND n.nspname !~ '^pg_' AND has_table_privilege(c.oid, 'SELECT') AND has_schema_privilege(n.oid, 'USAGE')
    ORDER BY NOT pg_table_is_visible(c.oid), n.nspname, c.relname"""
_COLUMNS = """
    SELECT a.attrelid, a.attname, format_type(CASE WHEN t.typtype = 'd' THEN t.typbasetype ELSE a.atttypid END, NULL),
           t.typtype = 'e', NOT a.attnotnull, coalesce(col_description(a.attrelid, a.attnum), '')
    FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
    WHERE a.attrelid = ANY(%s) AND a.attnum > 0 AND NOT a.attisdropped
    ORDER BY a.attrelid, a.attnum"""
_KEYS = """
    SELECT k.conrelid, k.contype,
           (SELECT array_agg(a.attname::text ORDER BY p.place)
            FROM unnest(k.conkey) WITH ORDINALITY AS p(number, place)
            JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = p.number),
           s.nspname, r.relname,
           (SELECT array_agg(a.attname::text ORDER BY p.place)
            FROM unnest(k.confkey) WITH ORDINALITY AS p(number, place)
            JOIN pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = p.number)
    FROM pg_constraint k LEFT JOIN pg_class r ON r.oid = k.confrelid
         LEFT JOIN pg_namespace s ON s.oid = r.relnamespace
    WHERE k.conrelid = ANY(%s) AND k.contype IN ('p', 'u', 'f') ORDER BY k.oid"""


def read_postgres(dsn: str, *, budget_s: float = 20.0) -> Schema:
    """The tables, views, keys, kinds and values that this user may read; values for `budget_s` seconds at most.

    Raises SourceUnreachable when no connection can be made, or it breaks.
    """
    try:
        with contextlib.closing(connected(dsn)) as connection:
            connection.execute("BEGIN READ ONLY")
            reader = _Reader(connection, budget_s)
            tables = infer_foreign_keys(tuple(reader.tables()), reader.contained)
            return Schema(dialect="postgres", tables=tables, version=structure_hash(tables))
    except psycopg.Error as error:
        raise SourceUnreachable(reason(error)) from None


class _Reader:
    def __init__(self, connection: Connection, budget_s: float) -> None:
        self._connection = connection
        self._profiler = Profiler(self._fetched, budget_s)
        self.contained = containment(self._profiler, _place)

    def tables(self) -> Iterator[TableInfo]:
        self._connection.execute(f"SET LOCAL statement_timeout = {_CATALOGUE_S * 1000}")
        listed = self._connection.execute(_TABLES).fetchall()
        columns = self._by_table(_COLUMNS, listed)
        keys = self._by_table(_KEYS, listed)
        for oid, schema, name, is_view, description in listed:
            place = f"{quoted(schema)}.{quoted(name)}"
            declared = keys.get(oid, [])
            yield TableInfo(
                name=name,
                table_schema=schema,
                columns=tuple(self._column(place, *column) for column in columns.get(oid, [])),
                primary_key=next((tuple(key[1]) for key in declared if key[0] == "p"), ()),
                foreign_keys=tuple(
                    ForeignKey(
                        columns=tuple(key[1]),
                        references_schema=key[2],
                        references=key[3],
                        referenced_columns=tuple(key[4]),
                    )
                    for key in declared
                    if key[0] == "f"
                ),
                unique=tuple(tuple(key[1]) for key in declared if key[0] == "u"),
                rows=self._profiler.rows(place),
                is_view=is_view,
                description=description,
            )

    def _by_table(self, statement: str, listed: list[tuple[Any, ...]]) -> dict[int, list[tuple[Any, ...]]]:
        found: dict[int, list[tuple[Any, ...]]] = {}
        for row in self._connection.execute(statement.encode(), ([row[0] for row in listed],)):
            found.setdefault(row[0], []).append(row[1:])
        return found

    def _column(
        self, place: str, name: str, declared: str, is_enumeration: bool, nullable: bool, description: str
    ) -> ColumnInfo:
        kind: Kind = "text" if is_enumeration else declared_kind(declared)
        values, distinct = self._profiler.values(place, quoted(name)) if kind != "other" else (None, None)
        return ColumnInfo(
            name=name, declared_type=declared, kind=kind, nullable=nullable, description=description,
            distinct=distinct, values=kept_values(values),
        )  # fmt: skip

    def _fetched(self, statement: str, within_s: float) -> Rows:
        """Rows within a savepoint, so that what fails spoils nothing else."""
        timeout = sql.SQL("SET LOCAL statement_timeout = {}").format(max(1, int(within_s * 1000)))
        try:
            with self._connection.transaction():
                self._connection.execute(timeout)
                return self._connection.execute(statement.encode()).fetchall()
        except psycopg.OperationalError as error:
            if self._connection.closed:
                raise
            raise Unreadable(str(error.sqlstate)) from None
        except psycopg.Error as error:
            raise Unreadable(str(error.sqlstate)) from None


def _place(table: TableInfo) -> str:
    return f"{quoted(table.table_schema or 'public')}.{quoted(table.name)}"
