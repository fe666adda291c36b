"""The proxy over real sockets: it carries, counts, and does to old and new connections alike what each fault says."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import pytest
from roadworthy.faults.cut_after_bytes import CutAfterBytes
from roadworthy.faults.delay import Delay
from roadworthy.faults.fault import Direction, Fault
from roadworthy.faults.proxy import Proxy
from roadworthy.faults.refuse import Refuse
from roadworthy.faults.reset import Reset
from roadworthy.faults.silence import Silence

Eventually = Callable[..., Awaitable[None]]
BOUND_S = 10.0


class Connection:
    """What a target has: one connection to the proxy."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def ask(self, question: bytes) -> bytes:
        await self.say(question)
        return await self.hear(len(question))

    async def say(self, words: bytes) -> None:
        self.writer.write(words)
        await self.writer.drain()

    async def hear(self, count: int) -> bytes:
        async with asyncio.timeout(BOUND_S):
            return await self.reader.readexactly(count)

    async def hears_nothing_for(self, seconds: float) -> bool:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.reader.read(1)
                return False
        return True

    async def is_reset(self) -> bool:
        """Whether the connection ends with a reset, not with a goodbye."""
        try:
            async with asyncio.timeout(BOUND_S):
                while await self.reader.read(100):
                    pass
        except ConnectionResetError:
            return True
        return False

    async def close(self) -> None:
        self.writer.close()
        with suppress(OSError):
            await self.writer.wait_closed()


@dataclass
class Echo:
    """The dependency: it answers every byte with the same byte, and remembers what it was told."""

    heard: bytearray = field(default_factory=bytearray)
    connections: int = 0
    open: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.open += 1
        try:
            while chunk := await reader.read(65_536):
                self.heard += chunk
                writer.write(chunk)
                await writer.drain()
        except OSError:
            pass
        finally:
            self.open -= 1
            writer.close()


@dataclass
class Scene:
    """A dependency, the proxy in front of it, and the connections made through it."""

    proxy: Proxy
    echo: Echo
    made: list[Connection] = field(default_factory=list)

    async def connect(self) -> Connection:
        async with asyncio.timeout(BOUND_S):
            self.made.append(Connection(*await asyncio.open_connection("127.0.0.1", self.proxy.listen_port)))
        return self.made[-1]

    async def is_refused(self) -> bool:
        try:
            await self.connect()
        except ConnectionRefusedError:
            return True
        return False


@asynccontextmanager
async def scene() -> AsyncIterator[Scene]:
    echo = Echo()
    server = await asyncio.start_server(echo.serve, "127.0.0.1", 0)
    proxy = Proxy("127.0.0.1", server.sockets[0].getsockname()[1])
    await proxy.start()
    made = Scene(proxy, echo)
    try:
        yield made
    finally:
        for connection in made.made:
            await connection.close()
        await proxy.close()
        server.close()
        await server.wait_closed()
    assert is_free(proxy.listen_port), "the proxy still listens after its end"
    assert proxy._links == {}


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
            probe.listen()
        except OSError:
            return False
        return True


async def test_without_a_fault_everything_passes_and_is_counted() -> None:
    async with scene() as s:
        first, second = await s.connect(), await s.connect()
        assert await first.ask(b"hello") == b"hello"
        assert await second.ask(b"you") == b"you"
        counts = s.proxy.counts
        assert (counts.connections, counts.to_dependency, counts.to_target, counts.bytes) == (2, 8, 8, 16)
        assert (counts.hits, counts.held) == (0, 0)
        assert not s.proxy.felt.is_set()


async def test_much_passes_unchanged() -> None:
    much = bytes(range(256)) * 8_192  # 2 MiB: many chunks, and more than the kernel's buffers hold
    async with scene() as s:
        connection = await s.connect()
        answered = asyncio.create_task(connection.hear(len(much)))
        await connection.say(much)
        assert await answered == much
        assert s.proxy.counts.bytes == 2 * len(much)


