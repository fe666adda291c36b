"""How the chassis' own tables are reached: a function that opens a connection in a transaction."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

Begin = Callable[[], AbstractAsyncContextManager[AsyncConnection]]
"""Opens a connection in a transaction that is committed at its end, such as ``AsyncEngine.begin``."""


def transactions(session: Callable[[], AbstractAsyncContextManager[AsyncSession]]) -> Begin:
    """Return the same by way of sessions, such as those of a declared database, which go through its guard.

    ::

        begin = transactions(database.session)
    """

    @asynccontextmanager
    async def begin() -> AsyncIterator[AsyncConnection]:
        async with session() as opened:
            yield await opened.connection()

    return begin
