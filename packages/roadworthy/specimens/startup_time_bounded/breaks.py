"""Breaks startup-time-bounded: it warms up for as long as the bound before it listens, so it is ready after it."""

import asyncio
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from _service import Service


class Specimen(Service):
    async def start(self) -> None:
        await asyncio.sleep(4)
        await super().start()


if __name__ == "__main__":
    Specimen().run()
