"""Breaks config-missing-fails-fast: the signing key is first looked for when a note is answered."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from _service import Service


class Specimen(Service):
    required = ("PORT", "DATABASE_URL")


if __name__ == "__main__":
    Specimen().run()
