"""What is written into a recording is what is read back, for every kind of evidence."""

import json
from dataclasses import asdict
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from roadworthy.domain.evidence import Answer, Evidence, Exchange, NotRun
from roadworthy.domain.inspection import PROFILES, Waiver
from roadworthy.domain.recording import SCHEMA_VERSION, Header
from roadworthy.domain.verdict import Reason
from roadworthy.recording.codec import evidence_types, load_evidence
from roadworthy.recording.reader import read_recording
from roadworthy.recording.redaction import Redactor
from roadworthy.recording.writer import INLINE_LIMIT, RecordingWriter

KINDS = evidence_types()
QUIET = settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

# Any text that can be written as UTF-8. Lone surrogates never reach a recording: bodies are decoded with replacement.
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
numbers = st.floats(allow_nan=False, allow_infinity=False)
st.register_type_strategy(str, texts)
st.register_type_strategy(float, numbers)


def evidence_of(kind: type[Evidence]) -> st.SearchStrategy[Evidence]:
    if kind is NotRun:  # its reason is a word from a closed list
        return st.builds(NotRun, reason=st.sampled_from([each.value for each in Reason]))
    return st.builds(kind)


headers = st.builds(
    Header,
    schema_version=st.just(SCHEMA_VERSION),
    profile=st.sampled_from(sorted(PROFILES)),
    configurations=st.lists(texts, min_size=1, max_size=3).map(tuple),
    waivers=st.lists(st.builds(Waiver), max_size=2).map(tuple),
    environment=st.dictionaries(texts, texts, max_size=2),
    claim_lines=st.none() | st.dictionaries(texts, st.integers(1, 99), max_size=2),
)
HEADER = Header(SCHEMA_VERSION, "1", "target", "run", "/", "2026-01-01", "standard", 1, ("default",), {})


def writer(folder: Path, header: Header = HEADER) -> RecordingWriter:
    made = RecordingWriter(folder, Redactor())
    made.header(header, {})
    return made


@pytest.mark.parametrize("name", sorted(KINDS))
@QUIET
@given(data=st.data())
def test_every_kind_of_evidence_comes_back_as_it_was(name: str, data: st.DataObject, tmp_path: Path) -> None:
    items = data.draw(st.lists(evidence_of(KINDS[name]), min_size=1, max_size=3))
    recorder = writer(tmp_path / "r")
    kept = [recorder.keep(item) for item in items]
    recorder.end()
    recording = read_recording(tmp_path / "r")
    assert kept == items
    assert recording.evidence == tuple(items)
    assert recorder.evidence == items
    assert recording.warnings == ()
    assert recording.complete


@QUIET
@given(header=headers, error=texts, warnings=st.lists(texts, max_size=3))
def test_the_header_and_the_end_come_back_as_they_were(
    header: Header, error: str, warnings: list[str], tmp_path: Path
) -> None:
    recorder = writer(tmp_path / "r", header)
    recorder.end(error=error, warnings=tuple(warnings))
    recording = read_recording(tmp_path / "r")
    assert asdict(recording.header) == asdict(header)
    assert recording.error == error
    assert recording.warnings == tuple(warnings)


def exchange(body: str, request_body: str = "") -> Exchange:
    return Exchange("x1", 0.5, "GET", "/", {}, request_body, Answer.ANSWERED, 200, {}, body, 0.1)


@pytest.mark.parametrize("length", [0, INLINE_LIMIT, INLINE_LIMIT + 1, 65_536])
def test_long_bodies_become_files_and_come_back(length: int, tmp_path: Path) -> None:
    sent = exchange("é" * length, "ü" * length)
    recorder = writer(tmp_path)
    recorder.exchange(sent)
    recorder.exchange(sent)
    recorder.end()
    assert dict(read_recording(tmp_path).exchanges) == {"x1": sent}
    blobs = list((tmp_path / "blobs").iterdir())
    assert len(blobs) == (2 if length > INLINE_LIMIT else 0)  # the same body is kept once
    longest = max(len(line) for line in (tmp_path / "events.jsonl").read_text().splitlines())
    assert longest < 2 * 6 * INLINE_LIMIT + 1_000  # a character takes six at most, as \uXXXX


def test_a_long_body_whose_file_is_gone_costs_that_exchange_alone(tmp_path: Path) -> None:
    recorder = writer(tmp_path)
    recorder.exchange(exchange("x" * (INLINE_LIMIT + 1)))
    recorder.end()
    for blob in (tmp_path / "blobs").iterdir():
        blob.unlink()
    recording = read_recording(tmp_path)
    assert recording.exchanges == {}
    assert any("line 2 is unreadable" in warning for warning in recording.warnings)


@pytest.mark.parametrize("name", ["../outside", "/etc/hostname", "..", "", "a\0b"])
def test_a_recording_cannot_make_its_reader_read_elsewhere(name: str, tmp_path: Path) -> None:
    recorder = writer(tmp_path / "r")
    recorder.exchange(exchange("here"))
    recorder.end()
    (tmp_path / "outside").write_text("a file of somebody else")
    events = tmp_path / "r" / "events.jsonl"
    events.write_text(events.read_text().replace('"here"', json.dumps({"blob": name})))
    recording = read_recording(tmp_path / "r")
    assert recording.exchanges == {}
    assert any("line 2 is unreadable" in warning for warning in recording.warnings)


def test_evidence_of_a_kind_that_is_not_known_is_an_error() -> None:
    with pytest.raises(ValueError, match="unknown kind of evidence 'Hearsay'"):
        load_evidence("Hearsay", {})
