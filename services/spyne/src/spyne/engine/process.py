"""One process that runs queries, seen from the service: asked, interrupted, killed."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Sequence
from typing import Self

from spyne.engine.errors import QueryTimedOut, WorkerLost
from spyne.engine.frames import Message, packed, read_later

START_S = 30.0
GONE_S = 5.0
_ENVIRONMENT = ("PATH", "PYTHONPATH", "LANG", "TZ", "HOME", "LD_LIBRARY_PATH", "SSL_CERT_FILE")


class Process:
    """A running process. It is asked one query at a time."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._handle: int | None = os.pidfd_open(process.pid)  # it never means another process, as a number may
        self._answer: asyncio.Task[Message] | None = None
        self._is_killed = False

    @classmethod
    async def started(cls, dialects: Sequence[str]) -> Self:
        """Start a process, with the drivers for the dialects loaded. Raises WorkerLost, within 30 seconds."""
        environment = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-P", "-m", "spyne.engine.worker", *dialects,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
            env={**environment, "MALLOC_ARENA_MAX": "2"}, start_new_session=True,
        )  # fmt: skip
        worker = cls(process)
        try:
            async with asyncio.timeout(START_S):
                await read_later(worker._output)
        except (TimeoutError, asyncio.IncompleteReadError):
            await worker.ended()
            raise WorkerLost("a process for queries could not be started") from None
        except BaseException:
            await worker.ended()
            raise
        return worker

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        """Whether it runs, as far as is known."""
        return not self._is_killed and self._process.returncode is None and not self._output.at_eof()

    @property
    def _output(self) -> asyncio.StreamReader:
        assert self._process.stdout is not None
        return self._process.stdout

    async def ask(self, request: Message, within: float) -> Message:
        """The answer to a request.

        Raises QueryTimedOut when there is none within that many seconds, or it took too much processor time: the
        process is killed then. Raises WorkerLost when it ended for another reason.
        """
        assert self._process.stdin is not None
        self._answer = asyncio.ensure_future(read_later(self._output))
        try:
            async with asyncio.timeout(within):
                self._process.stdin.write(packed(request))
                await self._process.stdin.drain()
                answer = await asyncio.shield(self._answer)
        except TimeoutError:
            self._is_killed = True
            self._send(signal.SIGKILL)  # who waits for the answer does not wait for its end
            raise QueryTimedOut("the query took longer than it may, and was ended") from None
        except (asyncio.IncompleteReadError, ConnectionError):
            await self.ended()
            if self._process.returncode == -signal.SIGXCPU:
                raise QueryTimedOut("the query took more processor time than it may, and was ended") from None
            raise WorkerLost("the process that ran the query ended unexpectedly; ask again") from None
        self._answer = None
        return answer

    async def interrupted(self, within: float) -> None:
        """End the query under way: politely, so that a server learns of it, and after `within` seconds for good."""
        if self._answer is None:
            return
        self._send(signal.SIGINT)
        await asyncio.wait({self._answer}, timeout=within)
        if not self._answer.done() or self._answer.cancelled() or self._answer.exception() is not None:
            await self.ended()
        self._answer = None

    async def ended(self) -> None:
        """Kill it, and wait until it is gone."""
        if self._answer is not None:
            self._answer.cancel()
            await asyncio.wait({self._answer})
            if not self._answer.cancelled():
                self._answer.exception()
        self._is_killed = True
        self._send(signal.SIGKILL)
        if self._process.stdin is not None:
            self._process.stdin.close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(GONE_S):
                await self._process.wait()
        handle, self._handle = self._handle, None
        if handle is not None:
            os.close(handle)

    def _send(self, number: signal.Signals) -> None:
        if self._handle is not None:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._handle, number)
