"""Background health: every dependency is checked at its own pace, and at once when real calls fail.

Health endpoints read what the checks have shown. They never ask a dependency, so they answer whatever it does, and a
hundred of them a second cost it nothing.
"""

import asyncio
import logging
import time
from collections.abc import Sequence

from chassis.context import time_limit
from chassis.dependencies.condition import GRACE_S, Status
from chassis.dependencies.declaration import Dependency

LOOK_S = 0.25
"""Seconds between two looks at the counts of real calls."""

STOP_S = 1.0
"""Seconds that checks under way get to end when the watching ends."""

logger = logging.getLogger("chassis.dependencies")


class Monitor:
    """Watches dependencies from inside an event loop, a task each."""

    def __init__(self, dependencies: Sequence[Dependency]) -> None:
        """Take the dependencies; those that are not configured are left alone."""
        self._dependencies = dependencies
        self._tasks: list[asyncio.Task[None]] = []
        self._asked: dict[str, asyncio.Task[None]] = {}

    async def check_all(self) -> None:
        """Check every dependency once, all at the same time."""
        await asyncio.gather(*(self.check(each) for each in self._watched()))

    def start(self) -> None:
        """Begin to watch."""
        self._tasks = [asyncio.create_task(self._watch(each), name=f"watch {each.name}") for each in self._watched()]

    async def stop(self) -> None:
        """Stop watching. Checks under way may end by themselves, for a driver may leave behind what is cancelled."""
        watching, self._tasks = self._tasks, []
        for task in watching:
            task.cancel()
        if self._asked:
            await asyncio.wait(self._asked.values(), timeout=STOP_S)
        for task in self._asked.values():
            task.cancel()
        if left := [*watching, *self._asked.values()]:
            await asyncio.wait(left, timeout=GRACE_S)
        self._asked = {}

    def _watched(self) -> list[Dependency]:
        return [each for each in self._dependencies if each.configured]

    async def _watch(self, dependency: Dependency) -> None:
        while True:
            await self.check(dependency)
            await self._pause(dependency)

    async def _pause(self, dependency: Dependency) -> None:
        """Wait for the next check, or until a real call fails while it counts as up."""
        due = time.monotonic() + dependency.condition.next_check_s()
        while (left := due - time.monotonic()) > 0:
            await asyncio.sleep(min(left, LOOK_S))
            if dependency.up and dependency.refusing():
                _decide_down(dependency)
                return  # the next check is due sooner than it was
            if dependency.suspected() and dependency.up:
                return

    async def check(self, dependency: Dependency) -> None:
        """Check it once. This returns in bounded time, whatever the dependency does."""
        started = time.monotonic()
        ok = await self._answers(dependency)
        latency_s = time.monotonic() - started
        if ok and dependency.refusing():
            _decide_down(dependency)  # it lives, but its circuit breaker lets no call through to it
            return
        _tell(dependency, changed=dependency.record(ok, latency_s))

    async def _answers(self, dependency: Dependency) -> bool:
        timeout_s = dependency.condition.rule.timeout_s
        asked = self._asked.get(dependency.name)
        if asked is None or asked.done():
            asked = asyncio.create_task(_bounded(dependency, timeout_s), name=f"check of {dependency.name}")
            self._asked[dependency.name] = asked  # at most one: the next check waits for one that hangs
        await asyncio.wait({asked}, timeout=timeout_s + GRACE_S)
        if not asked.done():
            asked.cancel()
            await asyncio.wait({asked}, timeout=GRACE_S)
        if not asked.done() or asked.cancelled():
            return False
        error = asked.exception()
        if error is not None:
            logger.debug("%s: the check failed: %s", dependency.name, type(error).__name__)
        return error is None


async def _bounded(dependency: Dependency, timeout_s: float) -> None:
    with time_limit(timeout_s):
        await dependency.check()


def _decide_down(dependency: Dependency) -> None:
    _tell(dependency, changed=dependency.condition.decide(Status.DOWN, time.time()))


def _tell(dependency: Dependency, *, changed: bool) -> None:
    if not changed:
        return
    about = {"dependency": dependency.name, "kind": dependency.kind, "required": dependency.required}
    if dependency.condition.status is Status.UP:
        latency_ms = round(dependency.condition.latency_s * 1000, 1)
        logger.info("%s is up", dependency.name, extra={"context": about | {"latency_ms": latency_ms}})
    else:
        logger.warning("%s is down", dependency.name, extra={"context": about | {"lost": dependency.lost}})
