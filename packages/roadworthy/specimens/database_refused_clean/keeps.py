"""Keeps database-refused-clean: it tries to connect for two seconds before it gives up, and then answers 500."""

import asyncio
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import psycopg
from _database import Database
from _service import Service, answer
from starlette.requests import Request
from starlette.responses import Response


class StubbornDatabase(Database):
    async def connect(self, deadline: float) -> psycopg.AsyncConnection:
        loop = asyncio.get_running_loop()
        give_up_at = loop.time() + 2
        while True:
            try:
                return await super().connect(deadline)
            except psycopg.OperationalError:
                if loop.time() >= give_up_at:
                    raise
            await asyncio.sleep(0.2)


class Specimen(Service):
    database_type = StubbornDatabase

    async def unavailable(self, request: Request, error: Exception) -> Response:
        await super().unavailable(request, error)
        return answer(500, {"error": "The notes are not available."})


if __name__ == "__main__":
    Specimen().run()
