"""Connections to PostgreSQL that are used again, and on which every statement ends in time."""

import asyncio
import contextlib
import os
import select
import socket
from typing import Any, LiteralString

import psycopg

UNAVAILABLE = (psycopg.OperationalError, TimeoutError)
"""What `Database.fetch` raises when the server refuses, goes away or is silent."""


class Database:
    """A few connections, used again while they are good. Whatever the server does, a query ends in time."""

    patience_s = 4.0

    def __init__(self, url: str) -> None:
        self._url = url
        self._idle: list[psycopg.AsyncConnection] = []
        self._slots = asyncio.Semaphore(10)

    async def fetch(self, query: LiteralString, *values: object, within_s: float = 0) -> list[tuple[Any, ...]]:
        """Run one statement, committed when this returns, and return its rows. Raises one of UNAVAILABLE."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + (within_s or self.patience_s)
        async with asyncio.timeout_at(deadline):
            await self._slots.acquire()
        try:
            connection = await self.usable() or await self.connect(deadline)
            # A cancelled query waits for the server to agree. Ending the socket needs nobody's consent.
            hang_up = loop.call_at(deadline, _hang_up, connection.fileno())
            try:
                cursor = await connection.execute(query, values)
                return await cursor.fetchall() if cursor.description else []
            finally:
                hang_up.cancel()
                if not connection.closed:
                    self._idle.append(connection)
        finally:
            self._slots.release()

    async def usable(self) -> psycopg.AsyncConnection | None:
        """Return an idle connection that is still good, if there is one."""
        while self._idle:
            connection = self._idle.pop()
            # To an idle connection a server says nothing but goodbye.
            if not select.select([connection.fileno()], [], [], 0)[0]:
                return connection
            await connection.close()
        return None

    async def connect(self, deadline: float) -> psycopg.AsyncConnection:
        """Open a new connection before ``deadline``, which is a time of the event loop."""
        limit = f"-c statement_timeout={round(self.patience_s * 1000)}"
        connect = psycopg.AsyncConnection.connect
        async with asyncio.timeout_at(deadline):
            return await connect(self._url, autocommit=True, prepare_threshold=None, options=limit)

    async def close(self) -> None:
        while self._idle:
            await self._idle.pop().close()


def _hang_up(descriptor: int) -> None:
    with contextlib.suppress(OSError), socket.socket(fileno=os.dup(descriptor)) as connection:
        connection.shutdown(socket.SHUT_RDWR)
