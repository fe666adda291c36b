"""Breaks startup-restart-idempotent: it tidies up when it is stopped, and its table goes with the rest."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from _service import Notes, Service


class TidyNotes(Notes):
    async def close(self) -> None:
        await self.database.fetch("DROP TABLE notes")


class Specimen(Service):
    notes_type = TidyNotes


if __name__ == "__main__":
    Specimen().run()
