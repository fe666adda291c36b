"""Breaks durable-acked-writes: it acknowledges a note once it has a number, and writes it up to two seconds later."""

import asyncio
import contextlib
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from _database import UNAVAILABLE
from _service import Note, Notes, Service, note


class BufferedNotes(Notes):
    async def open(self) -> None:
        await super().open()
        self.buffer: dict[int, Note] = {}
        self.writer = asyncio.create_task(self.write())

    async def close(self) -> None:
        self.writer.cancel()
        with contextlib.suppress(*UNAVAILABLE):
            await self.flush()

    async def create(self, title: str, text: str) -> int:
        rows = await self.database.fetch("SELECT nextval(pg_get_serial_sequence('notes', 'id'))")
        number = int(rows[0][0])
        self.buffer[number] = note((number, title, text))
        return number

    async def read(self, number: int) -> Note | None:
        buffered = self.buffer.get(number)
        return await super().read(number) or buffered

    async def update(self, number: int, title: str, text: str) -> bool:
        await self.flush()
        return await super().update(number, title, text)

    async def delete(self, number: int) -> bool:
        await self.flush()
        return await super().delete(number)

    async def page(self, limit: int, offset: int) -> list[Note]:
        await self.flush()
        return await super().page(limit, offset)

    async def write(self) -> None:
        while True:
            await asyncio.sleep(1.5)
            with contextlib.suppress(*UNAVAILABLE):  # the next round tries again
                await self.flush()

    async def flush(self) -> None:
        """Write what is buffered. What two of these write at the same time counts once."""
        written = list(self.buffer.values())
        if written:
            await self.database.fetch(
                "INSERT INTO notes SELECT * FROM unnest(%s::bigint[], %s::text[], %s::text[]) ON CONFLICT DO NOTHING",
                *(list(column) for column in zip(*(each.values() for each in written), strict=True)),
            )
        for each in written:
            self.buffer.pop(each["id"], None)


class Specimen(Service):
    notes_type = BufferedNotes


if __name__ == "__main__":
    Specimen().run()
