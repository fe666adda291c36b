"""A body that is never held, poured into real servers that refuse it in their own ways."""

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from roadworthy.domain.evidence import Answer
from roadworthy.traffic.pouring import LargeBody, Pouring, pour

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
MIB = 2**20
REFUSAL = b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nno\n"
BODY = LargeBody(b'{"a": 1}', 64 * MIB)


@contextlib.asynccontextmanager
async def serving(handler: Handler) -> AsyncIterator[int]:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            await handler(reader, writer)
        writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


async def poured(port: int, body: LargeBody = BODY, *, chunked: bool = False, timeout: float = 20.0, **rest) -> Pouring:
    return await pour(port, "POST", "/notes", {"X-A": "1"}, body, chunked=chunked, timeout=timeout, **rest)


async def refuse_at_once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(REFUSAL)
    await writer.drain()


async def reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    plain = writer.get_extra_info("socket")
    plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def say_nothing(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    while await reader.read(65_536):
        pass


@pytest.mark.parametrize("chunked", [False, True])
async def test_an_early_refusal_is_seen_and_the_rest_is_not_sent(chunked: bool) -> None:
    async with serving(refuse_at_once) as port:
        found = await poured(port, chunked=chunked)
    assert (found.answer, found.status, found.hung_up) == (Answer.ANSWERED, 413, False)
    assert found.sent < len(BODY)


@pytest.mark.parametrize(("chunked", "leading"), [(False, True), (True, True), (False, False)])
async def test_the_whole_body_arrives_as_it_was_described(chunked: bool, leading: bool) -> None:
    came = bytearray()

    async def read_all(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        came.extend(head)
        if chunked:
            while size := int(await reader.readline(), 16):
                came.extend(await reader.readexactly(size))
                await reader.readexactly(2)
            await reader.readexactly(2)
        else:
            came.extend(await reader.readexactly(100_008))
        writer.write(b"HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nok")
        await writer.drain()

    body = LargeBody(b'{"a": 1}', 100_000, leading=leading)
    async with serving(read_all) as port:
        found = await poured(port, body, chunked=chunked)
    head, _, rest = bytes(came).partition(b"\r\n\r\n")
    spaces = b" " * 100_000
    assert rest == (spaces + body.text if leading else body.text + spaces)
    assert (b"chunked" in head, b"100008" in head) == (chunked, not chunked)
    assert (found.status, found.body, found.sent) == (201, b"ok", 100_008)


async def test_a_server_that_hangs_up_is_no_silent_one() -> None:
    async with serving(reset) as port:
        assert (await poured(port)).answer is Answer.RESET


async def test_no_answer_in_time_is_silence() -> None:
    async with serving(say_nothing) as port:
        found = await poured(port, LargeBody(b"{}", 10), timeout=0.3)
    assert (found.answer, found.hung_up) == (Answer.SILENT, False)


async def test_we_hang_up_when_it_is_enough() -> None:
    reached = asyncio.Event()

    async def take_some(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(MIB)
        reached.set()
        await say_nothing(reader, writer)

    async def enough() -> None:
        await reached.wait()

    async with serving(take_some) as port:
        found = await poured(port, LargeBody(b"{}", 2**40), enough=enough)
    assert found.hung_up
    assert found.sent < 2**40


async def test_nobody_there_is_refused_and_bytes_that_are_no_http_are_garbled() -> None:
    async def nonsense(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"220 mail.example ESMTP\r\n\r\n")
        await writer.drain()

    async with serving(nonsense) as port:
        assert (await poured(port, LargeBody(b"{}", 10))).answer is Answer.GARBLED
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # bound, and not listening
        assert (await poured(unused.getsockname()[1])).answer is Answer.REFUSED
