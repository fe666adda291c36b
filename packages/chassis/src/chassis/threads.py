"""Blocking functions that may hang, beside an event loop that must not."""

import asyncio
import threading
from collections.abc import Callable
from contextvars import copy_context
from typing import Any, TypeVar

T = TypeVar("T")


def in_daemon_thread(function: Callable[[], T], name: str) -> "asyncio.Future[T]":
    """Run a blocking function in a thread of its own and return what will be its result.

    Not in the event loop's pool: there a few functions that hang would leave no thread for others, and the process
    could not end before they do. Context variables are those of the caller.
    """
    loop = asyncio.get_running_loop()
    result: asyncio.Future[T] = loop.create_future()
    context = copy_context()

    def settle(setter: Callable[[Any], None], value: Any) -> None:
        if not result.done():
            setter(value)

    def run() -> None:
        try:
            outcome: tuple[Callable[[Any], None], Any] = (result.set_result, context.run(function))
        except StopIteration as error:  # no future takes it, and then nobody would ever hear of the end
            ended = RuntimeError(f"{name} raised StopIteration")
            ended.__cause__ = error
            outcome = (result.set_exception, ended)
        except BaseException as error:  # noqa: BLE001 - it is passed on to whoever awaits the result
            outcome = (result.set_exception, error)
        if not loop.is_closed():
            loop.call_soon_threadsafe(settle, *outcome)

    threading.Thread(target=run, name=name, daemon=True).start()
    return result
