"""The real command line in a process of its own, in a folder of its own, and what it leaves behind."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import coverage
import psutil
import pytest

SPECIMENS = Path(__file__).resolve().parents[2] / "specimens"
RUN_BOUND_S = 80.0
GONE_BOUND_S = 5.0

TINY = """\
import http.server, os, signal, sys

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        known = self.path == "/healthz"
        body = b'{"status": "ok"}' if known else b'{"error": "there is nothing here"}'
        self.send_response(200 if known else 404)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
port = int(os.environ["PORT"]) + int(os.environ.get("ELSEWHERE", "0"))
http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()
"""

LEAKY = f"""\
import base64, json, os, sys, traceback
from pathlib import Path
from urllib.parse import quote

sys.path.insert(0, {str(SPECIMENS)!r})

from _service import Service, answer, log


def secrets():
    texts = [os.environ["SIGNING_KEY"], os.environ["REPORTS_DSN"], os.environ["DATABASE_URL"], *sys.argv[1:]]
    encoded = [base64.b64encode(text.encode()).decode() for text in texts]
    return [*texts, *encoded, *(quote(text, safe="") for text in texts), json.dumps(texts)]


class Leaky(Service):
    async def start(self):
        print("starting with", *secrets(), flush=True)
        Path(os.environ["NOTE"]).write_text(os.environ["DATABASE_URL"])
        await super().start()

    async def answer_ready(self, request):
        log.info("asked with %s, knowing %s", dict(request.headers), secrets())
        ready = await self.ready()
        body = {{"ready": ready, "key": os.environ["SIGNING_KEY"], "sent": request.headers.get("authorization")}}
        return answer(200 if ready else 503, body, {{"X-Debug": quote(" ".join(secrets()))}})

    async def unavailable(self, request, error):
        await super().unavailable(request, error)
        trace = traceback.format_exception(error)
        return answer(503, {{"error": str(error), "details": "".join(trace), "settings": secrets()}})


Leaky().run()
"""


@dataclass
class Ran:
    """A command that has ended."""

    status: int
    out: str
    err: str

    @property
    def said(self) -> str:
        """All that it wrote."""
        return self.out + self.err


def measured() -> list[str]:
    """Return the options by which this process is measured too, when the tests are; what it starts is not."""
    ours = coverage.Coverage.current()
    if ours is None:
        return []
    settings, data = Path(str(ours.config.config_file)).resolve(), Path(ours.config.data_file).resolve()
    return ["-m", "coverage", "run", "--parallel-mode", f"--rcfile={settings}", f"--data-file={data}"]


@dataclass
class CommandLine:
    """Runs ``python -m roadworthy`` in ``home``; what it starts can be told apart by a mark in its environment."""

    folder: Path
    mark: str = field(default_factory=lambda: uuid.uuid4().hex)

    def __post_init__(self) -> None:
        self.home = self.folder / "home"
        self.scratch = self.folder / "scratch"
        for each in (self.folder, self.home, self.scratch):
            each.mkdir(exist_ok=True)
            each.chmod(0o755)  # the account that PostgreSQL runs as must be able to pass

    def start(self, *arguments: str, env: Mapping[str, str] | None = None) -> "subprocess.Popen[str]":
        """Start it."""
        environment = {
            "PATH": os.environ["PATH"],
            "TMPDIR": str(self.scratch),
            "COLUMNS": "400",
            "LANG": "C.UTF-8",
            "TEST_MARK": self.mark,
            **(env or {}),
        }
        return subprocess.Popen(
            [sys.executable, *measured(), "-m", "roadworthy", *arguments],
            cwd=self.home,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def __call__(self, *arguments: str, env: Mapping[str, str] | None = None) -> Ran:
        """Run it to its end."""
        with self.start(*arguments, env=env) as process:
            try:
                out, err = process.communicate(timeout=RUN_BOUND_S)
            except subprocess.TimeoutExpired:
                process.kill()
                out, err = process.communicate()
                pytest.fail(f"{arguments} took over {RUN_BOUND_S:g} s\n{out}\n{err}")
        return Ran(process.returncode, out, err)

    def manifest(self, text: str) -> Path:
        """Write a manifest into its folder."""
        path = self.home / "roadworthy.toml"
        path.write_text(text)
        return path

    def script(self, name: str, text: str) -> tuple[str, str]:
        """Write a program into its folder, and return the command that starts it."""
        (self.home / name).write_text(text)
        return sys.executable, name

    def alive(self) -> list[str]:
        """Describe every process that this command line started: by the mark, its folder or its arguments."""
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error, OSError):
                if process.status() != psutil.STATUS_ZOMBIE and self._ours(process):
                    found.append(f"{process.pid} {' '.join(process.cmdline())}")
        return found

    def _ours(self, process: psutil.Process) -> bool:
        folder = str(self.folder)
        if self.mark.encode() in Path(f"/proc/{process.pid}/environ").read_bytes():
            return True
        return process.cwd().startswith(folder) or any(folder in part for part in process.cmdline())

    def left_over(self) -> list[str]:
        """Describe the processes and the scratch folders that are still there."""
        return [*self.alive(), *(each.name for each in self.scratch.glob("roadworthy-*"))]

    def until_nothing_is_left(self, within: float = GONE_BOUND_S) -> None:
        """Wait, for a bounded time, until nothing of it is there any more."""
        deadline = time.monotonic() + within
        while left := self.left_over():
            assert time.monotonic() < deadline, f"left behind: {left}"
            time.sleep(0.02)  # polling a condition, bounded above

    def clear(self) -> None:
        """End what a failed test left, and delete the folder."""
        for each in self.alive():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(each.split()[0]), signal.SIGKILL)
        shutil.rmtree(self.folder, ignore_errors=True)


@contextlib.contextmanager
def command_line() -> Iterator[CommandLine]:
    """Give a command line in a folder that every account can read, as pytest's own are not."""
    line = CommandLine(Path(tempfile.mkdtemp(prefix="command-line-")))
    try:
        yield line
    finally:
        line.clear()


