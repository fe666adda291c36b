"""Keeps durable-acked-writes: it writes the notes of concurrent requests together, and acknowledges them after that."""

import asyncio
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from _service import Notes, Service


class GroupedNotes(Notes):
    async def open(self) -> None:
        await super().open()
        self.waiting: list[tuple[str, str, asyncio.Future[int]]] = []
        self.writer = asyncio.create_task(self.write())

    async def close(self) -> None:
        self.writer.cancel()

    async def create(self, title: str, text: str) -> int:
        written: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self.waiting.append((title, text, written))
        return await written

    async def write(self) -> None:
        while True:
            await asyncio.sleep(0.02)
            group, self.waiting = self.waiting, []
            if group:
                await self.write_group(group)

    async def write_group(self, group: list[tuple[str, str, asyncio.Future[int]]]) -> None:
        titles, texts, acknowledgements = zip(*group, strict=True)
        try:
            rows = await self.database.fetch(
                "INSERT INTO notes (title, text) SELECT * FROM unnest(%s::text[], %s::text[]) RETURNING id",
                list(titles),
                list(texts),
            )
        except Exception as error:
            for written in acknowledgements:
                if not written.done():
                    written.set_exception(error)
            return
        for written, (number,) in zip(acknowledgements, rows, strict=True):
            if not written.done():
                written.set_result(number)


class Specimen(Service):
    notes_type = GroupedNotes


if __name__ == "__main__":
    Specimen().run()
