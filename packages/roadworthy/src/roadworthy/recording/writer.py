"""Writes a recording while the inspection runs: what is there survives whatever ends the inspector."""

import contextlib
import hashlib
import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from roadworthy.domain.evidence import Evidence, Exchange
from roadworthy.domain.recording import Header
from roadworthy.recording import codec
from roadworthy.recording.redaction import Redactor

EVENTS, BLOBS = "events.jsonl", "blobs"
INLINE_LIMIT = 2_000
_CLOSED_LISTS = {"kind", "answer", "outcome", "fault", "how", "role", "reason", "would_have_made", "ready_by",
    "transaction_source", "experiment", "configuration", "configurations", "profile", "only", "claim"}  # fmt: skip
"""Fields whose values are words of our own, or names from the manifest, which the judge compares: a target whose
password is "postgres" must not turn the kind "postgresql" into something else."""
_FREE = {"headers", "request_headers", "auth_headers", "environment", "json"}
"""Fields with names and values of the target's own, in which nothing is one of our words."""


class RecordingError(RuntimeError):
    """The recording could not be written or read."""


class RecordingWriter:
    """Appends events to ``events.jsonl``; bodies over 2,000 characters become files in ``blobs``, named by SHA-256.

    Everything passes through the redactor, here and nowhere else. What was written is kept in memory too, redacted,
    so that judging the run and judging its recording see the same.
    """

    def __init__(self, folder: Path, redactor: Redactor) -> None:
        """Make the folder and open the file.

        Raises:
            RecordingError: it cannot be written.
        """
        self.folder = folder
        self.redactor = redactor
        self.epoch = time.monotonic()
        self.evidence: list[Evidence] = []
        self.exchanges: dict[str, Exchange] = {}
        try:
            (folder / BLOBS).mkdir(parents=True, exist_ok=True)
            self._file = (folder / EVENTS).open("w", encoding="utf-8")
        except OSError as error:
            raise RecordingError(_unwritable(folder, error)) from error

    def header(self, header: Header, spec: Mapping[str, Any]) -> None:
        """Write the first line."""
        self._write({"kind": "header", "header": codec.dump(header), "spec": spec})

    def keep(self, item: Evidence) -> Evidence:
        """Write one piece of evidence and return it as it was written."""
        data = self._clean(codec.dump(item))
        kept = codec.load_evidence(type(item).__name__, data)
        self.evidence.append(kept)
        self._write({"kind": "evidence", "type": type(item).__name__, "data": data}, cleaned=True)
        return kept

    def exchange(self, exchange: Exchange) -> None:
        """Write one exchange."""
        data = self._clean(codec.dump(exchange))
        self.exchanges[exchange.id] = codec.load_exchange(data)
        for part in ("request_body", "body"):
            if len(data[part]) > INLINE_LIMIT:
                data[part] = {"blob": self._blob(data[part])}
        self._write({"kind": "exchange", "data": data}, cleaned=True)

    def event(self, kind: str, **data: Any) -> None:
        """Write anything else that helps a reader: a start, a fault, a line of log."""
        self._write({"kind": kind, "at": round(time.monotonic() - self.epoch, 4), **data})

    def end(self, *, error: str = "", warnings: tuple[str, ...] = ()) -> None:
        """Write the last line and close. A recording without it was cut short."""
        if not self._file.closed:
            self.event("end", error=error, warnings=list(warnings))
            self.close()

    def close(self) -> None:
        """Close the file. Without :meth:`end` before, the recording counts as cut short."""
        with contextlib.suppress(OSError):  # what is still in the buffer of a full disk was reported by the write
            self._file.close()

    @property
    def seconds(self) -> float:
        """Time since the recording began."""
        return time.monotonic() - self.epoch

    def _blob(self, text: str) -> str:
        raw = text.encode("utf-8", "surrogatepass")
        name = hashlib.sha256(raw).hexdigest()
        try:
            (self.folder / BLOBS / name).write_bytes(raw)
        except OSError as error:
            raise RecordingError(_unwritable(self.folder, error)) from error
        return name

    def _write(self, event: dict[str, Any], *, cleaned: bool = False) -> None:
        line = json.dumps(event if cleaned else self._clean(event), ensure_ascii=True)
        try:
            self._file.write(line + "\n")
            self._file.flush()
        except OSError as error:
            raise RecordingError(_unwritable(self.folder, error)) from error

    def _clean(self, value: Any, *, free: bool = False) -> Any:
        if isinstance(value, str):
            return self.redactor.clean(value)
        if isinstance(value, dict) and free:
            return {self.redactor.clean(key): self._clean(each, free=True) for key, each in value.items()}
        if isinstance(value, dict):
            return {
                key: each if _is_word(key, each) else self._clean(each, free=key in _FREE)
                for key, each in value.items()
            }
        if isinstance(value, list | tuple):
            return [self._clean(each, free=free) for each in value]
        return value


def _is_word(key: str, value: object) -> bool:
    """Whether this is a field with a word (or words) of our own."""
    words = value if isinstance(value, list | tuple) else [value]
    return key in _CLOSED_LISTS and all(isinstance(each, str) for each in words)


def _unwritable(folder: Path, error: OSError) -> str:
    return (
        f"cannot write the recording in {folder}: {error.strerror or error}. "
        "Free some space there, or name another folder with --out."
    )
