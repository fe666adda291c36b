"""Waiting in an event loop for something that may happen in any thread."""

import asyncio
import contextlib
from collections.abc import Callable


def waking() -> tuple["asyncio.Future[None]", Callable[[], None]]:
    """Return a future of the running event loop, and a function that ends it, for any thread to call."""
    loop = asyncio.get_running_loop()
    woken: asyncio.Future[None] = loop.create_future()

    def set_woken() -> None:
        if not woken.done():
            woken.set_result(None)

    def wake() -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(set_woken)

    return woken, wake
