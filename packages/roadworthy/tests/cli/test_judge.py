"""``roadworthy judge`` on the recording of a real inspection."""

import json
import shutil
from pathlib import Path

import pytest


def report(folder: Path) -> dict[str, object]:
    document = json.loads((folder / "report.json").read_text())
    assert isinstance(document, dict)
    return document


def test_the_inspection_found_what_it_should(inspected) -> None:
    claims = {each["id"]: each["verdict"] for each in report(inspected.out)["claims"]}
    assert claims == {"health-exists": "PROVEN", "error-no-stack-trace": "REFUTED"}
    assert inspected.ran.status == 1
    assert f"Report: {inspected.out / 'report.html'}" in inspected.ran.out


def test_judging_a_recording_gives_the_report_of_the_run(inspected) -> None:
    again = inspected.line("judge", "out", "--out", "again")
    assert again.status == inspected.ran.status
    assert report(inspected.line.home / "again") == report(inspected.out)


def test_the_folder_of_the_recording_itself_can_be_named_and_nothing_is_written(inspected) -> None:
    before = sorted(inspected.line.home.rglob("*"))
    again = inspected.line("judge", "out/recording")
    assert again.status == inspected.ran.status
    assert "error-no-stack-trace" in again.out
    assert sorted(inspected.line.home.rglob("*")) == before


@pytest.mark.parametrize(
    ("first_line", "says"),
    [
        ("{broken", "does not begin with the header"),
        ("", "does not begin with the header"),
        ('{"kind": "start"}', "does not begin with the header"),
        ('{"header": {"schema_version": 99}}', "schema version 99, and this program reads version 1"),
    ],
)
def test_a_header_that_cannot_be_read_ends_with_status_2_and_says_why(roadworthy, first_line: str, says: str) -> None:
    (roadworthy.home / "events.jsonl").write_text(f"{first_line}\n")
    ran = roadworthy("judge", ".")
    assert ran.status == 2
    assert says in ran.err
    assert "Traceback" not in ran.said


def test_a_recording_that_was_cut_short_is_judged_with_a_warning(inspected, tmp_path: Path) -> None:
    shutil.copytree(inspected.out / "recording", tmp_path / "cut")
    events = tmp_path / "cut" / "events.jsonl"
    lines = events.read_bytes().splitlines(keepends=True)
    events.write_bytes(lines[0] + lines[1][: len(lines[1]) // 2])
    ran = inspected.line("judge", str(tmp_path / "cut"))
    assert ran.status == 3
    assert "cut short" in ran.out
    assert "line 2 is unreadable" in ran.out
    assert "REFUTED" not in ran.out
