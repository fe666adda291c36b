"""The page of documentation names every command and every option."""

from pathlib import Path

import click
import pytest
from chassis.command_line import COMMANDS
from chassis.command_line.bundle import METRICS
from chassis.command_line.group import Status

PAGE = (Path(__file__).parents[4] / "docs" / "chassis" / "command-line.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("command", COMMANDS, ids=lambda each: str(each.name))
def test_the_page_names_a_command_and_its_options(command: click.Command) -> None:
    assert f"| `{command.name}" in PAGE
    options = [name for each in command.params if isinstance(each, click.Option) for name in each.opts]
    assert [name for name in options if name not in PAGE] == []


def test_the_page_names_every_exit_status_and_document() -> None:
    assert [each for each in Status if f"| {each:d}" not in PAGE] == []
    describe = next(each for each in COMMANDS if each.name == "describe")
    documents = describe.params[0].type
    assert isinstance(documents, click.Choice)
    assert [each for each in documents.choices if f"`{each}`" not in PAGE] == []
    assert [name for name in METRICS.values() if name not in PAGE] == []
