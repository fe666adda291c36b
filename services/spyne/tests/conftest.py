"""What the tests of the service share: Spyne in a process of its own, and real servers that a test may kill."""

import contextlib
import importlib
import os
import signal
import sqlite3
import subprocess
import sys
import time
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from .scripted import Script, serving

COMMAND = [sys.executable, "-m", "spyne"]
SECRET_KEY = "kJ8-aa0Pq_zz81mNvB72hsXc4uTe9RwYd"
START_BOUND_S = 150.0
STOP_BOUND_S = 40.0
PROBE_S = 5.0
POLL_S = 0.05

_package = types.ModuleType("chassis_tests")  # the servers of the chassis' own tests, and coroutine tests
_package.__path__ = [str(Path(__file__).parents[3] / "packages/chassis/tests")]
sys.modules[_package.__name__] = _package
servers: Any = importlib.import_module("chassis_tests.conftest")

pytest_pyfunc_call = servers.pytest_pyfunc_call
postgresql = servers.postgresql
postgresql_url = servers.postgresql_url
own_postgresql = servers.own_postgresql
valkey = servers.valkey
valkey_url = servers.valkey_url
own_valkey = servers.own_valkey
module_database = servers.module_database


class Spyne:
    """Spyne in a process of its own, on a free port, in a folder of its own. A setting of "" is as good as none."""

    def __init__(self, folder: Path, settings: dict[str, str]) -> None:
        self.folder = folder
        folder.mkdir(exist_ok=True)
        self.port: int = int(settings.get("RCA_PORT", servers.free_port()) or 8080)
        own = {
            key: value
            for key, value in os.environ.items()
            if not key.startswith(("RCA_", "SPYNE_", "OPENAI_")) and key not in ("PORT", "DATABASE_URL", "REDIS_URL")
        }
        defaults = {
            "RCA_SECRET_KEY": SECRET_KEY,
            "RCA_PORT": str(self.port),
            "RCA_WORKERS": "1",
            "RCA_QUERY_PROCESSES": "1",
            "RCA_RATE_LIMIT_RPM": "0",
            "RCA_RATE_LIMIT_RPH": "0",
            "RCA_PRE_DRAIN_S": "0",
            "RCA_DATA_DIR": str(folder / "data"),
        }
        self.environment = {**own, **defaults, **settings}
        self.log_file = folder / "log"
        with self.log_file.open("ab") as log:
            self.process = subprocess.Popen(
                [*COMMAND, "serve"],
                cwd=folder, env=self.environment, stdout=log, stderr=log, stdin=subprocess.DEVNULL,
            )  # fmt: skip
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=60.0)

    def until(self, condition: Callable[[], Any], within: float = START_BOUND_S) -> float:
        """Wait until it is true, and return how many seconds that took."""
        began = time.monotonic()
        while not condition():
            assert self.process.poll() is None, f"it ended: {self.log()[-3000:]}"
            assert time.monotonic() - began < within, f"still not true after {within:g} s: {self.log()[-3000:]}"
            time.sleep(POLL_S)  # polling a condition, bounded above
        return time.monotonic() - began

    def is_ready(self) -> bool:
        """Whether it may get traffic."""
        try:
            return self.client.get("/readyz", timeout=PROBE_S).status_code == 200
        except httpx.TransportError:
            return False

    def ask(self, query: str, **more: Any) -> dict[str, Any]:
        """Ask a question, and return what came of it."""
        answer = self.client.post("/api/agent/run", json={"query": query, **more})
        assert answer.status_code == 200, answer.text
        outcome: dict[str, Any] = answer.json()
        return outcome

    def command(self, *words: str, **settings: str) -> subprocess.CompletedProcess[str]:
        """Carry out one of its commands beside it, with its settings and these."""
        return subprocess.run(
            [*COMMAND, *words], cwd=self.folder, env={**self.environment, **settings}, capture_output=True, text=True,
            timeout=START_BOUND_S, check=False,
        )  # fmt: skip

    def log(self) -> str:
        return self.log_file.read_text()

    def stop(self) -> int:
        """Stop it as an operator does, and return the exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(STOP_BOUND_S)

    def close(self) -> None:
        self.client.close()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(STOP_BOUND_S)
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(STOP_BOUND_S)


@contextlib.contextmanager
def starting(default_folder: Path) -> Iterator[Callable[..., Spyne]]:
    with contextlib.ExitStack() as stack:

        def started(*, ready: bool = True, folder: Path = default_folder, **settings: str) -> Spyne:
            made = Spyne(folder, settings)
            stack.callback(made.close)
            if ready:
                made.until(made.is_ready)
            return made

        yield started


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Spyne]]:
    """Start Spyne with settings; it is ready, and stopped at the end."""
    with starting(tmp_path) as started:
        yield started


@pytest.fixture(scope="module")
def start_for_all(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Spyne]]:
    """Do the same for all tests of a file."""
    with starting(tmp_path_factory.mktemp("spyne")) as started:
        yield started


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Spyne]:
    """One Spyne with the demo database for all tests that leave it as it was, but for what they add."""
    made = Spyne(tmp_path_factory.mktemp("spyne"), {})
    try:
        made.until(made.is_ready)
        yield made
    finally:
        made.close()


@pytest.fixture
def model() -> Iterator[Script]:
    """A fake of a language model's API, which answers as the test says."""
    with serving() as script:
        yield script


@pytest.fixture(scope="module")
def model_for_all() -> Iterator[Script]:
    """One fake for all tests of a file."""
    with serving() as script:
        yield script


@pytest.fixture(scope="session")
def harbour(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with two tables that a question may mean, a value that must not leave it, and many rows."""
    path = tmp_path_factory.mktemp("harbour") / "harbour.db"
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.executescript(
            "CREATE TABLE boats (id INTEGER PRIMARY KEY, name TEXT);"
            "INSERT INTO boats VALUES (1, 'Canaria'), (2, 'Pinta');"
            "CREATE TABLE piers (id INTEGER PRIMARY KEY, name TEXT); INSERT INTO piers VALUES (1, 'North');"
            "CREATE TABLE waves (id INTEGER PRIMARY KEY, name TEXT);"
        )
        connection.executemany("INSERT INTO waves(name) VALUES (?)", [(f"wave {n}",) for n in range(400)])
        connection.commit()
    return path
