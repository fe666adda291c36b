import errno
import json
import os
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from roadworthy.domain.inspection import Inspection
from roadworthy.report.files import ReportError, write_reports


def test_every_report_is_written_and_nothing_else(inspection: Inspection, tmp_path: Path) -> None:
    folder = tmp_path / "new" / "reports"
    written = write_reports(inspection, folder)
    assert sorted(written) == ["junit.xml", "report.html", "report.json", "results.sarif"]
    assert sorted(folder.iterdir()) == sorted(written.values())
    assert json.loads(written["report.json"].read_text())["target"] == "bookings"
    assert json.loads(written["results.sarif"].read_text())["version"] == "2.1.0"
    assert ET.parse(written["junit.xml"]).getroot().tag == "testsuite"
    assert written["report.html"].read_text().startswith("<!DOCTYPE html>")


def test_reports_are_replaced(inspection: Inspection, failed: Inspection, tmp_path: Path) -> None:
    write_reports(inspection, tmp_path)
    written = write_reports(failed, tmp_path)
    assert json.loads(written["report.json"].read_text())["gate"]["exit_status"] == 2


def test_a_folder_that_cannot_be_made_is_named(inspection: Inspection, tmp_path: Path) -> None:
    in_the_way = tmp_path / "reports"
    in_the_way.write_text("")
    with pytest.raises(ReportError, match=r"reports: File exists\. Choose another folder"):
        write_reports(inspection, in_the_way)


def test_a_file_that_cannot_be_replaced_is_named(inspection: Inspection, tmp_path: Path) -> None:
    (tmp_path / "junit.xml" / "occupied").mkdir(parents=True)
    with pytest.raises(ReportError, match=r"junit\.xml: Is a directory"):
        write_reports(inspection, tmp_path)
    assert not list(tmp_path.glob(".*"))


def test_a_full_disk_leaves_earlier_reports_as_they_were(
    inspection: Inspection, failed: Inspection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {name: path.read_bytes() for name, path in write_reports(inspection, tmp_path).items()}
    synced = []

    def full_at_the_third(descriptor: int) -> None:
        synced.append(descriptor)
        if len(synced) == 3:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full_at_the_third)
    with pytest.raises(ReportError, match=r"junit\.xml: No space left on device\. Make room there"):
        write_reports(failed, tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
