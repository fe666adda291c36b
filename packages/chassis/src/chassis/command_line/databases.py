"""Which databases a command is about, and an orderly end of it."""

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import click

from chassis.dependencies.sql import Database
from chassis.errors import ChassisError

if TYPE_CHECKING:
    from chassis.data.declared import DeclaredData
    from chassis.service import Service

ENDED = 128 + signal.SIGTERM

F = TypeVar("F", bound=Callable[..., Any])


def database_option(command: F) -> F:
    """Give a command the option ``--database``."""
    words = "Only this one of the service's databases."
    return click.option("--database", "name", default="", metavar="NAME", help=words)(command)


def declared_data(service: "Service") -> "DeclaredData | None":
    """Return what the service declared about its data; None when it declared nothing."""
    found: DeclaredData | None = vars(service).get("data")
    return found


def chosen(service: "Service", name: str) -> list[Database]:
    """Return the database of this name; for "" all that are configured and that the service writes to.

    Raises:
        ChassisError: there is none.
    """
    declared = [each for each in service.dependencies if isinstance(each, Database)]
    if name:
        found = [each for each in declared if each.name == name]
    else:
        found = [each for each in declared if each.configured and not each.options.read_only]
    if not found:
        names = ", ".join(each.name for each in declared) or "none"
        wanted = f"database {name}" if name else "database of its own"
        raise ChassisError(f"{service.name} has no {wanted}: its databases are {names}")
    return found


@contextmanager
def ended_in_order() -> Iterator[None]:
    """End the command on SIGTERM as an error would, so that no half-made backup or scratch database is left behind."""
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(ENDED))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
