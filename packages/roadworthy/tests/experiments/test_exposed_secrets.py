"""The search for secrets on small real services: each place where one comes to light, and nothing in the recording."""

import re
import sys
from pathlib import Path

import pytest
from roadworthy import configuration
from roadworthy.configuration import Target
from roadworthy.domain.evidence import SecretsSearch
from roadworthy.domain.target import Bounds, TargetSpec
from roadworthy.experiments.exposed_secrets import found_in
from roadworthy.traffic.canaries import Finder, Secret

pytestmark = pytest.mark.usefixtures("leaves_nothing")

SERVICE = """\
import http.server, os, signal, sys

class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        print(self.command, self.path.partition("?")[0], flush=True)

    def do_GET(self):
        status, body = (200, "ok") if self.path.startswith("/healthz") else (404, "not here")
        LEAK
        self.send_response(status)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"""
KEY = "s3cr3t-of-the-service"


class Silent:
    """A listener that says nothing."""

    def plan(self, items) -> None: ...

    def started(self, item) -> None: ...

    def note(self, item, text) -> None: ...

    def finished(self, item, text) -> None: ...

    def message(self, text) -> None: ...


async def search(folder: Path, leak: str, service: str = SERVICE) -> SecretsSearch:
    (folder / "service").mkdir()
    (folder / "service" / "service.py").write_text(service.replace("LEAK", leak))
    spec = TargetSpec(
        name="service", directory=folder / "service", command=(sys.executable, "service.py"),
        environment={"SIGNING_KEY": KEY, "APP_SECRET": "letmein"}, bounds=Bounds(start_s=20, stop_s=5),
    )  # fmt: skip
    done = await configuration.inspect(Target(spec), folder / "out", Silent(), only=("secrets-not-exposed",))
    return next(each for each in done.evidence if isinstance(each, SecretsSearch))


BEARER, BASIC = "a bearer token in Authorization", "a password in Basic credentials"


@pytest.mark.parametrize(
    ("leak", "expected"),
    [
        ("pass", []),
        ("print(self.path, flush=True)", [("a token in the query string", "log", "url-encoded")]),
        ("print(self.headers['Authorization'], flush=True)", [(BEARER, "log", "plain"), (BASIC, "log", "base64")]),
        (
            "print(str(self.headers['Authorization'])[:26], flush=True)",
            [(BEARER, "log", "half of it"), (BASIC, "log", "half of it")],
        ),
        ("print(self.headers['Cookie'], file=open('app.log', 'a'))", [("a session in Cookie", "log file", "plain")]),
        (
            "body += str(self.headers['X-API-Key']) if status > 200 else ''",
            [("a key in X-API-Key", "error answer", "plain")],
        ),
        (
            "body += os.environ['SIGNING_KEY'] if status == 200 else ''",
            [("the setting SIGNING_KEY", "health", "plain")],
        ),
    ],
)
async def test_each_place_is_searched(tmp_path: Path, leak: str, expected: list[tuple[str, str, str]]) -> None:
    found = await search(tmp_path, leak)
    assert {(each.secret, each.place, each.form) for each in found.seen} == set(expected)
    assert found.log_lines >= found.requests > 0
    assert found.marker_lines > 0
    assert found.process_alive
    assert found.too_plain == ("the setting APP_SECRET",)
    recorded = (tmp_path / "out" / "recording" / "events.jsonl").read_text()
    assert KEY not in recorded
    assert not re.search(r"rw[0-9a-f]{10}(\+/|%2B%2F)rw", recorded)


async def test_last_words_are_no_log_of_the_requests(tmp_path: Path) -> None:
    quiet = SERVICE.replace('print(self.command, self.path.partition("?")[0], flush=True)', "pass")
    found = await search(tmp_path, "pass", quiet.replace("lambda *_: sys.exit(0)", "lambda *_: sys.exit('Goodbye')"))
    assert found.requests > 0
    assert found.log_lines == 0


def test_a_secret_is_told_once_for_the_log_and_once_for_each_answer() -> None:
    finder = Finder((Secret("the key", "k3y-of-the-house"),))
    line = "it is k3y-of-the-house"
    texts = [("log", "line 1", line, ""), ("log", "line 2", line, "")]
    texts += [("error answer", "GET /a 404", line, "x1"), ("error answer", "GET /b 404", line, "x2")]
    seen = found_in(finder, texts)
    assert [(each.where, each.count, each.offset) for each in seen] == [
        ("line 1", 2, 6), ("GET /a 404", 1, 6), ("GET /b 404", 1, 6)
    ]  # fmt: skip
    assert seen[0].excerpt == "it is [secret]"
