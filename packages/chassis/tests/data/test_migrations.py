"""Migrations on real databases: by exactly one of many processes, bounded, and to the end after a crash."""

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from chassis.data import (
    DatabaseDownError,
    MigrationError,
    MigrationLockError,
    Migrations,
    Progress,
    Schema,
    SchemaAheadError,
    SchemaBehindError,
)
from chassis.data.migration_lock import ADVISORY_KEY
from chassis.data.urls import synchronous
from sqlalchemy import Column, Integer, MetaData, String, Table, create_engine, inspect, text

pytestmark = pytest.mark.needs("sql")

WriteRevision = Callable[[int, str], None]

NOTES = "op.create_table('notes', sa.Column('id', sa.Integer, primary_key=True), sa.Column('text', sa.String(100)))"
MIGRATE = """
import sys
from pathlib import Path
from chassis.data import Migrations
print(Migrations(Path(sys.argv[1]), sys.argv[2], lock_timeout_s=30).upgrade())
"""


def query(url: str, statement: str) -> list[object]:
    """Return the first column of what a statement gives."""
    engine = create_engine(synchronous(url))
    try:
        with engine.connect() as connection:
            return list(connection.execute(text(statement)).scalars())
    finally:
        engine.dispose()


def tables(url: str) -> set[str]:
    """Return the names of the tables."""
    engine = create_engine(synchronous(url))
    try:
        return set(inspect(engine).get_table_names())
    finally:
        engine.dispose()


@contextmanager
def lock_held(url: str) -> Iterator[None]:
    """Be another process that migrates."""
    if url.startswith("sqlite"):
        connection = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            connection.close()
    else:
        with psycopg.connect(url, autocommit=True) as held:
            held.execute("SELECT pg_advisory_lock(%s)", [ADVISORY_KEY])
            yield


def started(revisions: Path, url: str, **environment: str) -> "subprocess.Popen[str]":
    """Start a process that migrates and says whether it did."""
    argv = [sys.executable, "-c", MIGRATE, str(revisions), url]
    return subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, env=os.environ | environment)


def test_an_empty_database_is_brought_to_the_newest_revision(
    database_url: str, revisions: Path, write_revision: WriteRevision
) -> None:
    write_revision(1, NOTES)
    write_revision(2, "op.add_column('notes', sa.Column('tag', sa.String(20)))")
    migrations = Migrations(revisions, database_url)
    assert migrations.status().schema is Schema.BEHIND
    assert migrations.upgrade() is True
    assert migrations.status().schema is Schema.CURRENT
    assert migrations.progress is Progress.DONE
    migrations.require_current()
    assert query(database_url, "SELECT version_num FROM alembic_version") == ["r2"]


def test_asking_for_the_status_makes_no_file(revisions: Path, write_revision: WriteRevision, tmp_path: Path) -> None:
    write_revision(1, NOTES)
    assert Migrations(revisions, f"sqlite:///{tmp_path}/none.db").status().found == ()
    assert not (tmp_path / "none.db").exists()


def test_nobody_waits_for_the_lock_when_there_is_nothing_to_do(
    database_url: str, revisions: Path, write_revision: WriteRevision
) -> None:
    write_revision(1, NOTES)
    migrations = Migrations(revisions, database_url, lock_timeout_s=0.1)
    migrations.upgrade()
    with lock_held(database_url):
        assert migrations.upgrade() is False


def test_of_four_replicas_exactly_one_migrates(
    database_url: str, revisions: Path, write_revision: WriteRevision
) -> None:
    write_revision(1, "op.create_table('runs', sa.Column('id', sa.Integer))\ntime.sleep(0.3)")
    write_revision(2, "op.execute('INSERT INTO runs VALUES (1)')")
    replicas = [started(revisions, database_url) for _ in range(4)]
    said = sorted(replica.communicate(timeout=60)[0].strip() for replica in replicas)
    assert said == ["False", "False", "False", "True"]
    assert query(database_url, "SELECT count(*) FROM runs") == [1]


