"""Tells all processes that share the state which requests are to end."""

from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime, timedelta

import chassis
from sqlalchemy import delete, select

from spyne.state.tables import Cancellation, now

EARLY = timedelta(seconds=5)
"""How long before a query a cancellation may have come that is meant for it: they may overtake each other."""
LASTS = timedelta(minutes=1)
"""How long one is kept. A query under way looks twice a second."""


class Cancellations:
    """Requests that are to end, by the names that `spyne.api.access` gives them.

    Args:
        state: Spyne's own database.
    """

    def __init__(self, state: chassis.Database) -> None:
        """Keep where they are."""
        self._state = state

    async def add(self, names: Iterable[str]) -> None:
        """Ask for the end of requests, and forget what was asked for long ago."""
        async with self._state.session() as session:
            await session.execute(delete(Cancellation).where(Cancellation.created_at < now() - LASTS))
            for name in names:
                await session.merge(Cancellation(request_id=name, created_at=now()))

    async def holds_for(self, name: str, began: datetime) -> bool:
        """Tell whether a request that began at this time is to end; what was asked long before is for another one.

        False where the state cannot be asked.
        """
        with suppress(chassis.DependencyError):
            async with self._state.session() as session:
                found = await session.scalar(select(Cancellation.created_at).where(Cancellation.request_id == name))
                return found is not None and found >= began - EARLY
        return False
