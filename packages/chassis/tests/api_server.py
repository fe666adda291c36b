"""A small API over HTTP for tests to ask, to kill and to start again: ``python api_server.py PORT``."""

import json
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Handler(BaseHTTPRequestHandler):
    """Answers by the path.

    /echo: the request's headers. /status/503: that status, with ``Retry-After: 7``. /slow/2: after so many seconds.
    /cut: half of an answer. /count: how many requests came before.
    """

    protocol_version = "HTTP/1.1"
    count = 0

    def answer(self) -> None:
        """Answer one request."""
        kind, _, argument = self.path.lstrip("/").partition("/")
        body: Any = {"path": self.path}
        status = 200
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if kind == "count":
            body = {"count": Handler.count}
        else:
            Handler.count += 1
        if kind == "status":
            status = int(argument)
        if kind == "slow":
            time.sleep(float(argument))
        if kind == "echo":
            body = {name.lower(): value for name, value in self.headers.items()}
        text = json.dumps(body).encode()
        self.send_response(status)
        if kind == "status":
            self.send_header("Retry-After", "7")
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text) * 2 if kind == "cut" else len(text)))
        self.end_headers()
        self.wfile.write(text)
        if kind == "cut":
            self.close_connection = True

    do_GET = do_POST = do_PUT = answer  # noqa: N815 - the base class names them so

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler)
    server.daemon_threads = True
    server.serve_forever()
