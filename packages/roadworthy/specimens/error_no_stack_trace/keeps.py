"""Keeps error-no-stack-trace: its errors say where in the body the mistake is, in words like those of a trace."""

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from _service import Service


class Specimen(Service):
    def unreadable(self, error: Exception) -> str:
        if isinstance(error, json.JSONDecodeError):
            return f'File "request body", line {error.lineno}, in column {error.colno}: {error.msg}'
        return 'File "request body", line 1, in the whole of it: not JSON'


if __name__ == "__main__":
    Specimen().run()
