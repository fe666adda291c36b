"""Start-up steps: named, in a phase, limited in time, and with a report of how they went."""

import asyncio
import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from time import monotonic
from typing import Any

from chassis.errors import StartError
from chassis.threads import in_daemon_thread


class StartPhase(StrEnum):
    """The phases of a start, in their order."""

    SETTINGS = "settings"
    CONNECT = "connect"
    TABLES = "tables"
    SEED = "seed"
    SERVICES = "services"
    MONITORING = "health monitoring"


@dataclass(eq=False)
class Step:
    """One step.

    Args:
        name: what logs and health call it.
        phase: when it is carried out; within a phase, in the order of registration.
        run: what it does; sync (in a thread of its own) or async. It may be carried out again when it failed because a
            dependency was down, so it must be safe to repeat.
        limit_s: seconds that it may take; None for the setting ``start_timeout_s``.
    """

    name: str
    phase: StartPhase
    run: Callable[[], Any]
    limit_s: float | None = None
    status: str = field(default="waiting", init=False)
    seconds: float = field(default=0.0, init=False)
    attempts: int = field(default=0, init=False)
    _left_behind: "asyncio.Future[Any] | None" = field(default=None, init=False)

    @property
    def done(self) -> bool:
        """Whether it has succeeded."""
        return self.status == "done"

    def report(self) -> dict[str, Any]:
        """Return how it went, for the health endpoint."""
        return {
            "step": self.name,
            "phase": str(self.phase),
            "status": self.status,
            "seconds": round(self.seconds, 3),
            "attempts": self.attempts,
        }

    def reset(self) -> None:
        """Forget an earlier start."""
        self.status, self.seconds, self.attempts = "waiting", 0.0, 0
        self._left_behind = None

    async def carry_out(self, default_limit_s: float) -> None:
        """Do it, within its time.

        Raises:
            StartError: it took too long.
            Exception: whatever it raised.
        """
        limit_s = default_limit_s if self.limit_s is None else self.limit_s
        self.status = "running"
        self.attempts += 1
        began = monotonic()
        try:
            await self._within(limit_s)
            self.status = "done"
        finally:
            self.seconds = monotonic() - began
            if not self.done:
                self.status = "failed"

    async def _within(self, limit_s: float) -> None:
        try:
            async with asyncio.timeout(limit_s) as limit:
                if inspect.iscoroutinefunction(self.run):
                    await self.run()
                else:
                    await self._in_thread()
        except TimeoutError as error:
            if limit.expired():
                raise self._late(limit_s) from error
            raise

    async def _in_thread(self) -> None:
        # A thread cannot be ended: one that took too long is waited for again, rather than joined by a second.
        if self._left_behind is None:
            self._left_behind = in_daemon_thread(self.run, f"step {self.name}")
        await asyncio.wait({self._left_behind})
        running, self._left_behind = self._left_behind, None
        result = running.result()
        if inspect.isawaitable(result):  # a function that returns a coroutine, such as a lambda
            await result

    def _late(self, limit_s: float) -> StartError:
        return StartError(self.name, f"took longer than the {limit_s:g} s that it may take")
