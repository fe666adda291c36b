"""Files that a target logs into: those named like logs below its own folders."""

import contextlib
import os
import re
import stat
from pathlib import Path

LARGEST = 64 * 2**20
MOST = 50
_NAMED_LIKE_A_LOG = re.compile(
    r"(^|[._-])(logs?|stdout|stderr)([._-]|$)|\.(out|err|jsonl|ndjson)(\.\d+)?$", re.IGNORECASE
)


def log_files(folder: Path) -> dict[Path, tuple[int, int]]:
    """Return the log files below ``folder``, each with its size and when it was written, in bytes and nanoseconds.

    Links are not followed, and at most 50 files are listed.
    """
    found: dict[Path, tuple[int, int]] = {}
    for root, _, names in os.walk(folder):
        within = Path(root).name.lower() in ("log", "logs")
        for path in (Path(root, name) for name in sorted(names) if within or _NAMED_LIKE_A_LOG.search(name)):
            with contextlib.suppress(OSError):
                status = path.lstat()
                if stat.S_ISREG(status.st_mode) and len(found) < MOST:
                    found[path] = (status.st_size, status.st_mtime_ns)
    return found


def text_of(path: Path) -> str:
    """Return what a log file says, at most its first 64 MiB; "" when it cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(LARGEST).decode("utf-8", "backslashreplace")
    except OSError:
        return ""
