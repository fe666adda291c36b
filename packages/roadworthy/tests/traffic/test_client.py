"""The client against tiny real servers: every way in which a request can end is told apart, and every one is kept."""

import asyncio
import contextlib
import gzip
import json
import socket
import struct
import time
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from roadworthy.domain.evidence import Answer, Exchange
from roadworthy.traffic.client import BODY_LIMIT, Client, sample

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@contextlib.asynccontextmanager
async def client_of(handler: Handler, kept: list[Exchange], **headers: str) -> AsyncIterator[Client]:
    """Serve a handler on a free port and yield a client of it."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await handler(reader, writer)
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        async with Client(f"http://127.0.0.1:{port}", kept.append, time.monotonic(), headers) as client:
            yield client
    finally:
        server.close()


def answering(raw: bytes) -> Handler:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(raw)
        await writer.drain()

    return handler


def answer(body: bytes, status: str = "200 OK", *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


async def told(handler: Handler, timeout: float = 10.0) -> Exchange:
    """Return the exchange that a GET to such a server makes."""
    kept: list[Exchange] = []
    async with client_of(handler, kept) as client:
        exchange = await client.send("GET", "/", timeout=timeout)
    assert kept == [exchange]
    return exchange


def reset(writer: asyncio.StreamWriter) -> None:
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


@pytest.mark.parametrize(
    ("status", "ok"), [("200 OK", True), ("204 No Content", True), ("404 Not Found", False), ("503 Busy", False)]
)
async def test_a_complete_answer_is_answered_whatever_its_status(status: str, ok: bool) -> None:
    exchange = await told(answering(answer(b"" if ok else b"why", status)))
    assert exchange.answer is Answer.ANSWERED
    assert (exchange.status, exchange.ok, exchange.error) == (int(status[:3]), ok, "")


async def test_an_exchange_says_what_was_sent_and_what_came() -> None:
    kept: list[Exchange] = []
    seen = bytearray()

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        seen.extend(head + await reader.readexactly(int(head.lower().partition(b"content-length: ")[2].split()[0])))
        writer.write(answer(b'{"id": 1}', "201 Created", "Content-Type: application/json"))

    async with client_of(handler, kept, Authorization="Bearer secret") as client:
        exchange = await client.send("POST", "/notes?a=b", json={"text": "é"}, headers={"X-A": "1"}, purpose="why not")
    head, _, body = bytes(seen).partition(b"\r\n\r\n")
    assert head.startswith(b"POST /notes?a=b HTTP/1.1\r\n")
    assert b"authorization: bearer secret" in head.lower()
    assert json.loads(body) == {"text": "é"}
    assert exchange.request_body == body.decode()
    assert exchange.request_headers == {"X-A": "1", "Content-Type": "application/json"}
    assert (exchange.method, exchange.path, exchange.purpose) == ("POST", "/notes?a=b", "why not")
    assert (exchange.status, exchange.body) == (201, '{"id": 1}')
    assert exchange.headers["content-type"] == "application/json"
    assert 0 <= exchange.at < 10
    assert 0 <= exchange.seconds < 10
    assert kept == [exchange]


async def test_exchanges_have_ids_of_their_own_and_each_has_its_own_connection() -> None:
    kept: list[Exchange] = []
    connections = []

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(writer)
        with contextlib.suppress(asyncio.IncompleteReadError):
            while await reader.readuntil(b"\r\n\r\n"):  # it would serve more on the same connection
                writer.write(answer(b"ok"))

    async with client_of(handler, kept) as client:
        await asyncio.gather(*(client.send("GET", "/") for _ in range(10)))
        for _ in range(10):
            await client.send("GET", "/")
    assert len({exchange.id for exchange in kept}) == 20
    assert len(connections) == 20


async def test_nothing_listening_is_refused() -> None:
    kept: list[Exchange] = []
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))  # bound and not listening: the kernel refuses
        async with Client(f"http://127.0.0.1:{bound.getsockname()[1]}", kept.append, 0, {}) as client:
            exchange = await client.send("GET", "/")
    assert (exchange.answer, exchange.status, exchange.ok) == (Answer.REFUSED, None, False)
    assert exchange.error


async def test_a_connection_that_is_closed_without_an_answer_is_reset() -> None:
    exchange = await told(answering(b""))
    assert (exchange.answer, exchange.status) == (Answer.RESET, None)


async def test_a_connection_that_is_reset_without_an_answer_is_reset() -> None:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        reset(writer)

    exchange = await told(handler)
    assert (exchange.answer, exchange.status) == (Answer.RESET, None)


async def test_an_answer_that_breaks_off_is_reset_although_its_status_came() -> None:
    exchange = await told(answering(answer(b"whole body")[:-5]))
    assert (exchange.answer, exchange.status, exchange.ok) == (Answer.RESET, 200, False)
    assert exchange.body == "whole"


async def test_a_chunked_answer_without_its_end_is_reset() -> None:
    exchange = await told(answering(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nwhole\r\n"))
    assert (exchange.answer, exchange.status, exchange.body) == (Answer.RESET, 200, "whole")


async def test_no_answer_in_time_is_silent() -> None:
    async def handler(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.read()  # until the client gives up

    exchange = await told(handler, timeout=0.3)
    assert (exchange.answer, exchange.status) == (Answer.SILENT, None)
    assert exchange.error == "no complete answer within 0.3 s"
    assert 0.3 <= exchange.seconds < 5


async def test_an_answer_that_stops_half_way_is_silent() -> None:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer(b"whole body")[:-5])
        await reader.read()

    exchange = await told(handler, timeout=0.3)
    assert (exchange.answer, exchange.status, exchange.body) == (Answer.SILENT, 200, "whole")


async def test_what_is_not_http_is_garbled() -> None:
    exchange = await told(answering(b"220 mail.example.com ESMTP ready\r\n\r\n"))
    assert (exchange.answer, exchange.status) == (Answer.GARBLED, None)


async def test_a_body_that_is_not_encoded_as_it_says_is_garbled_not_reset() -> None:
    exchange = await told(answering(answer(b"no gzip at all", "200 OK", "Content-Encoding: gzip")))
    assert (exchange.answer, exchange.status) == (Answer.GARBLED, 200)


async def test_an_encoded_body_is_decoded() -> None:
    exchange = await told(answering(answer(gzip.compress(b"text"), "200 OK", "Content-Encoding: gzip")))
    assert (exchange.answer, exchange.body) == (Answer.ANSWERED, "text")


@pytest.mark.parametrize(
    ("path", "headers"),
    [("/line\nbreak", {}), ("/" + "a" * 70_000, {}), ("/", {"X-A": "line\nbreak"}), ("/", {"X-A": "\u20ac"})],
)
async def test_a_request_that_cannot_be_written_is_not_blamed_on_the_server(path: str, headers: dict[str, str]) -> None:
    kept: list[Exchange] = []
    async with client_of(answering(answer(b"")), kept) as client:
        exchange = await client.send("GET", path, headers=headers)
    assert exchange.answer is Answer.GARBLED
    assert exchange.error.startswith("the request could not be written")
    assert kept == [exchange]


async def test_a_large_body_is_cut_and_read_to_its_end() -> None:
    exchange = await told(answering(answer(b"x" * (BODY_LIMIT + 70_000))))
    assert (exchange.answer, len(exchange.body)) == (Answer.ANSWERED, BODY_LIMIT)


async def test_a_body_that_is_not_utf_8_is_shown() -> None:
    assert (await told(answering(answer(b"caf\xe9")))).body == r"caf\xe9"


async def test_a_redirect_is_an_answer_and_is_not_followed() -> None:
    exchange = await told(answering(answer(b"", "302 Found", "Location: /elsewhere")))
    assert (exchange.answer, exchange.status) == (Answer.ANSWERED, 302)


async def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    assert (await told(answering(answer(b"ok")))).ok


async def test_raw_content_and_hostile_paths_reach_the_server_as_they_are() -> None:
    seen = bytearray()
    kept: list[Exchange] = []

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.extend(await reader.readuntil(b"\r\n\r\n") + await reader.readexactly(7))
        writer.write(answer(b""))

    async with client_of(handler, kept) as client:
        exchange = await client.send("PUT", "/a/..%2f..%2fetc/%00%ff%F0%9F%92%A9?q=%00&r=%27", content=b'{"a":\xff\xfe')
    assert seen.startswith(b"PUT /a/..%2f..%2fetc/%00%ff%F0%9F%92%A9?q=%00&r=%27 HTTP/1.1\r\n")
    assert seen.endswith(b'{"a":\xff\xfe')
    assert exchange.request_body == r'{"a":\xff\xfe'


async def test_a_large_request_body_is_shown_cut_with_its_size() -> None:
    kept: list[Exchange] = []

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(100_000)
        writer.write(answer(b""))

    async with client_of(handler, kept) as client:
        exchange = await client.send("POST", "/", content=b"x" * 100_000)
    assert exchange.ok
    assert exchange.request_body == "x" * BODY_LIMIT + "... (100000 bytes in all)"


async def test_content_can_be_streamed() -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"one"
        yield b"two"

    seen = bytearray()
    kept: list[Exchange] = []

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.extend(await reader.readuntil(b"0\r\n\r\n"))
        writer.write(answer(b""))

    async with client_of(handler, kept) as client:
        exchange = await client.send("POST", "/", content=pieces())
    assert exchange.ok
    assert exchange.request_body == ""
    assert b"one" in seen
    assert b"two" in seen


async def test_fetch_returns_a_document_larger_than_an_exchange_and_records_nothing() -> None:
    kept: list[Exchange] = []
    document = b"x" * (2 * BODY_LIMIT)
    async with client_of(answering(answer(document)), kept) as client:
        assert await client.fetch("/openapi.json", limit=1_000_000, timeout=10) == document.decode()
        assert await client.fetch("/openapi.json", limit=BODY_LIMIT, timeout=10) == ""
    assert kept == []


@pytest.mark.parametrize("raw", [answer(b"no", "404 Not Found"), b"", b"no http\r\n\r\n"])
async def test_fetch_returns_nothing_when_there_is_no_document(raw: bytes) -> None:
    async with client_of(answering(raw), []) as client:
        assert await client.fetch("/openapi.json", limit=100, timeout=10) == ""


async def test_fetch_gives_up_in_time() -> None:
    async def handler(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.read()

    async with client_of(handler, []) as client:
        assert await client.fetch("/openapi.json", limit=100, timeout=0.2) == ""


async def test_a_sample_is_an_exchange_reduced() -> None:
    exchange = await told(answering(answer(b"no", "503 Busy")))
    taken = sample(exchange)
    assert (taken.what, taken.ok, taken.status, taken.exchange) == ("GET /", False, 503, exchange.id)
    assert taken.shown == "503"
    assert sample(exchange, "create", ok=True, note="why").ok
    assert sample(exchange, "create", note="why").note == "why"
    silent = await told(answering(b""))
    assert sample(silent).note == silent.error != ""
