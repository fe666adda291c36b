"""A fixed number of processes, handed out in turn to callers, and replaced when they end."""

from __future__ import annotations

import asyncio
from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from spyne.engine.errors import EngineBusy, WorkerLost
from spyne.engine.process import Process

LONGEST_QUEUE = 1_000


class Pool:
    """Processes to run queries in.

    Callers that wait take turns, whatever the number of queries each has; and as long as there is more than one
    process, no caller has them all, so that the next one is served at once.
    """

    def __init__(self, size: int, dialects: Callable[[], Sequence[str]]) -> None:
        self._size = size
        self._most_per_caller = max(1, size - 1)
        self._dialects = dialects
        self._idle: list[Process] = []
        self._busy: set[Process] = set()
        self._count = 0  # of processes that run or are being started
        self._waiting: OrderedDict[str, deque[asyncio.Future[Process]]] = OrderedDict()
        self._under_way: Counter[str] = Counter()
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_closed = False

    @property
    def pids(self) -> frozenset[int]:
        """The process ids of all that run."""
        return frozenset(process.pid for process in (*self._idle, *self._busy) if process.is_alive)

    async def taken(self, caller: str, within: float) -> Process:
        """A process for this caller's query. Raises EngineBusy after `within` seconds, or when too many wait."""
        if self._is_closed:
            raise EngineBusy("the service is stopping")
        if sum(map(len, self._waiting.values())) >= LONGEST_QUEUE:
            raise EngineBusy(f"{LONGEST_QUEUE} queries wait already; ask again later")
        turn: asyncio.Future[Process] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(caller, deque()).append(turn)
        while self._count < self._size:
            self._start_one()
        self._hand_out()
        try:
            async with asyncio.timeout(within):
                return await turn
        except TimeoutError:
            self._give_up(caller, turn)
            raise EngineBusy(f"no process was free within {within:g} s; ask again later") from None
        except BaseException:
            self._give_up(caller, turn)
            raise

    def returned(self, caller: str, process: Process) -> None:
        """Take a process back; one that has ended is replaced, and counts as its caller's until then."""
        self._busy.discard(process)
        if process.is_alive and not self._is_closed:
            self._idle.append(process)
            self._release(caller)
            return
        self._count -= 1
        self._run(process.ended())
        if self._is_closed:
            self._release(caller)
        else:
            self._start_one(lambda: self._release(caller))

    def _release(self, caller: str) -> None:
        self._under_way[caller] -= 1
        if not self._under_way[caller]:
            del self._under_way[caller]
        self._hand_out()

    def stopped(self, caller: str, process: Process, within: float) -> None:
        """Take back a process whose query is wanted no more: it gets `within` seconds to end it."""

        async def stop() -> None:
            try:
                await process.interrupted(within)
            finally:
                self.returned(caller, process)

        self._run(stop())

    async def close(self) -> None:
        """End all processes. Queries under way and those that wait fail."""
        self._is_closed = True
        for turns in self._waiting.values():
            for turn in turns:
                if not turn.done():
                    turn.set_exception(EngineBusy("the service is stopping"))
        self._waiting.clear()
        while self._tasks:
            await asyncio.wait(set(self._tasks))
        await asyncio.gather(*(process.ended() for process in self._idle))
        self._idle.clear()

    def _give_up(self, caller: str, turn: asyncio.Future[Process]) -> None:
        turns = self._waiting.get(caller)
        if turns is not None and turn in turns:
            turns.remove(turn)
            if not turns:
                del self._waiting[caller]
        if turn.done() and not turn.cancelled() and turn.exception() is None:
            self.returned(caller, turn.result())  # it was handed out at the same moment

    def _hand_out(self) -> None:
        """Give what is idle to the callers that wait, one after the other."""
        while self._waiting:
            caller = next((each for each in self._waiting if self._under_way[each] < self._most_per_caller), None)
            if caller is None:
                return
            process = self._next_idle()
            if process is None:
                return
            turn = self._waiting[caller].popleft()
            if self._waiting[caller]:
                self._waiting.move_to_end(caller)
            else:
                del self._waiting[caller]
            if turn.done():
                self._idle.append(process)
            else:
                self._under_way[caller] += 1
                self._busy.add(process)
                turn.set_result(process)

    def _next_idle(self) -> Process | None:
        while self._idle:
            process = self._idle.pop()
            if process.is_alive:
                return process
            self._count -= 1
            self._run(process.ended())
            self._start_one()
        return None

    def _start_one(self, done: Callable[[], None] = lambda: None) -> None:
        self._count += 1

        async def start() -> None:
            try:
                process = await Process.started(self._dialects())
            except (WorkerLost, OSError):
                self._count -= 1
                self._refuse_next()
            else:
                if self._is_closed:
                    await process.ended()
                else:
                    self._idle.append(process)
                    self._hand_out()
            finally:
                done()

        self._run(start())

    def _refuse_next(self) -> None:
        for turns in self._waiting.values():
            for turn in turns:
                if not turn.done():
                    turn.set_exception(EngineBusy("no process for queries could be started; ask again later"))
        self._waiting.clear()

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
