"""Where a database is."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import SecretStr

from spyne.schema.model import Dialect


@dataclass(frozen=True)
class Source:
    """A database: the path of a SQLite or DuckDB file, or the address of a PostgreSQL database.

    `location` is secret since an address may hold a password: nothing that is raised or shown repeats it.
    """

    dialect: Dialect
    location: SecretStr
