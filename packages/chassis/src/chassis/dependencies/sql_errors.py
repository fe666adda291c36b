"""What a database's error means: that it is down, that time was up, or that the statement is at fault."""

import sqlite3

from sqlalchemy.exc import DBAPIError, OperationalError, PendingRollbackError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from chassis.errors import BulkheadFullError, DeadlineExceededError, DependencyDownError, DependencyError

SQLITE_DOWN = {
    sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_PROTOCOL, sqlite3.SQLITE_NOMEM,
}  # fmt: skip
PRIMARY_CODE = 0xFF  # SQLite's extended codes hold more above it

SQLSTATE_DOWN = (
    "08",  # connection exceptions
    "53",  # insufficient resources: too many connections, disk full, out of memory
    "57P",  # the administrator shuts down, the server crashed or cannot connect now
    "58",  # errors outside of PostgreSQL, such as of its disk
)
SQLSTATE_CANCELED = "57014"
SQLSTATE_LOCK_NOT_AVAILABLE = "55P03"


def understood(name: str, error: Exception) -> DependencyError | None:
    """Return what the error means for the database called ``name``; None when the statement is at fault.

    The text of the driver is left out: it may hold addresses, statements and values.
    """
    if isinstance(error, PoolTimeoutError):
        return BulkheadFullError(name, "all connections of the pool are in use")
    if isinstance(error, PendingRollbackError):
        return DependencyDownError(name, "the connection was lost earlier in this session")
    if not isinstance(error, DBAPIError):
        return None
    if isinstance(error.orig, sqlite3.Error):
        return _sqlite(name, error.orig)
    return _postgresql(name, error)


def _sqlite(name: str, error: sqlite3.Error) -> DependencyError | None:
    code = getattr(error, "sqlite_errorcode", 0) & PRIMARY_CODE
    if code == sqlite3.SQLITE_INTERRUPT:
        return DeadlineExceededError(name, "the statement took too long and was stopped")
    if code in SQLITE_DOWN:
        return DependencyDownError(name, f"cannot be used ({getattr(error, 'sqlite_errorname', 'error')})")
    return None


def _postgresql(name: str, error: DBAPIError) -> DependencyError | None:
    state = getattr(error.orig, "sqlstate", None) or ""
    if state == SQLSTATE_CANCELED:
        return DeadlineExceededError(name, "the statement took too long and was stopped")
    if state == SQLSTATE_LOCK_NOT_AVAILABLE:
        return DeadlineExceededError(name, "another transaction holds the lock")
    if state.startswith(SQLSTATE_DOWN):
        return DependencyDownError(name, f"cannot be used (SQLSTATE {state})")
    if error.connection_invalidated or (isinstance(error, OperationalError) and not state):
        return DependencyDownError(name, f"cannot be reached ({type(error.orig).__name__})")
    return None
