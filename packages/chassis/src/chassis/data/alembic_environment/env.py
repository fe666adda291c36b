"""What Alembic runs to apply or write revisions. :mod:`chassis.data.migrations` hands it the connection and the models.

It is a script of Alembic's, loaded by its path: services need no ``env.py`` and no ``alembic.ini`` of their own.
"""

from alembic import context

_given = context.config.attributes
context.configure(
    connection=_given["connection"],
    target_metadata=_given["metadata"],
    # SQLite cannot alter most things of a table: it is copied into a new one.
    render_as_batch=_given["connection"].dialect.name == "sqlite",
    # Each revision with its version number, so that an interrupted run goes on where it was. On SQLite the caller has
    # one transaction round all of them.
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()
