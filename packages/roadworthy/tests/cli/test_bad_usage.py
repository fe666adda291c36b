"""Commands that ask for what cannot be: one clear message, status 2, and nothing done."""

import pytest
from click.testing import CliRunner
from roadworthy.cli import main

BROKEN = """\
[target]
comand = ["python", "app.py"]
command = "python app.py"
port = "8000"
[bounds]
start_s = -3
[dependencies.database]
kind = "oracle"
[inspection]
profile = "strict"
"""


def refused(roadworthy, *arguments: str, says: tuple[str, ...]) -> None:
    """Run, and check that it refuses, says why without a traceback, and wrote nothing."""
    before = sorted(roadworthy.home.rglob("*"))
    ran = roadworthy(*arguments)
    assert ran.status == 2, ran.said
    for each in says:
        assert each in ran.err
    assert "Traceback" not in ran.said
    assert sorted(roadworthy.home.rglob("*")) == before


def test_a_manifest_with_mistakes_names_all_of_them_with_their_lines(roadworthy) -> None:
    roadworthy.manifest(BROKEN)
    refused(
        roadworthy,
        "inspect",
        ".",
        says=(
            "roadworthy.toml:2: [target] comand: expected a known key, found this one. Did you mean command?",
            "roadworthy.toml:4: [target] port: expected a whole number, found a string: '8000'",
            "roadworthy.toml:6: [bounds] start_s: expected a number above 0, found a number: -3",
            "roadworthy.toml:8: [dependencies.database] kind: expected one of",
            "roadworthy.toml:10: [inspection] profile: expected one of",
        ),
    )


def test_a_manifest_that_is_no_toml(roadworthy) -> None:
    roadworthy.manifest("[target]\ncommand = [\n")
    refused(roadworthy, "inspect", ".", says=("roadworthy.toml:", "not valid TOML"))


@pytest.mark.parametrize("arguments", [("inspect",), ("inspect", "."), ("inspect", "elsewhere")])
def test_no_manifest(roadworthy, arguments: tuple[str, ...]) -> None:
    refused(roadworthy, *arguments, says=("there is no roadworthy.toml in", "roadworthy inspect -- COMMAND"))


def test_nothing_after_the_dashes(roadworthy) -> None:
    refused(roadworthy, "inspect", "--", says=("nothing after `--`; expected the command that starts the service",))


def test_a_command_without_the_dashes(roadworthy) -> None:
    refused(roadworthy, "inspect", "python", "app.py", says=("put `--` before the command", "-- python app.py"))


def test_a_folder_before_the_dashes_that_is_none(roadworthy) -> None:
    refused(roadworthy, "inspect", "elsewhere", "--", "true", says=("elsewhere is not a folder",))


def test_an_unknown_claim(roadworthy, tiny) -> None:
    refused(
        roadworthy,
        *("inspect", "--only", "helth-exists", "--", *tiny),
        says=("there is no claim 'helth-exists'; `roadworthy claims` lists them",),
    )


def test_a_url(roadworthy) -> None:
    refused(roadworthy, "inspect", "http://127.0.0.1:9/", says=("a URL cannot be inspected yet",))


def test_a_recording_that_is_not_there(roadworthy) -> None:
    refused(roadworthy, "judge", "nowhere", says=("no recording in", "nowhere: expected a file events.jsonl"))


def test_a_budget_and_a_profile_that_are_none(roadworthy, tiny) -> None:
    refused(roadworthy, "inspect", "--budget", "0", "--", *tiny, says=("--budget",))
    refused(roadworthy, "inspect", "--profile", "strict", "--", *tiny, says=("'strict' is not one of",))


def test_a_report_folder_below_a_file(roadworthy, tiny) -> None:
    (roadworthy.home / "file").write_text("in the way")
    refused(
        roadworthy,
        *("inspect", "--out", "file/out", "--", *tiny),
        says=("cannot write the recording in", "file/out/recording: Not a directory", "another folder with --out"),
    )


def test_a_report_folder_on_a_file_system_that_takes_nothing(roadworthy, tiny) -> None:
    refused(
        roadworthy,
        *("inspect", "--out", "/proc/out", "--", *tiny),
        says=("cannot write the recording in /proc/out/recording", "another folder with --out"),
    )


def test_a_folder_named_recording_that_is_none_is_not_deleted(roadworthy, tiny) -> None:
    (roadworthy.home / "recording").mkdir()
    (roadworthy.home / "recording" / "symphony.wav").write_text("four movements")
    refused(
        roadworthy,
        *("inspect", "--out", ".", "--", *tiny),
        says=("is there and is no recording: move it away, or name another folder with --out",),
    )


def test_an_earlier_recording_is_replaced(roadworthy, tiny) -> None:
    for _ in range(2):
        ran = roadworthy("inspect", "--only", "health-exists", "--out", "out", "--", *tiny)
        assert ran.status == 0, ran.said
    headers = (roadworthy.home / "out" / "recording" / "events.jsonl").read_text().count('"kind": "header"')
    assert headers == 1


def test_a_fault_of_its_own_is_no_verdict_and_quotes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def buggy(*_: object) -> None:
        raise ZeroDivisionError("canary-secret")

    monkeypatch.setattr("roadworthy.configuration.target_from_folder", buggy)
    ran = CliRunner().invoke(main, ["inspect", "."])
    assert ran.exit_code == 2
    assert "roadworthy: a fault of its own: ZeroDivisionError at test_bad_usage.py:" in ran.output
    assert "canary-secret" not in ran.output


def test_a_setting_that_leads_to_another_machine(roadworthy) -> None:
    roadworthy.manifest("""
[target]
command = ["true"]
[configurations.live]
environment = { DATABASE_URL = "postgresql://app:canary@db.example.com/live" }
""")
    refused(roadworthy, "inspect", ".", says=("setting DATABASE_URL leads to db.example.com", "--i-own-this"))
