"""Keeps error-no-5xx-on-bad-input: it takes any text, and stores it as JSON, escaping what PostgreSQL cannot hold."""

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from _service import Note, Notes, Service


class EscapedNotes(Notes):
    async def create(self, title: str, text: str) -> int:
        return await super().create(json.dumps(title), json.dumps(text))

    async def read(self, number: int) -> Note | None:
        found = await super().read(number)
        return found and unescaped(found)

    async def update(self, number: int, title: str, text: str) -> bool:
        return await super().update(number, json.dumps(title), json.dumps(text))

    async def page(self, limit: int, offset: int) -> list[Note]:
        return [unescaped(found) for found in await super().page(limit, offset)]


def unescaped(found: Note) -> Note:
    return {**found, "title": json.loads(found["title"]), "text": json.loads(found["text"])}


class Specimen(Service):
    notes_type = EscapedNotes

    def storable(self, text: str) -> bool:  # noqa: ARG002 - all texts are
        return True


if __name__ == "__main__":
    Specimen().run()
