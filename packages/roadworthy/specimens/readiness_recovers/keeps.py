"""Keeps readiness-recovers: after each failure it leaves the database alone for a while, at most eight seconds."""

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import psycopg
from _database import UNAVAILABLE, Database
from _service import Service


class PatientDatabase(Database):
    pause_s = 0.0
    not_before = 0.0

    async def connect(self, deadline: float) -> psycopg.AsyncConnection:
        if time.monotonic() < self.not_before:
            raise psycopg.OperationalError("the database failed a moment ago; it is left alone for a while")
        try:
            connection = await super().connect(deadline)
        except UNAVAILABLE:
            self.pause_s = min(2 * self.pause_s or 1, 8)
            self.not_before = time.monotonic() + self.pause_s
            raise
        self.pause_s = 0
        return connection


class Specimen(Service):
    database_type = PatientDatabase


if __name__ == "__main__":
    Specimen().run()
