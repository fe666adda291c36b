"""Waiting for a place at the bulkhead, in a thread or in an event loop: first come, first served, for a bounded time.

The place is handed over, not fought for: whoever leaves gives it to the one who waits longest. A waiter that is
cancelled in the moment in which it is given a place gives it back.
"""

import asyncio
import threading

from chassis.resilience.gate import Gate


class _InThread:
    __slots__ = ("_woken", "granted")

    def __init__(self) -> None:
        self.granted = False
        self._woken = threading.Event()

    def wake(self) -> bool:
        self._woken.set()
        return True

    def wait(self, seconds: float) -> None:
        self._woken.wait(seconds)


class _InLoop:
    __slots__ = ("_loop", "_woken", "granted")

    def __init__(self) -> None:
        self.granted = False
        self._loop = asyncio.get_running_loop()
        self._woken = self._loop.create_future()

    def wake(self) -> bool:
        """May be called from any thread; an event loop that is closed has nobody waiting any more."""
        try:
            self._loop.call_soon_threadsafe(self._wake)
        except RuntimeError:
            return False
        return True

    def _wake(self) -> None:
        if not self._woken.done():
            self._woken.set_result(None)

    async def wait(self, seconds: float) -> None:
        timer = self._loop.call_later(seconds, self._wake)
        try:
            await self._woken
        finally:
            timer.cancel()


def wait_in_thread(gate: Gate, seconds: float) -> int:
    """Wait in a thread for a place, and go in.

    Returns:
        The breaker's period, as :meth:`~chassis.resilience.gate.Gate.enter` does.

    Raises:
        BulkheadFullError: no place became free in time.
        CircuitOpenError, CallRateExceededError: one did, but the call may not go any more.
    """
    waiter = _InThread()
    try:
        gate.queue(waiter)
        waiter.wait(seconds)
    except BaseException:
        _step_out(gate, waiter)
        raise
    if not gate.unqueue(waiter):
        raise gate.full()
    return gate.enter_after_wait()


async def wait_in_loop(gate: Gate, seconds: float) -> int:
    """Wait in an event loop for a place, and go in; everything as in :func:`wait_in_thread`."""
    waiter = _InLoop()
    try:
        gate.queue(waiter)
        await waiter.wait(seconds)
    except BaseException:
        _step_out(gate, waiter)
        raise
    if not gate.unqueue(waiter):
        raise gate.full()
    return gate.enter_after_wait()


def _step_out(gate: Gate, waiter: _InThread | _InLoop) -> None:
    if gate.unqueue(waiter):
        gate.give_back()
