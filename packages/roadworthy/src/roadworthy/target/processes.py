"""Commands under guard: started, signalled, watched and, whatever happens, ended."""

import asyncio
import contextlib
import json
import os
import pwd
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

GUARD = Path(__file__).with_name("guard.py")
KEPT_LINES = 5_000
LINE_LIMIT = 65_536
END_BOUND_S = 10.0
REMOVE_BOUND_S = 120.0  # a cluster of many databases is tens of thousands of files


class StartError(RuntimeError):
    """The command could not be started at all: it is missing, or may not be run."""


@dataclass(frozen=True)
class LogLine:
    """One line of output.

    ``at`` is ``time.monotonic()`` when it was read; ``cut`` tells whether it was longer than is kept.
    """

    at: float
    text: str
    cut: bool = False


class Output:
    """What a process wrote to stdout and stderr, in order. The first and the last lines are kept, all are counted."""

    def __init__(self) -> None:
        """Start empty."""
        self.bytes = 0
        self.count = 0
        self._head: list[LogLine] = []
        self._tail: deque[LogLine] = deque(maxlen=KEPT_LINES)
        self._lock = threading.Lock()
        self._partial = b""

    def read_from(self, descriptor: int) -> None:
        """Read until end of file, in a thread of its own, so that a flooding target never blocks on its output."""
        with contextlib.suppress(OSError):
            while chunk := os.read(descriptor, 65_536):
                self._take(chunk)
        with self._lock:
            if self._partial:
                self._keep(self._partial)
                self._partial = b""
        os.close(descriptor)

    def _take(self, chunk: bytes) -> None:
        with self._lock:
            self.bytes += len(chunk)
            *lines, rest = (self._partial + chunk).split(b"\n")
            self._partial = rest[:LINE_LIMIT]
            room = KEPT_LINES - len(self._head)
            surplus = len(lines) - room - KEPT_LINES
            if surplus > 0:  # a flood: count them, keep the first and the last
                self.count += surplus
                del lines[room : room + surplus]
            for line in lines:
                self._keep(line)

    def _keep(self, raw: bytes) -> None:
        self.count += 1
        text = raw[:LINE_LIMIT].decode("utf-8", "backslashreplace").rstrip("\r")
        line = LogLine(time.monotonic(), text, cut=len(raw) >= LINE_LIMIT)
        if len(self._head) < KEPT_LINES:
            self._head.append(line)
        else:
            self._tail.append(line)

    def lines(self, since: float = 0.0) -> list[LogLine]:
        """Return the kept lines read at or after ``since``."""
        with self._lock:
            return [line for line in (*self._head, *self._tail) if line.at >= since]

    def tail(self, count: int = 20) -> tuple[str, ...]:
        """Return the last lines as text."""
        return tuple(line.text for line in self.lines()[-count:])


@dataclass(frozen=True)
class Exit:
    """How the started process ended. ``left`` are the pids of its tree that were still alive then."""

    status: int
    at: float
    left: tuple[int, ...]


