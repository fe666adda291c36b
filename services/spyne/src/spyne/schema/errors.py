"""What reading a database can end with."""

from __future__ import annotations


class SourceUnreachable(Exception):  # noqa: N818 - what happened, said as the callers say it
    """A database that cannot be opened or answers no more. The message says why, and holds no address or password."""
