"""Breaks health-exists: it has no health endpoint of any kind."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from _service import Service
from starlette.routing import Route


class Specimen(Service):
    def health(self) -> list[Route]:
        return []


if __name__ == "__main__":
    Specimen().run()
