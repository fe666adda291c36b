"""Folders and files that outlast a power cut, and folders to work in that do not outlast a killed process."""

import contextlib
import fcntl
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_NEW_S = 60.0
"""A folder this young may be about to be locked by the process that made it."""


def sync(path: Path) -> None:
    """Make sure that a file, or what a folder lists, outlasts a power cut."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def working_folder(parent: Path, prefix: str) -> Iterator[Path]:
    """Make a folder that only this account can read, and delete it at the end, unless it has another name by then.

    It is locked as long as this process uses it. So what a killed process has left is known, and deleted first.

    Args:
        parent: where to make it.
        prefix: what its name begins with; others that begin so were made here as well.

    Raises:
        OSError: it cannot be made.
    """
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
    lock = _locked(folder)
    try:
        for other in parent.glob(f"{prefix}*"):
            if other != folder:
                _delete_if_abandoned(other, folder.stat().st_mtime - _NEW_S)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        if lock is not None:
            os.close(lock)


def _delete_if_abandoned(folder: Path, made_before: float) -> None:
    with contextlib.suppress(OSError):  # such as one that another process is just deleting
        found = folder.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mtime > made_before:
            return
        lock = _locked(folder)
        if lock is None:
            return
        try:
            shutil.rmtree(folder)
        finally:
            os.close(lock)


def _locked(folder: Path) -> int | None:
    """Lock a folder, and return what holds the lock until it is closed; None when another process holds it."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor
