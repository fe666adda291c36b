"""Proof that a connection refuses writes: by trying one."""

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from chassis.data.errors import ReadOnlyError

_REFUSED = ("readonly database", "read-only transaction", "permission denied")


def verify_read_only(connection: Connection) -> None:
    """Try to write, and undo it. With an ``AsyncConnection``: ``await connection.run_sync(verify_read_only)``.

    Raises:
        ReadOnlyError: the write was accepted, or it failed for another reason, which proves nothing.
    """
    try:
        if connection.dialect.name == "sqlite":
            connection.execute(text("SAVEPOINT probe"))  # its driver begins no transaction for what follows
        connection.execute(text("CREATE TABLE chassis_read_only_probe (id INTEGER)"))
    except DBAPIError as error:
        if any(words in str(error.orig) for words in _REFUSED):
            return
        kind = type(error.orig).__name__
        raise ReadOnlyError(f"whether the connection refuses writes could not be found out: {kind}") from error
    finally:
        connection.rollback()
    raise ReadOnlyError("the connection should be read-only, and it accepted a write (which was undone)")
