"""Only one process migrates a database at a time, and a process that dies never leaves the lock behind.

The lock belongs to the connection that migrates, and ends with it: an advisory lock of the session on PostgreSQL, the
write lock of the file on SQLite. It is tried again and again instead of waited for, with no transaction open between
the tries: a waiting statement holds a snapshot, and ``CREATE INDEX CONCURRENTLY`` of the one that migrates would wait
for that for ever.
"""

import hashlib
from collections.abc import Callable

from sqlalchemy import Connection, text
from sqlalchemy.exc import OperationalError

from chassis.clock import Clock
from chassis.data.errors import MigrationLockError

ADVISORY_KEY = int.from_bytes(hashlib.sha256(b"chassis migrations").digest()[:8], "big", signed=True)
"""The same for every service: each database has advisory locks of its own."""

_FIRST_PAUSE_S = 0.05
_LONGEST_PAUSE_S = 0.5


def take_migration_lock(
    connection: Connection,
    *,
    timeout_s: float,
    needless: Callable[[], bool],
    clock: Clock,
) -> bool:
    """Take the lock and return True, or return False without it as soon as it is needless.

    Args:
        connection: the one that will migrate. Closing it gives the lock back. Direct, not through a pooler that shares
            connections out by transaction.
        timeout_s: how long to wait at most.
        needless: asked after each try that failed, whether the lock is still wanted.
        clock: the time.

    Raises:
        MigrationLockError: it was not to be had in time.
    """
    take = _take_file if connection.dialect.name == "sqlite" else _take_advisory
    until = clock.monotonic() + timeout_s
    pause_s = _FIRST_PAUSE_S
    while not take(connection):
        if needless():
            return False
        if clock.monotonic() + pause_s > until:
            raise MigrationLockError(
                f"another process has been migrating for more than {timeout_s:g} s{_holder(connection)}: "
                "let it end or stop it, then start this one again"
            )
        clock.sleep(pause_s)
        pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)
    return True


def _take_advisory(connection: Connection) -> bool:
    taken = connection.execute(text("SELECT pg_try_advisory_lock(:key)"), {"key": ADVISORY_KEY}).scalar_one()
    connection.commit()  # the lock is the session's and stays
    return bool(taken)


def _take_file(connection: Connection) -> bool:
    try:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    except OperationalError as error:
        connection.rollback()
        if "locked" in str(error.orig):
            return False
        raise
    return True


def _holder(connection: Connection) -> str:
    if connection.dialect.name == "sqlite":
        return ""
    query = (
        "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 1 "
        "AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) "
        "AND ((classid::bigint << 32) | objid::bigint) = :key"
    )
    pid = connection.execute(text(query), {"key": ADVISORY_KEY}).scalar()
    connection.rollback()
    return f" (process {pid} of the server)" if pid else ""
