"""Discovery and withholding on small real services: what is found, and what is not mistaken for something."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from roadworthy import configuration
from roadworthy.configuration import Target
from roadworthy.domain.evidence import (
    Discovery,
    Durability,
    Evidence,
    StartsAndStops,
    WithheldOutcome,
    WithheldSettings,
)
from roadworthy.domain.inspection import Inspection
from roadworthy.domain.target import Bounds, EndpointsSpec, TargetSpec

pytestmark = pytest.mark.usefixtures("leaves_nothing")

SERVICE = """\
import http.server, os, signal, sys

def answers(path):
{answers}

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        status, kind, body = answers(self.path)
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

{before}
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"""
JSON = "application/json"


class Silent:
    """A listener that says nothing."""

    def plan(self, items: Sequence[tuple[str, str, float]]) -> None: ...

    def started(self, item: str) -> None: ...

    def note(self, item: str, text: str) -> None: ...

    def finished(self, item: str, text: str) -> None: ...

    def message(self, text: str) -> None: ...


@pytest.fixture
def inspect(tmp_path: Path):
    """Inspect a service that answers as written."""

    async def inspected(answers: str, claim: str = "health-exists", before: str = "", **spec: object) -> Inspection:
        folder = tmp_path / "service"
        folder.mkdir()
        text = SERVICE.replace("{answers}", "\n".join(f"    {line}" for line in answers.splitlines()))
        (folder / "service.py").write_text(text.replace("{before}", before))
        target = TargetSpec(
            name="service", directory=folder, command=(sys.executable, "service.py"),
            **{"bounds": Bounds(start_s=10, stop_s=3, withheld_s=3), **spec},  # type: ignore[arg-type]
        )  # fmt: skip
        return await configuration.inspect(Target(target), tmp_path / "out", Silent(), only=(claim,))

    return inspected


def one(inspection: Inspection, kind: type[Evidence]):
    (found,) = [each for each in inspection.evidence if isinstance(each, kind) and each.trial == 1]
    return found


def by_path(**paths: tuple[int, str, str]) -> str:
    table = {f"/{path}": answer for path, answer in paths.items()}
    return f"return {table!r}.get(path, (404, {JSON!r}, '{{}}'))"


async def test_endpoints_are_told_apart_by_their_paths_readiness_first(inspect) -> None:
    ok = (200, JSON, '{"ok": true}')
    found = one(await inspect(by_path(livez=ok, healthz=ok, readyz=ok)), Discovery)
    assert [(each.path, each.role) for each in found.health] == [
        ("/readyz", "readiness"),
        ("/healthz", "health"),
        ("/livez", "liveness"),
    ]
    assert found.nothing_here.startswith("404 application/json")
    assert found.transaction == ()


async def test_a_service_that_answers_everything_alike_has_no_health_endpoint(inspect) -> None:
    inspection = await inspect(f"return 200, {JSON!r}, '{{\"page\": 1}}'")
    assert one(inspection, Discovery).health == ()
    assert [each.verdict.value for each in inspection.results] == ["REFUTED"]


async def test_a_web_page_is_no_health_endpoint(inspect) -> None:
    assert one(await inspect(by_path(healthz=(200, "text/html", "<p>fine</p>"))), Discovery).health == ()


async def test_a_path_that_the_document_names_is_tried(inspect) -> None:
    document = {"openapi": "3.1.0", "paths": {"/deep/health/state": {"get": {"responses": {"200": {}}}}}}
    answers = {
        "/openapi.json": (200, JSON, json.dumps(document)),
        "/deep/health/state": (200, JSON, '{"fine": "yes, it is"}'),
    }
    found = one(await inspect(f"return {answers!r}.get(path, (404, {JSON!r}, '{{}}'))"), Discovery)
    assert found.openapi == "/openapi.json"
    assert [(each.path, each.source) for each in found.health] == [("/deep/health/state", "openapi")]


@pytest.mark.parametrize("status", [500, 503])
async def test_a_service_that_fails_until_it_has_started_is_waited_for(inspect, status: int) -> None:
    document = {"openapi": "3.1.0", "paths": {"/things": {"get": {"responses": {"200": {}}}}}}
    answers = f"""\
calls.append(path)
if len(calls) <= 8:
    return {status}, {JSON!r}, '{{"status": "starting"}}'
