"""Breaks dependency-really-used: it connects to the database and checks it, and keeps its notes in a file."""

import json
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from _service import Note, Notes, Service, note

FILE = Path("notes.jsonl")


def kept_notes() -> dict[int, Note | None]:
    return dict(json.loads(line) for line in FILE.read_text().splitlines()) if FILE.exists() else {}


class NotesInAFile(Notes):
    """One line a change, the last one of a note counts. Nothing is acknowledged before it is on the disk."""

    async def open(self) -> None:
        await super().open()
        self.kept = kept_notes()

    async def create(self, title: str, text: str) -> int:
        number = max(self.kept, default=0) + 1
        self.keep(number, note((number, title, text)))
        return number

    async def read(self, number: int) -> Note | None:
        return self.kept.get(number)

    async def update(self, number: int, title: str, text: str) -> bool:
        found = self.kept.get(number) is not None
        if found:
            self.keep(number, note((number, title, text)))
        return found

    async def delete(self, number: int) -> bool:
        found = self.kept.get(number) is not None
        if found:
            self.keep(number, None)
        return found

    async def page(self, limit: int, offset: int) -> list[Note]:
        return [found for found in self.kept.values() if found][offset : offset + limit]

    def keep(self, number: int, found: Note | None) -> None:
        with FILE.open("a") as file:
            file.write(json.dumps([number, found]) + "\n")
            file.flush()
            os.fsync(file.fileno())
        self.kept[number] = found


class Specimen(Service):
    notes_type = NotesInAFile


if __name__ == "__main__":
    Specimen().run()
