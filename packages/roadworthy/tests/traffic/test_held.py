"""A held request against real servers: it is known to be in flight, and how it ended is told apart."""

import asyncio
import contextlib
import socket
import struct
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

import pytest
from roadworthy.domain.evidence import Answer, Exchange
from roadworthy.traffic.held import HeldRequest, json_body

Eventually = Callable[..., Awaitable[None]]
BODY = json_body({"title": "held"})
HELLO = b"HTTP/1.1 201 Created\r\nContent-Length: 5\r\nX-A: 1\r\n\r\nhello"


@dataclass
class Slow:
    """A server that reads everything at once and says ``answer`` when it is told to."""

    answer: bytes = HELLO
    port: int = 0
    seen: bytearray = field(default_factory=bytearray)
    go: asyncio.Event = field(default_factory=asyncio.Event)
    resets: bool = False
    stays: bool = False  # keeps the connection open after its answer

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        reading = asyncio.create_task(self._read(reader))
        await self.go.wait()
        if self.resets:
            plain = writer.get_extra_info("socket")
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()
        else:
            writer.write(self.answer)
            if not self.stays:
                with contextlib.suppress(OSError):  # the client may have gone meanwhile
                    writer.write_eof()
        await reading  # closing with something unread would reset the connection
        writer.close()

    async def _read(self, reader: asyncio.StreamReader) -> None:
        with contextlib.suppress(OSError):
            while chunk := await reader.read(65_536):
                self.seen += chunk


@contextlib.asynccontextmanager
async def serving(slow: Slow, host: str = "127.0.0.1") -> AsyncIterator[Slow]:
    server = await asyncio.start_server(slow.serve, host, 0)
    slow.port = server.sockets[0].getsockname()[1]
    try:
        yield slow
    finally:
        slow.go.set()
        server.close()


def held_at(port: int) -> HeldRequest:
    return HeldRequest(port, "POST", "/notes", {"Content-Type": "application/json", "X-B": "2"}, BODY)


async def finished(held: HeldRequest, timeout: float = 10.0) -> Exchange:
    kept: list[Exchange] = []
    exchange = await held.finish(timeout, "h1", held.began - 1.0, kept.append)
    assert kept == [exchange]
    return exchange


async def test_a_request_that_was_read_and_not_answered_is_in_flight() -> None:
    async with serving(Slow()) as slow:
        held = held_at(slow.port)
        await held.begin()
        assert await held.taken(10)
        assert not held.answered
        slow.go.set()
        exchange = await finished(held)
    assert (exchange.answer, exchange.status, exchange.body, exchange.error) == (Answer.ANSWERED, 201, "hello", "")
    assert (exchange.id, exchange.at, exchange.method, exchange.path) == ("h1", 1.0, "POST", "/notes")
    assert (exchange.request_body, exchange.purpose) == (BODY.decode(), "in flight")
    assert exchange.headers["x-a"] == "1"
    head, _, body = bytes(slow.seen).partition(b"\r\n\r\n")
    assert body == BODY
    assert {b"POST /notes HTTP/1.1", b"Connection: close", b"X-B: 2"} <= set(head.split(b"\r\n"))


async def test_half_a_body_is_in_flight_and_can_be_completed(eventually: Eventually) -> None:
    async with serving(Slow()) as slow:
        held = held_at(slow.port)
        await held.begin(7)
        assert await held.taken(10)
        await eventually(lambda: slow.seen.endswith(b"\r\n\r\n" + BODY[:7]))
        finishing = asyncio.create_task(finished(held))
        await eventually(lambda: slow.seen.endswith(b"\r\n\r\n" + BODY))
        slow.go.set()
        assert (await finishing).ok


async def test_the_head_alone_can_be_sent(eventually: Eventually) -> None:
    async with serving(Slow()) as slow:
        held = held_at(slow.port)
        await held.begin(0)
        assert await held.taken(10)
        await eventually(lambda: slow.seen.endswith(b"\r\n\r\n"))
        held.close()


async def test_a_server_on_both_protocols_is_seen_too() -> None:
    if not socket.has_dualstack_ipv6():
        pytest.skip("no IPv6 here")
    with socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True) as listener:
        slow = Slow()
        server = await asyncio.start_server(slow.serve, sock=listener)
        held = held_at(listener.getsockname()[1])
        await held.begin()
        assert await held.taken(10)
        slow.go.set()
        assert (await finished(held)).ok
        server.close()


async def test_a_request_that_nobody_reads_is_not_in_flight() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:  # the kernel accepts, the server never does
        held = held_at(listener.getsockname()[1])
        await held.begin()
        assert not await held.taken(0.2)
        held.close()


@pytest.mark.parametrize("stays", [True, False])
async def test_a_request_that_is_answered_is_not_in_flight(stays: bool, eventually: Eventually) -> None:
    async with serving(Slow(stays=stays)) as slow:
        slow.go.set()
        held = held_at(slow.port)
        await held.begin()
        await eventually(lambda: held.answered)
        assert not await held.taken(0.2)
        assert (await finished(held)).ok


async def test_a_request_whose_connection_is_gone_is_not_in_flight(eventually: Eventually) -> None:
    async with serving(Slow(resets=True)) as slow:
        slow.go.set()
        held = held_at(slow.port)
        await held.begin()
        await eventually(lambda: held.answered)
        assert not await held.taken(0.2)
        assert (await finished(held)).answer is Answer.RESET


async def test_a_request_that_was_not_begun_is_not_in_flight() -> None:
    held = held_at(1)
    assert not held.answered
    assert not await held.taken(0.05)
    held.close()


async def test_no_connection_is_an_error() -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        with pytest.raises(ConnectionRefusedError):
            await held_at(bound.getsockname()[1]).begin()


async def test_no_answer_in_time_is_silent() -> None:
    async with serving(Slow()) as slow:
        held = held_at(slow.port)
        await held.begin()
        began = time.monotonic()
        exchange = await finished(held, timeout=0.2)
        assert 0.2 <= time.monotonic() - began < 5
    assert (exchange.answer, exchange.status) == (Answer.SILENT, None)
    assert "0.2 s" in exchange.error


@pytest.mark.parametrize(
    ("answer", "resets", "expected", "status"),
    [
        (b"", False, Answer.RESET, None),
        (b"", True, Answer.RESET, None),
        (HELLO[:-2], False, Answer.RESET, 201),
        (HELLO[:20], False, Answer.RESET, None),
        (b"220 mail.example.com ready\r\n\r\n", False, Answer.GARBLED, None),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + HELLO, False, Answer.ANSWERED, 201),
        (b"HTTP/1.0 503 Busy\r\n\r\nuntil the end", False, Answer.ANSWERED, 503),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n", False, Answer.RESET, 200),
    ],
)
async def test_how_it_ended_is_told_apart(answer: bytes, resets: bool, expected: Answer, status: int | None) -> None:
    async with serving(Slow(answer, resets=resets)) as slow:
        held = held_at(slow.port)
        await held.begin()
        assert await held.taken(10)
        slow.go.set()
        exchange = await finished(held)
    assert (exchange.answer, exchange.status) == (expected, status)
    assert bool(exchange.error) == (expected is not Answer.ANSWERED)


async def test_an_answer_before_the_body_is_complete_is_an_answer(eventually: Eventually) -> None:
    async with serving(Slow()) as slow:
        held = held_at(slow.port)
        await held.begin(3)
        assert await held.taken(10)
        slow.go.set()
        await eventually(lambda: held.answered)
        exchange = await finished(held)
    assert (exchange.answer, exchange.status) == (Answer.ANSWERED, 201)
