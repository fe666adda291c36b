"""Tells all processes that share the state that a schema is to be read again."""

import time
from contextlib import suppress

import chassis
from sqlalchemy import select

from spyne.state.tables import SchemaMark, new_id

LOOK_S = 1.0
"""For how long marks are taken from memory, in seconds: so late other processes learn of one."""


class SchemaMarks:
    """A mark for each database whose schema somebody wanted to be read again; another one each time.

    Args:
        state: Spyne's own database.
    """

    def __init__(self, state: chassis.Database) -> None:
        """Begin without any."""
        self._state = state
        self._marks: dict[str, str] = {}
        self._until = 0.0

    async def of(self, name: str) -> str:
        """The mark of a database, "" for none. Where the state cannot be asked, as it was."""
        if time.monotonic() >= self._until:
            self._until = time.monotonic() + LOOK_S
            with suppress(chassis.DependencyError):
                async with self._state.session() as session:
                    found = await session.execute(select(SchemaMark.name, SchemaMark.mark))
                    self._marks = {row.name: row.mark for row in found}
        return self._marks.get(name, "")

    async def renew(self, name: str) -> str:
        """Give a database another mark, and return it."""
        mark = new_id()
        async with self._state.session() as session:
            await session.merge(SchemaMark(name=name, mark=mark))
        self._marks[name] = mark
        return mark
