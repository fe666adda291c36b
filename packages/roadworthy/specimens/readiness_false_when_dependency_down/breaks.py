"""Breaks readiness-false-when-dependency-down: readiness is a constant."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from _service import Service


class Specimen(Service):
    async def ready(self) -> bool:
        return True


if __name__ == "__main__":
    Specimen().run()
