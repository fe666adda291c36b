"""The recording of a real inspection, cut at any byte: judging never fails, and says nothing that is not shown."""

import random
import shutil
from datetime import date
from pathlib import Path

import pytest
from roadworthy import configuration
from roadworthy.domain.inspection import GATE_PASSED
from roadworthy.domain.verdict import Verdict
from roadworthy.recording.writer import RecordingError
from roadworthy.report.files import write_reports

TODAY = date(2026, 1, 1)
CUTS = 60


@pytest.fixture
def cut(inspected, tmp_path: Path):
    """A copy of the recording, and a way to cut it."""
    shutil.copytree(inspected.out / "recording", tmp_path / "recording")
    events = tmp_path / "recording" / "events.jsonl"
    whole = events.read_bytes()

    def at(position: int) -> Path:
        events.write_bytes(whole[:position])
        return tmp_path

    return whole, at


def test_no_cut_makes_judging_fail_or_overstate(cut) -> None:
    whole, at = cut
    header_end = whole.index(b"\n")
    full = {r.claim.id: r.verdict for r in configuration.judge(at(len(whole)), TODAY).results}
    assert full == {"health-exists": Verdict.PROVEN, "error-no-stack-trace": Verdict.REFUTED}
    seen = set()
    ends = [number for number, byte in enumerate(whole) if byte == 10]
    chance = random.Random(7)
    positions = {chance.randrange(len(whole)) for _ in range(CUTS)} | {
        each + 1 for each in chance.sample(ends, CUTS // 3)
    }
    positions.add(header_end + 2)  # nothing but the header is whole
    for position in sorted(positions):
        folder = at(position)
        if position < header_end:
            with pytest.raises(RecordingError, match="does not begin with the header"):
                configuration.judge(folder, TODAY)
            continue
        inspection = configuration.judge(folder, TODAY)
        complete = position >= len(whole) - 1
        assert any("cut short" in each for each in inspection.warnings) == (not complete)
        for result in inspection.results:
            assert result.verdict in (full[result.claim.id], Verdict.UNPROVEN), (position, result)
            if result.verdict is Verdict.UNPROVEN:
                assert result.judgement.reason is not None
                assert not result.replay
            seen.add((result.claim.id, result.verdict))
        assert inspection.exit_status() != GATE_PASSED
    assert ("health-exists", Verdict.UNPROVEN) in seen
    assert ("health-exists", Verdict.PROVEN) in seen
    assert ("error-no-stack-trace", Verdict.UNPROVEN) in seen


def test_a_cut_recording_can_be_reported(cut, tmp_path: Path) -> None:
    whole, at = cut
    for position in range(whole.index(b"\n") + 1, len(whole), len(whole) // 6):
        written = write_reports(configuration.judge(at(position), TODAY), tmp_path / "reports")
        assert "cut short" in written["report.html"].read_text()


def test_what_is_gathered_by_many_experiments_is_not_proven_by_a_part_of_them(cut) -> None:
    """Until the database is taken away this service shows no trace: a recording that ends there proves nothing."""
    whole, at = cut
    lines = whole.splitlines(keepends=True)
    first = next(n for n, line in enumerate(lines) if b'"type": "ErrorAnswers"' in line)
    inspection = configuration.judge(at(len(b"".join(lines[: first + 1]))), TODAY)
    (result,) = [each for each in inspection.results if each.claim.id == "error-no-stack-trace"]
    assert result.judgement.label == "UNPROVEN(not-run)"
    assert "cut short, so this is only a part" in result.judgement.summary
