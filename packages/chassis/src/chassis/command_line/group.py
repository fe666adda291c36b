"""What all commands share: where their service is, exit statuses, help as it was written, and errors of one line."""

import inspect
import json
import logging
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from enum import IntEnum
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from chassis.errors import ChassisError, SettingsError
from chassis.redaction import REDACTOR, Redactor

if TYPE_CHECKING:
    from chassis.asgi_application import AsgiApplication
    from chassis.service import Service
    from chassis.wsgi_application import WsgiApplication

EXAMPLE = "chassis notes:application"
"""What examples in help begin with; it is replaced by what was typed."""

_TOLD_BY_COMMANDS = ("chassis.dependencies",)


class Status(IntEnum):
    """The exit status of a command. 64 and 70 are those of ``sysexits.h``, so that no typing mistake looks like 2."""

    DONE = 0
    SETTINGS_WRONG = 1
    FAILED = 2
    NOT_UNDERSTOOD = 64
    FAULT = 70
    INTERRUPTED = 130


class Place:
    """Where a service is imported from, such as ``notes:application``; it is imported when it is first needed."""

    def __init__(self, text: str) -> None:
        """Take the text as it was typed."""
        self.text = text

    @cached_property
    def application(self) -> "AsgiApplication | WsgiApplication":
        """What serves requests.

        Raises:
            click.ClickException: there is no such module, or no application in it.
        """
        from chassis.serve import imported  # noqa: PLC0415 - help needs none of it

        logging.root.addHandler(_Lines())
        module = self.text.partition(":")[0]
        try:
            return imported(self.text)
        except ModuleNotFoundError as error:
            if error.name and f"{module}.".startswith(f"{error.name}."):
                where = f"in {Path.cwd()} or among the installed packages"
                raise click.ClickException(f"{self.text}: there is no module {error.name} {where}") from None
            raise
        except SettingsError:
            raise
        except ChassisError as error:
            raise click.ClickException(str(error)) from None

    @property
    def service(self) -> "Service":
        """The service."""
        return self.application.service

    @property
    def ready(self) -> "Service":
        """The service, with its settings loaded and checked.

        Raises:
            SettingsError: they are wrong; all problems at once.
        """
        self.service.lifecycle.validate()
        return self.service


class Command(click.Command):
    """A command whose help is shown as it was written: its examples and tables keep their lines."""

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the help, with examples as they are typed here."""
        here = typed(ctx).removesuffix(f" {ctx.info_name}")
        _write_as_written((self.help or "").replace(EXAMPLE, here), formatter)


class CommandLine(click.Group):
    """The commands of a service. What a command returns is the exit status; an error is one line on stderr."""

    command_class = Command

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Keep the order of the commands."""
        del ctx
        return list(self.commands)

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the help."""
        del ctx
        _write_as_written(self.help or "", formatter)

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        """Carry out the command that was typed, and end the process with its exit status."""

        def carried_out() -> Any:
            return super(CommandLine, self).main(args, prog_name, complete_var, standalone_mode=False, **extra)

        if not standalone_mode:
            return carried_out()
        sys.exit(_status_of(carried_out))


def typed(context: click.Context) -> str:
    """Return the command under way as one types it, such as ``chassis notes:application check``."""
    return context.command_path.replace(" PLACE ", f" {context.obj.text} ")


def told(text: str) -> None:
    """Print a line of a command's answer, without secrets."""
    click.echo(_clean(text))


def told_data(data: Any) -> None:
    """Print data as JSON, without secrets."""
    click.echo(json.dumps(REDACTOR.clean_data(data), indent=2))


def warned(text: str) -> None:
    """Print a line on stderr, without secrets."""
    click.echo(_clean(text), err=True)


def _clean(text: str) -> str:
    return _of_environment().clean(REDACTOR.clean(text))


@cache
def _of_environment() -> Redactor:
    """Return a redactor for the environment, apart from that of the process: documents must not depend on it."""
    redactor = Redactor()
    redactor.learn_environment(os.environ)
    return redactor


def learn_env_file(file: Path) -> None:
    """Have the secrets of a file such as ``.env`` hidden in all that is printed, if there is one."""
    from dotenv import dotenv_values  # noqa: PLC0415 - only few commands need it

    with suppress(OSError, UnicodeDecodeError):
        REDACTOR.learn_environment({key: value for key, value in dotenv_values(file).items() if value})


def _status_of(carried_out: Callable[[], Any]) -> int:
    """Carry out a command and return its exit status."""
    try:
        status = carried_out()
        return int(status) if isinstance(status, int) and not isinstance(status, bool) else Status.DONE
    except click.Abort:
        warned("interrupted")
        return Status.INTERRUPTED
    except click.ClickException as error:
        error.show()
        return Status.NOT_UNDERSTOOD
    except SettingsError as error:
        warned(f"Error: {error}")
        return Status.SETTINGS_WRONG
    except ChassisError as error:
        warned(f"Error: {error}")
        return Status.FAILED
    except Exception as error:  # noqa: BLE001 - whatever it is, its traceback may hold a secret
        last = traceback.extract_tb(error.__traceback__)[-1]
        words = " ".join(f"{type(error).__name__}: {error}".split())
        warned(f"Error: a fault at {Path(last.filename).name}:{last.lineno}: {words}")
        return Status.FAULT


def _write_as_written(text: str, formatter: click.HelpFormatter) -> None:
    formatter.write_paragraph()
    for line in inspect.cleandoc(text).splitlines():
        formatter.write(f"  {line}\n" if line else "\n")


class _Lines(logging.Handler):
    """Shows what is logged during a command as lines on stderr: warnings and errors, without tracebacks and secrets."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)

    def emit(self, record: logging.LogRecord) -> None:
        if record.name not in _TOLD_BY_COMMANDS:
            warned(f"{record.levelname.lower()}: {record.name}: {record.getMessage()}")
