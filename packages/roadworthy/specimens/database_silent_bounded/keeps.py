"""Keeps database-silent-bounded: it waits twelve seconds for the database, which is long, and then it answers."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from _database import Database
from _service import Service


class SlowToGiveUp(Database):
    patience_s = 12.0


class Specimen(Service):
    database_type = SlowToGiveUp


if __name__ == "__main__":
    Specimen().run()
