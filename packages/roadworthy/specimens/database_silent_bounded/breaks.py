"""Breaks database-silent-bounded: it waits for the database as long as that takes; only readiness does not."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from _database import Database
from _service import Service


class NeverGivesUp(Database):
    patience_s = 24 * 3600.0


class Specimen(Service):
    database_type = NeverGivesUp


if __name__ == "__main__":
    Specimen().run()
