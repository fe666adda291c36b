"""Reads a recording back. One that was cut short is read as far as it goes, and says so."""

import json
from pathlib import Path
from typing import Any

from roadworthy.domain.evidence import Evidence, Exchange, NotRun
from roadworthy.domain.inspection import PROFILES
from roadworthy.domain.recording import SCHEMA_VERSION, Header, Recording
from roadworthy.domain.verdict import Reason
from roadworthy.recording import codec
from roadworthy.recording.writer import BLOBS, EVENTS, RecordingError


def read_recording(folder: Path) -> Recording:
    """Read the recording in a folder (or in its subfolder ``recording``, as an inspection leaves it).

    Raises:
        RecordingError: there is none, its first line is unreadable, or another version wrote it.
    """
    if not (folder / EVENTS).exists() and (folder / "recording" / EVENTS).exists():
        folder = folder / "recording"
    try:
        lines = (folder / EVENTS).read_text(encoding="utf-8", errors="replace").split("\n")
    except OSError as error:
        raise RecordingError(f"no recording in {folder}: expected a file {EVENTS} there ({error.strerror})") from error
    header, spec = _header(lines[0], folder)
    evidence: list[Evidence] = []
    exchanges: dict[str, Exchange] = {}
    warnings: list[str] = []
    seconds, complete, error_text = 0.0, False, ""
    damaged = False
    for number, line in enumerate(lines[1:], start=2):
        if not line:
            continue
        try:
            event = json.loads(line)
            match event["kind"]:
                case "evidence":
                    evidence.append(_evidence(event))
                case "exchange":
                    exchange = codec.load_exchange(_with_blobs(event["data"], folder))
                    exchanges[exchange.id] = exchange
                case "end":
                    complete, error_text = True, str(event["error"])
                    seconds = float(event["at"])
                    warnings += event["warnings"]
        except (ValueError, KeyError, TypeError, OSError, RecursionError) as error:
            warnings.append(f"{EVENTS} line {number} is unreadable and was passed over: {_first_line(error)}")
            damaged = True
    if not complete:
        warnings.append(
            "This recording was cut short: its last line is missing. Claims whose evidence is not in it are UNPROVEN."
        )
    whole = complete and not damaged  # a line that is lost may have held the counterexample
    return Recording(header, tuple(evidence), exchanges, seconds, whole, error_text, tuple(warnings), spec)


def _header(line: str, folder: Path) -> tuple[Header, dict[str, Any]]:
    try:
        event = json.loads(line)
        version = event["header"]["schema_version"]
        if version != SCHEMA_VERSION:
            raise RecordingError(
                f"{folder / EVENTS} has schema version {version}, and this program reads version {SCHEMA_VERSION}: "
                "judge it with the version of Roadworthy that made it"
            )
        header, spec = codec.load_header(event["header"]), event.get("spec") or {}
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise RecordingError(
            f"{folder / EVENTS} does not begin with the header of a recording: {_first_line(error)}"
        ) from error
    if header.profile not in PROFILES or not header.configurations:
        raise RecordingError(
            f"{folder / EVENTS} has the header of another program: expected a profile among {', '.join(PROFILES)}, "
            f"and a configuration; found {header.profile!r} and {len(header.configurations)} configurations"
        )
    return header, spec


def _evidence(event: dict[str, Any]) -> Evidence:
    item = codec.load_evidence(event["type"], event["data"])
    if isinstance(item, NotRun):
        Reason(item.reason)  # an unknown one is a ValueError
    return item


def _with_blobs(data: dict[str, Any], folder: Path) -> dict[str, Any]:
    filled = dict(data)
    for part in ("request_body", "body"):
        if isinstance(filled[part], dict):
            name = Path(str(filled[part]["blob"])).name
            filled[part] = (folder / BLOBS / name).read_bytes().decode("utf-8", "replace")
    return filled


def _first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]
