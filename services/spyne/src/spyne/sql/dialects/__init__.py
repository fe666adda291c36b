"""Where SQLite, PostgreSQL and DuckDB differ: one class each."""

from __future__ import annotations

from spyne.schema.model import Dialect
from spyne.sql.dialects.base import Writing
from spyne.sql.dialects.duckdb import DuckDB
from spyne.sql.dialects.postgres import PostgreSQL
from spyne.sql.dialects.sqlite import SQLite

WRITINGS: dict[Dialect, Writing] = {"sqlite": SQLite(), "postgres": PostgreSQL(), "duckdb": DuckDB()}
