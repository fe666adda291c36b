"""Breaks error-no-stack-trace: when the database fails, the answer tells the client where in the code."""

import sys
import traceback
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from _service import Service, answer
from starlette.requests import Request
from starlette.responses import Response


class Specimen(Service):
    async def unavailable(self, request: Request, error: Exception) -> Response:
        await super().unavailable(request, error)
        return answer(503, {"error": str(error), "details": "".join(traceback.format_exception(error))})


if __name__ == "__main__":
    Specimen().run()
