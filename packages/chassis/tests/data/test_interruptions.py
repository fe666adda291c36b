"""Backups when a process is killed or the power fails: nothing half-made counts, and nothing is left lying about."""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest
from chassis.data import BackupError, Backups, Keep, Manifest
from chassis.data.folders import working_folder
from chassis.data.postgresql_store import PostgresqlStore
from chassis.data.urls import synchronous
from sqlalchemy import create_engine, text

pytestmark = pytest.mark.needs("sql")

KILLED_WHILE_VERIFYING = """
import os, signal, sys
from pathlib import Path
from chassis.data import Backups, backups

def killed(*_):
    os.kill(os.getpid(), signal.SIGKILL)

backups.first_difference = killed
Backups(sys.argv[1], Path(sys.argv[2]), name="notes").create()
"""


def made(url: str, *statements: str) -> None:
    """Make a database with something in it."""
    engine = create_engine(synchronous(url))
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))
    engine.dispose()


def aged(*paths: Path) -> None:
    """Make them two minutes old."""
    for path in paths:
        os.utime(path, (time.time() - 120, time.time() - 120))


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder for temporary files, of this process and of those that it starts."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    monkeypatch.setenv("TMPDIR", str(folder))
    return folder


def test_the_next_backup_deletes_what_a_killed_one_has_left(database_url: str, tmp_path: Path, scratch: Path) -> None:
    made(database_url, "CREATE TABLE notes (id INTEGER)")
    folder = tmp_path / "backups"
    ended = subprocess.run(
        [sys.executable, "-c", KILLED_WHILE_VERIFYING, database_url, str(folder)], timeout=60, check=False
    )
    assert ended.returncode == -signal.SIGKILL
    (left,) = folder.iterdir()
    assert left.name.startswith(".partial-notes-")
    aged(left, *scratch.iterdir())
    if database_url.startswith("sqlite"):
        assert [path.name[:15] for path in scratch.iterdir()] == ["chassis-verify-"]
    else:
        assert len(scratch_databases(database_url)) == 1
    backup = Backups(database_url, folder, name="notes").create()
    assert list(folder.iterdir()) == [backup.folder]
    assert list(scratch.iterdir()) == []
    if not database_url.startswith("sqlite"):
        assert scratch_databases(database_url) == []


def scratch_databases(url: str) -> list[Any]:
    """Return the names of databases in which backups are verified."""
    with psycopg.connect(url) as connection:
        return connection.execute("SELECT datname FROM pg_database WHERE datname LIKE 'chassis_verify%'").fetchall()


def test_a_scratch_database_that_is_in_use_is_left_alone(postgresql_url: str, tmp_path: Path) -> None:
    made(postgresql_url, "CREATE TABLE notes (id INTEGER)")
    kept = Backups(postgresql_url, tmp_path, name="notes")
    file = kept.create(verify=False).folder / "database.dump"
    with PostgresqlStore(synchronous(postgresql_url)).scratch(file) as scratch:
        kept.verify(file.parent)
        assert scratch.contents().tables["public.notes"].rows == 0


def test_folders_in_use_are_left_alone_however_old(tmp_path: Path) -> None:
    with working_folder(tmp_path, ".partial-") as first:
        aged(first)
        with working_folder(tmp_path, ".partial-"):
            assert first.exists()
    foreign = tmp_path / ".partial-link"
    foreign.symlink_to(tmp_path / "elsewhere")
    with working_folder(tmp_path, ".partial-") as again:
        assert again.stat().st_mode & 0o777 == 0o700
    assert [path.name for path in tmp_path.iterdir()] == [".partial-link"]


