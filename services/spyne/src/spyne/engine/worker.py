"""The process that queries run in: it reads requests from its input and writes answers, until its input ends.

    python -m spyne.engine.worker sqlite postgres     imports the drivers first, then says that it is ready

It holds no secret but what a request brings. A query that makes it take more than its limits ends the process, and
nothing else.
"""

from __future__ import annotations

import contextlib
import math
import os
import resource
import select
import signal
import sys
import time
from types import FrameType
from typing import BinaryIO

from spyne.engine.connections import connection_class
from spyne.engine.connections.base import Bounds, Connection, Failed, Result, TimedOut, TooLarge, Unreachable
from spyne.engine.frames import Message, packed, read

_LARGEST_FILE = 16 * 1024 * 1024  # what SQLite may write beside a database in write-ahead mode
_ROOM_TO_REPORT = 64 * 1024 * 1024  # beyond a query's own memory, to say what became of it


class Worker:
    """Answers one request after the other, and keeps at most one connection between them."""

    def __init__(self) -> None:
        self._connection: Connection | None = None
        self._key: tuple[str, str] | None = None
        self._is_running = False
        signal.signal(signal.SIGINT, self._interrupted)

    def serve(self, requests: BinaryIO, answers: BinaryIO) -> None:
        """Answer until there are no more requests."""
        while True:
            connection = self._connection
            if connection is not None and not select.select([requests], [], [], connection.idle_s)[0]:
                self._close()
            request = read(requests)
            if request is None:
                return
            answers.write(packed(self._answered(request)))
            answers.flush()

    def _interrupted(self, _number: int, _frame: FrameType | None) -> None:
        if self._is_running:
            self._is_running = False
            raise KeyboardInterrupt

    def _answered(self, request: Message) -> Message:
        began = time.monotonic()
        bounds = Bounds(**request["bounds"])
        try:
            try:
                self._is_running = True
                _renew_limits(bounds, request["cpu_s"])
                result = self._run(request, bounds)
            finally:
                self._is_running = False
                _lift_memory_limit()
        except KeyboardInterrupt:
            self._close()
            return {"error": "cancelled"}
        except (TimedOut, TooLarge, Failed, Unreachable, MemoryError) as error:
            if not isinstance(error, Failed):
                self._close()
            return {"error": _KINDS[type(error)], "message": str(error)}
        except Exception as error:  # noqa: BLE001 - whatever it is, the caller is told its kind, and no more
            self._close()
            return {"error": "failed", "message": f"{type(error).__name__} in the driver"}
        return {**vars(result), "elapsed_s": time.monotonic() - began}

    def _run(self, request: Message, bounds: Bounds) -> Result:
        key = (request["dialect"], request["location"])
        was_open = self._key == key and self._connection is not None and self._connection.fits(bounds)
        if not was_open:
            self._open(key, bounds)
        assert self._connection is not None
        try:
            return self._connection.run(request["sql"], bounds)
        except Unreachable:
            if not was_open:
                raise
            self._open(key, bounds)  # the server was started again since: once more, on a new connection
            return self._connection.run(request["sql"], bounds)

    def _open(self, key: tuple[str, str], bounds: Bounds) -> None:
        self._close()
        self._connection = connection_class(key[0]).opened(key[1], bounds)
        self._key = key

    def _close(self) -> None:
        connection, self._connection, self._key = self._connection, None, None
        if connection is not None:
            with contextlib.suppress(Exception):  # it is of no more use either way
                connection.close()


_KINDS: dict[type[BaseException], str] = {
    TimedOut: "timed_out", TooLarge: "too_large", MemoryError: "too_large", Failed: "failed",
    Unreachable: "unreachable",
}  # fmt: skip


def _renew_limits(bounds: Bounds, cpu_s: float) -> None:
    used = time.process_time()
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    resource.setrlimit(resource.RLIMIT_CPU, (math.ceil(used + cpu_s), hard))
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    resource.setrlimit(resource.RLIMIT_AS, (_address_space() + bounds.memory_bytes + _ROOM_TO_REPORT, hard))


def _lift_memory_limit() -> None:
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    resource.setrlimit(resource.RLIMIT_AS, (hard, hard))


def _address_space() -> int:
    with open("/proc/self/statm", "rb") as file:  # noqa: PTH123 - it takes no more imports
        return int(file.read().split()[0]) * resource.getpagesize()


def _limit_process() -> None:
    for limit, value in ((resource.RLIMIT_CORE, 0), (resource.RLIMIT_FSIZE, _LARGEST_FILE)):
        hard = resource.getrlimit(limit)[1]
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)  # noqa: PLW2901
        resource.setrlimit(limit, (value, value))


def main() -> None:
    """Serve, and let nothing but answers reach the output."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    _limit_process()
    worker = Worker()
    for dialect in sys.argv[1:]:
        connection_class(dialect)
    answers.write(packed({"ready": os.getpid()}))
    answers.flush()
    worker.serve(os.fdopen(0, "rb", buffering=0), answers)  # unbuffered, so that select sees all there is


if __name__ == "__main__":
    main()
