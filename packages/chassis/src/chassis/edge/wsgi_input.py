"""The body of a request under WSGI, counted as it is read."""

import contextlib
import time
from collections.abc import Iterator
from typing import Any

from chassis.errors import ProblemError

LINGER_S = 2.0
LINGER_BYTES = 64 * 2**20
_CHUNK = 2**16


class CountedInput:
    """Passes on ``wsgi.input`` up to a number of bytes.

    Args:
        stream: the server's.
        most: bytes; None for no limit.
    """

    def __init__(self, stream: Any, most: int | None) -> None:
        """Begin at the beginning."""
        self._stream = stream
        self._most = most
        self.count = 0
        self.too_long = False

    def read(self, size: int | None = -1) -> bytes:
        """Read at most so many bytes; all of them if negative.

        Raises:
            ProblemError: 413, there were more than allowed; 400, the server could not make sense of them.
        """
        return self._counted(self._stream.read, size)

    def readline(self, size: int | None = -1) -> bytes:
        """Read one line, of at most so many bytes; errors are those of :meth:`read`."""
        return self._counted(self._stream.readline, size)

    def readlines(self, hint: int | None = -1) -> list[bytes]:
        """Read lines, until there are about so many bytes if ``hint`` is positive."""
        lines: list[bytes] = []
        size = 0
        for line in self:
            lines.append(line)
            size += len(line)
            if hint is not None and 0 < hint <= size:
                break
        return lines

    def __iter__(self) -> Iterator[bytes]:
        """Read line by line."""
        while line := self.readline():
            yield line

    def _counted(self, read: Any, size: int | None) -> bytes:
        if self._most is not None:  # whatever was asked for, not much more than is allowed gets into memory
            left = self._most - self.count + 1
            size = left if size is None or size < 0 else min(size, left)
        try:
            part: bytes = read(-1 if size is None else size)
        except Exception as error:
            raise ProblemError(400, "The body could not be read.") from error
        self.count += len(part)
        if self._most is not None and self.count > self._most:
            self.too_long = True
            raise ProblemError(413, "The body is too long.")
        return part

    def linger(self, connection: Any) -> None:
        """Read on before the server closes the connection: a reset would take the answer out of the client's hands.

        Args:
            connection: the socket, so that a client which sends nothing more holds the thread no longer than that.
        """
        before = connection.gettimeout()
        until = time.monotonic() + LINGER_S
        seen = 0
        with contextlib.suppress(Exception):  # whatever happens here, the answer is out
            connection.settimeout(LINGER_S)
            while seen < LINGER_BYTES and time.monotonic() < until and (part := self._stream.read(_CHUNK)):
                seen += len(part)
        with contextlib.suppress(OSError):
            connection.settimeout(before)
