"""Where log lines go. Writing never raises and never waits for a reader: what cannot be written now is held back."""

import contextlib
import fcntl
import os
import threading
from pathlib import Path
from typing import Protocol

from chassis.errors import StartError


class Output(Protocol):
    """Takes whole lines of bytes, with their line break."""

    lost: int

    def write(self, line: bytes) -> None:
        """Write a line, or count it as lost."""

    def flush(self) -> None:
        """Give what is held back a bounded time to be written."""

    def close(self) -> None:
        """Let go."""


class RotatedFile:
    """A file that is rotated at a size: ``notes.log`` becomes ``notes.log.1``, and so on, and the last is deleted.

    Several processes may write to the same file: lines are appended whole, and one process at a time rotates.

    Args:
        path: the file. Its folder must exist.
        max_bytes: the size at which it is rotated.
        backups: how many old ones are kept.

    Raises:
        StartError: the file cannot be written.
    """

    def __init__(self, path: Path, max_bytes: int, backups: int) -> None:
        """Open the file, so that a wrong path is known at start."""
        self.lost = 0
        self._path = path
        self._max_bytes = max_bytes
        self._backups = backups
        self._torn = False
        self._lock = threading.RLock()  # a signal's handler may log while a line is being written
        try:
            self._descriptor = self._open()
        except OSError as error:
            raise StartError("logs", f"cannot write to the log file {path}: {error.strerror}") from None
        os.register_at_fork(after_in_child=self._renew_lock)

    def write(self, line: bytes) -> None:
        """Append a line; rotate first if it would not fit."""
        with self._lock:
            with contextlib.suppress(OSError):  # it cannot be rotated: better a file that is too large than no lines
                self._move_to_current(len(line))
            try:
                sent = os.write(self._descriptor, b"\n" + line if self._torn else line)
            except OSError:  # such as a full disk: a request must not fail because of its log line
                self.lost += 1
                return
            if sent < len(line) + self._torn:  # the disk filled up meanwhile: the next line begins anew
                self.lost += 1
                self._torn = True
            else:
                self._torn = False

    def _move_to_current(self, size: int) -> None:
        """Write to the file that has the name now, which another process may have made; rotate it when it is full."""
        try:
            named = self._path.stat()
        except FileNotFoundError:
            named = None
        mine = os.fstat(self._descriptor)
        if named is None or (named.st_dev, named.st_ino) != (mine.st_dev, mine.st_ino):
            self._open_anew()
            mine = os.fstat(self._descriptor)
        if mine.st_size + size > self._max_bytes:
            self._rotate()

    def flush(self) -> None:
        """Do nothing: each line was written at once."""

    def close(self) -> None:
        """Close the file."""
        with self._lock, contextlib.suppress(OSError):
            os.close(self._descriptor)

    def _open(self) -> int:
        return os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)

    def _rotate(self) -> None:
        """Rotate, unless another process has done so meanwhile; then only open the new file."""
        guard = os.open(f"{self._path}.lock", os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o640)
        try:
            fcntl.flock(guard, fcntl.LOCK_EX)
            mine = os.fstat(self._descriptor)
            with contextlib.suppress(FileNotFoundError):
                if self._path.stat().st_ino == mine.st_ino:
                    self._move_on()
            self._open_anew()
        finally:
            os.close(guard)

    def _open_anew(self) -> None:
        new = self._open()
        os.close(self._descriptor)
        self._descriptor = new
        self._torn = False

    def _move_on(self) -> None:
        if not self._backups:
            self._path.unlink()
            return
        for number in range(self._backups - 1, 0, -1):
            with contextlib.suppress(FileNotFoundError):
                Path(f"{self._path}.{number}").replace(f"{self._path}.{number + 1}")
        self._path.replace(f"{self._path}.1")

    def _renew_lock(self) -> None:
        self._lock = threading.RLock()
