"""Saved queries are found by a key, and know, like history, the answers to questions back that they hold for."""

import sqlalchemy as sa
from alembic import op

from spyne.state.questions import key_of

revision = "0002"
down_revision: str | None = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add them, and give what is there its keys."""
    for table in ("history", "saved_queries"):
        op.add_column(table, sa.Column("answers", sa.JSON(), nullable=False, server_default=sa.text("'{}'")))
    op.add_column("saved_queries", sa.Column("key", sa.String(length=64), nullable=False, server_default=""))
    saved = sa.table("saved_queries", *map(sa.column, ("id", "database", "query", "key")))
    connection = op.get_bind()
    for row in connection.execute(sa.select(saved.c.id, saved.c.database, saved.c.query)).all():
        wanted = sa.update(saved).where(saved.c.id == row.id)
        connection.execute(wanted.values(key=key_of(row.database, row.query, {})))
    op.create_index("ix_saved_queries_key", "saved_queries", ["key"])
