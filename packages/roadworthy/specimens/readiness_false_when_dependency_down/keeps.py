"""Keeps readiness-false-when-dependency-down: readiness is checked every five seconds at most, so it turns late."""

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from _service import Service


class Specimen(Service):
    checked_at = -60.0
    was_ready = False

    async def ready(self) -> bool:
        if time.monotonic() - self.checked_at > 5:
            self.checked_at = time.monotonic()
            self.was_ready = await super().ready()
        return self.was_ready


if __name__ == "__main__":
    Specimen().run()
