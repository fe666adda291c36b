"""Breaks config-error-names-key: it says that the configuration is wrong, and not what is missing."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from _service import Service


class Specimen(Service):
    def complaint(self, missing: list[str]) -> str:  # noqa: ARG002 - that is the flaw
        return "configuration error"


if __name__ == "__main__":
    Specimen().run()
