"""Sessions, history, saved queries and feedback, as the API keeps and reads them."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import chassis
from sqlalchemy import ColumnElement, delete, select
from sqlalchemy.orm import InstrumentedAttribute

from spyne.state.tables import Base, ClarificationSession, Feedback, HistoryEntry, SavedQuery, now

Row = TypeVar("Row", ClarificationSession, Feedback, HistoryEntry, SavedQuery)


class Library:
    """Keeps them.

    Args:
        state: Spyne's own database.
    """

    def __init__(self, state: chassis.Database) -> None:
        """Keep where they are."""
        self._state = state

    async def add(self, row: Base) -> None:
        """Keep one more."""
        async with self._state.session() as session:
            session.add(row)

    async def find(self, kind: type[Row], key: str) -> Row | None:
        """The one of this id."""
        async with self._state.session() as session:
            return await session.get(kind, key)

    async def latest(
        self,
        kind: type[Row],
        by: InstrumentedAttribute[Any],
        *,
        where: Sequence[ColumnElement[bool]] = (),
        limit: int,
        offset: int = 0,
    ) -> list[Row]:
        """Those that fit, the latest first."""
        wanted = select(kind).where(*where).order_by(by.desc()).limit(limit).offset(offset)
        async with self._state.session() as session:
            return list(await session.scalars(wanted))

    async def change(self, kind: type[Row], key: str, values: Mapping[str, Any]) -> Row | None:
        """Change one, and return it as it is now; None when it is not there."""
        async with self._state.session() as session:
            row = await session.get(kind, key, with_for_update=True)
            if row is not None:
                for name, value in values.items():
                    setattr(row, name, value)
            return row

    async def remove(self, kind: type[Row], key: str) -> bool:
        """Remove one; return whether it was there."""
        async with self._state.session() as session:
            result = await session.execute(delete(kind).where(kind.id == key).returning(kind.id))
            return result.scalar() is not None

    async def answer(self, key: str, answers: Mapping[str, str]) -> ClarificationSession | None:
        """Add answers to those of a session, and return it; None when it is not there."""
        async with self._state.session() as session:
            row = await session.get(ClarificationSession, key, with_for_update=True)
            if row is not None and answers:
                row.answers = {**row.answers, **answers}
                row.updated_at = now()
            return row
