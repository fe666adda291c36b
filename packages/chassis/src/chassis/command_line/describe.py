"""The command that writes a service's documents from its declarations, and finds those that have drifted."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from chassis.command_line.group import Command, Place, Status, learn_env_file, told, typed, warned

if TYPE_CHECKING:
    from chassis.service import Service

DRIFTED = 1


@click.command(cls=Command)
@click.argument("what", type=click.Choice(["settings", "env", "dependencies", "alerts", "manifest"]))
@click.option("--check", "checked", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
    help="Print nothing; compare FILE with the document.")  # fmt: skip
@click.pass_context
def describe(context: click.Context, what: str, checked: Path | None) -> int:
    """Print a document that is made from the service's declarations.

      settings       a table of all settings, in Markdown
      env            .env.example
      dependencies   the degrade table: what is lost while each dependency is down
      alerts         alert rules for Prometheus, a file for its rule_files
      manifest       roadworthy.toml, for an inspection

    The settings need not be set for this. With --check in a test or a pipeline, a
    document cannot drift from the code. FILE may have more in it, such as a page
    with the table, or a manifest with a transaction of your own.

    Examples:
      chassis notes:application describe env > .env.example
      chassis notes:application describe settings --check docs/settings.md

    Exit statuses: 0 done, or FILE is right; 1 FILE has drifted: the difference is
    printed, and how to repair it.
    """
    from chassis.settings_describe import differs  # noqa: PLC0415 - it imports pydantic

    place: Place = context.obj
    document = _documents(place)[what](place.service)
    if checked is None:
        click.echo(document, nl=False)
        return Status.DONE
    difference = differs(checked, document)
    if not difference:
        return Status.DONE
    command = f"{typed(context)} {what}"
    learn_env_file(checked)  # somebody may have given it a real one
    told(difference)
    warned(
        f"{checked} has drifted from the code. Write it anew: {command} > {checked}\n"
        "If it has more in it, replace only this part by what the command prints."
    )
    return DRIFTED


def _documents(place: Place) -> "dict[str, Callable[[Service], str]]":
    """Return what makes each document."""
    from chassis.settings_describe import render_env_example, render_markdown  # noqa: PLC0415 - it imports pydantic

    return {
        "settings": lambda service: render_markdown(service.settings_class),
        "env": lambda service: render_env_example(service.settings_class),
        "dependencies": lambda service: service.degrade_table(),
        "alerts": lambda service: service.alert_rules(),
        "manifest": lambda service: service.describe_manifest(["python", "-m", "chassis", place.text, "serve"]),
    }
