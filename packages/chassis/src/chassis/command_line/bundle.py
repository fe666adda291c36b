"""The command that puts together what somebody needs to help: logs, settings, versions, health; without secrets."""

import os
import platform
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from http import HTTPStatus
from importlib.metadata import distributions, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from chassis.command_line.archive import Archive
from chassis.command_line.asking import NotRunningError, asked, own_address
from chassis.command_line.group import Command, Place, Status, learn_env_file, told
from chassis.command_line.running import check_findings, health_answer
from chassis.command_line.tail import last_lines
from chassis.errors import ChassisError, SettingsError
from chassis.redaction import REDACTOR

if TYPE_CHECKING:
    from chassis.service import Service

METRICS = {"/metrics": "metrics.txt", "/metrics.json": "metrics.json"}
"""Where the running service shows its metrics, and the name of each in the archive."""

_ASKED_S = 10.0


@click.command(cls=Command)
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE.zip")
@click.option("--lines", type=click.IntRange(min=0), default=5000, show_default=True,
    help="How many of the last lines of each log.")  # fmt: skip
@click.option("--log", "logs", multiple=True, type=click.Path(path_type=Path, dir_okay=False, exists=True),
    metavar="FILE", help="A further file with log lines, such as what a collector kept of stdout.")  # fmt: skip
@click.pass_obj
def bundle(place: Place, file: Path, lines: int, logs: tuple[Path, ...]) -> int:
    """Put together what somebody needs to help, in one archive without secrets.

    The last lines of the log file, the settings, versions of Python, packages and the
    platform, what a check finds, and, when the service is running here, its health,
    how its start went, and its metrics. MANIFEST.txt names what is in it, and why
    something is not.

    Secrets are hidden: those of the settings, the environment and .env by value,
    others by their names and by how they look. What has neither, such as a password
    in a sentence, cannot be told from other words: read it before you send it.

    Examples:
      chassis notes:application bundle notes-bundle.zip
      chassis notes:application bundle b.zip --log what-docker-kept.log

    Exit statuses: 0 done, also when the settings are wrong or the service is not
    running; 2 failed, such as when the archive is there already: it is not replaced.
    """
    service = place.service
    _learn_secrets(service)
    archive = Archive(f"{service.name} {service.version}".strip())
    archive.add_data("versions.json", _versions(), "versions of Python, packages and the platform")
    settings = _add_settings(archive, service)
    archive.add_data("check.json", check_findings(service, service.check()), "what `check` found while bundling")
    if settings is not None:
        _add_answers(archive, service, settings)
        if not settings.log_file:
            archive.note("logs", "the settings name no log file; add what was kept of stdout with --log")
    own = (Path(settings.log_file),) if settings is not None and settings.log_file else ()
    for number, log in enumerate((*own, *logs)):
        _add_log(archive, log, lines, f"logs/{number + 1}-{log.name}")
    try:
        archive.write(file)
    except FileExistsError:
        raise ChassisError(f"{file} is there already, and is not replaced: give another name, or delete it") from None
    except OSError as error:
        raise ChassisError(f"{file} cannot be written: {error.strerror}") from None
    told(f"wrote {file}: {', '.join(archive.names)}\nSecrets were removed. Read it before you send it.")
    return Status.DONE


def _learn_secrets(service: "Service") -> None:
    """Know every secret that there is, before anything is read that may quote it."""
    REDACTOR.learn_environment(os.environ)
    for env_file in _env_files(service):
        learn_env_file(env_file)


def _env_files(service: "Service") -> Iterator[Path]:
    named = service.settings_class.model_config.get("env_file")
    for each in (named,) if isinstance(named, str | Path) else (named or ()):
        yield Path(each)


def _add_settings(archive: Archive, service: "Service") -> Any:
    """Add the settings in use, and return them; add what is wrong with them, and return None, otherwise."""
    from chassis.settings_describe import settings_values  # noqa: PLC0415 - it imports pydantic

    try:
        settings = service.settings
    except SettingsError as error:
        archive.add_data("settings.json", {"problems": error.problems}, "what is wrong with the settings")
        for part in ("health", "metrics", "logs"):
            archive.note(part, "the settings are wrong, so it is not known where to find them")
        return None
    # A list, as a mapping by key would lose whether a secret is set: members with such names are hidden whole.
    values = [{"key": key, "value": value} for key, value in settings_values(settings).items()]
    said = {"settings": values, "warnings": settings.load_warnings}
    archive.add_data("settings.json", said, "the settings in use, without secrets")
    return settings


def _add_answers(archive: Archive, service: "Service", settings: Any) -> None:
    """Add what the running service says about itself."""
    try:
        said = health_answer(service, _ASKED_S)
    except NotRunningError as error:
        archive.note("health, start, metrics", f"the service is not running here: {error}")
        return
    archive.add_data("start.json", said.pop("start", []), "how each step of the start went")
    archive.add_data("health.json", said, "what the running service says about its health")
    host, port = own_address(settings)
    for path, name in METRICS.items():
        try:
            found = asked(host, port, path, _ASKED_S)
        except NotRunningError as error:
            archive.note(name, str(error))
            continue
        if found.status == HTTPStatus.OK:
            archive.add_text(name, found.body.decode("utf-8", "replace"), f"what it answers at {path}")
        else:
            archive.note(name, f"it answers {found.status} at {path}")


def _add_log(archive: Archive, log: Path, lines: int, name: str) -> None:
    try:
        found = last_lines(log, lines)
        if len(found) < lines and (older := log.with_name(f"{log.name}.1")).exists():  # it was rotated a while ago
            found = last_lines(older, lines - len(found)) + found
    except OSError as error:
        archive.note(name, f"{log} cannot be read: {error.strerror}")
        return
    archive.add_log(name, found, f"the last lines of {log}")


def _versions() -> dict[str, Any]:
    packages = {each.metadata["Name"]: each.version for each in distributions()}
    return {
        "bundled": datetime.now(UTC).isoformat(timespec="seconds"),
        "chassis": version("roadworthy-chassis"),
        "python": sys.version,
        "platform": platform.platform(),
        "machine": platform.machine(),
        "processors": os.cpu_count(),
        "packages": dict(sorted(packages.items(), key=lambda item: item[0].lower())),
    }
