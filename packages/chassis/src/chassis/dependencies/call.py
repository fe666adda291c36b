"""Anything else: functions of your own, guarded, with a health check of your own if there is one.

::

    mail = service.call("mail", check=ask_mail_server, lost="no confirmations are sent")

    @mail.guard
    def send(letter): ...
"""

import asyncio
import inspect
from collections.abc import Callable
from typing import Any, ClassVar, ParamSpec, TypeVar

from chassis.dependencies.declaration import Dependency
from chassis.threads import in_daemon_thread

P = ParamSpec("P")
T = TypeVar("T")


class Call(Dependency):
    """A dependency that is asked by functions of your own.

    Args:
        name: what logs, metrics, health and alerts call it.
        check: a function (sync or async, no arguments) that raises when the dependency does not work; None to tell
            from the real calls alone.
        declared: see :class:`chassis.Dependency`.
    """

    kind: ClassVar[str] = "call"

    def __init__(self, name: str, *, check: Callable[[], Any] | None = None, **declared: Any) -> None:
        """Declare it."""
        super().__init__(name, **declared)
        self._check = check
        self._running: asyncio.Future[Any] | None = None

    def guard(self, function: Callable[P, T]) -> Callable[P, T]:
        """Send every call of the function (sync or async) through the guard. Usable as a decorator."""
        return self.pipeline.guard(function)

    async def check(self) -> None:
        """Run the check; a sync one in a thread of its own, since it may hang. Then it is waited for, not repeated."""
        if self._check is None:
            return
        if inspect.iscoroutinefunction(self._check):
            await self._check()
            return
        if self._running is None or self._running.done():
            self._running = in_daemon_thread(self._check, f"check of {self.name}")
        await asyncio.shield(self._running)

    async def close(self) -> None:
        """Wait no longer for a check that hangs."""
        self._running = None
