"""Tells at little cost whether the tables of a database may have changed since its schema was read."""

from __future__ import annotations

import contextlib
import hashlib
import sqlite3
from importlib import import_module
from pathlib import Path

from spyne.schema.read import data_version
from spyne.schema.source import Source

_POSTGRES = """
SELECT n.nspname, c.relname, c.relkind, a.attname, a.atttypid, a.attnotnull, (SELECT max(oid) FROM pg_constraint)
FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'v', 'm', 'p', 'f') AND a.attnum > 0 AND NOT a.attisdropped
AND n.nspname <> 'information_schema' AND n.nspname NOT LIKE 'pg\\_%' ORDER BY c.oid, a.attnum
"""
_TIMEOUT_MS = 2_000


def structure_token(source: Source) -> str | None:
    """A token that changes when a table, a view or a column does; None when it cannot be told. It blocks.

    SQLite counts its changes of the schema; of PostgreSQL the names and types of columns are read, and of DuckDB, that
    nobody can open while it is written to, when the file was changed. Raises SourceUnreachable.
    """
    location = source.location.get_secret_value()
    if source.dialect == "postgres":
        return _of_postgres(location)
    if source.dialect == "duckdb":
        return data_version(source)
    with contextlib.suppress(sqlite3.Error, OSError):
        address = f"{Path(location).resolve(strict=True).as_uri()}?mode=ro"
        with contextlib.closing(sqlite3.connect(address, uri=True, timeout=1.0)) as connection:
            version = connection.execute("PRAGMA schema_version").fetchone()[0]
            return f"{Path(location).stat().st_ino}:{version}"
    return None


def _of_postgres(location: str) -> str | None:
    psycopg = import_module("psycopg")
    server = import_module("spyne.schema.postgres_server")
    with contextlib.suppress(psycopg.Error), contextlib.closing(server.connected(location)) as connection:
        connection.execute(f"SET statement_timeout = {_TIMEOUT_MS}")
        return hashlib.sha256(repr(connection.execute(_POSTGRES).fetchall()).encode()).hexdigest()
    return None
