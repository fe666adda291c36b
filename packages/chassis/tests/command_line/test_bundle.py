"""The archive for support: what is in it, what is not and why, and that nothing is replaced."""

import json
import stat
import zipfile
from pathlib import Path
from typing import Any

from chassis.command_line.tail import LARGEST, last_lines


def contents(file: Path) -> dict[str, str]:
    """Return the texts in an archive by name."""
    with zipfile.ZipFile(file) as archive:
        return {name: archive.read(name).decode() for name in archive.namelist()}


def test_it_holds_what_somebody_needs_to_help_and_says_so(ledger: Any) -> None:
    ledger.settings["LEDGER_LOG_FILE"] = "ledger.log"
    with ledger.serving():
        made = ledger.run("bundle", "b.zip")
    assert made.status == 0, made.err
    bundle = contents(ledger.folder / "b.zip")
    assert sorted(bundle) == [
        "MANIFEST.txt", "check.json", "health.json", "logs/1-ledger.log", "metrics.json", "metrics.txt",
        "settings.json", "start.json", "versions.json",
    ]  # fmt: skip
    assert all(f"{name}: " in bundle["MANIFEST.txt"] for name in bundle if name != "MANIFEST.txt")
    assert all(name in made.out for name in bundle)
    settings = {each["key"]: each["value"] for each in json.loads(bundle["settings.json"])["settings"]}
    assert (settings["LEDGER_KEEP_DAYS"], settings["LEDGER_SIGNING_KEY"]) == ("30.0", "[redacted]")
    assert settings["LEDGER_MAIL_PASSWORD"] == ""  # whether a secret is set matters, and shows
    assert json.loads(bundle["versions.json"])["packages"]["roadworthy-chassis"]
    assert json.loads(bundle["health.json"])["status"] == "healthy"
    assert "migrate database" in [each["step"] for each in json.loads(bundle["start.json"])]
    assert json.loads(bundle["check.json"])["dependencies"]["database"]["status"] == "up"
    assert "# TYPE ledger_ready gauge" in bundle["metrics.txt"]
    assert json.loads(bundle["metrics.json"])["window_s"] == 60
    assert all(json.loads(line)["timestamp"] for line in bundle["logs/1-ledger.log"].splitlines())
    assert stat.S_IMODE((ledger.folder / "b.zip").stat().st_mode) == 0o600


def test_what_is_there_is_not_replaced(ledger: Any) -> None:
    (ledger.folder / "b.zip").write_text("precious")
    refused = ledger.run("bundle", "b.zip")
    assert refused.status == 2
    assert refused.err == "Error: b.zip is there already, and is not replaced: give another name, or delete it\n"
    assert (ledger.folder / "b.zip").read_text() == "precious"
    assert (
        ledger.run("bundle", "no/such/b.zip").err
        == "Error: no/such/b.zip cannot be written: No such file or directory\n"
    )


def test_it_is_made_of_a_service_that_cannot_start_too(ledger: Any) -> None:
    wrong = ledger.run("bundle", "b.zip", LEDGER_KEEP_DAYS="soon")
    assert wrong.status == 0, wrong.err
    bundle = contents(ledger.folder / "b.zip")
    assert "LEDGER_KEEP_DAYS: expected a number" in json.loads(bundle["settings.json"])["problems"][0]
    assert json.loads(bundle["check.json"])["status"] == "settings wrong"
    assert "health: the settings are wrong" in bundle["MANIFEST.txt"]


def test_it_says_why_something_is_missing_and_takes_logs_from_elsewhere(ledger: Any, nowhere: str) -> None:
    (ledger.folder / "out.log").write_text("first line\nsecond line\nthird line\n")
    made = ledger.run("bundle", "b.zip", "--log", "out.log", "--lines", "2", LEDGER_PORT=nowhere.partition(":")[2])
    assert made.status == 0, made.err
    bundle = contents(ledger.folder / "b.zip")
    assert bundle["logs/1-out.log"] == "second line\nthird line\n"
    absent = bundle["MANIFEST.txt"].partition("Not in it:")[2]
    assert f"the service is not running here: no answer from {nowhere}" in absent
    assert "the settings name no log file" in absent


def test_the_lines_before_a_rotation_are_there_too(ledger: Any) -> None:
    (ledger.folder / "ledger.log.1").write_text("one\ntwo\n")
    (ledger.folder / "ledger.log").write_text("three\n")
    ledger.run("bundle", "b.zip", "--lines", "2", LEDGER_LOG_FILE="ledger.log")
    assert contents(ledger.folder / "b.zip")["logs/1-ledger.log"] == "two\nthree\n"


def test_of_a_huge_log_only_whole_last_lines_are_read(tmp_path: Path) -> None:
    file = tmp_path / "huge.log"
    with file.open("wb") as opened:
        opened.write(b"a secret that begins here" + b"x" * LARGEST + b"\nlast\n")
    assert last_lines(file, 10) == ["last"]
    assert last_lines(file, 0) == []
