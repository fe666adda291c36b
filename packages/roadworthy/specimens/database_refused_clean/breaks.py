"""Breaks database-refused-clean: when the database is gone, it blames the client."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from _service import Service, answer
from starlette.requests import Request
from starlette.responses import Response


class Specimen(Service):
    async def unavailable(self, request: Request, error: Exception) -> Response:
        await super().unavailable(request, error)
        return answer(400, {"error": "bad request"})


if __name__ == "__main__":
    Specimen().run()
