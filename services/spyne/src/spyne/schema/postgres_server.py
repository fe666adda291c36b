"""Connects to a PostgreSQL server, and says why it cannot without saying where that is."""

from __future__ import annotations

from typing import Any

import psycopg

from spyne.schema.errors import SourceUnreachable

CONNECT_S = 5

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