def test_a_backup_is_on_the_disk_before_it_has_its_name(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise the older ones may be pruned, the power fail, and nothing be left."""
    made(database_url, "CREATE TABLE notes (id INTEGER)")
    folder, events, fsync, rename = tmp_path / "backups", [], os.fsync, Path.rename

    def noted_fsync(descriptor: int) -> None:
        events.append(Path(f"/proc/self/fd/{descriptor}").readlink().name)
        fsync(descriptor)

    def noted_rename(self: Path, target: Path) -> Path:
        events.append("renamed")
        return rename(self, target)

    monkeypatch.setattr(os, "fsync", noted_fsync)
    monkeypatch.setattr(Path, "rename", noted_rename)
    backup = Backups(database_url, folder, name="notes").create(verify=False)
    before, after = events[: events.index("renamed")], events[events.index("renamed") + 1 :]
    assert {backup.manifest.file, "manifest.json"} < {*before}
    assert any(name.startswith(".partial-") for name in before)
    assert after == ["backups"]


def test_a_backup_without_all_of_its_file_does_not_count(tmp_path: Path, clock: Any) -> None:
    """Pruning would keep it in place of a good one."""
    url = f"sqlite:///{tmp_path}/notes.db"
    made(url, "CREATE TABLE notes (id INTEGER)")
    kept = Backups(url, tmp_path / "backups", name="notes", clock=clock)
    folders = []
    for _ in range(3):
        folders.append(kept.create(verify=False).folder)
        clock.advance(3600)
    os.truncate(folders[2] / "database.sqlite", 100)
    (folders[1] / "database.sqlite").unlink()
    assert [each.folder for each in kept.all()] == [folders[0]]
    assert kept.prune(Keep(last=1, daily=0, weekly=0)) == []
    assert folders[0].exists()


def test_pruning_that_is_killed_leaves_no_half_of_a_backup(
    tmp_path: Path, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"sqlite:///{tmp_path}/notes.db"
    made(url, "CREATE TABLE notes (id INTEGER)")
    kept = Backups(url, tmp_path / "backups", name="notes", clock=clock)
    first = kept.create(verify=False).folder
    clock.advance(3600)
    second = kept.create(verify=False).folder

    def killed(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("shutil.rmtree", killed)
    with pytest.raises(KeyboardInterrupt):
        kept.prune(Keep(last=1, daily=0, weekly=0))
    assert sorted((tmp_path / "backups").glob("notes-*")) == [second]
    assert not first.exists()


def test_replacing_a_file_never_leaves_its_place_empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A service that started at that moment would make an empty database."""
    file = tmp_path / "notes.db"
    url = f"sqlite:///{file}"
    made(url, "CREATE TABLE notes (id INTEGER)")
    kept = Backups(url, tmp_path / "backups", name="notes")
    backup = kept.create(verify=False)
    there: list[bool] = []
    for name in ("rename", "replace"):
        real: Callable[[Path, Path], Path] = getattr(Path, name)

        def watched(self: Path, target: Path, real: Callable[[Path, Path], Path] = real) -> Path:
            try:
                return real(self, target)
            finally:
                there.append(file.exists())

        monkeypatch.setattr(Path, name, watched)
    aside = kept.restore(backup.folder, overwrite=True)
    assert there
    assert all(there)
    assert Path(aside).exists()


def test_what_was_put_aside_is_never_overwritten(tmp_path: Path, clock: Any) -> None:
    url = f"sqlite:///{tmp_path}/notes.db"
    made(url, "CREATE TABLE notes (id INTEGER)")
    kept = Backups(url, tmp_path / "backups", name="notes", clock=clock)
    backup = kept.create(verify=False)
    made(url, "INSERT INTO notes VALUES (1)")
    aside = kept.restore(backup.folder, overwrite=True)
    with pytest.raises(BackupError, match="is there already"):
        kept.restore(backup.folder, overwrite=True)  # within the same second
    with closing(sqlite3.connect(aside)) as connection:
        assert connection.execute("SELECT count(*) FROM notes").fetchone() == (1,)


def test_a_database_with_anything_in_it_is_not_empty(postgresql_url: str, tmp_path: Path) -> None:
    made(postgresql_url, "CREATE TABLE notes (id INTEGER)")
    kept = Backups(postgresql_url, tmp_path, name="notes")
    folder = kept.create(verify=False).folder
    made(postgresql_url, "DROP TABLE notes")
    things = {
        "SEQUENCE numbers": "CREATE SEQUENCE numbers",
        "VIEW seen": "CREATE VIEW seen AS SELECT 1 AS one",
        "FUNCTION one()": "CREATE FUNCTION one() RETURNS integer LANGUAGE sql AS 'SELECT 1'",
        "TYPE mood": "CREATE TYPE mood AS ENUM ('good')",
        "TABLE parts": "CREATE TABLE parts (id INTEGER) PARTITION BY LIST (id)",
    }
    for thing, statement in things.items():
        made(postgresql_url, statement)
        with pytest.raises(BackupError, match="is not empty"):
            kept.restore(folder)
        made(postgresql_url, f"DROP {thing}")
    assert kept.restore(folder) == ""


@pytest.mark.parametrize(
    ("statement", "missing"),
    [("DROP INDEX by_day", r"index \S*by_day"), ("DROP VIEW seen", r"(view|column) \S*seen\S*")],
)
def test_what_is_missing_beside_rows_is_found_out(
    statement: str, missing: str, database_url: str, tmp_path: Path
) -> None:
    made(
        database_url,
        "CREATE TABLE notes (id INTEGER PRIMARY KEY, day INTEGER NOT NULL)",
        "CREATE INDEX by_day ON notes (day)",
        "CREATE VIEW seen AS SELECT id FROM notes",
    )
    kept = Backups(database_url, tmp_path / "backups", name="notes")
    before = kept.create()
    made(database_url, statement)
    after = Backups(database_url, tmp_path / "later", name="notes").create()
    was, file = before.manifest, before.folder / before.manifest.file
    shutil.copyfile(after.folder / after.manifest.file, file)
    Manifest.describe(was.name, was.engine, was.created_at, file, was.contents).write(before.folder)
    with pytest.raises(BackupError, match=rf"does not restore to what was backed up: the {missing} is missing"):
        kept.verify(before.folder)
