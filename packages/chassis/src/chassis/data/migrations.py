"""Database migrations with Alembic: at start or by command, by exactly one of many replicas.

::

    migrations = Migrations("notes.migrations", lambda: settings.database_url, metadata)
    await migrations.run()          # at start: in a thread, so that probes are answered meanwhile
    migrations.upgrade()            # by command
    migrations.revise("add tags")   # for developers: writes the next revision from what the models say
"""

import asyncio
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from enum import StrEnum
from pathlib import Path
from typing import Any

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.util import CommandError
from sqlalchemy import URL, Connection, MetaData, NullPool, create_engine, text
from sqlalchemy.exc import SQLAlchemyError

from chassis.clock import SYSTEM_CLOCK, Clock
from chassis.data.errors import DatabaseDownError, MigrationError, SchemaAheadError, SchemaBehindError
from chassis.data.migration_lock import take_migration_lock
from chassis.data.revisions import Revisions, Schema, SchemaStatus, listed
from chassis.data.urls import DatabaseUrl, shown, synchronous
from chassis.dependencies.sql_errors import understood
from chassis.errors import DependencyDownError

_alembic = threading.Lock()  # Alembic's own context is one for the whole process


class Progress(StrEnum):
    """What :meth:`Migrations.upgrade` is doing, for whoever reports on the start."""

    NOT_STARTED = "not started"
    CHECKING = "checking the schema"
    WAITING = "waiting for another process to migrate"
    MIGRATING = "migrating"
    DONE = "done"
    FAILED = "failed"


