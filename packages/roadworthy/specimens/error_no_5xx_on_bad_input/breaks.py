"""Breaks error-no-5xx-on-bad-input: it passes on texts that PostgreSQL cannot hold."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from _service import Service


class Specimen(Service):
    def storable(self, text: str) -> bool:  # noqa: ARG002 - that is the flaw
        return True


if __name__ == "__main__":
    Specimen().run()