@pytest.fixture
def roadworthy() -> Iterator[CommandLine]:
    """A command line whose test fails when it leaves anything behind."""
    with command_line() as line:
        yield line
        line.until_nothing_is_left()


@pytest.fixture
def tiny(roadworthy: CommandLine) -> tuple[str, str]:
    """A small service with a health endpoint and no dependency: the command that starts it."""
    return roadworthy.script("tiny.py", TINY)


@dataclass(frozen=True)
class Inspected:
    """A real inspection of a service that tells everybody its secrets and shows stack traces."""

    line: CommandLine
    ran: Ran
    secrets: Mapping[str, str]

    @property
    def out(self) -> Path:
        """The folder of its reports."""
        return self.line.home / "out"


@pytest.fixture(scope="session")
def inspected() -> Iterator[Inspected]:
    """Inspect the leaky service once, for all tests that read what comes of it."""
    with command_line() as line:
        command = line.script("leaky.py", LEAKY)
        key, password = "canary/key+of ümlaut&'more'", "pa55@canary/word"
        note = line.folder / "dsn"
        line.manifest(f"""
[target]
name = "leaky"
command = ["{command[0]}", "leaky.py"]
[environment]
SIGNING_KEY = "{key}"
REPORTS_DSN = "postgresql://reports:pa55%40canary%2Fword@127.0.0.1:9/reports"
NOTE = "{note}"
[dependencies.database]
kind = "postgresql"
variable = "DATABASE_URL"
[auth.headers]
Authorization = "Basic Y2xlcms6YmFzaWMtY2FuYXJ5"
[bounds]
readiness_s = 5
silent_s = 8
recovery_s = 10
[[waivers]]
claim = "health-exists"
reason = "known"
owner = "ops"
until = 2020-01-01
""")
        ran = line("inspect", ".", "--out", "out", "--only", "health-exists", "--only", "error-no-stack-trace")
        line.until_nothing_is_left()
        dsn = note.read_text()
        yield Inspected(
            line,
            ran,
            {
                "setting": key,
                "password in a URL": password,
                "password in a URL, as written": "pa55%40canary%2Fword",
                "password of our own server": dsn.partition("@")[0].rpartition(":")[2],
                "credential": "Y2xlcms6YmFzaWMtY2FuYXJ5",
                "password in the credential": "basic-canary",
            },
        )
