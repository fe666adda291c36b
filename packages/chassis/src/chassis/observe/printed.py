"""What is printed becomes log lines: a stand-in for stdout and stderr."""

import io
import threading
from collections.abc import Callable
from typing import Any


class Printed(io.TextIOBase):
    """Gives each printed line to a function; what is not yet a whole line waits, for each thread by itself.

    Args:
        descriptor: the one that it stands for: 1 or 2.
        write: takes a line without its line break.
    """

    encoding = "utf-8"
    errors = "backslashreplace"

    def __init__(self, descriptor: int, write: Callable[[str], None]) -> None:
        """Start with nothing printed."""
        self.buffer = _Bytes(self)
        self._descriptor = descriptor
        self._write = write
        self._rest = threading.local()

    def write(self, text: str) -> int:
        """Pass on each line that is complete."""
        *lines, self._rest.text = (getattr(self._rest, "text", "") + text).split("\n")
        for each in lines:
            if each.strip():
                self._write(each)
        return len(text)

    def flush(self) -> None:
        """Pass on what there is of the last line."""
        rest, self._rest.text = getattr(self._rest, "text", ""), ""
        if rest.strip():
            self._write(rest)

    def writable(self) -> bool:
        """Say yes."""
        return True

    def fileno(self) -> int:
        """Return the descriptor that this stands for."""
        return self._descriptor


class _Bytes(io.RawIOBase):
    """Takes what is written as bytes to ``sys.stdout.buffer``."""

    def __init__(self, text: Printed) -> None:
        self._text = text

    def write(self, data: Any) -> int:
        self._text.write(bytes(data).decode("utf-8", "backslashreplace"))
        return len(data)

    def writable(self) -> bool:
        return True
