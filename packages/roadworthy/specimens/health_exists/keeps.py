"""Keeps health-exists: its health is at unusual, documented paths, and is a word rather than an object."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from _service import Service
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response


class Specimen(Service):
    liveness, readiness = "/internal/health/live", "/internal/health/ready"

    async def answer_alive(self, _request: Request) -> Response:
        return PlainTextResponse("ok")

    async def answer_ready(self, _request: Request) -> Response:
        return PlainTextResponse("ok") if await self.ready() else PlainTextResponse("not ready", 503)


if __name__ == "__main__":
    Specimen().run()
