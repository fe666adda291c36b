"""Entries."""

import sqlalchemy as sa
from alembic import op

revision = "r1"
down_revision = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "entries", sa.Column("id", sa.Integer, primary_key=True), sa.Column("text", sa.Text, nullable=False)
    )
