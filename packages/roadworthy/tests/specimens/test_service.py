"""The service that the specimens share is honest: it is driven here against a real PostgreSQL, through two of them."""

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import httpx
import psycopg
import pytest

SPECIMENS = Path(__file__).resolve().parents[2] / "specimens"
Outage = Callable[[], AbstractContextManager[None]]

NOTE = {"title": "milk", "text": "two litres"}
PATIENCE_S = 4.0  # what the service allows its database
HOSTILE_TEXTS: tuple[object, ...] = (
    "\0",
    "a\0b",
    "\ud800",
    "",
    "x" * 201,
    "x" * 100_000,
    None,
    5,
    True,
    [],
    {},
    10**25,
)
HOSTILE_BODIES = (
    b"",
    b"{bad",
    b"\xff\xfe\x00",
    b"[]",
    b"null",
    b"NaN",
    b"1e400",
    b"9" * 6_000,
    b"[" * 20_000,
    b'{"title":' * 20_000,
    b'{"title": "a", "text": NaN}',
    b'{"title": "a", "text": ' + b"[" * 20_000 + b"]" * 20_000 + b"}",
    b"x" * 2_000_000,
    *(json.dumps({**NOTE, "title": text}).encode() for text in HOSTILE_TEXTS),
)
HOSTILE_NUMBERS = ("-1", "abc", "9223372036854775808", "9" * 5_000, "1.5", "1e3", "%00", "%ff", "%D9%A3")
HOSTILE_PATHS = tuple(
    path + number for path in ("/notes/", "/notes?limit=", "/notes?offset=") for number in HOSTILE_NUMBERS
)


class Running:
    """A specimen that runs, its log, and a client for it."""

    def __init__(self, claim: str, folder: Path, database_url: str, *, withhold: str = "") -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        settings = {"PORT": str(self.port), "DATABASE_URL": database_url, "SIGNING_KEY": "a key"}
        settings.pop(withhold, None)
        self._log = folder / "log"
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, SPECIMENS / claim / "keeps.py"],
                cwd=folder,
                env={"PATH": os.environ["PATH"], **settings},
                stdout=log,
                stderr=log,
            )
        self.http = httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=30, trust_env=False)

    @property
    def output(self) -> str:
        return self._log.read_text()

    def until_ready(self, within_s: float = 20) -> None:
        """Ask until it says that it is ready, or ends."""
        deadline = time.monotonic() + within_s
        while not self.is_ready():
            assert time.monotonic() < deadline, self.output
            with contextlib.suppress(subprocess.TimeoutExpired):
                pytest.fail(f"it ended with status {self.process.wait(0.05)}: {self.output}")

    def is_ready(self) -> bool:
        try:
            return self.http.get("/readyz").status_code == 200
        except httpx.TransportError:
            return False

    def end(self) -> None:
        self.http.close()
        self.process.kill()
        self.process.wait(10)


@pytest.fixture(params=["error_no_stack_trace", "sigterm_drains"])
def service(request: pytest.FixtureRequest, tmp_path: Path, database_url: str) -> Iterator[Running]:
    running = Running(request.param, tmp_path, database_url)
    try:
        running.until_ready()
        yield running
    finally:
        running.end()


def test_a_note_can_be_created_read_listed_updated_and_deleted(service: Running) -> None:
    created = service.http.post("/notes", json=NOTE)
    assert created.status_code == 201
    number = created.json()["id"]
    assert service.http.get(f"/notes/{number}").json() == {"id": number, **NOTE}
    listed = service.http.get("/notes", params={"limit": 100}).json()["notes"]
    assert {"id": number, **NOTE} in listed
    changed = {"title": "oat milk", "text": ""}
    assert service.http.put(f"/notes/{number}", json=changed).status_code == 200
    assert service.http.get(f"/notes/{number}").json() == {"id": number, **changed}
    assert service.http.delete(f"/notes/{number}").status_code == 204
    assert service.http.get(f"/notes/{number}").status_code == 404
    assert service.http.delete(f"/notes/{number}").status_code == 404


def test_a_note_is_signed_with_the_key(service: Running) -> None:
    created = service.http.post("/notes", json=NOTE)
    read = service.http.get(f"/notes/{created.json()['id']}")
    assert len(created.headers["X-Signature"]) == 64
    assert read.headers["X-Signature"] == created.headers["X-Signature"]


