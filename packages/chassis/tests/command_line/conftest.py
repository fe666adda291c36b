"""What the tests of the command line share: a service in a folder of its own, and its commands as real processes."""

import contextlib
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.request import urlopen

import pytest

if TYPE_CHECKING:
    from sqlalchemy import URL

BOUND_S = 60.0
POLL_S = 0.02
PORTS = range(15_000, 32_000)  # below those that outgoing connections take
SERVICE = Path(__file__).parent / "service"
SIGNING_KEY = "kJ8-aa0Pq_zz81mNvB72hsXc4uTe9RwYd"


@dataclass(frozen=True)
class Ended:
    """How a command ended, and what it said."""

    status: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        """What it printed, as JSON."""
        return json.loads(self.out)


class Command:
    """A command that has been started, as a process of its own."""

    def __init__(self, warm: str, folder: Path, arguments: tuple[str, ...], environment: dict[str, str]) -> None:
        self._files = [Path(tempfile.mkstemp(dir=folder.parent)[1]) for _ in range(2)]
        self._connection = socket.socket(socket.AF_UNIX)
        self._connection.settimeout(BOUND_S)
        self._connection.connect(warm)
        self._lines = self._connection.makefile("rw")
        out, err = map(str, self._files)
        request = {"folder": str(folder), "arguments": arguments, "environment": environment, "out": out, "err": err}
        self._lines.write(json.dumps(request) + "\n")
        self._lines.flush()
        self.pid = int(self._lines.readline())
        self._ended: Ended | None = None

    def wait(self) -> Ended:
        """Wait for its end, a bounded time."""
        if self._ended is None:
            status = int(self._lines.readline())
            out, err = (file.read_text() for file in self._files)
            assert "Traceback" not in err, err
            self._ended = Ended(status, out, err)
        return self._ended

    def stop(self) -> Ended:
        """End it with SIGTERM."""
        os.kill(self.pid, signal.SIGTERM)
        return self.wait()

    def close(self) -> None:
        """Kill it, if it is still there."""
        if self._ended is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
        self._lines.close()
        self._connection.close()


class Ledger:
    """The service in a folder of its own, with settings of its own."""

    def __init__(self, folder: Path, warm: str) -> None:
        self.folder = folder
        self.place = "ledger:application"
        self.settings = {
            "LEDGER_DATABASE_URL": "sqlite:///ledger.db",
            "LEDGER_SIGNING_KEY": SIGNING_KEY,
            "LEDGER_PRE_DRAIN_S": "0",
        }
        self._warm = warm

    # -- its commands

    def run(self, *arguments: str, **settings: str) -> Ended:
        """Carry out a command to its end."""
        with self.started(*arguments, **settings) as command:
            return command.wait()

    @contextlib.contextmanager
    def started(self, *arguments: str, **settings: str) -> Iterator[Command]:
        """Start a command; it is killed at the end, if it is still there."""
        own = {key: value for key, value in os.environ.items() if not key.startswith("LEDGER_") and key != "PORT"}
        command = Command(self._warm, self.folder, (self.place, *arguments), own | self.settings | settings)
        try:
            yield command
        finally:
            command.close()

    @contextlib.contextmanager
    def serving(self, **settings: str) -> Iterator[Command]:
        """Have it serve, and wait until it answers."""
        self.settings["LEDGER_PORT"] = str(free_port())
        with self.started("serve", **settings) as command:
            deadline = time.monotonic() + BOUND_S
            while not answers(f"http://127.0.0.1:{self.settings['LEDGER_PORT']}/livez"):
                assert time.monotonic() < deadline, command.stop()
                time.sleep(POLL_S)  # polling a condition, bounded above
            yield command

    # -- its database

    @property
    def url(self) -> "URL":
        """Where its database is, for this process."""
        from chassis.data.urls import synchronous

        url = synchronous(self.settings["LEDGER_DATABASE_URL"])
        return url.set(database=f"{self.folder}/{url.database}") if url.get_backend_name() == "sqlite" else url

    def migrate(self) -> None:
        """Bring it to the newest revision."""
        from chassis.data import Migrations

        Migrations(self.folder / "revisions", self.url).upgrade()

    def execute(self, *statements: str) -> list[Any]:
        """Carry out statements, and return the first column that the last one gives."""
        from sqlalchemy import create_engine, text

        engine = create_engine(self.url)
        try:
            with engine.begin() as connection:
                for statement in statements:
                    result = connection.execute(text(statement))
                return list(result.scalars()) if result.returns_rows else []
        finally:
            engine.dispose()

    def enter(self, *texts: str, made: str = "2026-01-01 00:00:00") -> None:
        """Write entries."""
        for each in texts:
            self.execute(f"INSERT INTO entries (text, made) VALUES ('{each}', '{made}')")

    def entries(self) -> list[Any]:
        """Read the entries."""
        return self.execute("SELECT text FROM entries ORDER BY id")


def answers(url: str) -> bool:
    """Tell whether a URL is answered with 200."""
    try:
        with urlopen(url, timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def free_port() -> int:
    """Return a TCP port of 127.0.0.1 that is free now."""
    for port in random.SystemRandom().sample(PORTS, 200):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise RuntimeError(f"no free port between {PORTS.start} and {PORTS.stop}")


@pytest.fixture
def nowhere() -> str:
    """A host and port of this machine at which nothing listens."""
    return f"127.0.0.1:{free_port()}"


@pytest.fixture(scope="session")
def warm(require: Callable[..., None]) -> Iterator[str]:
    """The socket of a process in which everything is imported that a command needs."""
    require("sql", "serve")
    with tempfile.TemporaryDirectory(prefix="chassis-warm-") as folder:
        path = f"{folder}/socket"
        process = subprocess.Popen([sys.executable, str(Path(__file__).with_name("warm.py")), path])
        with process:
            try:
                deadline = time.monotonic() + BOUND_S
                while not Path(path).exists():
                    assert process.poll() is None
                    assert time.monotonic() < deadline
                    time.sleep(POLL_S)  # polling a condition, bounded above
                yield path
            finally:
                process.kill()


@pytest.fixture
def ledger(tmp_path: Path, warm: str) -> Ledger:
    """The service on SQLite, in a folder of its own."""
    copy = shutil.copytree(SERVICE, tmp_path / "service", ignore=shutil.ignore_patterns("__pycache__"))
    return Ledger(Path(copy), warm)


@pytest.fixture(params=["sqlite", "postgresql"])
def any_ledger(request: pytest.FixtureRequest, ledger: Ledger) -> Ledger:
    """The service on an empty database of each kind in turn."""
    if request.param == "postgresql":
        ledger.settings["LEDGER_DATABASE_URL"] = request.getfixturevalue("postgresql_url")
    return ledger
