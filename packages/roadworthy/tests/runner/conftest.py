"""A recording, a listener that remembers, and small real services."""

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from roadworthy.domain.evidence import Evidence, NotRun
from roadworthy.domain.recording import SCHEMA_VERSION, Header
from roadworthy.domain.target import Bounds, TargetSpec
from roadworthy.recording.redaction import Redactor
from roadworthy.recording.writer import RecordingWriter
from roadworthy.runner import Runner, Wishes

HEALTHY = """\
import http.server, os, signal, sys

class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_GET(self):
        status, body = (200, b'{"status": "ok"}') if self.path == "/healthz" else (404, b'{"error": "not here"}')
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

if os.environ.get("MODE") == "broken":
    sys.exit("this mode does not work; the key is " + os.environ["SIGNING_KEY"])
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"""


@dataclass
class Remembering:
    """A listener that keeps what it hears."""

    heard: list[tuple[str, ...]] = field(default_factory=list)

    def plan(self, items: Sequence[tuple[str, str, float]]) -> None:
        self.heard += [("plan", item) for item, _, _ in items]

    def started(self, item: str) -> None:
        self.heard.append(("started", item))

    def note(self, item: str, text: str) -> None:
        self.heard.append(("note", item, text))

    def finished(self, item: str, text: str) -> None:
        self.heard.append(("finished", item, text))

    def message(self, text: str) -> None:
        self.heard.append(("message", text))

    def items(self, what: str) -> list[str]:
        return [each[1] for each in self.heard if each[0] == what]


@dataclass
class Bed:
    """Runs a runner on a target, and keeps what it recorded and said."""

    folder: Path
    recorder: RecordingWriter
    listener: Remembering = field(default_factory=Remembering)

    def spec(self, script: str = HEALTHY, **values: Any) -> TargetSpec:
        directory = self.folder / "service"
        directory.mkdir(exist_ok=True)
        (directory / "service.py").write_text(script)
        return TargetSpec(
            name="service",
            directory=directory,
            command=(sys.executable, "service.py"),
            **{"bounds": Bounds(start_s=10, stop_s=5), **values},
        )

    async def run(
        self,
        spec: TargetSpec,
        *,
        to_replay: Callable[..., Sequence[str]] = lambda *_: (),
        **wishes: Any,
    ) -> None:
        await Runner(self.recorder, self.listener, to_replay, Wishes(**wishes)).run(spec)

    def of(self, kind: type[Evidence]) -> list[Any]:
        return [each for each in self.recorder.evidence if isinstance(each, kind)]

    def skipped(self) -> dict[str, str]:
        return {each.experiment: each.reason for each in self.of(NotRun)}

    def events(self, kind: str) -> list[dict[str, Any]]:
        lines = (self.recorder.folder / "events.jsonl").read_text().splitlines()
        return [event for event in map(json.loads, lines) if event["kind"] == kind]


@pytest.fixture
def bed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, leaves_nothing: None) -> Iterator[Bed]:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    recorder = RecordingWriter(tmp_path / "recording", Redactor())
    recorder.header(Header(SCHEMA_VERSION, "1", "t", "run", "/", "", "standard", 1, ("default",), {}), {})
    try:
        yield Bed(tmp_path, recorder)
    finally:
        recorder.close()
    assert list(scratch.iterdir()) == []  # the scratch folder of every inspection is gone
