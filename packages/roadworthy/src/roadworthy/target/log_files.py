"""Files that a target logs into: those named like logs that it wrote below its own folders."""

import os
import re
from pathlib import Path

LARGEST = 64 * 2**20
MOST = 50
_NAMED_LIKE_A_LOG = re.compile(
    r"(^|[._-])(logs?|stdout|stderr)([._-]|$)|\.(out|err|jsonl|ndjson)(\.\d+)?$", re.IGNORECASE
)


def log_files(folder: Path, since: float) -> tuple[Path, ...]:
    """Return the log files below ``folder`` that were written at or after ``since``, a time of the clock on the wall.

    Args:
        folder: is searched with everything below it; links are not followed.
        since: seconds since 1970, as ``time.time()`` counts them.
    """
    found: list[Path] = []
    for root, _, names in os.walk(folder):
        within = Path(root).name.lower() in ("log", "logs")
        for name in sorted(names):
            path = Path(root, name)
            if (within or _NAMED_LIKE_A_LOG.search(name)) and _written_since(path, since):
                found.append(path)
    return tuple(found[:MOST])


def text_of(path: Path) -> str:
    """Return what a log file says, at most its first 64 MiB; "" when it cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(LARGEST).decode("utf-8", "backslashreplace")
    except OSError:
        return ""


def _written_since(path: Path, since: float) -> bool:
    try:
        return path.is_file() and not path.is_symlink() and path.stat().st_mtime >= since - 1
    except OSError:
        return False
