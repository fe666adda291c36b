"""SQLite for backups: its online backup API, in one read transaction with the checksums."""

import contextlib
import hashlib
import os
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import URL

from chassis.data.errors import BackupError
from chassis.data.manifest import Contents, TableContent, first_difference

_BUSY_S = 30.0
_COMPANIONS = ("", "-wal", "-shm", "-journal")


class SqliteStore:
    """One SQLite file."""

    engine = "sqlite"
    file_name = "database.sqlite"

    def __init__(self, url: URL) -> None:
        """Take the file of the URL.

        Raises:
            BackupError: the database is in memory only.
        """
        if url.database in (None, "", ":memory:"):
            raise BackupError("a database in memory cannot be backed up or restored: use a file")
        self._file = Path(str(url.database))
        self.shown = str(self._file)

    def dump(self, file: Path) -> Contents:
        """Copy it to ``file``. In WAL mode writers go on meanwhile; otherwise they wait."""
        if not self._file.is_file():
            raise BackupError(f"there is no database {self.shown} to back up")
        with _opened(self._file, "mode=rw") as source:
            source.execute("BEGIN")
            contents = _contents(source)  # the first read fixes the moment; the copy is made in the same transaction
            with _opened(file) as target:
                source.backup(target)
                _check(target, self.shown)
        return contents

    def contents(self) -> Contents:
        """Return what is in it, after a check of its structure."""
        with _opened(self._file) as connection:
            _check(connection, self.shown)
            return _contents(connection)

    def is_empty(self) -> bool:
        """Tell whether it has no table, or is no file at all. What cannot be read is not empty."""
        if not self._file.exists():
            return True
        try:
            with _opened(self._file) as connection:
                return not connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        except BackupError:
            return False

    @contextmanager
    def scratch(self, file: Path) -> Iterator["SqliteStore"]:
        """Restore ``file`` into a temporary folder."""
        with tempfile.TemporaryDirectory(prefix="chassis-verify-") as folder:
            store = SqliteStore(URL.create("sqlite", database=str(Path(folder, "scratch.sqlite"))))
            store.load(file)
            yield store

    def load(self, file: Path) -> None:
        """Restore ``file`` into it."""
        with _opened(file, "mode=ro&immutable=1") as source, _opened(self._file) as target:
            source.backup(target)
        _sync(self._file)

    def replace_by(self, file: Path, contents: Contents, stamp: str) -> str:
        """Restore beside it, compare, put the old files aside and the new one in their place."""
        fresh = SqliteStore(URL.create("sqlite", database=f"{self._file}.restoring-{stamp}"))
        aside = f"{self._file}.before-restore-{stamp}"
        try:
            fresh.load(file)
            if difference := first_difference(contents, fresh.contents()):
                raise BackupError(f"what was restored differs from the backup: {difference}; {self.shown} is as it was")
            # The companions too, and first: a log of the old file must never be applied to the new one.
            with contextlib.suppress(BackupError), _opened(self._file, "mode=rw") as old:
                old.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # if the old one can still be read
            for suffix in reversed(_COMPANIONS):
                with contextlib.suppress(FileNotFoundError):
                    Path(f"{self._file}{suffix}").rename(f"{aside}{suffix}")
            fresh._file.replace(self._file)
        finally:
            for suffix in _COMPANIONS:
                Path(f"{fresh._file}{suffix}").unlink(missing_ok=True)
        _sync(self._file)
        return aside


@contextmanager
def _opened(file: Path, how: str = "mode=rwc") -> Iterator[sqlite3.Connection]:
    """Open a file; what goes wrong with it meanwhile is told with its name."""
    try:
        with contextlib.closing(
            sqlite3.connect(f"{file.absolute().as_uri()}?{how}", uri=True, timeout=_BUSY_S, isolation_level=None)
        ) as connection:
            # Text that is no UTF-8 is kept by SQLite, and must not stop a backup.
            connection.text_factory = lambda raw: raw.decode("utf-8", "surrogateescape")
            yield connection
    except sqlite3.Error as error:
        raise BackupError(f"{file}: {error}") from error


def _check(connection: sqlite3.Connection, shown: str) -> None:
    found = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
    if found != "ok":
        raise BackupError(f"the structure of {shown} is damaged: {found}")


def _contents(connection: sqlite3.Connection) -> Contents:
    names = [
        name
        for name, sql in connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'table' ORDER BY name")
        if not name.startswith("sqlite_")
        and not str(sql).upper().startswith("CREATE VIRTUAL")  # they keep data in others
    ]
    revisions: tuple[str, ...] = ()
    if "alembic_version" in names:
        revisions = tuple(row[0] for row in connection.execute("SELECT version_num FROM alembic_version ORDER BY 1"))
    versions = {"sqlite": sqlite3.sqlite_version}
    return Contents({name: _table(connection, name) for name in names}, revisions, versions)


def _table(connection: sqlite3.Connection, name: str) -> TableContent:
    rows = total = 0
    quoted = name.replace('"', '""')
    for row in connection.execute(f'SELECT * FROM "{quoted}"'):  # noqa: S608 - a name cannot be a parameter; quoted
        digest = hashlib.sha256(repr(row).encode("utf-8", "surrogateescape")).digest()
        total += int.from_bytes(digest[:8], "big")
        rows += 1
    return TableContent(rows, str(total))


def _sync(file: Path) -> None:
    """Make sure that the file and its name outlast a power cut."""
    for path in (file, file.parent):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
