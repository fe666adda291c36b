"""The command line of a service: serve, check, migrate, back up, describe, and bundle for support.

A service needs no code for it::

    chassis notes:application check

For a command of the service's own name, call :func:`main` in its module, or name a group in ``[project.scripts]``::

    if __name__ == "__main__":
        chassis.main("notes:application")

    cli = chassis.cli("notes:application")      # notes = "notes:cli"

    @cli.command()                              # and further commands of its own
    def count() -> None: ...
"""

import sys
from typing import NoReturn

import click

from chassis.command_line.backups import backup, restore, verify
from chassis.command_line.bundle import bundle
from chassis.command_line.describe import describe
from chassis.command_line.group import CommandLine, Place
from chassis.command_line.running import check, health, serve
from chassis.command_line.schema import migrate, retention

__all__ = ["cli", "main", "program"]

COMMANDS = (serve, check, health, migrate, backup, verify, restore, retention, describe, bundle)


def cli(place: str) -> click.Group:
    """Return the command line of a service, for ``[project.scripts]`` and for further commands.

    Args:
        place: where to import it from, such as ``notes:application``. It is imported when a command needs it.
    """
    return CommandLine(
        commands={str(command.name): command for command in COMMANDS},
        help=f"Run {place} and look after it.\n\nEach command has --help.",
        context_settings={"obj": Place(place)},
    )


def main(place: str) -> NoReturn:
    """Carry out the command that was typed, and end the process with its exit status.

    Args:
        place: where to import the service from, such as ``notes:application``.
    """
    sys.exit(cli(place).main())


@click.group("chassis", cls=CommandLine, commands={str(command.name): command for command in COMMANDS})
@click.version_option(package_name="roadworthy-chassis", prog_name="chassis")
@click.argument("place")
@click.pass_context
def program(context: click.Context, place: str) -> None:
    """Run a service that is built on the chassis, and look after it.

    PLACE is where to import it from: the module, a colon, and the name of what
    service.asgi() or service.wsgi() returned. The working folder comes first.

      chassis notes:application serve
      chassis notes:application check
      chassis notes:application COMMAND --help

    Settings are read as the service itself reads them: from the environment and .env.

    Exit statuses of all commands: 0 done, 1 settings wrong, 2 failed; each command's
    help has its others. 64 the command is not understood, 70 a fault in the
    service's own code, 130 interrupted.
    """
    context.obj = Place(place)