async def test_a_replica_that_waits_says_so_and_goes_on_answering(
    database_url: str, revisions: Path, write_revision: WriteRevision
) -> None:
    write_revision(1, NOTES)
    migrations = Migrations(revisions, database_url)
    ticks = 0
    with lock_held(database_url):
        start = asyncio.create_task(migrations.run())
        deadline = time.monotonic() + 20
        while not (migrations.progress is Progress.WAITING and ticks > 50):
            assert time.monotonic() < deadline, migrations.progress
            await asyncio.sleep(0.001)
            ticks += migrations.progress is Progress.WAITING
        assert not start.done()
    assert await asyncio.wait_for(start, 20) is True
    assert "notes" in tables(database_url)


def test_a_replica_that_waited_in_vain_says_what_to_do(
    database_url: str, revisions: Path, write_revision: WriteRevision
) -> None:
    write_revision(1, NOTES)
    migrations = Migrations(revisions, database_url, lock_timeout_s=0.2)
    with lock_held(database_url), pytest.raises(MigrationLockError, match=r"more than 0\.2 s.*let it end or stop it"):
        migrations.upgrade()
    assert migrations.progress is Progress.FAILED
    assert tables(database_url) == set()


async def test_a_start_that_is_cancelled_stops_waiting(
    database_url: str, revisions: Path, write_revision: WriteRevision
) -> None:
    write_revision(1, NOTES)
    migrations = Migrations(revisions, database_url)
    with lock_held(database_url):
        start = asyncio.create_task(migrations.run())
        deadline = time.monotonic() + 20
        while migrations.progress is not Progress.WAITING:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.005)
        start.cancel()
        while migrations.progress is not Progress.FAILED:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.005)
    assert tables(database_url) == set()


@pytest.mark.parametrize("hang", ["time.sleep(100)", "op.execute('SELECT pg_sleep(100)')"])
def test_after_kill_9_in_the_middle_the_next_start_completes(
    hang: str,
    database_url: str,
    revisions: Path,
    write_revision: WriteRevision,
    tmp_path: Path,
    until: Callable[..., None],
) -> None:
    if "pg_sleep" in hang and database_url.startswith("sqlite"):
        hang = "op.execute('WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n')"
    half = tmp_path / "half-way"
    write_revision(1, NOTES)
    write_revision(
        2,
        "op.create_table('tags', sa.Column('id', sa.Integer))\n"
        "op.execute(\"INSERT INTO notes (text) VALUES ('half')\")\n"
        f"if 'HANG' in os.environ:\n    open({str(half)!r}, 'w').close()\n    {hang}",
    )
    killed = started(revisions, database_url, HANG="1")
    until(half.exists, within=30)
    killed.send_signal(signal.SIGKILL)
    killed.communicate(timeout=10)
    assert Migrations(revisions, database_url, lock_timeout_s=20).upgrade() is True
    assert {"notes", "tags"} <= tables(database_url)
    assert query(database_url, "SELECT count(*) FROM notes") == [1]


def test_behind_and_ahead_are_told_apart_and_ahead_is_left_alone(
    database_url: str, revisions: Path, write_revision: WriteRevision
) -> None:
    write_revision(1, NOTES)
    migrations = Migrations(revisions, database_url)
    with pytest.raises(SchemaBehindError, match=r"is behind: it is at no revision, and this code needs r1; migrate it"):
        migrations.require_current()
    write_revision(2, "op.create_table('tags', sa.Column('id', sa.Integer))")
    migrations.upgrade()
    (revisions / "0002.py").unlink()  # the older code
    for act in (migrations.require_current, migrations.upgrade):
        with pytest.raises(SchemaAheadError, match=r"is ahead: it is at r2, .*code is older than the database"):
            act()
    assert query(database_url, "SELECT version_num FROM alembic_version") == ["r2"]


def test_a_revision_that_fails_is_undone_and_the_message_says_where(
    database_url: str, revisions: Path, write_revision: WriteRevision
) -> None:
    write_revision(1, NOTES)
    write_revision(2, "op.create_table('tags', sa.Column('id', sa.Integer))\nop.execute('SELECT x FROM nowhere')")
    with pytest.raises(MigrationError, match=r"(notes\.db|test_\d+): .*nowhere") as failure:
        Migrations(revisions, database_url).upgrade()
    assert "postgres:" not in str(failure.value)
    # PostgreSQL keeps the revisions before it, each a transaction of its own; SQLite's lock is one transaction for all.
    kept = set() if database_url.startswith("sqlite") else {"notes", "alembic_version"}
    assert tables(database_url) == kept