def test_bad_input_is_refused_as_the_clients_mistake(service: Running) -> None:
    for body in HOSTILE_BODIES:
        for method, path in (("POST", "/notes"), ("PUT", "/notes/1")):
            answer = service.http.request(method, path, content=body)
            assert 400 <= answer.status_code < 500, (method, body[:60], answer.text)
            assert list(answer.json()) == ["error"]
    for path in HOSTILE_PATHS:
        answer = service.http.get(path)
        assert 400 <= answer.status_code < 500, (path[:60], answer.text)
        assert list(answer.json()) == ["error"]
    assert service.http.patch("/notes").headers["Allow"]
    assert service.http.post("/notes", json=NOTE).status_code == 201


def test_a_database_that_is_down_is_answered_503_and_it_recovers(service: Running, database_down: Outage) -> None:
    number = service.http.post("/notes", json=NOTE).json()["id"]
    with database_down():
        for method, path in (("POST", "/notes"), ("GET", f"/notes/{number}"), ("GET", "/notes"), ("GET", "/readyz")):
            answer = service.http.request(method, path, json=NOTE)
            assert answer.status_code == 503
            assert "Traceback" not in answer.text
            assert answer.elapsed.total_seconds() < 3
        assert service.http.get("/healthz").status_code == 200
    service.until_ready()
    assert service.http.get(f"/notes/{number}").json() == {"id": number, **NOTE}


def test_a_database_that_is_silent_is_answered_503_in_time(service: Running, database_frozen: Outage) -> None:
    with database_frozen():
        answer = service.http.post("/notes", json=NOTE)
        assert answer.status_code == 503
        assert answer.elapsed.total_seconds() < PATIENCE_S + 3
        assert service.http.get("/readyz").status_code == 503
    service.until_ready()
    assert service.http.post("/notes", json=NOTE).status_code == 201


def test_every_line_of_its_log_is_a_json_object_even_when_things_fail(service: Running, database_down: Outage) -> None:
    with database_down():
        service.http.get("/notes")
    service.http.post("/notes", content=b"{bad")
    lines = [json.loads(line) for line in service.output.splitlines()]
    assert all(isinstance(line, dict) and line["message"] for line in lines)
    assert any("Traceback" in line.get("exception", "") for line in lines)
    assert any("POST /notes" in line["message"] for line in lines)


def test_sigterm_lets_a_half_sent_request_finish(service: Running) -> None:
    body = json.dumps(NOTE).encode()
    head = f"POST /notes HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\nExpect: 100-continue\r\n\r\n"
    with contextlib.closing(socket.create_connection(("127.0.0.1", service.port), timeout=20)) as connection:
        connection.sendall(head.encode())
        # that it asks for the body shows that it has read the head and is at work on the request
        assert connection.recv(4096).startswith(b"HTTP/1.1 100 ")
        connection.sendall(body[:5])
        service.process.terminate()
        until_refused(service.port)
        connection.sendall(body[5:])
        assert connection.recv(4096).startswith(b"HTTP/1.1 201 ")
    assert service.process.wait(10) in (0, -15)


def until_refused(port: int, within_s: float = 10) -> None:
    """Wait until nothing listens on the port any more."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except ConnectionRefusedError:
            return
        except (ConnectionResetError, TimeoutError):  # the kernel had queued it just before the end
            continue
    pytest.fail(f"something still listened on port {port} after {within_s} s")


@pytest.mark.parametrize("key", ["PORT", "DATABASE_URL", "SIGNING_KEY"])
def test_it_refuses_to_start_without_a_setting_and_names_it(key: str, tmp_path: Path, database_url: str) -> None:
    running = Running("sigterm_drains", tmp_path, database_url, withhold=key)
    try:
        assert running.process.wait(10) == 1
        assert key in running.output
    finally:
        running.end()


def test_what_was_acknowledged_is_in_the_database(service: Running, database_url: str) -> None:
    number = service.http.post("/notes", json=NOTE).json()["id"]
    with psycopg.connect(database_url) as connection:
        assert connection.execute("SELECT title, text FROM notes WHERE id = %s", [number]).fetchone() == tuple(
            NOTE.values()
        )
