"""What a service declares about its data: migrations, and for how long rows are kept.

::

    service.data.migrations(database, "notes.migrations", Base.metadata)     # at start, and by the command `migrate`
    service.data.retention(database, Note.created_at, days=lambda s: s.keep_days)      # by the command `retention`

Backups need no declaration: the command ``backup`` takes every database that the service writes to.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Column, MetaData, func, select
from sqlalchemy.orm import InstrumentedAttribute

from chassis.clock import SYSTEM_CLOCK, Clock
from chassis.data.errors import MigrationLockError, SchemaBehindError
from chassis.data.migrations import Migrations
from chassis.data.purge import Purged, purge_older_than
from chassis.data.transactions import transactions
from chassis.dependencies.sql import Database
from chassis.errors import SettingsError, StartError
from chassis.steps import StartPhase

if TYPE_CHECKING:
    from chassis.service import Service

LONGEST_MIGRATION_S = 3600.0
_FOR_EVER_DAYS = 365_000
_TIMES = (date, int, float, Decimal)

logger = logging.getLogger("chassis.data")


@dataclass(frozen=True, slots=True)
class DeclaredMigrations:
    """The migrations of one database of the service."""

    database: Database
    migrations: Migrations


class DeclaredData:
    """The declarations of one service, as ``service.data``.

    Attributes:
        all_migrations: those of each database that has some.
        all_kept: the tables whose rows are kept for a time.
    """

    def __init__(self, service: "Service") -> None:
        """Begin with nothing declared."""
        self._service = service
        self.all_migrations: list[DeclaredMigrations] = []
        self.all_kept: list[Kept] = []

    def migrations(
        self,
        database: Database,
        revisions: Path | str,
        metadata: MetaData | Sequence[MetaData] | None = None,
        *,
        at_start: bool = True,
        lock_timeout_s: float = 60.0,
        table_timeout_s: float = 10.0,
    ) -> Migrations:
        """Declare the migrations of a database, and add a step to the start.

        Args:
            database: which one.
            revisions: the folder of the revision files, or the name of the package that holds them.
            metadata: what the models say, for writing revisions.
            at_start: whether the start migrates. Otherwise it waits, not ready, until the command has done it.
            lock_timeout_s: how long to wait for another process that migrates, before trying again.
            table_timeout_s: how long one statement of a migration waits for a lock on a table (PostgreSQL).

        Raises:
            ValueError: the database is read-only.
            MigrationError: there is no such package.
        """
        if database.options.read_only:
            raise ValueError(f"{database.name} is read-only: it cannot be migrated")
        made = Migrations(
            revisions, database.url, metadata, lock_timeout_s=lock_timeout_s, table_timeout_s=table_timeout_s
        )
        self.all_migrations.append(DeclaredMigrations(database, made))
        name = f"{'migrate' if at_start else 'schema of'} {database.name}"

        @self._service.step(name, StartPhase.TABLES, limit_s=LONGEST_MIGRATION_S)
        async def bring_to_date() -> None:
            if not database.required and not database.up:
                logger.warning("%s is not there: it is migrated at the next start, or by command", database.name)
                return
            try:
                await (made.run() if at_start else asyncio.to_thread(made.require_current))
            except (MigrationLockError, SchemaBehindError) as error:  # others are at it: the start tries again
                raise StartError(name, str(error)) from error

        return made

    def retention(
        self,
        database: Database,
        column: "Column[Any] | InstrumentedAttribute[Any]",
        *,
        days: "float | Callable[[Any], float | None]",
    ) -> None:
        """Declare for how long rows are kept: the command ``retention`` deletes older ones.

        Args:
            database: where they are.
            column: when a row was made: a date, a time (without a time zone: UTC), or seconds since 1970-01-01 UTC.
                Give it an index. Its table needs a primary key.
            days: how many days; or reads them from the settings, where None or 0 keeps rows for ever.

        Raises:
            ValueError: the column is of another type.
        """
        plain = column.property.columns[0] if isinstance(column, InstrumentedAttribute) else column
        if not issubclass(plain.type.python_type, _TIMES):
            raise ValueError(f"{plain}: expected a column of dates, times or seconds to tell how old a row is")  # noqa: TRY004 - it is a column
        self.all_kept.append(Kept(database, plain, days, lambda: self._service.settings))


class Kept:
    """Rows that are kept for a time; :meth:`DeclaredData.retention` has the meaning of the arguments."""

    def __init__(
        self,
        database: Database,
        column: "Column[Any]",
        days: "float | Callable[[Any], float | None]",
        settings: Callable[[], Any],
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        """Take the declaration; nothing is read yet."""
        self.database = database
        self.column = column
        self._days = days
        self._settings = settings
        self._clock = clock

    @property
    def days(self) -> float | None:
        """For how many days; None for ever.

        Raises:
            SettingsError: the number is negative, which would delete rows of the future too, or is none.
        """
        days = (self._days(self._settings()) if callable(self._days) else self._days) or None
        if days is None or days > _FOR_EVER_DAYS:
            return None
        if not days > 0:
            raise SettingsError(
                (f"{self.column}: expected a number of days of at least 0 to keep rows for, not {days:g}",)
            )
        return days

    async def purge(self, seconds: float) -> Purged:
        """Delete the older rows, for about so many seconds.

        Raises:
            DependencyError: the database cannot be asked.
        """
        if self.days is None:
            return Purged(0, complete=True)
        return await purge_older_than(
            transactions(self.database.session), self.column, self._before(self.days), seconds=seconds
        )

    async def count(self) -> int:
        """Count the older rows.

        Raises:
            DependencyError: the database cannot be asked.
        """
        if self.days is None:
            return 0
        query = select(func.count()).where(self.column < self._before(self.days))
        async with self.database.session() as session:
            return int((await session.execute(query)).scalar_one())

    def _before(self, days: float) -> object:
        """Return the moment before which rows are too old, in the column's own type."""
        moment = datetime.fromtimestamp(self._clock.time(), UTC) - timedelta(days=days)
        kind = self.column.type.python_type
        if issubclass(kind, datetime):
            return moment if getattr(self.column.type, "timezone", False) else moment.replace(tzinfo=None)
        if issubclass(kind, date):
            return moment.date()
        return kind(moment.timestamp())