def test_a_wrong_password_is_not_shown(postgresql_url: str, revisions: Path, write_revision: WriteRevision) -> None:
    write_revision(1, NOTES)
    url = synchronous(postgresql_url).set(password="canary-not-the-password")
    with pytest.raises(DatabaseDownError, match=r"/test_\d+: .*password authentication failed") as failure:
        Migrations(revisions, url).upgrade()
    cause: BaseException | None = failure.value
    while cause is not None:
        assert "canary" not in str(cause)
        cause = cause.__cause__


def test_a_url_that_cannot_be_read_is_not_shown() -> None:
    for url in ("canary-password", "postgresql://user:canary@host:port:port/x"):
        with pytest.raises(ValueError, match="cannot be read: expected") as failure:
            Migrations(Path("none"), url).status()
        assert "canary" not in str(failure.value)
        assert failure.value.__suppress_context__
    with pytest.raises(ValueError, match="'mysql'"):
        Migrations(Path("none"), "mysql://host/x").status()


def test_a_migration_that_breaks_references_is_undone(
    revisions: Path, write_revision: WriteRevision, tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path}/notes.db"
    write_revision(1, "op.execute('CREATE TABLE a (id INTEGER PRIMARY KEY)')")
    write_revision(2, "op.execute('CREATE TABLE b (a_id REFERENCES a)')\nop.execute('INSERT INTO b VALUES (7)')")
    with pytest.raises(MigrationError, match="breaks 1 references"):
        Migrations(revisions, url).upgrade()
    assert tables(url) == set()


def test_a_table_in_use_does_not_make_everybody_queue_behind_the_migration(
    postgresql_url: str, revisions: Path, write_revision: WriteRevision
) -> None:
    write_revision(1, NOTES)
    Migrations(revisions, postgresql_url).upgrade()
    write_revision(2, "op.add_column('notes', sa.Column('tag', sa.String(20)))")
    with psycopg.connect(postgresql_url) as reader:
        reader.execute("SELECT * FROM notes")
        with pytest.raises(MigrationError, match="lock timeout"):
            Migrations(revisions, postgresql_url, table_timeout_s=0.1).upgrade()
    assert Migrations(revisions, postgresql_url).upgrade() is True


def test_a_developer_gets_the_next_revision_from_the_models(database_url: str, revisions: Path) -> None:
    metadata = MetaData()
    Table("notes", metadata, Column("id", Integer, primary_key=True), Column("text", String(100)))
    migrations = Migrations(revisions, database_url, metadata)
    assert migrations.drift()
    written = migrations.revise("create notes")
    assert written.parent == revisions
    with pytest.raises(MigrationError, match="not up to date"):
        migrations.revise("too early")
    assert migrations.upgrade() is True
    assert migrations.drift() == []
    assert tables(database_url) == {"notes", "alembic_version"}
    with pytest.raises(MigrationError, match="give Migrations the metadata"):
        Migrations(revisions, database_url).revise("no models")


def test_revisions_that_do_not_fit_together_are_named(database_url: str, revisions: Path) -> None:
    (revisions / "0001.py").write_text("revision = 'r1'\ndown_revision = 'lost'\n")
    alembics_own = pytest.warns(UserWarning, match="lost")
    with alembics_own, pytest.raises(MigrationError, match=r"do not fit together.*lost"):
        Migrations(revisions, database_url).status()


def test_revisions_may_lie_in_a_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "its_revisions"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "first.py").write_text("revision = 'r1'\ndown_revision = None\ndef upgrade(): pass\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert Migrations("its_revisions", f"sqlite:///{tmp_path}/x.db").upgrade() is True
    with pytest.raises(MigrationError, match=r"no package 'not_there.revisions'"):
        Migrations("not_there.revisions", "sqlite:///x.db")


def test_a_database_in_memory_cannot_be_migrated_from_outside(revisions: Path) -> None:
    with pytest.raises(MigrationError, match="use a file"):
        Migrations(revisions, "sqlite://").upgrade()
