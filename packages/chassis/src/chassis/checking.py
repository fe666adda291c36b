"""Checks from a command line: are the settings right, and does every dependency answer."""

import asyncio
import threading
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Any

from chassis.dependencies.condition import Status
from chassis.dependencies.declaration import Dependency
from chassis.dependencies.monitor import Monitor
from chassis.errors import SettingsError

if TYPE_CHECKING:
    from chassis.service import Service


class CheckStatus(IntEnum):
    """The exit status of a check."""

    OK = 0
    SETTINGS_WRONG = 1
    REQUIRED_UNREACHABLE = 2
    DEGRADED = 3


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What a check found.

    Args:
        status: also the exit status of the command.
        lines: one for each setting that is wrong, or for each dependency.
    """

    status: CheckStatus
    lines: tuple[str, ...]

    def __bool__(self) -> bool:
        """Tell whether all is well."""
        return self.status is CheckStatus.OK


def check(service: "Service") -> CheckReport:
    """Load the settings, and ask every dependency for a sign of life. Nothing is started."""
    try:
        dependencies = checked_dependencies(service)
    except SettingsError as error:
        return CheckReport(CheckStatus.SETTINGS_WRONG, error.problems)
    down = [each for each in dependencies if each.status is Status.DOWN]
    status = CheckStatus.DEGRADED if down else CheckStatus.OK
    if any(each.required for each in down):
        status = CheckStatus.REQUIRED_UNREACHABLE
    return CheckReport(status, tuple(_line(each) for each in dependencies))


def checked_dependencies(service: "Service") -> Sequence[Dependency]:
    """Check every dependency once, now, and return them all.

    While the service runs, its monitor does that: then what the monitor knows is returned as it is.

    Raises:
        SettingsError: the settings are wrong.
    """
    service.lifecycle.validate()
    if not service.lifecycle.running:
        _carried_out(_check_once(service.dependencies))
    return service.dependencies


async def _check_once(dependencies: Sequence[Dependency]) -> None:
    for each in dependencies:
        each.condition.decide(Status.UNKNOWN, 0.0)  # whatever an earlier check found, this one decides
    monitor = Monitor(dependencies)
    await monitor.check_all()
    await monitor.stop()
    for each in dependencies:
        await each.close()


def _carried_out(work: Coroutine[Any, Any, None]) -> None:
    """Carry it out in a thread of its own, since this one may be running an event loop."""
    thread = threading.Thread(target=asyncio.run, args=(work,), name="check")
    thread.start()
    thread.join()


def _line(dependency: Dependency) -> str:
    if dependency.up:
        return f"{dependency.name}: up, {dependency.condition.latency_s * 1000:.1f} ms"
    if dependency.status is Status.NOT_CONFIGURED:
        return (
            f"{dependency.name}: not configured; set {dependency.setting}"
            if dependency.setting
            else (f"{dependency.name}: not configured")
        )
    lost = "required" if dependency.required else f"lost: {dependency.lost}"
    return f"{dependency.name}: not reachable ({lost}); check {dependency.setting or 'its settings'} and its server"