class Migrations:
    """The migrations of one database.

    Args:
        revisions: the folder of the revision files, or the name of the package that holds them.
        url: the database, or a function that returns it later. A direct connection: an advisory lock does not hold
            through a pooler that shares connections out by transaction (PgBouncer).
        metadata: what the models say, for writing revisions: SQLAlchemy's ``MetaData``, or several.
        lock_timeout_s: how long to wait for another process that migrates.
        table_timeout_s: how long one statement of a migration waits for a lock on a table (PostgreSQL). While it waits,
            everybody else who wants the table waits behind it: so not long.
        clock: the time.

    Attributes:
        progress: what is being done right now.
    """

    def __init__(
        self,
        revisions: Path | str,
        url: DatabaseUrl | Callable[[], DatabaseUrl],
        metadata: MetaData | Sequence[MetaData] | None = None,
        *,
        lock_timeout_s: float = 60.0,
        table_timeout_s: float = 10.0,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        """Find the folder; nothing is connected yet."""
        self._revisions = Revisions(revisions, metadata)
        self._url = url
        self._metadata = metadata
        self._lock_timeout_s = lock_timeout_s
        self._table_timeout_s = table_timeout_s
        self._clock = clock
        self._given_up = threading.Event()
        self.progress = Progress.NOT_STARTED

    def status(self) -> SchemaStatus:
        """Compare the database with the code, without a lock and without changing anything.

        Raises:
            MigrationError: the database cannot be asked, or the revision files contradict each other.
        """
        url = self._address()
        if url.get_backend_name() == "sqlite" and not Path(str(url.database)).exists():
            return self._revisions.compare(())  # connecting would make the file
        with self._connected(url) as connection:
            return self._compared(connection)

    def require_current(self) -> None:
        """Pass when the database has the schema that the code needs: for services that are migrated by command.

        Raises:
            SchemaBehindError: it is older; the message says how to migrate.
            SchemaAheadError: it is newer, or another service's.
            MigrationError: it cannot be asked.
        """
        status = self.status()
        self._refuse_ahead(status)
        if status.schema is Schema.BEHIND:
            raise SchemaBehindError(
                f"the schema of {shown(self._address())} is behind: it is at {listed(status.found)}, and this code "
                f"needs {listed(status.needed)}; migrate it, then start again"
            )

    def upgrade(self) -> bool:
        """Bring the database to the schema that the code needs; return whether this process did it.

        Nobody takes a lock when there is nothing to do. Otherwise one process migrates and the others wait, a bounded
        time, until it has. Killed half-way, it leaves whole revisions only, and the next start goes on from there.

        Raises:
            SchemaAheadError: the database is ahead: nothing was changed.
            MigrationLockError: another process was at it for too long.
            DatabaseDownError: it cannot be reached. It is a ``DependencyDownError`` too: a start tries again.
            MigrationError: it refused a revision.
        """
        self.progress = Progress.CHECKING
        try:
            migrated = self._upgrade()
        except BaseException:
            self.progress = Progress.FAILED
            raise
        self.progress = Progress.DONE
        return migrated

    async def run(self) -> bool:
        """Do :meth:`upgrade` in a thread, so that the event loop answers probes meanwhile.

        Cancelled, it stops waiting for others; a migration that has begun goes on to its end in its thread.
        """
        self._given_up.clear()
        try:
            return await asyncio.to_thread(self.upgrade)
        except asyncio.CancelledError:
            self._given_up.set()
            raise

    def revise(self, message: str, *, empty: bool = False) -> Path:
        """Write the next revision file from what the models say and the database has not, and return its path.

        Read it before using it: a renamed column looks like one dropped and one added. ``empty`` writes a frame to be
        filled by hand.

        Raises:
            MigrationError: the database is not current, or this object knows no ``metadata`` to compare with.
        """
        if self._metadata is None and not empty:
            raise MigrationError("there is nothing to compare the database with: give Migrations the metadata")
        with self._connected(self._address()) as connection, _alembic:
            configuration = self._revisions.configuration(connection)
            script: Any = command.revision(configuration, message, autogenerate=not empty)
            connection.commit()
        return Path(script.path)

    def drift(self) -> list[str]:
        """Return what the models say and the database has not, or the reverse; empty when the two agree.

        For a test of the service's own: a changed model without a migration fails it.
        """
        with self._connected(self._address()) as connection:
            metadata: Any = self._metadata
            return [
                repr(difference) for difference in compare_metadata(MigrationContext.configure(connection), metadata)
            ]

    def _upgrade(self) -> bool:
        with suppress(DatabaseDownError):  # such as a file that is locked because somebody migrates: see below
            status = self.status()
            self._refuse_ahead(status)
            if status.schema is Schema.CURRENT:
                return False
        with self._connected(self._address()) as connection:
            if not take_migration_lock(
                connection, timeout_s=self._lock_timeout_s, needless=self._is_needless, clock=self._clock
            ):
                return False
            status = self._compared(connection)  # somebody else may have been first
            self._refuse_ahead(status)
            if status.schema is Schema.CURRENT:
                return False
            self.progress = Progress.MIGRATING
            with _alembic:
                self._apply(connection)
            return True

    def _apply(self, connection: Connection) -> None:
        configuration = self._revisions.configuration(connection)
        if connection.dialect.name == "sqlite":
            # The lock is a transaction, and it goes round everything: a crash leaves nothing of it.
            before = _broken_references(connection)
            command.upgrade(configuration, "heads")
            if broken := _broken_references(connection) - before:
                raise MigrationError(
                    f"the migration breaks {len(broken)} references between tables: nothing was changed"
                )
        else:
            connection.execute(text(f"SET lock_timeout = {int(self._table_timeout_s * 1000)}"))
            connection.commit()
            with suppress(SQLAlchemyError):  # the server ends a statement soon after its client was killed (14+, Linux)
                connection.execute(text("SET client_connection_check_interval = 1000"))
            connection.commit()  # from here on Alembic makes the transactions, one a revision
            command.upgrade(configuration, "heads")
        connection.commit()

    def _is_needless(self) -> bool:
        self.progress = Progress.WAITING
        if self._given_up.is_set():
            raise MigrationError("the start was given up while another process was migrating")
        try:
            status = self.status()
        except DatabaseDownError:
            return False
        self._refuse_ahead(status)
        return status.schema is Schema.CURRENT

    def _compared(self, connection: Connection) -> SchemaStatus:
        heads = MigrationContext.configure(connection).get_current_heads()
        if connection.dialect.name != "sqlite":  # where the transaction may be the lock
            connection.rollback()
        return self._revisions.compare(heads)

    def _address(self) -> URL:
        url = synchronous(self._url() if callable(self._url) else self._url)
        if url.get_backend_name() == "sqlite" and url.database in (None, "", ":memory:"):
            raise MigrationError("a database in memory cannot be migrated from outside: use a file")
        return url

    @contextmanager
    def _connected(self, url: URL) -> Iterator[Connection]:
        """Connect. What a driver or Alembic raises becomes one line that says where it was, and shows no password."""
        arguments: dict[str, object] = {"connect_timeout": 10}
        if url.get_backend_name() == "sqlite":
            arguments = {"isolation_level": None, "timeout": 1.0}  # transactions begin where we say so
        engine = create_engine(url, poolclass=NullPool, connect_args=arguments, hide_parameters=True)
        try:
            with engine.connect() as connection:
                yield connection
        except (SQLAlchemyError, CommandError) as error:
            cause = getattr(error, "orig", None) or error
            line = f"{shown(url)}: {(str(cause).strip().splitlines() or [type(cause).__name__])[0]}"
            if isinstance(understood("database", error), DependencyDownError):
                raise DatabaseDownError("database", line) from error
            raise MigrationError(line) from error
        finally:
            engine.dispose()

    def _refuse_ahead(self, status: SchemaStatus) -> None:
        if status.schema is Schema.AHEAD:
            raise SchemaAheadError(
                f"the schema of {shown(self._address())} is ahead: it is at {listed(status.found)}, which this code "
                f"does not know (it knows up to {listed(status.needed)}). The code is older than the database, or the "
                "database is another service's: deploy the newer code, or restore a backup from before the migration"
            )


def _broken_references(connection: Connection) -> set[tuple[Any, ...]]:
    return {tuple(row) for row in connection.exec_driver_sql("PRAGMA foreign_key_check")}
