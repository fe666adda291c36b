"""When an entry was made."""

import sqlalchemy as sa
from alembic import op

revision = "r2"
down_revision = "r1"


def upgrade() -> None:
    """Add the column."""
    op.add_column("entries", sa.Column("made", sa.DateTime, nullable=False))
    op.create_index("ix_entries_made", "entries", ["made"])
