"""Does the inspector notice when a service on the chassis breaks one promise?

    python benchmarks/chassis/promises.py [--only PROMISE ...] [--folder DIR]

Inspects packages/chassis/examples/notes as it is, then builds of it in which one promise is switched off each. The
claim about that promise must be refuted, and hold in the build that keeps it. Exit status 1 if not.

Notes logs no secret of its own accord, so redaction has nothing to do there. The two builds for that promise both log
the whole of every request, and only one of them redacts.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NOTES = ROOT / "packages" / "chassis" / "examples" / "notes" / "notes.py"
INSPECTION_BOUND_S = 600


@dataclass(frozen=True)
class Promise:
    """One promise: the claim about it, what a build does that breaks it, and what one does that keeps it.

    ``kept`` is "" where notes itself is the build that keeps it.
    """

    claim: str
    broken: str
    kept: str = ""


LOGS_EVERYTHING = """
import logging
import notes
from fastapi import Request

# A line that somebody wrote to find a mistake, and forgot.
@notes.app.middleware("http")
async def told(request: Request, call_next):
    logging.getLogger("notes").info("%s %s with %s", request.method, request.url, dict(request.headers))
    return await call_next(request)

application = notes.application
"""


PROMISES = {
    "drain": Promise(
        "sigterm-drains",
        """
import asyncio
import os
import signal

import uvicorn
from notes import application

# SIGTERM ends the process at once, as it ends one that does not know of it.
serve = uvicorn.Server.serve

async def served(self, sockets=None):
    asyncio.get_running_loop().call_later(0.2, signal.signal, signal.SIGTERM, lambda *_: os._exit(0))
    await serve(self, sockets)

uvicorn.Server.serve = served
""",
    ),
    "time limits": Promise(
        "database-silent-bounded",
        """
import notes
from chassis import Policy, SqlOptions

nothing = Policy(deadline_s=None, retry=None, breaker=None)
notes.database.declared_policy = nothing
notes.database.adjust(nothing)
notes.database.options = SqlOptions(connect_s=600, statement_s=600.0, lock_s=600.0, pool_wait_s=600.0)
notes.service._edge_options["timeout_s"] = None
application = notes.application
""",
    ),
    "honest readiness": Promise(
        "readiness-false-when-dependency-down",
        """
import notes
from chassis import OperationalAnswer, OperationalEndpoint

for path in ("/readyz", "/health", "/health/detailed"):
    notes.service.endpoints[path] = OperationalEndpoint(lambda _: OperationalAnswer(200, b'{"status": "ready"}'))
application = notes.application
""",
    ),
    "shape of errors": Promise(
        "error-no-stack-trace",
        """
import notes

notes.app.debug = True
notes.service._edge_options["problem_errors"] = False
application = notes.application
""",
    ),
    "durability": Promise(
        "durable-acked-writes",
        """
import asyncio
import itertools
import notes
from fastapi import FastAPI

# A create is answered before it is written; the writing happens a little later, as with a queue in memory.
numbers = itertools.count(1)
waiting = {}
later = set()

async def create(new: notes.NewNote) -> notes.KeptNote:
    number = next(numbers)
    waiting[number] = new.text
    task = asyncio.get_running_loop().create_task(write(number))
    later.add(task)
    return notes.KeptNote(id=number, text=new.text)

async def write(number):
    await asyncio.sleep(1.5)
    async with notes.database.session() as session:
        session.add(notes.Note(id=number, text=waiting.pop(number)))

read = notes.stored

async def stored(number):
    return {"id": number, "text": waiting[number]} if number in waiting else await read(number)

notes.stored = stored
for route in list(notes.app.router.routes):
    if getattr(route, "path", "") == "/notes" and "POST" in getattr(route, "methods", ()):
        notes.app.router.routes.remove(route)
notes.app.post("/notes", status_code=201)(create)
application = notes.application
""",
    ),
    "body limit": Promise(
        "input-body-limited",
        """
import notes

notes.service._edge_options["body_limit"] = None
application = notes.application
""",
    ),
    "redaction": Promise(
        "secrets-not-exposed",
        LOGS_EVERYTHING
        + """
from chassis.redaction import Redactor

Redactor.may_hold_secret = lambda self, text: False
Redactor.has_secret_field = lambda self, data, _depth=0: False
""",
        kept=LOGS_EVERYTHING,
    ),
}


def inspect(folder: Path, module: str, claims: list[str]) -> dict[str, tuple[str, str]]:
    """Inspect one build with servers for its dependencies, and return verdict and summary by claim."""
    manifest = subprocess.run(
        [sys.executable, "-m", "chassis", f"{module}:application", "describe", "manifest"],
        cwd=folder, capture_output=True, text=True, check=True, timeout=60,
    ).stdout  # fmt: skip
    kept, _, rest = manifest.partition("[configurations.servers]")
    (folder / "roadworthy.toml").write_text(kept + "[endpoints]" + rest.partition("[endpoints]")[2])
    out = folder / "out"
    only = [part for claim in claims for part in ("--only", claim)]
    with (folder / "log").open("w") as log:
        subprocess.run(
            [sys.executable, "-m", "roadworthy", "inspect", str(folder), "--out", str(out), *only],
            stdout=log, stderr=log, check=False, timeout=INSPECTION_BOUND_S,
            env={**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"},
        )  # fmt: skip
    report = json.loads((out / "report.json").read_text())
    return {each["id"]: (each["verdict"], each["summary"]) for each in report["claims"]}


def build(folder: Path, changes: str) -> str:
    """Write one build, and return the module whose application it is."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    shutil.copy(NOTES, folder)
    if not changes:
        return "notes"
    (folder / "changed.py").write_text(changes.lstrip())
    return "changed"


def main() -> int:
    """Inspect every build, print what was found and return the exit status."""
    parser = argparse.ArgumentParser(description="Switch off one promise at a time.")
    parser.add_argument("--only", action="append", choices=sorted(PROMISES))
    parser.add_argument("--folder", type=Path, default=ROOT / "build" / "promises")
    given = parser.parse_args()
    chosen = {name: each for name, each in PROMISES.items() if not given.only or name in given.only}
    folder = given.folder.resolve()
    module = build(folder / "kept", "")
    kept = inspect(folder / "kept", module, [each.claim for each in chosen.values()])
    for number, promise in enumerate(chosen.values()):
        if promise.kept:
            place = folder / f"kept-{number}"
            kept |= inspect(place, build(place, promise.kept), [promise.claim])
    wrong = 0
    print(f"{'promise':18} {'claim':38} {'kept':16} switched off")
    for number, (name, promise) in enumerate(chosen.items()):
        place = folder / str(number)
        verdict, summary = inspect(place, build(place, promise.broken), [promise.claim])[promise.claim]
        right = verdict == "REFUTED" and kept[promise.claim][0] == "PROVEN"
        wrong += not right
        print(f"{name:18} {promise.claim:38} {kept[promise.claim][0]:16} {verdict}: {summary}", flush=True)
    print(f"{len(chosen) - wrong} of {len(chosen)} were noticed")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
