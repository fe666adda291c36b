"""A real HTTP server that talks like a language model's API, and does as it is told."""

import contextlib
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Script:
    """What the server does with each request: an item of `steps`, the last one again and again."""

    def __init__(self) -> None:
        self.steps: list[Any] = []
        self.requests: list[dict[str, Any]] = []
        self.url = ""
        self.end = threading.Event()
        self._lock = threading.Lock()

    @staticmethod
    def answer(*tables: str) -> bytes:
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
        message = {"role": "assistant", "content": json.dumps({"readings": readings, "unlinked": []})}
        return json.dumps({"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}).encode()

    def step(self, request: dict[str, Any]) -> Any:
        with self._lock:
            self.requests.append(request)
            return self.steps.pop(0) if len(self.steps) > 1 else self.steps[0]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    script: Script

    def do_GET(self) -> None:
        self._answer(200, b"{}")

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
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
    handler = type("Handler", (_Handler,), {"script": script})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    script.url = f"http://127.0.0.1:{server.server_port}/v1"
    try:
        yield script
    finally:
        script.end.set()
        server.shutdown()
        server.server_close()
        thread.join(10)
