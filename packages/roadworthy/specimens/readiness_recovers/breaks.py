"""Breaks readiness-recovers: it holds on to one connection for ever, also when that is broken."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import psycopg
from _database import Database
from _service import Service


class FaithfulDatabase(Database):
    only: psycopg.AsyncConnection | None = None

    async def usable(self) -> psycopg.AsyncConnection | None:
        self._idle.clear()
        return self.only

    async def connect(self, deadline: float) -> psycopg.AsyncConnection:
        self.only = await super().connect(deadline)
        return self.only


class Specimen(Service):
    database_type = FaithfulDatabase


if __name__ == "__main__":
    Specimen().run()