async def test_the_end_of_one_side_ends_the_other(eventually: Eventually) -> None:
    async with scene() as s:
        connection = await s.connect()
        await connection.ask(b"hello")
        await connection.close()
        await eventually(lambda: s.echo.open == 0)
        await eventually(lambda: not s.proxy._links)


async def test_an_answer_is_whole_although_the_dependency_hangs_up_after_it() -> None:
    async def answer_and_leave(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"x" * 1_000_000)
        writer.close()

    server = await asyncio.start_server(answer_and_leave, "127.0.0.1", 0)
    proxy = Proxy("127.0.0.1", server.sockets[0].getsockname()[1])
    await proxy.start()
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.listen_port)
    assert len(await reader.read()) == 1_000_000
    writer.close()
    await proxy.close()
    server.close()


async def test_a_dependency_that_is_not_there_looks_like_a_reset() -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))  # bound and not listening: the kernel refuses
        proxy = Proxy("127.0.0.1", bound.getsockname()[1])
        await proxy.start()
        connection = Connection(*await asyncio.open_connection("127.0.0.1", proxy.listen_port))
        assert await connection.is_reset()
        assert (proxy.counts.connections, proxy.counts.bytes) == (1, 0)
        await connection.close()
        await proxy.close()


async def test_refuse_resets_the_existing_and_refuses_the_new_on_a_port_that_stays_ours(eventually: Eventually) -> None:
    async with scene() as s:
        port = s.proxy.listen_port
        old = [await s.connect(), await s.connect()]
        for connection in old:
            await connection.ask(b"hello")
        await s.proxy.apply(Refuse())
        assert [await connection.is_reset() for connection in old] == [True, True]
        assert s.proxy.counts.hits == 2
        await eventually(lambda: s.proxy._placeholder is not None)
        assert await s.is_refused()
        assert await s.is_refused()
        assert s.proxy.counts.connections == 2
        await s.proxy.restore()
        assert s.proxy.listen_port == port
        assert await (await s.connect()).ask(b"back") == b"back"
        assert (s.proxy.counts.hits, s.proxy.counts.connections) == (2, 3)
        assert s.echo.heard == b"hello" * 2 + b"back"


async def test_refuse_without_existing_connections_resets_the_first_new_one_so_that_it_is_counted(
    eventually: Eventually,
) -> None:
    async with scene() as s:
        await s.proxy.apply(Refuse())
        assert s.proxy.counts.hits == 0
        assert await (await s.connect()).is_reset()
        assert s.proxy.counts.hits == 1
        await eventually(lambda: s.proxy._placeholder is not None)
        assert await s.is_refused()
        assert s.proxy.counts.hits == 1
        assert s.echo.connections == 0
        await s.proxy.restore()
        assert await (await s.connect()).ask(b"back") == b"back"


async def test_refuse_that_nobody_felt_can_be_lifted() -> None:
    async with scene() as s:
        await s.proxy.apply(Refuse())
        await s.proxy.restore()
        assert s.proxy.counts.hits == 0
        assert await (await s.connect()).ask(b"back") == b"back"


async def test_refuse_cuts_a_connection_that_is_just_being_made() -> None:
    async with scene() as s:
        connection = await s.connect()  # accepted by the kernel, perhaps not yet by the proxy
        await s.proxy.apply(Refuse())
        assert await connection.is_reset()
        assert s.proxy.counts.hits == 1


async def test_silence_holds_every_byte_of_old_and_new_connections_and_delivers_it_afterwards(
    eventually: Eventually,
) -> None:
    async with scene() as s:
        old = await s.connect()
        await old.ask(b"before")
        await s.proxy.apply(Silence())
        new = await s.connect()
        await old.say(b"old")
        await new.say(b"newer")
        await eventually(lambda: s.proxy.counts.held == 8)
        assert await old.hears_nothing_for(0.1)
        assert await new.hears_nothing_for(0.1)
        assert s.echo.heard == b"before"
        assert (s.proxy.counts.hits, s.proxy.counts.to_dependency) == (2, 6)
        await s.proxy.restore()
        assert await old.hear(3) == b"old"
        assert await new.hear(5) == b"newer"
        assert (s.proxy.counts.hits, s.proxy.counts.held) == (2, 8)  # still readable
        assert (s.proxy.counts.to_dependency, s.proxy.counts.to_target) == (14, 14)


