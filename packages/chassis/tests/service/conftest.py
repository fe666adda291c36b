"""Services in processes of their own, and load on them."""

import contextlib
import http.client
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
START_BOUND_S = 30.0
STOP_BOUND_S = 30.0
POLL_S = 0.05


class Answer:
    """What a service answered: a status, headers and JSON; status 0 when there was no answer."""

    def __init__(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.status = status
        self.headers = headers
        self.body = body

    def json(self) -> Any:
        return json.loads(self.body)


class Served:
    """A service in a process of its own, on a free port."""

    def __init__(self, argv: list[str], environment: dict[str, str], port: int, log: Path) -> None:
        self.port = port
        self.log_file = log
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                argv,
                cwd=HERE,
                env={**os.environ, "PORT": str(port), "PYTHONPATH": str(HERE), **environment},
                stdout=output,
                stderr=output,
            )

    def get(self, path: str, timeout: float = 10.0) -> Answer:
        """Send one request over a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
        except (OSError, http.client.HTTPException):
            return Answer(0, {}, b"")
        finally:
            connection.close()

    def until(self, condition: Callable[[], Any], within: float = START_BOUND_S) -> float:
        """Wait until it is true, and return how many seconds that took."""
        began = time.monotonic()
        while not condition():
            assert self.process.poll() is None, f"it ended: {self.log()[-3000:]}"
            assert time.monotonic() - began < within, f"still not true after {within:g} s: {self.log()[-3000:]}"
            time.sleep(POLL_S)  # polling a condition, bounded above
        return time.monotonic() - began

    def until_ready(self) -> "Served":
        self.until(lambda: self.get("/readyz").status == 200)
        return self

    def status_of(self, dependency: str) -> str:
        found: str = self.get("/health/detailed").json()["dependencies"][dependency]["status"]
        return found

    def log(self) -> str:
        return self.log_file.read_text()

    def log_lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log().splitlines()]

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal, wait for the end, and return the exit status."""
        self.process.send_signal(number)
        return self.ended()

    def ended(self) -> int:
        return self.process.wait(STOP_BOUND_S)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    @contextlib.contextmanager
    def loaded(self, path: str, clients: int = 3) -> Iterator[list[tuple[float, Answer, float]]]:
        """Send requests without a pause meanwhile; yield what came: when, the answer, and how long it took."""
        seen: list[tuple[float, Answer, float]] = []
        over = threading.Event()

        def send() -> None:
            while not over.is_set():
                began = time.monotonic()
                answer = self.get(path, timeout=20)
                seen.append((began, answer, time.monotonic() - began))
                over.wait(0.01)

        threads = [threading.Thread(target=send, daemon=True) for _ in range(clients)]
        for each in threads:
            each.start()
        try:
            yield seen
        finally:
            over.set()
            for each in threads:
                each.join(30)


Serve = Callable[..., Served]


@pytest.fixture(scope="module")
def serve(tmp_path_factory: pytest.TempPathFactory, require: Callable[..., None]) -> Iterator[Serve]:
    """Start a service: ``serve(module, **environment)``."""
    require("sql", "valkey", "http", "serve", "fastapi", "flask")
    running: list[Served] = []

    def start(module: str = "served", *, command: list[str] | None = None, **environment: str) -> Served:
        import socket

        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        defaults = {"SERVED_RATE_LIMIT_RPM": "0", "SERVED_RATE_LIMIT_RPH": "0", "SERVED_PRE_DRAIN_S": "0.2"}
        argv = [part.format(port=port) for part in command or [sys.executable, "served.py", module]]
        log = tmp_path_factory.mktemp("served") / "log"
        served = Served(argv, {**defaults, **environment}, port, log)
        running.append(served)
        return served

    yield start
    for each in running:
        each.close()


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """The address of an empty SQLite file."""
    return f"sqlite:///{tmp_path}/served.db"
