"""Backups of a database, each verified by restoring it into an empty place and comparing it.

::

    backups = Backups(settings.database_url, Path("/var/backups/notes"), name="notes")
    backup = backups.create()        # verified before it is kept
    backups.prune(Keep(last=7, daily=7, weekly=4))
    backups.restore(backup.folder)   # into an empty database

A backup is a folder, ``NAME-20250131T235959Z``, with the file of the data and ``manifest.json``. Both hold what the
database holds: keep them where only the service's account can read.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from chassis.clock import SYSTEM_CLOCK, Clock
from chassis.data.errors import BackupError
from chassis.data.folders import sync, working_folder
from chassis.data.keep import Keep
from chassis.data.manifest import Contents, Manifest, first_difference
from chassis.data.sqlite_store import SqliteStore
from chassis.data.stores import Store
from chassis.data.urls import DatabaseUrl, synchronous

_NAME = re.compile(r"[A-Za-z0-9_.]+")
_STAMP = "%Y%m%dT%H%M%SZ"
_PARTIAL = ".partial-"


@dataclass(frozen=True, slots=True)
class Backup:
    """One backup: where it is, and what it says about itself."""

    folder: Path
    manifest: Manifest


class Backups:
    """The backups of one database in one folder.

    Args:
        url: the database.
        folder: where the backups are.
        name: which database it is; the backups' names begin with it. Letters, digits, dots and underscores.
        tools: the folder of PostgreSQL's programs, if they are not found by themselves.
        timeout_s: how long one of those programs may take.
        clock: the time.
    """

    def __init__(
        self,
        url: DatabaseUrl,
        folder: Path,
        *,
        name: str = "database",
        tools: Path | None = None,
        timeout_s: float = 3600.0,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        """Nothing is connected yet."""
        if not _NAME.fullmatch(name):
            raise ValueError(f"{name!r} cannot name backups: use letters, digits, dots and underscores")
        self._folder = folder
        self._name = name
        self._tools = tools
        self._timeout_s = timeout_s
        self._clock = clock
        self._store = self._store_of(url)

    def create(self, *, verify: bool = True) -> Backup:
        """Make a backup of one moment, whatever is written meanwhile, and return it.

        It appears under its name only when it is whole and, by default, verified (:meth:`verify`).

        Raises:
            BackupError: the database cannot be read, or what was written did not pass.
        """
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        now = self._clock.time()
        with working_folder(self._folder, f"{_PARTIAL}{self._name}-") as partial:
            file = partial / self._store.file_name
            contents = self._store.dump(file)
            file.chmod(0o600)
            manifest = Manifest.describe(self._name, self._store.engine, now, file, contents)
            if verify:
                self._compare_restored(file, contents)
                manifest = manifest.with_verified()
            manifest.write(partial)
            for written in (file, partial):
                sync(written)
            folder = self._folder / f"{self._name}-{_stamp(now)}"
            try:
                partial.rename(folder)
            except OSError as error:
                raise BackupError(f"the backup cannot get its name {folder}: {error.strerror}") from error
            sync(self._folder)
        return Backup(folder, manifest)

    def all(self) -> list[Backup]:
        """Return the backups of this name that are whole by their manifest and size, the newest first."""
        found = []
        for folder in self._folder.glob(f"{self._name}-*") if self._folder.is_dir() else ():
            try:
                manifest = Manifest.read(folder)
                manifest.sized_file(folder)
            except BackupError:
                continue
            if manifest.name == self._name and folder.name == f"{self._name}-{_stamp(manifest.created_at)}":
                found.append(Backup(folder, manifest))
        return sorted(found, key=lambda backup: backup.manifest.created_at, reverse=True)

    def verify(self, folder: Path) -> Backup:
        """Check a backup: restore it into an empty scratch place, compare every table, and delete the place.

        Raises:
            BackupError: it was changed, is not whole, cannot be restored, or is not what its manifest says.
        """
        backup, file = self._sound(folder)
        self._compare_restored(file, backup.manifest.contents)
        return backup

    def restore(self, folder: Path, *, into: DatabaseUrl | None = None, overwrite: bool = False) -> str:
        """Restore a backup and compare what is there then.

        Args:
            folder: the backup.
            into: another database than the one that it came from.
            overwrite: whether a database that is not empty may be replaced. It is put aside, not deleted. Stop the
                service first.

        Returns:
            Where the former database was put aside: a file, or a database of the server; "" when there was none.

        Raises:
            BackupError: the backup is not sound, the database is not empty, or the restored one differs.
        """
        backup, file = self._sound(folder)
        contents = backup.manifest.contents
        store = self._store if into is None else self._store_of(into)
        if store.engine != backup.manifest.engine:
            raise BackupError(f"the backup {folder} is of {backup.manifest.engine}: it cannot go into {store.engine}")
        if not store.is_empty():
            if not overwrite:
                raise BackupError(
                    f"{store.shown} is not empty, and nothing was changed: restore into an empty one, or have it put "
                    "aside and replaced by --replace (in code: overwrite=True)"
                )
            return store.replace_by(file, contents, _stamp(self._clock.time()))
        store.load(file)
        if difference := first_difference(contents, store.contents()):
            raise BackupError(f"what was restored differs from the backup: {difference}; do not use {store.shown}")
        return ""

    def prune(self, keep: Keep) -> list[Path]:
        """Delete the backups that ``keep`` does not choose, and return their folders.

        Only what :meth:`all` returns is considered: nothing of another name, and nothing that is not a sound backup.
        """
        backups = self.all()
        kept = keep.choose(backup.manifest.created_at for backup in backups)
        gone = [backup.folder for backup in backups if backup.manifest.created_at not in kept]
        for folder in gone:
            with working_folder(self._folder, f"{_PARTIAL}{self._name}-") as partial:
                folder.rename(partial / folder.name)  # at once: killed meanwhile, no half of it looks like a backup
        return gone

    def _compare_restored(self, file: Path, contents: Contents) -> None:
        with self._store.scratch(file) as scratch:
            difference = first_difference(contents, scratch.contents())
        if difference:
            raise BackupError(f"the backup does not restore to what was backed up: {difference}")

    def _sound(self, folder: Path) -> tuple[Backup, Path]:
        manifest = Manifest.read(folder)
        return Backup(folder, manifest), manifest.check_file(folder)

    def _store_of(self, url: DatabaseUrl) -> Store:
        address = synchronous(url)
        if address.get_backend_name() == "sqlite":
            return SqliteStore(address)
        from chassis.data.postgresql_store import PostgresqlStore  # noqa: PLC0415 - needs psycopg

        return PostgresqlStore(address, tools=self._tools, timeout_s=self._timeout_s)


def _stamp(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime(_STAMP)
