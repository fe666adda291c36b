"""Keeps input-body-limited: it reads a body of any size to its end, throws it away and says so, rather than hang up."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from _service import BODY_MOST, Service
from starlette.exceptions import HTTPException
from starlette.requests import Request


class Specimen(Service):
    async def body_in(self, request: Request) -> bytes:
        kept, size = bytearray(), 0
        async for chunk in request.stream():
            size += len(chunk)
            if size <= BODY_MOST:
                kept += chunk
        if size > BODY_MOST:
            raise HTTPException(413, f"expected a body of at most {BODY_MOST} bytes, got {size}")
        return bytes(kept)


if __name__ == "__main__":
    Specimen().run()
