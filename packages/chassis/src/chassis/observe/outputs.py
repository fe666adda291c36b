"""Where log lines go. Writing never raises and never waits for a reader: what cannot be written now is held back."""

import contextlib
import fcntl
import os
import select
import stat
import threading
from collections import deque
from pathlib import Path
from typing import Protocol

from chassis.errors import StartError

_HELD_BYTES = 8 * 2**20
_WAIT_MS = 200
_FLUSH_BOUND_S = 2.0


class Output(Protocol):
    """Takes whole lines of bytes, with their line break."""

    lost: int

    def write(self, line: bytes) -> None:
        """Write a line, or count it as lost."""

    def flush(self) -> None:
        """Give what is held back a bounded time to be written."""

    def close(self) -> None:
        """Let go."""


class Descriptor:
    """A file descriptor such as stdout.

    A pipe whose reader stalls would stop the whole process at the next line. So a pipe is written to without waiting:
    lines that do not fit are held back, up to 8 MiB, and a thread writes them as soon as the reader goes on. More are
    counted, and told in a line of their own afterwards.

    Args:
        descriptor: an open descriptor. It stays open.
        held_bytes: how much may be held back.
    """

    def __init__(self, descriptor: int, *, held_bytes: int = _HELD_BYTES) -> None:
        """Find out what the descriptor is."""
        self.lost = 0
        self._descriptor = descriptor
        self._own: int | None = None
        self._poll: select.poll | None = None
        self._limit = held_bytes
        self._held: deque[bytes] = deque()
        self._held_bytes = 0
        self._untold = 0
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._never_wait()
        os.register_at_fork(after_in_child=self._forget_held)

    def write(self, line: bytes) -> None:
        """Write a line, or hold it back when the reader does not keep up."""
        if self._held or (self._poll is not None and not self._poll.poll(0)):
            self._hold(line)
            return
        try:
            sent = os.write(self._descriptor, line)
        except BlockingIOError:
            sent = 0
        except OSError:  # the reader is gone, or the disk is full
            self.lost += 1
            return
        if sent < len(line):
            self._hold(line[sent:])

    def flush(self) -> None:
        """Give what is held back two seconds to be written."""
        thread = self._thread
        if thread is not None and thread.is_alive():
            thread.join(_FLUSH_BOUND_S)

    def close(self) -> None:
        """Let go of what was opened here, unless lines are still held back."""
        if self._own is not None and not self._held:
            os.close(self._own)
            self._descriptor, self._own = -1, None

    def _never_wait(self) -> None:
        """Open a pipe anew without waiting; the flags of the one given are shared with other processes."""
        try:
            mode = os.fstat(self._descriptor).st_mode
        except OSError:
            return
        if not (stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)):
            return
        try:
            self._own = os.open(f"/proc/self/fd/{self._descriptor}", os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            self._descriptor = self._own
        except OSError:  # a socket, or another user's pipe: ask before each line
            self._poll = select.poll()
            self._poll.register(self._descriptor, select.POLLOUT)

    def _hold(self, line: bytes) -> None:
        with self._lock:
            if self._held_bytes + len(line) > self._limit:
                self.lost += 1
                self._untold += 1
                return
            self._held.append(line)
            self._held_bytes += len(line)
            if self._thread is None:
                self._thread = threading.Thread(target=self._write_held, name="held-log-lines", daemon=True)
                self._thread.start()

    def _write_held(self) -> None:
        """Write what is held back, oldest first, as fast as the reader takes it, until nothing is left."""
        room = select.poll()
        room.register(self._descriptor, select.POLLOUT)
        while True:
            with self._lock:
                if not self._held:
                    if not self._untold:
                        self._thread = None
                        return
                    self._held.append(_LOST % self._untold)
                    self._untold = 0
                line = self._held[0]
            if not room.poll(_WAIT_MS):
                continue
            try:
                sent = os.write(self._descriptor, line)
            except BlockingIOError:
                continue
            except OSError:
                self.lost += 1
                sent = len(line)
            with self._lock:
                self._held_bytes = max(self._held_bytes - sent, 0)
                if sent < len(line):
                    self._held[0] = line[sent:]
                else:
                    self._held.popleft()

    def _forget_held(self) -> None:
        """Leave what is held back to the parent, which writes it."""
        self._lock = threading.Lock()
        self._held.clear()
        self._held_bytes = self._untold = 0
        self._thread = None


_LOST = b'{"level":"WARNING","correlation_id":"","message":"log lines were lost","context":{"lines":%d}}\n'


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
        self._lock = threading.Lock()
        try:
            self._descriptor = self._open()
        except OSError as error:
            raise StartError("logs", f"cannot write to the log file {path}: {error.strerror}") from None
        os.register_at_fork(after_in_child=self._renew_lock)

    def write(self, line: bytes) -> None:
        """Append a line; rotate first if it would not fit."""
        with self._lock:
            try:
                if os.fstat(self._descriptor).st_size + len(line) > self._max_bytes:
                    self._rotate()
                os.write(self._descriptor, line)
            except OSError:  # such as a full disk: a request must not fail because of its log line
                self.lost += 1

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
            new = self._open()
            os.close(self._descriptor)
            self._descriptor = new
        finally:
            os.close(guard)

    def _move_on(self) -> None:
        if not self._backups:
            self._path.unlink()
            return
        for number in range(self._backups - 1, 0, -1):
            with contextlib.suppress(FileNotFoundError):
                Path(f"{self._path}.{number}").replace(f"{self._path}.{number + 1}")
        self._path.replace(f"{self._path}.1")

    def _renew_lock(self) -> None:
        self._lock = threading.Lock()
