"""The commands about the running service: serve, check, health."""

import json
from collections.abc import Iterator, Mapping
from enum import IntEnum
from typing import TYPE_CHECKING, Any

import click

from chassis.command_line.asking import NotRunningError, asked, own_address
from chassis.command_line.group import Command, Place, told, told_data, warned
from chassis.errors import SettingsError
from chassis.redaction import REDACTOR

if TYPE_CHECKING:
    from chassis.checking import CheckReport
    from chassis.service import Service


@click.command(cls=Command)
@click.pass_obj
def serve(place: Place) -> int:
    """Serve requests until SIGTERM or SIGINT.

    One process on uvicorn; several (the setting workers), or a WSGI application, on
    gunicorn. A stop is orderly: not ready first, then requests in flight are
    answered, then everything is closed. Logs go to stdout, a JSON object a line.

    Example:
      chassis notes:application serve

    Exit statuses: 0 stopped, 1 settings wrong, 2 not started.
    """
    from chassis.serve import serve as served  # noqa: PLC0415 - only this command serves

    return served(place.application)


@click.command(cls=Command)
@click.option("--json", "as_json", is_flag=True, help="Print the findings as a JSON object.")
@click.pass_obj
def check(place: Place, *, as_json: bool) -> int:
    """Check the settings, and ask every dependency for a sign of life.

    Nothing is started, and no data is changed; a SQLite file that is not there is
    made, empty. Run it before a deployment, with the settings of the deployment.

    Examples:
      chassis notes:application check
      chassis notes:application check --json

    Exit statuses: 0 all is well, 1 settings wrong, 2 a required dependency does not
    answer, 3 degraded: an optional one does not.
    """
    from chassis.checking import CheckStatus  # noqa: PLC0415 - help needs none of it

    service = place.service
    report = service.check()
    settings_wrong = report.status is CheckStatus.SETTINGS_WRONG
    if as_json:
        told_data(check_findings(service, report))
        return report.status
    if settings_wrong:
        raise SettingsError(report.lines)
    for warning in service.settings.load_warnings:
        warned(f"warning: {warning}")
    for line in ("settings: right", *report.lines):
        told(line)
    return report.status


def check_findings(service: "Service", report: "CheckReport") -> dict[str, Any]:
    """Return what a check found, as data. No part of it tells an address."""
    wrong = report.status == 1
    return {
        "service": service.name,
        "status": report.status.name.lower().replace("_", " "),
        "exit_status": int(report.status),
        "problems": list(report.lines) if wrong else [],
        "warnings": [] if wrong else list(service.settings.load_warnings),
        "dependencies": {
            each.name: {
                "status": str(each.status),
                "kind": each.kind,
                "required": each.required,
                "lost": each.lost,
                "latency_ms": round(each.condition.latency_s * 1000, 1) if each.up else None,
                "setting": each.setting,
            }
            for each in (() if wrong else service.dependencies)
        },
    }


class HealthStatus(IntEnum):
    """The exit status of ``health``."""

    HEALTHY = 0
    NOT_READY = 2
    DEGRADED = 3
    NOT_RUNNING = 4


_STATUSES = {
    "healthy": HealthStatus.HEALTHY,
    "degraded": HealthStatus.DEGRADED,
    "unhealthy": HealthStatus.NOT_READY,
}


@click.command(cls=Command)
@click.option("--json", "as_json", is_flag=True, help="Print the service's answer as it is.")
@click.option("--degraded-ok", is_flag=True, help="Exit with 0 when degraded, so that nobody restarts the service.")
@click.option("--within", "within_s", type=click.FloatRange(min=0.1), default=5.0, show_default=True,
    metavar="SECONDS", help="How long the answer may take.")  # fmt: skip
@click.pass_obj
def health(place: Place, *, as_json: bool, degraded_ok: bool, within_s: float) -> int:
    """Ask the running service how it is.

    It is asked at its own host and port on this machine, as the settings have them.

    Examples:
      chassis notes:application health
      chassis notes:application health --degraded-ok     for a container's HEALTHCHECK

    Exit statuses: 0 healthy, 1 settings wrong, 2 not ready, 3 degraded, 4 not
    running: nothing that is this service answers there.
    """
    service = place.service
    try:
        answer = health_answer(service, within_s)
    except NotRunningError as error:
        warned(f"not running: {error}")
        return HealthStatus.NOT_RUNNING
    if as_json:
        told_data(answer)
    else:
        for line in _health_lines(answer):
            told(line)
    status = _STATUSES[answer["status"]]
    return HealthStatus.HEALTHY if degraded_ok and status is HealthStatus.DEGRADED else status


def health_answer(service: "Service", within_s: float) -> dict[str, Any]:
    """Return what the running service says about its health, without secrets.

    Raises:
        NotRunningError: nothing answers, or something else does.
        SettingsError: the settings are wrong, so that it is not known where to ask.
    """
    path = next(iter((*service.paths.detailed, *service.paths.health)), None)
    if path is None:
        raise NotRunningError("the service declares no health endpoint to ask: give HealthPaths a path for it")
    host, port = own_address(service.settings)
    said = _object(asked(host, port, path, within_s).body)
    if said.get("service") != service.name or said.get("status") not in _STATUSES:
        raise NotRunningError(f"{host}:{port} is answered by something other than {service.name}")
    cleaned: dict[str, Any] = REDACTOR.clean_data(said)
    return cleaned


def _object(body: bytes) -> dict[str, Any]:
    """Return the JSON object of an answer; an empty one when it is none."""
    try:
        said = json.loads(body)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def _health_lines(answer: Mapping[str, Any]) -> Iterator[str]:
    yield f"{answer['status']}: {answer['service']} {answer.get('version', '')}".rstrip()
    for reason in answer.get("not_ready_because", ()):
        yield f"not ready: {reason}"
    for name, each in answer.get("dependencies", {}).items():
        latency = f", {each['latency_ms']} ms" if each.get("status") == "up" else ""
        lost = f" (lost: {each['lost']})" if each.get("lost") else ""
        yield f"{name}: {each.get('status')}{latency}{lost}"
