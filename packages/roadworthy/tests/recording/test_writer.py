"""A recording survives whatever ends the inspector, and says what to do when it cannot be written."""

import errno
import io
import os
from pathlib import Path

import pytest
from roadworthy.domain.evidence import Answer, Exchange, NotRun
from roadworthy.domain.recording import SCHEMA_VERSION, Header
from roadworthy.recording.reader import read_recording
from roadworthy.recording.redaction import Redactor
from roadworthy.recording.writer import RecordingError, RecordingWriter

HEADER = Header(SCHEMA_VERSION, "1", "target", "run", "/", "2026-01-01", "standard", 1, ("default",), {})
NOT_RUN = NotRun(experiment="e", trial=1, configuration="default", reason="budget", explanation="", decidable_by="")


class FullDisk(io.StringIO):
    """A file on a disk that takes no more."""

    def flush(self) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_what_was_written_is_there_at_once(tmp_path: Path) -> None:
    recorder = RecordingWriter(tmp_path, Redactor())
    recorder.header(HEADER, {})
    recorder.keep(NOT_RUN)
    recording = read_recording(tmp_path)
    recorder.close()
    assert recording.evidence == (NOT_RUN,)
    assert not recording.complete


def test_closing_without_an_end_leaves_a_recording_that_is_cut_short(tmp_path: Path) -> None:
    recorder = RecordingWriter(tmp_path, Redactor())
    recorder.header(HEADER, {})
    recorder.close()
    recorder.close()
    recorder.end()
    assert not read_recording(tmp_path).complete


def test_the_end_is_written_once_and_holds_the_time(tmp_path: Path) -> None:
    recorder = RecordingWriter(tmp_path, Redactor())
    recorder.header(HEADER, {})
    recorder.end(warnings=("one",))
    recorder.end(warnings=("two",))
    recording = read_recording(tmp_path)
    assert recording.warnings == ("one",)
    assert 0 < recording.seconds <= recorder.seconds


def test_a_full_disk_names_the_folder_and_the_way_out(tmp_path: Path) -> None:
    recorder = RecordingWriter(tmp_path, Redactor())
    recorder.header(HEADER, {})
    recorder._file.close()
    recorder._file = FullDisk()  # type: ignore[assignment]
    with pytest.raises(RecordingError) as full:
        recorder.keep(NOT_RUN)
    assert str(full.value) == (
        f"cannot write the recording in {tmp_path}: No space left on device. "
        "Free some space there, or name another folder with --out."
    )
    assert read_recording(tmp_path).header == HEADER


def test_a_long_body_that_finds_no_space_says_the_same(tmp_path: Path) -> None:
    recorder = RecordingWriter(tmp_path, Redactor())
    recorder.header(HEADER, {})
    (tmp_path / "blobs").rmdir()
    with pytest.raises(RecordingError, match=r"cannot write the recording in .* another folder with --out"):
        recorder.exchange(Exchange("x", 0, "GET", "/", {}, "", Answer.ANSWERED, 200, {}, "x" * 5_000, 0))
    recorder.close()


def test_a_folder_that_cannot_be_made_says_the_same(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RecordingError, match=r"cannot write the recording in .*Not a directory"):
        RecordingWriter(tmp_path / "file" / "r", Redactor())
