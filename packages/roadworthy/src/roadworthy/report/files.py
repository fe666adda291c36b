"""Writes the reports of an inspection into a folder, each complete or not at all."""

import contextlib
import os
from pathlib import Path

from roadworthy.domain.inspection import Inspection
from roadworthy.report.html import to_html
from roadworthy.report.json_report import to_json
from roadworthy.report.junit import to_junit
from roadworthy.report.sarif import to_sarif

_WRITERS = {
    "report.html": to_html,
    "report.json": to_json,
    "junit.xml": to_junit,
    "results.sarif": to_sarif,
}


class ReportError(Exception):
    """A report could not be written. The message names the file and the cause."""


def write_reports(inspection: Inspection, folder: Path) -> dict[str, Path]:
    """Write every report into ``folder``, which is made if it is missing, and return where each one is, by its name.

    All are written beside their places first, and then put there: a full disk leaves earlier reports as they were.

    Raises:
        ReportError: the folder cannot be made or written, or the disk is full.
    """
    contents = {name: write(inspection) for name, write in _WRITERS.items()}
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ReportError(f"cannot make the report folder {folder}: {_cause(error)}. Choose another folder.") from error
    written: dict[Path, Path] = {}
    place = folder
    try:
        for name, content in contents.items():
            place = folder / name
            beside = folder / f".{name}.{os.getpid()}.part"
            written[place] = beside
            _write(beside, content)
        for place, beside in written.items():
            beside.replace(place)
    except OSError as error:
        raise ReportError(
            f"cannot write the report {place}: {_cause(error)}. Make room there, or choose another folder."
        ) from error
    finally:
        for beside in written.values():
            with contextlib.suppress(OSError):
                beside.unlink(missing_ok=True)
    return {name: folder / name for name in contents}


def _write(path: Path, content: str) -> None:
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _cause(error: OSError) -> str:
    return error.strerror or str(error)
