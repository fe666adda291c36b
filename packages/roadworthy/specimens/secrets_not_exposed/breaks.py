"""Breaks secrets-not-exposed: it logs the headers of each new note, the credentials among them."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from _service import Service, log
from starlette.requests import Request
from starlette.responses import Response


class Specimen(Service):
    async def create(self, request: Request) -> Response:
        log.info("a new note comes with %s", dict(request.headers))
        return await super().create(request)


if __name__ == "__main__":
    Specimen().run()
