"""Threads for what takes a while and does not wait: reading questions and schemas, writing files."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class Threads:
    """A bounded number of threads; what comes when all are busy waits its turn.

    Args:
        number: returns how many, once the settings are there.
    """

    def __init__(self, number: Callable[[], int]) -> None:
        """Start none yet."""
        self._number = number
        self._pool: ThreadPoolExecutor | None = None

    async def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Carry out a function in one of them."""
        if self._pool is None:
            self._pool = ThreadPoolExecutor(self._number(), thread_name_prefix="spyne")
        return await asyncio.get_running_loop().run_in_executor(self._pool, lambda: function(*args, **kwargs))

    def close(self) -> None:
        """Let them end."""
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.shutdown(wait=False, cancel_futures=True)
