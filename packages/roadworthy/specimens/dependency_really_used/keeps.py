"""Keeps dependency-really-used: reads may come from a cache, one second old at most; writes never do."""

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from _service import Note, Notes, Service


class CachedNotes(Notes):
    async def open(self) -> None:
        self.cache: dict[int, tuple[float, Note]] = {}
        await super().open()

    async def read(self, number: int) -> Note | None:
        read_at, cached = self.cache.get(number, (0.0, None))
        if cached and time.monotonic() - read_at < 1:
            return cached
        found = await super().read(number)
        if found:
            self.cache[number] = (time.monotonic(), found)
        return found

    async def update(self, number: int, title: str, text: str) -> bool:
        self.cache.pop(number, None)
        return await super().update(number, title, text)

    async def delete(self, number: int) -> bool:
        self.cache.pop(number, None)
        return await super().delete(number)


class Specimen(Service):
    notes_type = CachedNotes


if __name__ == "__main__":
    Specimen().run()
