"""What all commands share: help that teaches, exit statuses, errors of one line, and commands of the service's own."""

import os
import subprocess
import sys
from typing import Any

import click
import pytest
from chassis.command_line import COMMANDS, cli, program
from chassis.command_line.group import Status
from chassis.errors import ChassisError
from click.testing import CliRunner


@pytest.mark.parametrize("command", COMMANDS, ids=lambda each: str(each.name))
def test_help_says_what_a_command_does_with_an_example_and_its_statuses(command: click.Command) -> None:
    said = CliRunner().invoke(program, ["ledger:application", str(command.name), "--help"], prog_name="chassis")
    assert said.exit_code == 0  # and nothing was imported: there is no such module here
    assert f"chassis ledger:application {command.name}" in said.output.split("Usage:")[1]
    assert "\n  Example" in said.output
    assert "\n  Exit statuses: 0 " in said.output
    assert max(map(len, said.output.splitlines())) <= 90


def test_examples_are_those_of_the_services_own_command() -> None:
    said = CliRunner().invoke(cli("ledger:application"), ["migrate", "--help"], prog_name="ledger").output
    assert "    ledger migrate --check" in said
    assert "notes" not in said


def test_the_list_of_commands_is_in_the_order_of_use() -> None:
    said = CliRunner().invoke(program, ["--help"], prog_name="chassis").output.partition("Commands:")[2]
    assert [line.split()[0] for line in said.strip().splitlines()][:4] == ["serve", "check", "health", "migrate"]


def test_what_cannot_be_imported_is_one_line_and_its_own_status(ledger: Any) -> None:
    for place, words in {
        "nowhere:application": "nowhere:application: there is no module nowhere in ",
        "ledger": "ledger: expected module:attribute, such as notes:application",
        "ledger:app": "ledger:app: expected what service.asgi() or service.wsgi() returned, not function",
    }.items():
        ledger.place = place
        said = ledger.run("check")
        assert (said.status, said.out, said.err.count("\n")) == (Status.NOT_UNDERSTOOD, "", 1)
        assert said.err.startswith(f"Error: {words}")


def test_typing_mistakes_do_not_look_like_a_failure() -> None:
    for arguments in (["ledger:application", "chekc"], ["ledger:application", "backup"], ["ledger:application"], []):
        assert CliRunner().invoke(program, arguments).exit_code == Status.NOT_UNDERSTOOD


def test_a_fault_of_the_service_is_one_line_with_its_place_and_no_secret(ledger: Any) -> None:
    (ledger.folder / "faulty.py").write_text(
        "import os\nimport logging\n"
        "logging.getLogger('faulty').warning('with %s', os.environ['PAY_API_KEY'])\n"
        "raise RuntimeError('no luck with ' + os.environ['PAY_API_KEY'] + '\\nand a second line')\n"
    )
    ledger.place = "faulty:application"
    said = ledger.run("check", PAY_API_KEY="pk-vT7wQz91LmXc")
    assert said.status == Status.FAULT
    warning, error = said.err.splitlines()
    assert error == "Error: a fault at faulty.py:4: RuntimeError: no luck with [redacted:PAY_API_KEY] and a second line"
    assert warning.startswith("warning: faulty: with ")
    assert "pk-vT7wQz91LmXc" not in said.err


def test_a_service_adds_commands_of_its_own() -> None:
    own = cli("ledger:application")

    @own.command()
    def count() -> None:
        """Count entries."""
        raise ChassisError("nothing to count")

    @own.command()
    def five() -> int:
        """Return five."""
        return 5

    counted = CliRunner().invoke(own, ["count"])
    assert (counted.exit_code, counted.stderr) == (Status.FAILED, "Error: nothing to count\n")
    assert CliRunner().invoke(own, ["five"]).exit_code == 5
    assert "Count entries." in CliRunner().invoke(own, ["--help"]).output
    assert "count" not in CliRunner().invoke(cli("ledger:application"), ["--help"]).output


@pytest.mark.parametrize("argv", [["ledger.py"], ["-m", "chassis", "ledger:application"]], ids=["script", "module"])
def test_a_fresh_interpreter_does_the_same(ledger: Any, argv: list[str]) -> None:
    ended = subprocess.run(
        [sys.executable, *argv, "migrate", "--check"], cwd=ledger.folder, env=os.environ | ledger.settings,
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (ended.returncode, ended.stderr) == (3, "")
    assert ended.stdout.startswith("database: behind")


def test_the_environment_does_not_change_documents(ledger: Any) -> None:
    plain = ledger.run("describe", "settings").out
    secrets = {"SOME_PASSWORD": "127.0.0.1", "OTHER_TOKEN": "local", "A_SECRET": "number"}
    assert ledger.run("describe", "settings", **secrets).out == plain
