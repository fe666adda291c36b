"""One read-only connection for each kind of database. They run in the processes, and never in the service."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from spyne.engine.connections.base import Connection

_MODULES = {
    "sqlite": ("spyne.engine.connections.sqlite", "SqliteConnection"),
    "postgres": ("spyne.engine.connections.postgres", "PostgresConnection"),
    "duckdb": ("spyne.engine.connections.duckdb", "DuckdbConnection"),
}


def connection_class(dialect: str) -> type[Connection]:
    """The class of connections to databases of a dialect; its driver is imported now."""
    module, name = _MODULES[dialect]
    found: type[Connection] = getattr(import_module(module), name)
    return found