return (200, {JSON!r}, {json.dumps(document)!r}) if path == "/openapi.json" else (404, {JSON!r}, '{{}}')"""
    found = one(await inspect(answers, before="calls = []"), Discovery)
    assert found.openapi == "/openapi.json"
    assert found.nothing_here.startswith("404")


async def test_what_the_manifest_says_is_taken_as_it_says(inspect) -> None:
    endpoints = EndpointsSpec(readiness="/internal")
    found = one(await inspect(by_path(internal=(200, "text/plain", "up")), endpoints=endpoints), Discovery)
    assert [(each.path, each.role, each.source) for each in found.health] == [("/internal", "readiness", "manifest")]


async def test_metrics_are_known_by_their_form(inspect) -> None:
    page = "# HELP up Whether it is\n# TYPE up gauge\nup 1\n"
    assert one(await inspect(by_path(metrics=(200, "text/plain", page))), Discovery).metrics == "/metrics"


REQUIRED = """\
if "LICENCE" not in os.environ:
    sys.exit("LICENCE is missing")
if "COLOUR" not in os.environ:
    signal.pause()
"""


async def test_each_setting_is_withheld_in_turn_and_what_comes_of_it_is_seen(inspect) -> None:
    ok = (200, JSON, '{"ok": true}')
    settings = {"LICENCE": "x", "COLOUR": "red", "UNUSED": "y"}
    inspection = await inspect(by_path(healthz=ok), "config-missing-fails-fast", REQUIRED, environment=settings)
    seen = one(inspection, WithheldSettings)
    assert seen.control
    outcomes = {each.key: each.outcome for each in seen.withheld}
    assert outcomes == {
        "LICENCE": WithheldOutcome.EXITED,
        "COLOUR": WithheldOutcome.HANGS,
        "UNUSED": WithheldOutcome.SERVES,
    }
    exited = next(each for each in seen.withheld if each.key == "LICENCE")
    assert exited.exit_status == 1
    assert "LICENCE is missing" in exited.output


async def test_a_service_that_ignores_sigterm_is_seen_to_stay(inspect) -> None:
    ok = (200, JSON, '{"ok": true}')
    deaf = "signal.signal = lambda *_: None; import _signal; _signal.signal(15, _signal.SIG_IGN)"
    inspection = await inspect(by_path(healthz=ok), "sigterm-exits", deaf, bounds=Bounds(start_s=10, stop_s=1))
    seen = one(inspection, StartsAndStops)
    assert len(seen.starts) == 3
    assert seen.stops[0].exited_s is None
    assert [each.verdict.value for each in inspection.results] == ["REFUTED"]


WRAPPED = """\
from fastapi import FastAPI, HTTPException
from pydantic import BaseModel, Field

app, codes, rows = FastAPI(), set(), {}

class New(BaseModel):
    code: str = Field(pattern="^[A-Z]{3}-[0-9]{4}$")
    short: str = Field(max_length=6)

@app.post("/parts", status_code=201)
def create(new: New):
    if new.code in codes or new.short in codes:
        raise HTTPException(409)
    codes.update((new.code, new.short))
    rows[len(rows)] = new
    return {"ok": True, "part": {"part_id": len(rows) - 1}}

@app.get("/parts/{part_id}")
def read(part_id: int):
    if part_id not in rows:
        raise HTTPException(404)
    return rows[part_id]
"""


async def test_codes_that_must_be_unique_and_an_identity_within_the_answer_make_a_transaction(tmp_path: Path) -> None:
    folder = tmp_path / "service"
    folder.mkdir()
    (folder / "parts.py").write_text(WRAPPED)
    command = (sys.executable, "-m", "uvicorn", "parts:app", "--port", "{port}")
    target = TargetSpec(name="parts", directory=folder, command=command, bounds=Bounds(start_s=20, stop_s=5))
    only = ("startup-time-bounded", "durable-acked-writes")
    inspection = await configuration.inspect(Target(target), tmp_path / "out", Silent(), only=only)
    found = one(inspection, Discovery)
    assert [(step.what, step.ok) for step in found.transaction] == [("create", True), ("read", True)]
    killed = one(inspection, Durability)
    assert killed.acknowledged > 50  # each with a code of its own
    assert killed.failed <= killed.acknowledged / 10
