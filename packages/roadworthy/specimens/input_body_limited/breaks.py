"""Breaks input-body-limited: it keeps whatever is sent, and looks at it when all of it is there."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from _service import Service
from starlette.requests import Request


class Specimen(Service):
    async def body_in(self, request: Request) -> bytes:
        return await request.body()


if __name__ == "__main__":
    Specimen().run()