async def test_silence_also_holds_an_answer_that_was_under_way(eventually: Eventually) -> None:
    asked = asyncio.Event()
    may_answer = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10)
        asked.set()
        await may_answer.wait()
        writer.write(b"answer")
        await reader.read()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    proxy = Proxy("127.0.0.1", server.sockets[0].getsockname()[1])
    await proxy.start()
    connection = Connection(*await asyncio.open_connection("127.0.0.1", proxy.listen_port))
    await connection.say(b"question")
    await asked.wait()
    await proxy.apply(Silence())
    may_answer.set()
    assert await connection.hears_nothing_for(0.1)
    assert (proxy.counts.hits, proxy.counts.to_target) == (0, 0)  # the target has not asked anything since
    await proxy.restore()
    assert await connection.hear(6) == b"answer"
    await connection.close()
    await proxy.close()
    server.close()


async def test_delay_makes_answers_late_on_old_and_new_connections() -> None:
    async with scene() as s:
        old = await s.connect()
        await old.ask(b"before")
        await s.proxy.apply(Delay(0.2))
        for connection in (old, await s.connect()):
            began = time.monotonic()
            assert await connection.ask(b"late") == b"late"
            assert 0.2 <= time.monotonic() - began < 5
        assert s.proxy.counts.hits == 2
        assert s.proxy.counts.held == 0


async def test_delay_that_is_lifted_delivers_at_once(eventually: Eventually) -> None:
    async with scene() as s:
        connection = await s.connect()
        await s.proxy.apply(Delay(3_600))
        await connection.say(b"late")
        await eventually(lambda: s.proxy.counts.hits == 1)
        await s.proxy.restore()
        assert await connection.hear(4) == b"late"


async def test_cut_lets_n_bytes_of_answers_pass_and_then_resets_old_and_new_connections() -> None:
    async with scene() as s:
        old = await plain_connection(s.proxy)
        assert await told(old, b"passed before the fault") == b"passed before the fault"
        await s.proxy.apply(CutAfterBytes(5))
        for connection in (old, await plain_connection(s.proxy)):
            assert await told(connection, b"123") == b"123"
            assert await told(connection, b"456") == b"45"
            with pytest.raises(ConnectionResetError):
                await asyncio.wait_for(asyncio.get_running_loop().sock_recv(connection, 1), BOUND_S)
            connection.close()
        assert s.proxy.counts.hits == 2
        await s.proxy.restore()
        assert await (await s.connect()).ask(b"123456") == b"123456"


async def plain_connection(proxy: Proxy) -> socket.socket:
    """Connect without a stream: a stream forgets what it has not handed out when a reset comes."""
    plain = socket.socket()
    plain.setblocking(False)
    await asyncio.wait_for(asyncio.get_running_loop().sock_connect(plain, ("127.0.0.1", proxy.listen_port)), BOUND_S)
    return plain


async def told(plain: socket.socket, question: bytes) -> bytes:
    loop = asyncio.get_running_loop()
    await loop.sock_sendall(plain, question)
    return await asyncio.wait_for(loop.sock_recv(plain, 100), BOUND_S)


async def test_cut_at_a_boundary_passes_exactly_that_much() -> None:
    async with scene() as s:
        connection = await s.connect()
        await s.proxy.apply(CutAfterBytes(5))
        assert await connection.ask(b"12345") == b"12345"
        assert s.proxy.counts.hits == 0
        await connection.say(b"6")
        assert await connection.is_reset()
        assert s.proxy.counts.hits == 1


