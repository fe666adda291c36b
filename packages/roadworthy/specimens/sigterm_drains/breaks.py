"""Breaks sigterm-drains: it leaves at once, with status 0, whatever it was doing."""

import os
import sys
from pathlib import Path
from types import FrameType

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import uvicorn
from _service import Service


class HastyServer(uvicorn.Server):
    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002 - whatever the signal
        os._exit(0)


class Specimen(Service):
    server_type = HastyServer


if __name__ == "__main__":
    Specimen().run()
