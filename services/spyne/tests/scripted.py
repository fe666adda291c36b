"""A fake of a language model's API: a real HTTP server that talks like one, and does as it is told."""

import contextlib
import json
import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Script:
    """What the server does with each request: an item of `steps`, the last one again and again.

    A step is "silent", "slow" or "broken", the bytes of an answer, or a status with headers. With a `key`, whoever does
    not send it is answered 401.
    """

    def __init__(self) -> None:
        self.steps: list[Any] = []
        self.requests: list[dict[str, Any]] = []
        self.url = ""
        self.key = ""
        self.end = threading.Event()
        self._lock = threading.Lock()
        self._server: _Server | None = None
        self._port = 0

    @staticmethod
    def completion(content: str, **more: Any) -> bytes:
        """An answer of the API with this content; `message` adds to the message, `finish_reason` replaces "stop"."""
        message = {"role": "assistant", "content": content, **more.pop("message", {})}
        choice = {"index": 0, "message": message, "finish_reason": more.pop("finish_reason", "stop")}
        usage = {"prompt_tokens": 100, "completion_tokens": 20}
        return json.dumps({"choices": [choice], "usage": usage, **more}).encode()

    @classmethod
    def reading(cls, *queries: dict[str, Any]) -> bytes:
        """An answer with a reading for each query."""
        readings = [{"words": f"reading {number}", "query": query} for number, query in enumerate(queries, 1)]
        return cls.completion(json.dumps({"readings": readings, "unlinked": []}))

    @classmethod
    def answer(cls, *tables: str) -> bytes:
        """An answer with a reading for each table: how many rows it has."""
        readings = [
            {
                "words": f"How many {table} there are",
                "query": {
                    "kind": "select",
                    "items": [{"value": {"kind": "aggregate", "function": "count"}, "label": "n"}],
                    "source": {"kind": "table", "name": table, "alias": "t1"},
                },
            }
            for table in tables
        ]
        return cls.completion(json.dumps({"readings": readings, "unlinked": []}))

    def step(self, request: dict[str, Any]) -> Any:
        with self._lock:
            self.requests.append(request)
            return self.steps.pop(0) if len(self.steps) > 1 else self.steps[0]

    def listen(self) -> None:
        """Serve on the port that it had before, or on a free one."""
        handler = type("Handler", (_Handler,), {"script": self})
        self._server = _Server(("127.0.0.1", self._port), handler)
        self._port = self._server.server_port
        self.url = f"http://127.0.0.1:{self._port}/v1"
        self.end.clear()
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def refuse(self) -> None:
        """Close the port, and all connections to it."""
        server, self._server = self._server, None
        if server is not None:
            self.end.set()
            server.shutdown()
            server.server_close()
            server.hang_up()


class _Server(ThreadingHTTPServer):
    """Knows its connections, so that it can end them."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, *arguments: Any) -> None:
        self._connections: set[socket.socket] = set()
        super().__init__(*arguments)

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        self._connections.add(connection)
        return connection, address

    def shutdown_request(self, request: Any) -> None:
        self._connections.discard(request)
        super().shutdown_request(request)

    def handle_error(self, *_: object) -> None:
        """Say nothing: callers who are tired of waiting hang up."""

    def hang_up(self) -> None:
        for connection in tuple(self._connections):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    script: Script

    def do_GET(self) -> None:
        self._answer(200 if self._lets_in() else 401, b"{}")

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if not self._lets_in():
            self._answer(401, b'{"error": {"message": "no key"}}')
            return
        step = self.script.step({"path": self.path, "headers": dict(self.headers), "body": body})
        if step == "silent":
            self.script.end.wait(30)
            self.close_connection = True
        elif step == "slow":
            self._trickle()
        elif step == "broken":
            self.send_response(200)
            self.send_header("Content-Length", "1000")
            self.end_headers()
            self.wfile.write(b'{"choices": [')
            self.close_connection = True
        elif isinstance(step, bytes):
            self._answer(200, step)
        else:
            status, headers = step
            self._answer(status, b'{"error": {"message": "no"}}', headers)

    def _lets_in(self) -> bool:
        return self.headers.get("Authorization", "") == f"Bearer {self.script.key}" or not self.script.key

    def _trickle(self) -> None:
        """Send a byte now and then, each in time for a time-out between bytes, and never come to an end."""
        self.send_response(200)
        self.send_header("Content-Length", "100000")
        self.end_headers()
        until = time.monotonic() + 30
        while time.monotonic() < until and not self.script.end.wait(0.05):
            try:
                self.wfile.write(b" ")
                self.wfile.flush()
            except OSError:
                break
        self.close_connection = True

    def _answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextlib.contextmanager
def serving() -> Iterator[Script]:
    """Serve on a free port, until the end of the block."""
    script = Script()
    script.listen()
    try:
        yield script
    finally:
        script.refuse()
