"""Health endpoints: is the process alive, may it get traffic, and how are its dependencies.

All of them read what the monitor knows; none asks a dependency, so each answers in bounded time, whatever happens. None
shows an address, a credential or the text of an error.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from chassis.dependencies.condition import Status
from chassis.dependencies.declaration import Dependency
from chassis.operations import OperationalAnswer, OperationalEndpoint, OperationalRequest
from chassis.state import Phase, ServiceState

if TYPE_CHECKING:
    from chassis.service import Service

METRICS_PATH = "/metrics"
"""Where Prometheus asks, and with ``.json`` where people find the golden signals."""

HEALTHY, DEGRADED, UNHEALTHY = "healthy", "degraded", "unhealthy"
_NOT_STORED = (("Cache-Control", "no-store"),)


@dataclass(frozen=True, slots=True)
class HealthPaths:
    """Where the health endpoints are; several paths for one are aliases.

    Args:
        live: 200 as long as the process answers at all. It never looks at dependencies, so that an orchestrator does
            not restart a service because its database is down.
        ready: 200 when the service may get traffic; 503 while it starts or stops, or a required dependency is down.
        health: a summary: 200 when healthy or degraded, 503 when not ready.
        detailed: the same with a part for each dependency and each start-up step.
    """

    live: tuple[str, ...] = ("/livez",)
    ready: tuple[str, ...] = ("/readyz",)
    health: tuple[str, ...] = ("/health",)
    detailed: tuple[str, ...] = ("/health/detailed",)


class Health:
    """What the service knows about itself.

    Args:
        name: the service's.
        version: the service's; "" for none.
        state: where in its life it is.
        dependencies: what it needs and what it uses.
        steps: returns how the start-up went, one mapping for each step.
    """

    def __init__(
        self,
        name: str,
        version: str,
        state: ServiceState,
        dependencies: Sequence[Dependency],
        steps: Callable[[], list[dict[str, Any]]] = list,
    ) -> None:
        """Keep what is needed to answer."""
        self._about = {"service": name, **({"version": version} if version else {})}
        self._state = state
        self._dependencies = dependencies
        self._steps = steps

    def reasons(self) -> list[str]:
        """Say why the service is not ready; nothing when it is."""
        if self._state.phase is not Phase.SERVING:
            return [str(self._state.phase)]
        return [f"{each.name} is {each.status}" for each in self._dependencies if each.required and not each.up]

    @property
    def ready(self) -> bool:
        """Whether the service may get traffic."""
        return not self.reasons()

    def degraded(self) -> list[Dependency]:
        """Return the optional dependencies that are not up, without those that are not configured."""
        return [each for each in self._dependencies if not each.required and each.configured and not each.up]

    @property
    def status(self) -> str:
        """``healthy``, ``degraded`` or ``unhealthy``."""
        if not self.ready:
            return UNHEALTHY
        return DEGRADED if self.degraded() else HEALTHY

    def summary(self) -> dict[str, Any]:
        """Return the answer of the health endpoint."""
        lost = [{"dependency": each.name, "lost": each.lost} for each in self.degraded()]
        return {
            "status": self.status,
            **self._about,
            "phase": str(self._state.phase),
            "timestamp": _moment(datetime.now(UTC).timestamp()),
            "not_ready_because": self.reasons(),
            "degraded": lost,
        }

    def detailed(self) -> dict[str, Any]:
        """Return the answer of the detailed endpoint."""
        return {
            **self.summary(),
            "dependencies": {each.name: _described(each) for each in self._dependencies},
            "start": self._steps(),
        }

    def endpoints(self, paths: HealthPaths) -> Mapping[str, OperationalEndpoint]:
        """Return the endpoints by path."""
        answers = {
            paths.live: lambda: (True, {"status": "alive"}),
            paths.ready: self._readiness,
            paths.health: lambda: (self.ready, self.summary()),
            paths.detailed: lambda: (self.ready, self.detailed()),
        }
        return {path: _endpoint(answer) for aliases, answer in answers.items() for path in aliases}

    def _readiness(self) -> tuple[bool, dict[str, Any]]:
        reasons = self.reasons()
        return not reasons, {"status": "not ready" if reasons else "ready", "not_ready_because": reasons}


def _endpoint(answer: Callable[[], tuple[bool, dict[str, Any]]]) -> OperationalEndpoint:
    def answered(_: OperationalRequest) -> OperationalAnswer:
        fine, content = answer()
        return OperationalAnswer(200 if fine else 503, json.dumps(content).encode(), headers=_NOT_STORED)

    return OperationalEndpoint(answered)


def _described(dependency: Dependency) -> dict[str, Any]:
    condition = dependency.condition
    return {
        "status": str(dependency.status),
        "kind": dependency.kind,
        "required": dependency.required,
        "lost": dependency.lost if dependency.status is Status.DOWN else None,
        "latency_ms": round(condition.latency_s * 1000, 1) if condition.checked else None,
        "since": _moment(condition.since),
        "checked": _moment(condition.checked),
        "circuit": str(dependency.pipeline.breaker.state),
    }


def _moment(seconds: float) -> str | None:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds") if seconds else None


def check_system_health(service: "Service | None" = None) -> dict[str, Any]:
    """Ask every dependency of the service for a sign of life now, and say how they are. For scripts and cron jobs.

    Args:
        service: the one to check; the one that was made last by default.

    Returns:
        ``overall_status`` (healthy, degraded or unhealthy), ``components`` (how many are what), ``checks`` (for each
        its ``component``, ``status``, ``message``, ``latency_ms`` and ``details``) and ``timestamp``.

    Raises:
        SettingsError: the settings are wrong.
    """
    from chassis.checking import checked_dependencies  # noqa: PLC0415 - it starts an event loop: not for importers
    from chassis.service import latest_service  # noqa: PLC0415 - the service knows its health, not the other way round

    checks = [_check(each) for each in checked_dependencies(service or latest_service())]
    found = [each["status"] for each in checks]
    counts = {status: found.count(status) for status in (HEALTHY, DEGRADED, UNHEALTHY)}
    worst = next((status for status in (UNHEALTHY, DEGRADED) if counts[status]), HEALTHY)
    return {
        "overall_status": worst,
        "components": counts | {"total": len(checks)},
        "checks": checks,
        "timestamp": datetime.now(UTC).isoformat(timespec="milliseconds"),
    }


def _check(dependency: Dependency) -> dict[str, Any]:
    status, up = dependency.status, dependency.up
    without = DEGRADED if not dependency.required else UNHEALTHY
    messages = {Status.UP: "Connected successfully", Status.NOT_CONFIGURED: "Not configured"}
    return {
        "component": dependency.name,
        "status": HEALTHY if up or status is Status.NOT_CONFIGURED else without,
        "message": messages.get(status, f"Not reachable; lost: {dependency.lost or 'the service cannot work'}"),
        "latency_ms": round(dependency.condition.latency_s * 1000, 1) if up else None,
        "details": {"kind": dependency.kind, "required": dependency.required},
    }
