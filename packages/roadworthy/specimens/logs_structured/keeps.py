"""Keeps logs-structured: its lines are logfmt with escaped line breaks, some long; a plain banner comes before."""

import itertools
import json
import logging
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from _service import Service

BANNER = """
  N O T E S
  a small service
"""


class Logfmt(logging.Formatter):
    numbers = itertools.count(1)

    def format(self, record: logging.LogRecord) -> str:
        line = f"time={self.formatTime(record, '%Y-%m-%dT%H:%M:%S')} level={record.levelname.lower()}"
        line += f" logger={record.name} msg={json.dumps(record.getMessage())}"
        if record.exc_info:
            line += f" exception={json.dumps(self.formatException(record.exc_info))}"
        if next(self.numbers) % 10 == 0:
            line += f" context={json.dumps('as long as a traceback ' * 300)}"
        return line


class Specimen(Service):
    log_format = Logfmt

    async def start(self) -> None:
        print(BANNER, flush=True)  # noqa: T201 - a banner is no log line
        await super().start()


if __name__ == "__main__":
    Specimen().run()
