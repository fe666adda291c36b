"""Keeps sigterm-exits: it stays for three seconds after SIGTERM, not ready, so that balancers notice; then it ends."""

import asyncio
import sys
from pathlib import Path
from types import FrameType

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import uvicorn
from _service import Service


class LeavingServer(uvicorn.Server):
    leaving = False

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        LeavingServer.leaving = True
        loop = asyncio.get_running_loop()
        loop.call_soon_threadsafe(loop.call_later, 3, super().handle_exit, sig, frame)


class Specimen(Service):
    server_type = LeavingServer

    async def ready(self) -> bool:
        return not LeavingServer.leaving and await super().ready()


if __name__ == "__main__":
    Specimen().run()
