"""A TCP proxy in this process, between the target and one dependency. It counts, and it applies one fault at a time."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from dataclasses import dataclass

from roadworthy.faults.fault import CutConnection, Direction, Fault

NO_FAULT = Fault()
CHUNK = 65_536


@dataclass
class Counts:
    """What passed since the proxy began. ``hits`` and ``held`` (bytes) are of the fault in force, or the last one."""

    connections: int = 0
    to_dependency: int = 0
    to_target: int = 0
    hits: int = 0
    held: int = 0

    @property
    def bytes(self) -> int:
        """Bytes that passed, both ways."""
        return self.to_dependency + self.to_target


class Link:
    """One connection of the target and the one made for it to the dependency."""

    def __init__(self, proxy: Proxy, writer: asyncio.StreamWriter) -> None:
        """Begin with the side of the target; :meth:`run` connects the other."""
        self.proxy = proxy
        self.closed = asyncio.Event()
        self.passed_since_fault = 0
        self._to_target = writer
        self._to_dependency: asyncio.StreamWriter | None = None

    def hit(self, held: int = 0) -> None:
        """Count that the fault was felt here."""
        self.proxy.counts.hits += 1
        self.proxy.counts.held += held
        self.proxy.felt.set()

    def send_now(self, chunk: bytes) -> None:
        """Write to the target without waiting, before a cut."""
        self._to_target.write(chunk)

    async def run(self, reader: asyncio.StreamReader) -> None:
        """Carry bytes both ways until either side ends or a fault cuts."""
        try:
            self.proxy.fault.on_new(self)
            upstream, self._to_dependency = await asyncio.open_connection(self.proxy.host, self.proxy.port)
            await self._carry_both(reader, upstream, self._to_dependency)
        except CutConnection:
            self.reset()
        except OSError:  # one side is gone, or the dependency cannot be reached: the target sees a reset
            self.reset()
        finally:
            self.close()

    async def _carry_both(
        self, reader: asyncio.StreamReader, upstream: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        pumps = [
            asyncio.create_task(self._pump(reader, writer, Direction.TO_DEPENDENCY)),
            asyncio.create_task(self._pump(upstream, self._to_target, Direction.TO_TARGET)),
        ]
        try:
            done, _ = await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
            for pump in done:
                pump.result()
        finally:
            self.closed.set()
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, direction: Direction) -> None:
        while chunk := await reader.read(CHUNK):
            passed = await self._judged(direction, chunk)
            if self.closed.is_set():  # while it was held up: it reached nobody
                return
            if direction is Direction.TO_DEPENDENCY:
                self.proxy.counts.to_dependency += len(passed)
            else:
                self.proxy.counts.to_target += len(passed)
                self.passed_since_fault += len(passed)
            writer.write(passed)
            await writer.drain()

    async def _judged(self, direction: Direction, chunk: bytes) -> bytes:
        """Let the fault in force decide, and the next one too when it changes meanwhile."""
        while True:
            fault = self.proxy.fault
            chunk = await fault.carry(self, direction, chunk)
            if self.proxy.fault is fault or self.closed.is_set():
                return chunk

    def reset(self) -> None:
        """End both sides with a reset rather than a goodbye."""
        for writer in (self._to_target, self._to_dependency):
            if writer is not None:
                _reset_on_close(writer)
        self.close()

    def close(self) -> None:
        """Close both sides."""
        self.closed.set()
        for writer in (self._to_target, self._to_dependency):
            if writer is not None:
                writer.close()


class Proxy:
    """Listens on a free loopback port for the target and passes everything on to ``host:port``.

    ``fault`` applies at once to open and to new connections alike. All of it runs in the event loop that called
    :meth:`start`, so a change of fault is atomic: no connection escapes it.
    """

    def __init__(self, host: str, port: int) -> None:
        """Name the dependency; nothing is opened yet."""
        self.host = host
        self.port = port
        self.listen_port = 0
        self.fault: Fault = NO_FAULT
        self.changed = asyncio.Event()
        self.felt = asyncio.Event()
        self.counts = Counts()
        self._links: dict[Link, asyncio.Task[None]] = {}
        self._server: asyncio.Server | None = None
        self._placeholder: socket.socket | None = None
        self._closer: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Listen on a free port of 127.0.0.1."""
        await self._listen(_bound_socket(0))

    async def _listen(self, bound: socket.socket) -> None:
        self.listen_port = bound.getsockname()[1]
        self._server = await asyncio.start_server(self._accept, sock=bound, backlog=512)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.counts.connections += 1
        link = Link(self, writer)
        task = asyncio.current_task()
        if task is not None:
            self._links[link] = task
        try:
            await link.run(reader)
        except asyncio.CancelledError:
            link.close()
        finally:
            self._links.pop(link, None)

    async def apply(self, fault: Fault) -> None:
        """Put this fault in force, in place of another one if need be. Counting of hits begins anew."""
        await self._stop_closer()
        self.counts.hits = self.counts.held = 0
        self.felt.clear()
        self.fault = fault
        for link in list(self._links):
            link.passed_since_fault = 0
            try:
                fault.on_existing(link)
            except CutConnection:
                link.reset()
        self.changed.set()
        self.changed = asyncio.Event()
        await self._reopen()
        if fault.closes_listener:
            self._closer = asyncio.create_task(self._close_once_felt())

    async def restore(self) -> None:
        """Lift the fault. The counts of hits stay readable until the next one."""
        await self._stop_closer()
        self.fault = NO_FAULT
        self.changed.set()
        self.changed = asyncio.Event()
        await self._reopen()

    async def _close_once_felt(self) -> None:
        await self.felt.wait()
        # A socket that is bound but does not listen keeps the port ours, and the kernel refuses for it.
        self._placeholder = _bound_socket(self.listen_port)
        if self._server is not None:
            self._server.close()
            self._server = None

    async def _reopen(self) -> None:
        if self._placeholder is not None:
            bound, self._placeholder = self._placeholder, None
            await self._listen(bound)

    async def _stop_closer(self) -> None:
        if self._closer is not None:
            self._closer.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._closer
            self._closer = None

    async def close(self) -> None:
        """Stop listening and end every connection."""
        await self._stop_closer()
        if self._server is not None:
            self._server.close()
        if self._placeholder is not None:
            self._placeholder.close()
        tasks = list(self._links.values())
        for link in list(self._links):
            link.reset()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _bound_socket(port: int) -> socket.socket:
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    bound.bind(("127.0.0.1", port))
    return bound


def _reset_on_close(writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        sock = writer.get_extra_info("socket")
        if sock is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
