"""Data safety: migrations, verified backups, retention and read-only engines (``docs/chassis/data-safety.md``)."""

from chassis.extras import extra

with extra("sql"):
    import alembic as _alembic  # noqa: F401
    import sqlalchemy as _sqlalchemy  # noqa: F401

from chassis.data.backups import Backup, Backups
from chassis.data.errors import (
    BackupError,
    DatabaseDownError,
    MigrationError,
    MigrationLockError,
    ReadOnlyError,
    SchemaAheadError,
    SchemaBehindError,
)
from chassis.data.keep import Keep
from chassis.data.manifest import Contents, Manifest, TableContent
from chassis.data.migrations import Migrations, Progress
from chassis.data.purge import Purged, purge_older_than
from chassis.data.readonly import verify_read_only
from chassis.data.revisions import Schema, SchemaStatus
from chassis.data.transactions import transactions

__all__ = [
    "Backup",
    "BackupError",
    "Backups",
    "Contents",
    "DatabaseDownError",
    "Keep",
    "Manifest",
    "MigrationError",
    "MigrationLockError",
    "Migrations",
    "Progress",
    "Purged",
    "ReadOnlyError",
    "Schema",
    "SchemaAheadError",
    "SchemaBehindError",
    "SchemaStatus",
    "TableContent",
    "purge_older_than",
    "transactions",
    "verify_read_only",
]
