"""Breaks logs-structured: its lines are text, and a traceback takes many of them."""

import logging
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from _service import Service


class TextLines(logging.Formatter):
    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")


class Specimen(Service):
    log_format = TextLines


if __name__ == "__main__":
    Specimen().run()
