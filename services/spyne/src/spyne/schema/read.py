"""Reads a schema from any kind of database, and tells whether its data may have changed.

Drivers are imported when a database needs them: starts that need none are shorter.
"""

from __future__ import annotations

import contextlib
import sqlite3
import time
from importlib import import_module
from pathlib import Path

from spyne.schema.errors import SourceUnreachable
from spyne.schema.model import Schema
from spyne.schema.source import Source
from spyne.schema.sqlite import read_sqlite

_SETTLED_NS = 50_000_000  # a file changed less than this ago may change again without its time changing


def read_schema(source: Source, *, budget_s: float = 20.0) -> Schema:
    """The schema of a database, read through a connection that cannot write. It blocks: call it in a thread.

    Structure is always read; row counts and values for `budget_s` seconds at most. Raises SourceUnreachable when the
    database cannot be opened; the message holds nothing of its location.
    """
    location = source.location.get_secret_value()
    if source.dialect != "sqlite":
        reader = getattr(import_module(f"spyne.schema.{source.dialect}"), f"read_{source.dialect}")
        schema: Schema = reader(location, budget_s=budget_s)
        return schema
    try:
        return read_sqlite(location, budget_s=budget_s)
    except FileNotFoundError:
        raise SourceUnreachable("its file is not there") from None
    except (sqlite3.Error, OSError):
        raise SourceUnreachable("its file is no SQLite database, or cannot be read") from None


def data_version(source: Source) -> str | None:
    """A token that changes whenever the data does; None when it cannot be told whether it will. It blocks.

    For files: which file it is, when it changed and its size, with the log beside it. For PostgreSQL: the snapshot of
    the whole server, which changes with every transaction that writes. Raises SourceUnreachable.
    """
    location = source.location.get_secret_value()
    if source.dialect != "postgres":
        return _file_version(Path(location))
    version: str | None = import_module("spyne.schema.postgres_server").snapshot(location)
    return version


def _file_version(path: Path) -> str | None:
    parts = []
    for each in (path, path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}.wal")):
        with contextlib.suppress(FileNotFoundError):
            state = each.stat()
            if time.time_ns() - state.st_mtime_ns < _SETTLED_NS:
                return None
            parts.append(f"{state.st_ino}:{state.st_mtime_ns}:{state.st_size}")
    if not parts:
        raise SourceUnreachable("its file is not there")
    return "/".join(parts)
