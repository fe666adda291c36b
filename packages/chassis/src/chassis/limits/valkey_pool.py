"""What the pools of redis-py for event loops lack: to notice that a server has restarted while connections lay idle."""

from typing import Any


class Noticing:
    """Makes a pool of ``redis.asyncio`` notice that the server closed a connection that lay idle; to be mixed in first.

    redis-py's own look finds data that came unasked, but neither the end of the stream nor a reset; that for threads
    finds them.
    """

    async def ensure_connection(self, connection: Any) -> None:
        """Connect anew where the server has hung up."""
        reader, writer = getattr(connection, "_reader", None), getattr(connection, "_writer", None)
        if (reader is not None and reader.at_eof()) or (writer is not None and writer.is_closing()):
            await connection.disconnect()
        await super().ensure_connection(connection)  # type: ignore[misc]  # the pool's
