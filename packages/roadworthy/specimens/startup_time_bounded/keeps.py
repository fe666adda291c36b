"""Keeps startup-time-bounded: it warms up for one second before it listens, which is within the bound."""

import asyncio
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from _service import Service


class Specimen(Service):
    async def start(self) -> None:
        await asyncio.sleep(1)
        await super().start()


if __name__ == "__main__":
    Specimen().run()
