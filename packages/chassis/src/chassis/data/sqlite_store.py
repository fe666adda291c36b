"""SQLite for backups: its online backup API, in one read transaction with the checksums."""

import contextlib
import hashlib
import os
import sqlite3
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import URL

from chassis.data.errors import BackupError
from chassis.data.folders import sync, working_folder
from chassis.data.manifest import Contents, TableContent, first_difference

_BUSY_S = 30.0
_COMPANIONS = ("-journal", "-shm", "-wal")


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
        with working_folder(Path(tempfile.gettempdir()), "chassis-verify-") as folder:
            store = SqliteStore(URL.create("sqlite", database=str(folder / "scratch.sqlite")))
            store.load(file)
            yield store

    def load(self, file: Path) -> None:
        """Restore ``file`` into it."""
        with _opened(file, "mode=ro&immutable=1") as source, _opened(self._file) as target:
            source.backup(target)
        self._sync()

    def replace_by(self, file: Path, contents: Contents, stamp: str) -> str:
        """Restore beside it, compare, put the old files aside and the new one in their place.

        Killed at any moment, there is a whole database in the place: the old one or the new one.
        """
        aside = f"{self._file}.before-restore-{stamp}"
        if os.path.lexists(aside):
            raise BackupError(f"{aside} is there already: what is in {self.shown} cannot be put aside under that name")
        with working_folder(self._file.absolute().parent, f".{self._file.name}.restoring-") as folder:
            fresh = SqliteStore(URL.create("sqlite", database=str(folder / "fresh.sqlite")))
            fresh.load(file)
            if difference := first_difference(contents, fresh.contents()):
                raise BackupError(f"what was restored differs from the backup: {difference}; {self.shown} is as it was")
            with contextlib.suppress(BackupError), _opened(self._file, "mode=rw") as old:
                old.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # if the old one can still be read
            # The companions too, and first: a log of the old file must never be applied to the new one.
            for suffix in _COMPANIONS:
                with contextlib.suppress(FileNotFoundError):
                    Path(f"{self._file}{suffix}").rename(f"{aside}{suffix}")
            self._keep_as(Path(aside))
            fresh._file.chmod(stat.S_IMODE(self._file.stat().st_mode) if self._file.exists() else 0o600)
            fresh._file.replace(self._file)
        self._sync()
        return aside

    def _keep_as(self, aside: Path) -> None:
        """Give the file a second name; where the file system has no such thing, the only one."""
        try:
            aside.hardlink_to(self._file)
        except OSError:
            self._file.rename(aside)

    def _sync(self) -> None:
        """Make sure that the file and its name outlast a power cut."""
        sync(self._file)
        sync(self._file.absolute().parent)


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
    structure = {
        f"{kind} {name}": hashlib.sha256(str(definition).encode("utf-8", "surrogateescape")).hexdigest()
        for kind, name, definition in connection.execute("SELECT type, name, sql FROM sqlite_master")
    }
    return Contents({name: _table(connection, name) for name in names}, revisions, versions, structure)


def _table(connection: sqlite3.Connection, name: str) -> TableContent:
    rows = total = 0
    quoted = name.replace('"', '""')
    for row in connection.execute(f'SELECT * FROM "{quoted}"'):  # noqa: S608 - a name cannot be a parameter; quoted
        digest = hashlib.sha256(repr(row).encode("utf-8", "surrogateescape")).digest()
        total += int.from_bytes(digest[:8], "big")
        rows += 1
    return TableContent(rows, str(total))