class Process:
    """One command and everything it starts. Nothing of it outlives the inspector."""

    def __init__(self, guard: "subprocess.Popen[bytes]", status: int, argv: Sequence[str]) -> None:
        """Wrap a running guard; use :meth:`start`."""
        self.argv = tuple(argv)
        self.started_at = time.monotonic()
        self.output = Output()
        self.pid = 0
        self.exit: Exit | None = None
        self._guard = guard
        self._status = status
        self._events: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._exited = asyncio.Event()
        self._killed = asyncio.Event()
        self._reader: threading.Thread | None = None
        self._buffer = b""
        self._removes = False

    @classmethod
    async def start(
        cls,
        argv: Sequence[str],
        *,
        cwd: Path,
        env: Mapping[str, str],
        user: str | None = None,
        farewell: int | None = None,
        remove: Path | None = None,
    ) -> "Process":
        """Start a command under a guard of its own.

        Args:
            argv: the command; empty for a guard that only deletes ``remove`` at the end.
            cwd: its working folder.
            env: its whole environment.
            user: the account it runs under, when we are root; None for our own.
            farewell: a signal to send it when it is ended, before SIGKILL; for servers that clean up.
            remove: a folder to delete when the guard ends, however it ends.

        Raises:
            StartError: the command does not exist or may not be run.
        """
        account = pwd.getpwnam(user) if user and os.geteuid() == 0 else None
        status_read, status_write = os.pipe()
        guard = subprocess.Popen(  # noqa: ASYNC220 - the fork takes a millisecond
            [sys.executable, "-I", "-S", "-B", str(GUARD), str(status_write)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            pass_fds=(status_write,),
            start_new_session=True,
            env={},
        )
        os.close(status_write)
        process = cls(guard, status_read, argv)
        process._removes = remove is not None
        process._attach()
        spec = {
            "argv": list(argv),
            "cwd": str(cwd),
            "env": dict(env),
            "uid": account.pw_uid if account else None,
            "gid": account.pw_gid if account else None,
            "farewell": farewell,
            "remove": str(remove) if remove else None,
        }
        process._tell(json.dumps(spec))
        if argv:
            try:
                await process._await_birth()
            except BaseException:  # also when the caller gives up: nobody else knows of this guard
                await process.end()
                raise
        return process

    def _attach(self) -> None:
        if self._guard.stdout is None:  # pragma: no cover - Popen was asked for a pipe
            raise StartError("the guard has no output pipe")
        descriptor = os.dup(self._guard.stdout.fileno())
        self._guard.stdout.close()
        self._reader = threading.Thread(target=self.output.read_from, args=(descriptor,), daemon=True)
        self._reader.start()
        os.set_blocking(self._status, False)
        asyncio.get_running_loop().add_reader(self._status, self._on_status)

    async def _await_birth(self) -> None:
        try:
            async with asyncio.timeout(END_BOUND_S):
                event = await self._events.get()
        except TimeoutError:
            event = {"error": "the guard process did not answer"}
        if "pid" in event:
            self.pid = int(event["pid"])
            self.started_at = time.monotonic()
            return
        raise StartError(f"cannot start {self.argv[0]!r}: {event.get('error', 'unknown reason')}")

    def _on_status(self) -> None:
        try:
            chunk = os.read(self._status, 65_536)
        except BlockingIOError:
            return
        except OSError:
            chunk = b""
        if not chunk:
            asyncio.get_running_loop().remove_reader(self._status)
            os.close(self._status)
            self._status = -1
            self._events.put_nowait({"error": "the guard process ended"})
            self._exited.set()
            self._killed.set()
            return
        *lines, self._buffer = (self._buffer + chunk).split(b"\n")
        for line in lines:
            self._on_event(json.loads(line))

    def _on_event(self, event: dict[str, Any]) -> None:
        if "exit" in event:
            self.exit = Exit(event["exit"], time.monotonic(), tuple(event["left"]))
            self._exited.set()
        elif "killed" in event:
            self._killed.set()
        else:
            self._events.put_nowait(event)

    def _tell(self, line: str) -> None:
        if self._guard.stdin is not None:
            with contextlib.suppress(OSError, ValueError):
                self._guard.stdin.write(line.encode() + b"\n")
                self._guard.stdin.flush()

    def signal(self, number: int) -> None:
        """Send a signal to the process that was started, as a supervisor would."""
        self._tell(f"signal {int(number)}")

    async def kill(self) -> int:
        """SIGKILL the whole tree at once and wait until it is gone. Return how many processes there were."""
        count = len(self.tree())
        self._killed.clear()
        self._tell("kill")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(END_BOUND_S):
                await self._killed.wait()
                if self.pid:
                    await self._exited.wait()
        return count

    async def wait(self, timeout: float) -> Exit | None:
        """Wait until the started process exits, at most ``timeout`` seconds."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                await self._exited.wait()
        return self.exit

    async def wait_for_output(self, timeout: float) -> None:
        """Wait until everything the ended process wrote has been read, at most ``timeout`` seconds."""
        if self._reader is not None:
            await asyncio.to_thread(self._reader.join, timeout)

    def tree(self) -> list[psutil.Process]:
        """Return the live processes below the guard; the guard itself is not among them."""
        try:
            below = psutil.Process(self._guard.pid).children(recursive=True)
        except psutil.Error:
            return []
        return [process for process in below if _alive(process)]

    @property
    def running(self) -> bool:
        """Whether the started process has not exited."""
        return self.exit is None and self._guard.poll() is None

    async def end(self) -> None:
        """End the whole tree and the guard. Safe to call twice."""
        if self._guard.stdin is not None:
            with contextlib.suppress(OSError):
                self._guard.stdin.close()
        try:
            await asyncio.to_thread(self._guard.wait, REMOVE_BOUND_S if self._removes else END_BOUND_S)
        except subprocess.TimeoutExpired:
            self._guard.kill()
            await asyncio.to_thread(self._guard.wait)
        if self._status >= 0:
            asyncio.get_running_loop().remove_reader(self._status)
            os.close(self._status)
            self._status = -1
        self._exited.set()


def _alive(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False
