"""The edge in servers that are processes of their own: uvicorn with uvloop, and gunicorn with threads."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.needs("fastapi", "flask", "serve", "gunicorn")

BOUND_S = 20.0
COMMANDS: dict[str, Callable[[int], list[str]]] = {
    "uvicorn": lambda fd: ["-m", "uvicorn", "services:on_asgi", "--fd", f"{fd}", "--no-proxy-headers"],
    "gunicorn": lambda fd: [
        "-m", "gunicorn", "services:on_wsgi", "--bind", f"fd://{fd}", "--worker-class", "gthread", "--threads", "4",
    ],
}  # fmt: skip


@pytest.fixture(scope="module", params=list(COMMANDS))
def port(request: pytest.FixtureRequest) -> Iterator[int]:
    """The port of a server process; the socket is bound here, so nobody can take it before the server does."""
    with socket.create_server(("127.0.0.1", 0)) as bound:
        bound.set_inheritable(True)
        process = subprocess.Popen(
            [sys.executable, *COMMANDS[request.param](bound.fileno())], cwd=Path(__file__).parent,
            pass_fds=[bound.fileno()], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        )  # fmt: skip
        try:
            yield bound.getsockname()[1]
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(BOUND_S)


def connected(port: int) -> Any:
    return closing(http.client.HTTPConnection("127.0.0.1", port, timeout=BOUND_S))


def test_connections_are_kept_alive_across_answers_of_all_kinds(port: int) -> None:
    with connected(port) as connection:
        for path, status in (
            ("/hello", 200),
            ("/raise/boom", 500),
            ("/nowhere", 404),
            ("/stream", 200),
            ("/hello", 200),
        ):
            connection.request("GET", path)
            answer = connection.getresponse()
            body = answer.read()
            assert answer.status == status
            if status >= 400:
                assert answer.headers["content-type"] == "application/problem+json"
                assert json.loads(body)["correlation_id"] == answer.headers["x-request-id"]


@pytest.mark.parametrize("size", [100_001, 3_000_000])
def test_a_client_that_sends_too_much_reads_its_413(port: int, size: int) -> None:
    with connected(port) as connection:
        connection.request("POST", "/length", b"x" * size)
        assert connection.getresponse().status == 413
    with connected(port) as connection:
        connection.request("POST", "/length", iter([b"x" * 50_000] * (size // 50_000 + 1)), encode_chunked=True)
        assert connection.getresponse().status == 413


def test_an_answer_that_breaks_off_is_incomplete_on_the_wire(port: int) -> None:
    with connected(port) as connection:
        connection.request("GET", "/breaks")
        answer = connection.getresponse()
        assert answer.status == 200
        with pytest.raises((http.client.IncompleteRead, ConnectionError)):
            answer.read()


HOSTILE = {
    "a long path": b"GET /" + b"a" * 8_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
    "a null byte": b"GET /notes/%00 HTTP/1.1\r\nHost: a\r\n\r\n",
    "half a surrogate": b"GET /notes/%ed%a0%80 HTTP/1.1\r\nHost: a\r\n\r\n",
    "broken escapes": b"GET /notes/%zz%f HTTP/1.1\r\nHost: a\r\n\r\n",
    "up and up": b"GET /../../../../etc/passwd HTTP/1.1\r\nHost: a\r\n\r\n",
    "an absolute address": b"GET http://evil.example/hello HTTP/1.1\r\nHost: a\r\n\r\n",
    "a star": b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
    "no host": b"GET /hello HTTP/1.1\r\n\r\n",
    "http 1.0": b"GET /hello HTTP/1.0\r\n\r\n",
    "http 9": b"GET /hello HTTP/9.9\r\nHost: a\r\n\r\n",
    "no http": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "a hundred headers": b"GET /hello HTTP/1.1\r\nHost: a\r\n" + b"X-A: b\r\n" * 90 + b"\r\n",
    "ids that break lines": b"GET /hello HTTP/1.1\r\nHost: a\r\nX-Request-ID: a\x0bb\x7f\xff\r\n\r\n",
    "two lengths": b"POST /length HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    "a negative length": b"POST /length HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
    "no number of a length": b"POST /length HTTP/1.1\r\nHost: a\r\nContent-Length: 1e3\r\n\r\n",
    "an enormous length": b"POST /length HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999\r\n\r\n",
    "length and chunks": b"POST /length HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"1\r\nx\r\n0\r\n\r\n",
    "a broken chunk": b"POST /length HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nx\r\n",
    "a body that is no json": b"POST /parsed HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
    b"Content-Length: 9\r\n\r\n\xff\xfe{[[[\"'\\",
    "json that is deep": b"POST /parsed HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
    b"Content-Length: 40000\r\n\r\n" + b"[" * 40_000,
    "a forged forwarding": b"GET /hello HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: ,,%s,\xff,[::1\r\n"
    b"Forwarded: for=;;=\r\n\r\n",
    "an odd origin": b"GET /hello HTTP/1.1\r\nHost: a\r\nOrigin: null\r\nAccess-Control-Request-Method: \x01\r\n\r\n",
}


@pytest.mark.parametrize("name", list(HOSTILE))
def test_a_hostile_request_brings_nothing_down_and_learns_nothing(port: int, name: str) -> None:
    received = b""
    with socket.create_connection(("127.0.0.1", port), BOUND_S) as connection:
        connection.sendall(HOSTILE[name])
        connection.shutdown(socket.SHUT_WR)
        deadline = time.monotonic() + BOUND_S
        while time.monotonic() < deadline:
            try:
                part = connection.recv(65536)
            except ConnectionError:
                break
            if not part:
                break
            received += part
    if received:
        status = int(received.split(b" ", 2)[1])
        # Flask lets the parser's RecursionError through; and it is the server that knows no HTTP 9.9.
        assert status < 500 or name in ("http 9", "json that is deep"), received[:200]
    assert b"Traceback" not in received
    assert b"\xff" not in received.partition(b"\r\n\r\n")[0]
    with connected(port) as probe:
        probe.request("GET", "/hello")
        assert probe.getresponse().status == 200
