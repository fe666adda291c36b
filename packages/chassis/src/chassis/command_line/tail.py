"""The last lines of a file, without reading all of it."""

import os
from pathlib import Path

LARGEST = 16 * 2**20
"""So many bytes are read at most: lines of a usual length, a hundred thousand of them."""


def last_lines(file: Path, count: int) -> list[str]:
    """Return the last lines, at most ``count`` of them, and at most 16 MiB. A line that would be cut is left out.

    Raises:
        OSError: the file cannot be read.
    """
    with file.open("rb") as opened:
        size = opened.seek(0, os.SEEK_END)
        start = max(size - LARGEST, 0)
        opened.seek(start)
        lines = opened.read(LARGEST).decode("utf-8", "replace").splitlines()
    if start:
        lines = lines[1:]
    return lines[-count:] if count else []
