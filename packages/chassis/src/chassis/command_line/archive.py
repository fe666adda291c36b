"""An archive for support: everything goes through the redactor on its way in, and a manifest says what is there."""

import json
import os
import zipfile
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from chassis.redaction import REDACTOR

MANIFEST = "MANIFEST.txt"


class Archive:
    """What goes into the archive, in memory until it is written.

    Args:
        title: what it is about, for the manifest.
    """

    def __init__(self, title: str) -> None:
        """Begin empty."""
        self._title = title
        self._members: dict[str, tuple[str, str]] = {}
        self._absent: list[tuple[str, str]] = []

    @property
    def names(self) -> list[str]:
        """The files in it."""
        return [MANIFEST, *self._members]

    def add_text(self, name: str, text: str, about: str) -> None:
        """Add a text. Secrets are looked for in the whole of it, so one that spans lines is found."""
        self._members[name] = (REDACTOR.clean(text), about)

    def add_data(self, name: str, data: Any, about: str) -> None:
        """Add data as JSON. Secrets are looked for by name and by value."""
        self._members[name] = (json.dumps(REDACTOR.clean_data(data), indent=2) + "\n", about)

    def add_log(self, name: str, lines: Sequence[str], about: str) -> None:
        """Add log lines: JSON objects as data, and all between them as text."""
        self._members[name] = ("".join(f"{part}\n" for part in _cleaned(lines)), about)

    def note(self, name: str, why: str) -> None:
        """Say why something is missing."""
        self._absent.append((name, why))

    def write(self, file: Path) -> None:
        """Write it, readable for the own account only.

        Raises:
            FileExistsError: there is a file of this name.
            OSError: it cannot be written; nothing is left of it.
        """
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as opened, zipfile.ZipFile(opened, "w", zipfile.ZIP_DEFLATED) as archive:
                archive.writestr(MANIFEST, REDACTOR.clean(self._manifest()))
                for name, (text, _) in self._members.items():
                    archive.writestr(name, text.encode("utf-8", "backslashreplace"))
        except BaseException:
            file.unlink()
            raise

    def _manifest(self) -> str:
        lines = [f"Support bundle of {self._title}. Secrets were replaced by [redacted].", ""]
        lines += [f"{name}: {about}, {len(text)} characters" for name, (text, about) in self._members.items()]
        if self._absent:
            lines += ["", "Not in it:", *(f"{name}: {why}" for name, why in self._absent)]
        return "\n".join(lines) + "\n"


def _cleaned(lines: Sequence[str]) -> Iterator[str]:
    for is_object, group in groupby(lines, lambda line: _object(line) is not None):
        if is_object:
            for line in group:
                yield json.dumps(REDACTOR.clean_data(_object(line)), ensure_ascii=False)
        else:
            yield REDACTOR.clean("\n".join(group))


def _object(line: str) -> Any:
    """Return the JSON object that a line holds; None when it holds none."""
    if not line.lstrip().startswith("{"):
        return None
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None
