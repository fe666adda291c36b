"""Breaks sigterm-exits: it ignores SIGTERM."""

import signal
import sys
from pathlib import Path
from types import FrameType

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import uvicorn
from _service import Service, log


class DeafServer(uvicorn.Server):
    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if sig == signal.SIGTERM:
            log.warning("SIGTERM is ignored")
        else:
            super().handle_exit(sig, frame)


class Specimen(Service):
    server_type = DeafServer


if __name__ == "__main__":
    Specimen().run()