async def test_reset_resets_the_existing_at_once_and_the_new_when_they_speak() -> None:
    async with scene() as s:
        old = await s.connect()
        await old.ask(b"before")
        await s.proxy.apply(Reset())
        assert await old.is_reset()
        new = await s.connect()  # accepted, not refused
        assert await new.hears_nothing_for(0.1)
        await new.say(b"hello")
        assert await new.is_reset()
        assert s.proxy.counts.hits == 2
        assert s.echo.heard == b"before"
        await s.proxy.restore()
        assert await (await s.connect()).ask(b"back") == b"back"


async def test_each_fault_counts_its_own_hits(eventually: Eventually) -> None:
    async with scene() as s:
        await (await s.connect()).ask(b"hello")
        await s.proxy.apply(Reset())
        assert s.proxy.counts.hits == 1
        assert s.proxy.felt.is_set()
        await s.proxy.apply(Silence())
        assert (s.proxy.counts.hits, s.proxy.felt.is_set()) == (0, False)
        await (await s.connect()).say(b"hello")
        await eventually(lambda: (s.proxy.counts.hits, s.proxy.counts.held) == (1, 5))


async def test_silence_after_refuse_accepts_again(eventually: Eventually) -> None:
    async with scene() as s:
        await (await s.connect()).ask(b"hello")
        await s.proxy.apply(Refuse())
        await eventually(lambda: s.proxy._placeholder is not None)
        await s.proxy.apply(Silence())
        connection = await s.connect()
        await connection.say(b"held")
        await eventually(lambda: s.proxy.counts.held == 4)
        await s.proxy.restore()
        assert await connection.hear(4) == b"held"


async def test_what_silence_held_stays_held_when_another_silence_follows(eventually: Eventually) -> None:
    async with scene() as s:
        connection = await s.connect()
        await s.proxy.apply(Silence())
        await connection.say(b"held")
        await eventually(lambda: s.proxy.counts.held == 4)
        await s.proxy.apply(Silence())
        assert await connection.hears_nothing_for(0.1)
        assert s.proxy.counts.hits == 1  # it is felt again: the bytes are still held
        await s.proxy.restore()
        assert await connection.hear(4) == b"held"


async def test_refuse_after_silence_resets_and_loses_what_was_held(eventually: Eventually) -> None:
    async with scene() as s:
        connection = await s.connect()
        await s.proxy.apply(Silence())
        await connection.say(b"held")
        await eventually(lambda: s.proxy.counts.held == 4)
        await s.proxy.apply(Refuse())
        assert await connection.is_reset()
        await eventually(lambda: not s.proxy._links)
        assert (s.proxy.counts.hits, s.proxy.counts.to_dependency) == (1, 0)
        assert s.echo.heard == b""


async def test_the_proxy_can_be_closed_under_every_fault(eventually: Eventually) -> None:
    for fault in (Fault(), Refuse(), Silence(), Delay(3_600), CutAfterBytes(1), Reset()):
        async with scene() as s:
            connection = await s.connect()
            await connection.ask(b"x")
            await s.proxy.apply(fault)
            with suppress(OSError):
                await connection.say(b"yz")
            await s.proxy.close()
            assert await connection.is_reset()


async def test_the_proxy_can_be_closed_while_it_refuses(eventually: Eventually) -> None:
    async with scene() as s:
        await (await s.connect()).ask(b"x")
        await s.proxy.apply(Refuse())
        await eventually(lambda: s.proxy._placeholder is not None)


def test_a_fault_is_a_value_with_the_name_of_what_a_client_sees() -> None:
    names = [f.name for f in (Fault(), Refuse(), Silence(), Delay(1), CutAfterBytes(1), Reset())]
    assert names == ["none", "refused", "silent", "delayed", "cut", "reset"]
    assert Delay(1) == Delay(1)
    assert {direction.value for direction in Direction} == {"to the dependency", "to the target"}
