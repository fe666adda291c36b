"""A recording that was cut short, is damaged, or comes from elsewhere is read as far as it goes, and says so."""

import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from roadworthy.domain.evidence import Answer, Exchange, NotRun
from roadworthy.domain.recording import SCHEMA_VERSION, Header
from roadworthy.recording.reader import read_recording
from roadworthy.recording.redaction import Redactor
from roadworthy.recording.writer import RecordingError, RecordingWriter

HEADER = Header(SCHEMA_VERSION, "1", "target", "run", "/", "2026-01-01", "standard", 1, ("default",), {})


NOT_RUN = NotRun(experiment="e", trial=1, configuration="default", reason="budget", explanation="", decidable_by="")


def evidence(data: object) -> str:
    return json.dumps({"kind": "evidence", "type": "NotRun", "data": data})


def recorded(folder: Path, header: Header = HEADER) -> Path:
    recorder = RecordingWriter(folder, Redactor())
    recorder.header(header, {})
    for number in range(5):
        recorder.keep(replace(NOT_RUN, experiment=f"e{number}"))
        recorder.exchange(Exchange(f"x{number}", 0, "GET", "/", {}, "", Answer.ANSWERED, 200, {}, "ü" * 3_000, 0))
    recorder.end()
    return folder / "events.jsonl"


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(share=st.floats(0, 1, exclude_max=True))
def test_whatever_is_cut_off_the_rest_is_read(share: float, tmp_path: Path) -> None:
    events = recorded(tmp_path / "r")
    whole = events.read_bytes()
    header_end = whole.index(b"\n")
    at = int(share * len(whole))
    events.write_bytes(whole[:at])
    if at < header_end:
        with pytest.raises(RecordingError, match="does not begin with the header of a recording"):
            read_recording(tmp_path / "r")
        return
    recording = read_recording(tmp_path / "r")
    lines = whole[:at].split(b"\n")
    cut_in_a_line = lines[-1] not in (b"", *whole.split(b"\n"))
    assert recording.header.target == "target"
    assert [each.experiment for each in recording.evidence] == [f"e{n}" for n in range(len(recording.evidence))]
    assert len(recording.evidence) + len(recording.exchanges) == len(lines) - 2 + (
        lines[-1] != b"" and not cut_in_a_line
    ) - (recording.complete)
    assert recording.complete == (at == len(whole) - 1)  # only the last line break is missing
    assert any("cut short" in each for each in recording.warnings) == (not recording.complete)
    assert any(f"line {len(lines)} is unreadable" in each for each in recording.warnings) == cut_in_a_line


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    line=st.integers(1, 11),
    junk=st.binary(max_size=40).filter(lambda raw: len(raw.splitlines()) < 2 and raw.strip() == raw),
)
def test_a_line_that_is_junk_costs_that_line_alone(line: int, junk: bytes, tmp_path: Path) -> None:
    events = recorded(tmp_path / "r")
    lines = events.read_bytes().split(b"\n")
    lines[line] = junk
    events.write_bytes(b"\n".join(lines))
    recording = read_recording(tmp_path / "r")
    kept = len(recording.evidence) + len(recording.exchanges)
    assert kept == (10 if line == 11 else 9)
    assert recording.complete == (line != 11 and not junk)  # what is damaged may have been a counterexample
    assert any(f"line {line + 1} is unreadable" in each for each in recording.warnings) == bool(junk)


@pytest.mark.parametrize(
    "line",
    [
        "[]",
        "7",
        '"kind"',
        "{}",
        '{"kind": "evidence"}',
        '{"kind": "evidence", "type": "Hearsay", "data": {}}',
        '{"kind": "evidence", "type": "NotRun", "data": []}',
        evidence({**asdict(NOT_RUN), "reason": "made up"}),
        '{"kind": "exchange", "data": 7}',
        '{"kind": "exchange", "data": {"request_body": {}, "body": ""}}',
        "[" * 200_000,
    ],
)
def test_a_line_with_something_else_is_passed_over(line: str, tmp_path: Path) -> None:
    events = recorded(tmp_path)
    first, *rest = events.read_text().split("\n")
    events.write_text("\n".join([first, line, *rest]))
    recording = read_recording(tmp_path)
    assert len(recording.evidence) == len(recording.exchanges) == 5
    assert any("line 2 is unreadable and was passed over" in each for each in recording.warnings)
    assert not recording.complete
    assert not any("cut short" in each for each in recording.warnings)  # its last line is there


def test_events_that_are_only_for_human_readers_are_no_evidence(tmp_path: Path) -> None:
    events = recorded(tmp_path)
    events.write_text(events.read_text() + json.dumps({"kind": "something new"}) + "\n")
    assert read_recording(tmp_path).warnings == ()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"schema_version": 2}, "schema version 2, and this program reads version 1: judge it with the version"),
        ({"schema_version": "1"}, "schema version 1, and this program reads"),
        ({"profile": "strict"}, "expected a profile among internal, standard, critical"),
        ({"configurations": []}, "0 configurations"),
        ({"target": 7}, "does not begin with the header of a recording"),
        ({"waivers": "none"}, "does not begin with the header of a recording"),
    ],
)
def test_a_header_of_another_kind_is_refused(change: dict[str, object], says: str, tmp_path: Path) -> None:
    events = recorded(tmp_path)
    first, *rest = events.read_text().split("\n")
    event = json.loads(first)
    event["header"] |= change
    events.write_text("\n".join([json.dumps(event), *rest]))
    with pytest.raises(RecordingError) as refused:
        read_recording(tmp_path)
    assert says in str(refused.value)
    assert str(events) in str(refused.value)


@pytest.mark.parametrize("first", ["", "{", "null", "[1]", '"header"', '{"header": null}', "[" * 200_000, "\x00\xff"])
def test_a_first_line_that_is_no_header_is_refused(first: str, tmp_path: Path) -> None:
    (tmp_path / "events.jsonl").write_text(first)
    with pytest.raises(RecordingError, match="does not begin with the header of a recording"):
        read_recording(tmp_path)


def test_a_folder_without_a_recording_is_refused(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(
            RecordingError, match=r"no recording in .*expected a file events\.jsonl there \(No such file"
        ):
            read_recording(folder)


def test_the_folder_above_is_taken_too(tmp_path: Path) -> None:
    recorded(tmp_path / "recording")
    assert read_recording(tmp_path) == read_recording(tmp_path / "recording")
