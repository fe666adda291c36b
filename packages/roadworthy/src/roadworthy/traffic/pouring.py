"""A request whose body is too large to hold: sent piece by piece, while the answer is already waited for."""

import asyncio
import contextlib
import socket
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import h11

from roadworthy.domain.evidence import Answer
from roadworthy.traffic.client import BODY_LIMIT

PIECE = b" " * 65_536
CONNECT_S = 10.0
LAST_WORDS_S = 2.0  # after the server has hung up: an answer that it sent before may still be on its way


@dataclass(frozen=True)
class LargeBody:
    """A body with white space before or after it, which is never held as a whole.

    Args:
        text: the part that means something.
        padding: how many spaces are added.
        leading: whether they come before the text, as JSON allows it, or after it.
    """

    text: bytes
    padding: int
    leading: bool = True

    def __len__(self) -> int:
        return len(self.text) + self.padding


@dataclass
class Pouring:
    """What came of it. ``sent`` counts bytes of the body that the kernel took."""

    answer: Answer = Answer.RESET
    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    sent: int = 0
    seconds: float = 0.0
    hung_up: bool = False
    error: str = ""


async def pour(
    port: int,
    method: str,
    path: str,
    headers: Mapping[str, str],
    body: LargeBody,
    *,
    chunked: bool,
    timeout: float,
    enough: Callable[[], Awaitable[None]] | None = None,
) -> Pouring:
    """Send the body until an answer begins, the server hangs up, time runs out, or ``enough`` returns.

    It never raises for failures of the server.

    Args:
        port: of the target, on 127.0.0.1.
        method: such as POST.
        path: as it goes on the wire.
        headers: further headers.
        body: what is sent.
        chunked: whether it is sent in chunks, without a Content-Length.
        timeout: seconds for all of it.
        enough: waits for a reason to hang up; it is cancelled when the exchange ends first.
    """
    result = Pouring()
    began = time.monotonic()
    framing = {"Transfer-Encoding": "chunked"} if chunked else {"Content-Length": str(len(body))}
    protocol = h11.Connection(our_role=h11.CLIENT)
    try:
        head = protocol.send(h11.Request(method=method, target=path,
            headers=[("Host", f"127.0.0.1:{port}"), ("Connection", "close"), ("Accept", "application/json"),
                     *framing.items(), *headers.items()]))  # fmt: skip
    except h11.LocalProtocolError as failure:  # ours, not the server's
        result.answer, result.error = Answer.GARBLED, f"the request could not be written: {failure}"
        return result
    with socket.socket() as connection:
        connection.setblocking(False)
        try:
            async with asyncio.timeout(min(timeout, CONNECT_S)):
                await asyncio.get_running_loop().sock_connect(connection, ("127.0.0.1", port))
        except (OSError, TimeoutError) as failure:
            result.answer, result.error = Answer.REFUSED, str(failure) or "no connection in time"
            return result
        await _exchange(connection, protocol, head or b"", body, result, timeout, enough)
    result.seconds = round(time.monotonic() - began, 4)
    return result


async def _exchange(
    connection: socket.socket,
    protocol: h11.Connection,
    head: bytes,
    body: LargeBody,
    result: Pouring,
    timeout: float,
    enough: Callable[[], Awaitable[None]] | None,
) -> None:
    """Send and receive side by side; whatever ends first decides."""
    deadline = asyncio.get_running_loop().time() + timeout
    sending = asyncio.ensure_future(_send(connection, protocol, head, body, result))
    receiving = asyncio.ensure_future(_receive(connection, protocol, result))
    watching = asyncio.ensure_future(enough()) if enough is not None else None
    tasks: list[asyncio.Future[Any]] = [task for task in (sending, receiving, watching) if task is not None]
    try:
        waited = [task for task in tasks if task is not sending]
        done, _ = await asyncio.wait(tasks, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
        if done == {sending}:  # all is sent, or the server does not take any more
            left = deadline - asyncio.get_running_loop().time()
            left = left if sending.result() is None else min(left, LAST_WORDS_S)
            done, _ = await asyncio.wait(waited, timeout=max(left, 0.0), return_when=asyncio.FIRST_COMPLETED)
        if receiving in done or result.status is not None:
            return
        if watching is not None and watching in done:
            watching.result()
            result.hung_up, result.answer, result.error = True, Answer.SILENT, "we hung up before there was an answer"
        elif not (sending.done() and sending.result() is not None):
            result.answer, result.error = Answer.SILENT, f"no answer within {timeout:g} s"
        else:
            result.error = sending.result() or ""
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


async def _send(
    connection: socket.socket, protocol: h11.Connection, head: bytes, body: LargeBody, result: Pouring
) -> str | None:
    """Send head and body. Return how the server kept it from going on, or None."""
    loop = asyncio.get_running_loop()

    async def part(data: bytes) -> None:
        await loop.sock_sendall(connection, protocol.send(h11.Data(data=data)) or b"")
        result.sent += len(data)

    try:
        await loop.sock_sendall(connection, head)
        if not body.leading:
            await part(body.text)
        left = body.padding
        while left:
            piece = PIECE[: min(left, len(PIECE))]
            await part(piece)
            left -= len(piece)
        if body.leading:
            await part(body.text)
        await loop.sock_sendall(connection, protocol.send(h11.EndOfMessage()) or b"")
    except OSError as failure:
        return str(failure) or type(failure).__name__
    except h11.LocalProtocolError:  # the answer was read meanwhile, and ends the exchange
        return None
    return None


async def _receive(connection: socket.socket, protocol: h11.Connection, result: Pouring) -> None:
    """Read the answer as far as it comes. Its head is what counts: a body that is cut changes nothing."""
    loop = asyncio.get_running_loop()
    result.error = "the connection ended before an answer"
    with contextlib.suppress(OSError):
        while True:
            received = await loop.sock_recv(connection, 65_536)
            try:
                protocol.receive_data(received)
                while (event := protocol.next_event()) is not h11.NEED_DATA:
                    if isinstance(event, h11.Response):
                        result.answer, result.status, result.error = Answer.ANSWERED, event.status_code, ""
                        result.headers = {k.decode("latin-1"): v.decode("latin-1") for k, v in event.headers}
                    elif isinstance(event, h11.Data):
                        result.body += bytes(event.data)[: BODY_LIMIT - len(result.body)]
                    elif isinstance(event, h11.EndOfMessage | h11.ConnectionClosed) or event is h11.PAUSED:
                        return
            except h11.RemoteProtocolError as failure:
                if result.status is None and received:
                    result.answer, result.error = Answer.GARBLED, str(failure)
                return
            if not received:
                return
