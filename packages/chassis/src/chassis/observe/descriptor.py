"""Log lines to stdout: never waiting for the reader, and whole also where several processes write to one pipe."""

import fcntl
import os
import select
import socket
import stat
import threading
from collections import deque

from chassis.observe.workers import supervisor

_HELD_BYTES = 8 * 2**20
_WAIT_MS = 200
_FLUSH_BOUND_S = 2.0
_LOST = b'{"level":"WARNING","correlation_id":"","message":"log lines were lost","context":{"lines":%d}}\n'


class Descriptor:
    """A file descriptor such as stdout.

    A pipe whose reader stalls would stop the whole process at the next line. So a pipe is written to without waiting:
    lines that do not fit are held back, up to 8 MiB, and a thread writes them as soon as the reader goes on. More are
    counted, and told in a line of their own afterwards.

    The kernel takes lines up to 4 KiB whole or not at all, and longer ones perhaps in parts. Processes that write to
    the same pipe therefore share a lock on it: many write short lines, or one a long line until it is whole.

    Args:
        descriptor: an open descriptor. It stays open.
        held_bytes: how much may be held back.
    """

    def __init__(self, descriptor: int, *, held_bytes: int = _HELD_BYTES) -> None:
        """Find out what the descriptor is."""
        self.lost = 0
        self._given = self._descriptor = descriptor
        self._own: int | None = None
        self._socket: socket.socket | None = None
        self._poll: select.poll | None = None
        self._limit = held_bytes
        self._held: deque[bytes] = deque()
        self._held_bytes = 0
        self._untold = 0
        self._lock = threading.RLock()  # a signal's handler may log while a line is being written
        self._thread: threading.Thread | None = None
        self._never_wait()
        self._shared = self._own is not None and supervisor() is not None
        self._locked = False
        os.register_at_fork(after_in_parent=self._share, after_in_child=self._begin_anew)

    def write(self, line: bytes) -> None:
        """Write a line, or hold it back when the reader does not keep up."""
        with self._lock:
            if self._held or (self._poll is not None and not self._poll.poll(0)):
                self._hold(line)
                return
            if self._shared and not self._take_turn(line, fcntl.LOCK_NB):
                self._hold(line)
                return
            try:
                sent = self._put(line) if self._socket is not None else os.write(self._descriptor, line)
            except BlockingIOError:
                sent = 0
            except OSError:  # the reader is gone, or the disk is full
                self.lost += 1
                sent = len(line)
            if sent < len(line):
                self._hold(line[sent:])
            if self._locked and not 0 < sent < len(line):
                self._end_turn()

    def flush(self) -> None:
        """Give what is held back two seconds to be written."""
        thread = self._thread
        if thread is not None and thread.is_alive():
            thread.join(_FLUSH_BOUND_S)

    def close(self) -> None:
        """Let go of what was opened here, unless lines are still held back."""
        if not self._held:
            self._let_go()

    def _let_go(self) -> None:
        if self._own is not None:
            os.close(self._own)
            self._descriptor, self._own = -1, None
        if self._socket is not None:
            self._socket.close()

    def _never_wait(self) -> None:
        """Open a pipe anew without waiting; the flags of the one given are shared with other processes."""
        try:
            mode = os.fstat(self._descriptor).st_mode
            if stat.S_ISSOCK(mode):
                self._socket = socket.socket(fileno=os.dup(self._descriptor))
        except OSError:
            return
        if not stat.S_ISFIFO(mode):
            return
        try:
            self._own = os.open(f"/proc/self/fd/{self._descriptor}", os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            self._descriptor = self._own
        except OSError:  # another user's pipe: ask before each line
            self._poll = select.poll()
            self._poll.register(self._descriptor, select.POLLOUT)

    def _put(self, line: bytes) -> int:
        if self._socket is not None:
            return self._socket.send(line, socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)
        return os.write(self._descriptor, line)

    def _take_turn(self, line: bytes, how: int) -> bool:
        """Lock the pipe against long lines, or for a long line against all; tell whether that was possible now."""
        try:
            kind = fcntl.LOCK_EX if len(line) > select.PIPE_BUF else fcntl.LOCK_SH
            fcntl.flock(self._descriptor, kind | how)
        except OSError:
            return False
        self._locked = True
        return True

    def _end_turn(self) -> None:
        fcntl.flock(self._descriptor, fcntl.LOCK_UN)
        self._locked = False

    def _hold(self, line: bytes) -> None:
        if self._held_bytes + len(line) > self._limit and not self._locked:  # the rest of a line is held in any case
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
        while (line := self._next_held()) is not None:
            if self._shared and not self._locked:
                self._take_turn(line, 0)  # it waits: in this thread there is time, and nobody else writes meanwhile
            try:
                sent = self._put(line) if room.poll(_WAIT_MS) else 0
            except BlockingIOError:
                sent = 0
            except OSError:
                self.lost += 1
                sent = len(line)
            with self._lock:
                self._held_bytes = max(self._held_bytes - sent, 0)
                if self._locked and not 0 < sent < len(line) and self._held[0] is line:
                    self._end_turn()
                if sent < len(line):
                    self._held[0] = line[sent:]
                else:
                    self._held.popleft()

    def _next_held(self) -> bytes | None:
        with self._lock:
            if not self._held:
                if not self._untold:
                    self._thread = None
                    return None
                self._held.append(_LOST % self._untold)
                self._untold = 0
            return self._held[0]

    def _share(self) -> None:
        self._shared = self._own is not None

    def _begin_anew(self) -> None:
        """Leave what is held back, and the lock, to the parent; take part in the lock with an opening of its own."""
        self._lock = threading.RLock()
        self._held.clear()
        self._held_bytes = self._untold = 0
        self._thread = None
        self._locked = False
        if self._own is not None:
            self._let_go()
            self._descriptor = self._given
            self._never_wait()
        self._share()
