"""What goes wrong with data."""

from chassis.errors import ChassisError, DependencyDownError


class MigrationError(ChassisError):
    """The schema of the database could not be brought to what the code needs."""


class SchemaBehindError(MigrationError):
    """The database has an older schema than the code needs: migrate it."""


class SchemaAheadError(MigrationError):
    """The database has a schema that the code does not know: the code is older than the database."""


class MigrationLockError(MigrationError):
    """Another process has been migrating for longer than we may wait."""


class DatabaseDownError(MigrationError, DependencyDownError):
    """The database cannot be reached, or is locked right now: trying again may succeed."""


class BackupError(ChassisError):
    """A backup could not be made, does not hold what its manifest says, or could not be restored."""


class ReadOnlyError(ChassisError):
    """A connection that should refuse writes does not."""
