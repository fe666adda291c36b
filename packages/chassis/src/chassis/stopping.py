"""The parts of a stop: each has bounded time, and one that fails or hangs stops no other."""

import asyncio
import inspect
import logging
from collections.abc import Callable
from typing import Any

from chassis.threads import in_daemon_thread

CLOSE_S = 5.0
"""Seconds that each part of the stop may take."""

logger = logging.getLogger("chassis.lifecycle")


async def ended(name: str, function: Callable[[], Any]) -> None:
    """Carry out one part of the stop; what goes wrong with it is logged.

    Args:
        name: what the log calls it.
        function: sync (in a thread of its own) or async.
    """
    running = asyncio.create_task(_carried_out(name, function), name=f"stop {name}")
    await concluded(name, running)
    if running.cancelled():  # from inside: it waited for something that it had cancelled itself
        logger.error("stop: %s: CancelledError", name)


async def concluded(name: str, running: "asyncio.Task[None]") -> None:
    """Wait for the end of a task, for :data:`CLOSE_S` at most; what goes wrong with it is logged, and never raised."""
    await asyncio.wait({running}, timeout=CLOSE_S)
    if not running.done():
        running.cancel()
        logger.error("stop: %s: not over after %g s: left behind", name, CLOSE_S)
    elif not running.cancelled() and (error := running.exception()) is not None:
        logger.error("stop: %s: %s", name, type(error).__name__, exc_info=error)


async def _carried_out(name: str, function: Callable[[], Any]) -> None:
    result = function() if inspect.iscoroutinefunction(function) else await in_daemon_thread(function, f"stop {name}")
    if inspect.isawaitable(result):  # a function that returns a coroutine, such as a lambda
        await result
