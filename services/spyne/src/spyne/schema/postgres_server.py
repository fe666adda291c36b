"""Connects to a PostgreSQL server, and says why it cannot without saying where that is."""

from __future__ import annotations

import contextlib
from typing import Any

import psycopg

from spyne.schema.errors import SourceUnreachable

CONNECT_S = 5
_SNAPSHOT_TIMEOUT_MS = 2_000

_REASONS = {"28P01": "it refuses the credentials", "28000": "it refuses the credentials",
            "3D000": "it has no database of that name", "53300": "it has no connection left",
            "57P03": "it is starting up or shutting down"}  # fmt: skip

Connection = psycopg.Connection[tuple[Any, ...]]


def connected(dsn: str, *, within_s: int = CONNECT_S) -> Connection:
    """Connect, outside of transactions. Raises SourceUnreachable, with nothing of the address in it."""
    try:
        return psycopg.connect(
            dsn, autocommit=True, connect_timeout=within_s, prepare_threshold=None, application_name="spyne"
        )
    except psycopg.Error as error:
        raise SourceUnreachable(reason(error)) from None


def snapshot(dsn: str) -> str | None:
    """A token of the server's present state, which every transaction that writes changes. Raises SourceUnreachable."""
    try:
        with contextlib.closing(connected(dsn)) as connection:
            connection.execute(f"SET statement_timeout = {_SNAPSHOT_TIMEOUT_MS}")
            row = connection.execute("SELECT pg_current_snapshot()::text").fetchone()
            return None if row is None else str(row[0])
    except psycopg.Error:
        raise SourceUnreachable("its server ended the connection") from None


def reason(error: psycopg.Error) -> str:
    """Why a server cannot be reached, in words that hold nothing of its address."""
    if error.sqlstate in _REASONS:
        return _REASONS[error.sqlstate]
    text = str(error).lower()
    for part, words in (("timeout", "it does not answer in time"), ("timed out", "it does not answer in time"),
                        ("refused", "it refuses connections"), ("authentication", "it refuses the credentials"),
                        ("does not exist", "it has no database of that name")):  # fmt: skip
        if part in text:
            return words
    return "no connection can be made"
