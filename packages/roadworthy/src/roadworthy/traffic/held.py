"""A request that is held open on purpose, with proof that the server has taken it."""

import asyncio
import contextlib
import json as json_module
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import h11

from roadworthy.domain.evidence import Answer, Exchange
from roadworthy.traffic.client import BODY_LIMIT

ESTABLISHED = "01"


class HeldRequest:
    """One HTTP/1.1 request over a connection of its own, sent in pieces.

    Args:
        port: of the target, on 127.0.0.1.
        method: such as POST.
        path: as it goes on the wire.
        headers: further headers.
        body: the whole body; :meth:`begin` sends the first ``sent`` bytes of it and :meth:`finish` the rest.
    """

    def __init__(self, port: int, method: str, path: str, headers: Mapping[str, str], body: bytes) -> None:
        """Prepare; nothing is sent."""
        self.port = port
        self.method, self.path, self.headers, self.body = method, path, dict(headers), body
        self.began = 0.0
        self._sent = 0
        self._hung_up = False
        self._protocol = h11.Connection(our_role=h11.CLIENT)
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def begin(self, sent: int | None = None) -> None:
        """Connect, send the head and the first ``sent`` bytes of the body (all of it by default).

        Raises:
            OSError: no connection could be made.
        """
        self.began = time.monotonic()
        async with asyncio.timeout(10):
            self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self.port)
        head = h11.Request(
            method=self.method,
            target=self.path,
            headers=[
                ("Host", f"127.0.0.1:{self.port}"),
                ("Connection", "close"),
                ("Accept", "application/json"),
                ("Content-Length", str(len(self.body))),
                *self.headers.items(),
            ],
        )
        self._sent = len(self.body) if sent is None else sent
        first = h11.Data(data=self.body[: self._sent])
        self._write(head)
        if self._sent:
            self._write(first)
        if self._sent == len(self.body):
            self._write(h11.EndOfMessage())
        await self._drain()

    async def taken(self, timeout: float) -> bool:
        """Wait until the server has read all that was sent and has not answered; False after ``timeout`` seconds."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            if self._read_by_server():
                return not self.answered
            await asyncio.sleep(0.01)  # polling the kernel's socket table, bounded above
        return False

    @property
    def answered(self) -> bool:
        """Whether any byte of an answer has come, or the connection has ended."""
        if self._reader is None:
            return False
        return (
            self._reader.at_eof() or bool(getattr(self._reader, "_buffer", b"")) or self._reader.exception() is not None
        )

    def _read_by_server(self) -> bool:
        """Look for the server's end of this connection: established, and nothing left in its receive queue."""
        if self._writer is None:
            return False
        ours = self._writer.get_extra_info("sockname")[1]
        for table in ("/proc/net/tcp", "/proc/net/tcp6"):
            with contextlib.suppress(OSError):
                for line in Path(table).read_text(encoding="ascii").splitlines()[1:]:
                    _, local, remote, state, queues, *_ = line.split()
                    if int(local.rpartition(":")[2], 16) == self.port and int(remote.rpartition(":")[2], 16) == ours:
                        return state == ESTABLISHED and int(queues.partition(":")[2], 16) == 0
        return False

    async def finish(
        self, timeout: float, exchange_id: str, epoch: float, keep: Callable[[Exchange], None]
    ) -> Exchange:
        """Send what is left of the body, wait for the whole answer, and return the exchange."""
        status: int | None = None
        headers: dict[str, str] = {}
        body = b""
        ended, error = Answer.RESET, "the connection ended before the answer was complete"
        try:
            async with asyncio.timeout(timeout):
                if self._sent < len(self.body):
                    self._write(h11.Data(data=self.body[self._sent :]))
                    self._write(h11.EndOfMessage())
                    await self._drain()
                while not isinstance(event := await self._next_event(), h11.EndOfMessage | h11.ConnectionClosed):
                    if isinstance(event, h11.Response):
                        status = event.status_code
                        headers = {key.decode("latin-1"): value.decode("latin-1") for key, value in event.headers}
                    elif isinstance(event, h11.Data):
                        body += bytes(event.data)[: BODY_LIMIT - len(body)]
                if isinstance(event, h11.EndOfMessage):
                    ended, error = Answer.ANSWERED, ""
        except TimeoutError:
            ended, error = Answer.SILENT, f"no complete answer within {timeout:g} s"
        except OSError as failure:
            error = str(failure)
        except h11.RemoteProtocolError as failure:
            if status is None and not self._hung_up:
                ended, error = Answer.GARBLED, str(failure)
        finally:
            self.close()
        exchange = Exchange(
            id=exchange_id, at=round(self.began - epoch, 4), method=self.method, path=self.path,
            request_headers=self.headers, request_body=self.body.decode("utf-8", "backslashreplace"), answer=ended,
            status=status, headers=headers, body=body.decode("utf-8", "backslashreplace"),
            seconds=round(time.monotonic() - self.began, 4), purpose="in flight", error=error,
        )  # fmt: skip
        keep(exchange)
        return exchange

    def close(self) -> None:
        """Close the connection."""
        if self._writer is not None:
            self._writer.close()

    def _write(self, event: h11.Request | h11.Data | h11.EndOfMessage) -> None:
        data = self._protocol.send(event)
        if self._writer is not None and data:
            self._writer.write(data)

    async def _drain(self) -> None:
        if self._writer is not None:
            await self._writer.drain()

    async def _next_event(self) -> object:
        while True:
            event = self._protocol.next_event()
            if event is not h11.NEED_DATA:
                return event
            if self._reader is None:
                return h11.ConnectionClosed()
            received = await self._reader.read(65_536)
            self._hung_up = not received
            self._protocol.receive_data(received)


def json_body(value: object) -> bytes:
    """Write a JSON body."""
    return json_module.dumps(value).encode()
