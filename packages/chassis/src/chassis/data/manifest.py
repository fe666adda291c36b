"""What a backup says about itself: where it came from, what is in it, and checksums by which any change is found."""

import hashlib
import json
import math
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from chassis.data.errors import BackupError
from chassis.data.folders import sync

FILE_NAME = "manifest.json"
FORMAT = 1
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class TableContent:
    """What is in one table: how many rows, and a checksum of them that does not depend on their order.

    The checksum is the sum of the first 64 bits of SHA-256 of each row. It finds accidents, such as a value that was
    lost or changed on the way; against forgery there is the file's own SHA-256.
    """

    rows: int
    checksum: str


@dataclass(frozen=True, slots=True)
class Contents:
    """What is in a database at one moment: its tables, the revisions of its schema, and the server's version.

    ``structure`` names what there is beside rows, such as ``index by_day``, each with what can be compared of it.
    """

    tables: dict[str, TableContent]
    revisions: tuple[str, ...]
    versions: dict[str, str]
    structure: dict[str, str]


@dataclass(frozen=True, slots=True)
class Manifest:
    """The description of one backup, kept beside its file as ``manifest.json``.

    Args:
        name: which database of the service it is.
        engine: ``sqlite`` or ``postgresql``.
        created_at: when, in seconds since 1970-01-01 UTC.
        file: the name of the file with the data.
        size: its bytes.
        sha256: its SHA-256, in hexadecimal.
        contents: what was in the database.
        verified: whether it was restored into an empty place and compared, before it was kept.
    """

    name: str
    engine: str
    created_at: float
    file: str
    size: int
    sha256: str
    contents: Contents
    verified: bool = False

    @classmethod
    def describe(cls, name: str, engine: str, created_at: float, file: Path, contents: Contents) -> "Manifest":
        """Describe a file that was just written."""
        return cls(name, engine, created_at, file.name, file.stat().st_size, sha256_of(file), contents)

    def with_verified(self) -> "Manifest":
        """Return the same, verified."""
        return replace(self, verified=True)

    def write(self, folder: Path) -> None:
        """Write it into the folder of the backup, with a checksum of its own."""
        members = asdict(self) | {"format": FORMAT, "created": f"{_moment(self.created_at):%Y-%m-%dT%H:%M:%SZ}"}
        members["manifest_sha256"] = _sha256_of_members(members)
        file = folder / FILE_NAME
        file.write_text(json.dumps(members, indent=2) + "\n", encoding="utf-8")
        sync(file)

    @classmethod
    def read(cls, folder: Path) -> "Manifest":
        """Read the manifest of a backup.

        Raises:
            BackupError: there is none, it was changed, or a newer version wrote it.
        """
        try:
            members: Any = json.loads((folder / FILE_NAME).read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise BackupError(f"{folder} is no backup: there is no {FILE_NAME}") from None
        except (OSError, ValueError) as error:
            raise BackupError(f"the manifest of the backup {folder} cannot be read: {type(error).__name__}") from None
        if not isinstance(members, dict) or members.pop("manifest_sha256", None) != _sha256_of_members(members):
            raise BackupError(
                f"the manifest of the backup {folder} was changed after it was written: use another backup"
            )
        if members["format"] != FORMAT:
            raise BackupError(f"the backup {folder} has the format {members['format']}; this version knows {FORMAT}")
        tables = {name: TableContent(**content) for name, content in members["contents"]["tables"].items()}
        contents = Contents(
            **members["contents"] | {"tables": tables, "revisions": tuple(members["contents"]["revisions"])}
        )
        plain = {key: value for key, value in members.items() if key not in ("contents", "format", "created")}
        return cls(**plain, contents=contents)

    def check_file(self, folder: Path) -> Path:
        """Return the path of the backup's file, if it is the one that was written.

        Raises:
            BackupError: it is missing, cut short, or was changed.
        """
        file = self.sized_file(folder)
        if sha256_of(file) != self.sha256:
            raise BackupError(f"the backup {folder} is damaged: {self.file} was changed after it was written")
        return file

    def sized_file(self, folder: Path) -> Path:
        """Return the path of the backup's file, if it is there in its full length.

        Raises:
            BackupError: it is missing or cut short.
        """
        file = folder / self.file
        if not file.is_file():
            raise BackupError(f"the backup {folder} is not whole: {self.file} is missing")
        if (size := file.stat().st_size) != self.size:
            raise BackupError(
                f"the backup {folder} is damaged: {self.file} has {size} bytes, and {self.size} were written"
            )
        return file


def sha256_of(file: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def first_difference(wanted: Contents, found: Contents) -> str:
    """Say where two contents differ first; "" when they do not. The versions of programs may differ."""
    if wanted.revisions != found.revisions:
        return f"the schema is at {found.revisions}, not {wanted.revisions}"
    for table in sorted({*wanted.tables, *found.tables}):
        before, after = wanted.tables.get(table), found.tables.get(table)
        if before is None or after is None:
            return f"the table {table} is {'unexpected' if before is None else 'missing'}"
        if before.rows != after.rows:
            return f"the table {table} has {after.rows} rows, not {before.rows}"
        if before.checksum != after.checksum:
            return f"the table {table} has other values"
    for part in sorted({*wanted.structure, *found.structure}):
        if part not in wanted.structure or part not in found.structure:
            return f"the {part} is {'missing' if part in wanted.structure else 'unexpected'}"
        if wanted.structure[part] != found.structure[part]:
            return f"the {part} is another one"
    return ""


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(math.floor(seconds), UTC)


def _sha256_of_members(members: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(members, sort_keys=True).encode()).hexdigest()
