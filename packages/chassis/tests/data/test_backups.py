"""Backups of real databases: of one moment, verified, found out when damaged, and restored without harm."""

import os
import shutil
import sqlite3
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from chassis.data import BackupError, Backups, Keep, Manifest
from chassis.data.manifest import sha256_of
from chassis.data.postgresql_tools import Tools, find_tools
from chassis.data.urls import synchronous
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, create_engine, text

pytestmark = pytest.mark.needs("sql")


@contextmanager
def opened(url: str) -> Iterator[Engine]:
    """Open a database."""
    engine = create_engine(synchronous(url))
    try:
        yield engine
    finally:
        engine.dispose()


def execute(url: str, *statements: str) -> None:
    """Carry statements out in one transaction."""
    with opened(url) as engine, engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))


def read(url: str, query: str) -> list[tuple[Any, ...]]:
    """Return what a query gives."""
    with opened(url) as engine, engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(query))]


@pytest.fixture
def filled_url(database_url: str) -> str:
    """The address of a database with notes in it, of each kind in turn."""
    if database_url.startswith("sqlite"):
        with closing(sqlite3.connect(database_url.removeprefix("sqlite:///"))) as connection:
            connection.execute("PRAGMA journal_mode = WAL")
    binary = "BLOB" if database_url.startswith("sqlite") else "BYTEA"
    execute(
        database_url,
        "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)",
        "INSERT INTO alembic_version VALUES ('r7')",
        f"CREATE TABLE notes (id INTEGER PRIMARY KEY, t TEXT, score DOUBLE PRECISION, raw {binary})",
        "INSERT INTO notes VALUES (1, 'kept', 0.1, NULL), (2, 'Grüße', NULL, NULL)",
        'CREATE TABLE "odd ""name" (x INTEGER)',
        'INSERT INTO "odd ""name" VALUES (1), (1), (2)',
    )
    return database_url


def backups(url: str, tmp_path: Path, **options: Any) -> Backups:
    """Keep backups in a folder beside."""
    return Backups(url, tmp_path / "backups", name="notes", **options)


def emptied(url: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the address of another empty database of the same kind."""
    if url.startswith("sqlite"):
        return f"sqlite:///{tmp_path}/other.db"
    server = request.getfixturevalue("postgresql")
    address: str = server.url(server.create_database())
    return address


def test_a_backup_is_verified_described_and_restored_into_an_empty_place(
    filled_url: str, tmp_path: Path, request: pytest.FixtureRequest, clock: Any
) -> None:
    kept = backups(filled_url, tmp_path, clock=clock)
    backup = kept.create()
    assert backup.folder == tmp_path / "backups" / "notes-20250203T120000Z"
    manifest = backup.manifest
    assert manifest == Manifest.read(backup.folder)
    assert manifest.verified
    assert manifest.contents.revisions == ("r7",)
    rows = {name.removeprefix("public."): table.rows for name, table in manifest.contents.tables.items()}
    assert rows == {"alembic_version": 1, "notes": 2, 'odd "name': 3}
    assert manifest.sha256 == sha256_of(backup.folder / manifest.file)
    other = emptied(filled_url, request, tmp_path)
    assert kept.restore(backup.folder, into=other) == ""
    assert read(other, "SELECT t, score FROM notes ORDER BY id") == [("kept", 0.1), ("Grüße", None)]


def test_only_its_own_account_may_read_a_backup(filled_url: str, tmp_path: Path) -> None:
    backup = backups(filled_url, tmp_path).create(verify=False)
    assert not backup.manifest.verified
    for path in (tmp_path / "backups", backup.folder):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700
    assert stat.S_IMODE((backup.folder / backup.manifest.file).stat().st_mode) == 0o600


def test_verifying_leaves_nothing_behind(
    filled_url: str, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    kept = backups(filled_url, tmp_path)
    backup = kept.create()
    assert kept.verify(backup.folder) == backup
    assert list(scratch.iterdir()) == []
    assert [path.name for path in (tmp_path / "backups").iterdir()] == [backup.folder.name]
    assert {path.name for path in backup.folder.iterdir()} == {"manifest.json", backup.manifest.file}
    if filled_url.startswith("postgresql"):
        databases = read(filled_url, "SELECT datname FROM pg_database WHERE datname LIKE 'chassis%'")
        assert databases == []


def test_a_backup_cut_at_60_percent_is_found_out(filled_url: str, tmp_path: Path) -> None:
    kept = backups(filled_url, tmp_path)
    backup = kept.create(verify=False)
    file = backup.folder / backup.manifest.file
    os.truncate(file, backup.manifest.size * 6 // 10)
    for act in (kept.verify, kept.restore):
        with pytest.raises(BackupError, match=r"is damaged: database\.\w+ has \d+ bytes, and \d+ were written"):
            act(backup.folder)


def test_restoring_finds_out_even_a_cut_backup_whose_manifest_was_made_to_fit(filled_url: str, tmp_path: Path) -> None:
    kept = backups(filled_url, tmp_path)
    backup = kept.create(verify=False)
    file = backup.folder / backup.manifest.file
    os.truncate(file, backup.manifest.size * 6 // 10)
    was = backup.manifest
    Manifest.describe(was.name, was.engine, was.created_at, file, was.contents).write(backup.folder)
    with pytest.raises(BackupError):
        kept.verify(backup.folder)


def test_a_byte_that_flipped_anywhere_is_found_out(tmp_path: Path) -> None:
    execute(f"sqlite:///{tmp_path}/notes.db", "CREATE TABLE notes (id INTEGER)", "INSERT INTO notes VALUES (1)")
    kept = backups(f"sqlite:///{tmp_path}/notes.db", tmp_path)
    backup = kept.create()
    file = backup.folder / backup.manifest.file
    sound = file.read_bytes()

    @given(st.integers(0, len(sound) - 1), st.integers(1, 255))
    def flipped(place: int, bits: int) -> None:
        damaged = bytearray(sound)
        damaged[place] ^= bits
        file.write_bytes(damaged)
        with pytest.raises(BackupError, match="was changed after it was written"):
            kept.verify(backup.folder)

    flipped()
    file.write_bytes(sound)
    kept.verify(backup.folder)


def test_a_manifest_that_was_changed_is_found_out(filled_url: str, tmp_path: Path) -> None:
    kept = backups(filled_url, tmp_path)
    folder = kept.create(verify=False).folder
    path = folder / "manifest.json"
    sound = path.read_text()
    for changed in (sound.replace('"rows": 3', '"rows": 2'), sound[:-20], "[]", "{}"):
        path.write_text(changed)
        with pytest.raises(BackupError, match="manifest of the backup"):
            kept.verify(folder)
    path.unlink()
    with pytest.raises(BackupError, match="is no backup"):
        kept.verify(folder)


def test_a_row_that_differs_after_restoring_is_found_out(filled_url: str, tmp_path: Path) -> None:
    kept = backups(filled_url, tmp_path)
    before = kept.create(verify=False)
    execute(filled_url, "UPDATE notes SET score = 0.2 WHERE id = 1")
    after = backups(filled_url, tmp_path / "later").create(verify=False)
    file = before.folder / before.manifest.file
    shutil.copyfile(after.folder / after.manifest.file, file)
    was = before.manifest
    Manifest.describe(was.name, was.engine, was.created_at, file, was.contents).write(before.folder)
    with pytest.raises(
        BackupError, match=r"does not restore to what was backed up: the table \S*notes has other values"
    ):
        kept.verify(before.folder)


def test_the_order_of_rows_does_not_matter_and_their_number_does(filled_url: str, tmp_path: Path) -> None:
    def checksum(folder: str) -> str:
        tables = backups(filled_url, tmp_path / folder).create(verify=False).manifest.contents.tables
        return next(table.checksum for name, table in tables.items() if "odd" in name)

    first = checksum("first")
    execute(filled_url, 'DELETE FROM "odd ""name"', 'INSERT INTO "odd ""name" VALUES (2), (1), (1)')
    assert checksum("again") == first
    execute(filled_url, 'INSERT INTO "odd ""name" VALUES (1), (1)')
    assert checksum("more") != first


def test_writes_during_a_backup_do_not_tear_it(filled_url: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """A writer moves one between two accounts, in transactions: whatever the moment, the sum is the same."""
    execute(filled_url, "CREATE TABLE accounts (id INTEGER PRIMARY KEY, amount INTEGER, filler TEXT)")
    execute(filled_url, *(f"INSERT INTO accounts VALUES ({i}, 100, '{'x' * 2000}')" for i in range(200)))
    stop, moves = threading.Event(), 0

    def write() -> None:
        nonlocal moves
        with opened(filled_url) as engine:
            while not stop.is_set():
                with engine.begin() as connection:
                    at = moves % 200
                    connection.execute(text(f"UPDATE accounts SET amount = amount - 1 WHERE id = {at}"))
                    connection.execute(text(f"UPDATE accounts SET amount = amount + 1 WHERE id = {199 - at}"))
                    connection.execute(text(f"INSERT INTO notes (id, t) VALUES ({1000 + moves}, 'moved')"))
                moves += 1

    writer = threading.Thread(target=write)
    writer.start()
    try:
        taken = []
        for number in range(3):
            before = moves
            backup = backups(filled_url, tmp_path / str(number)).create()  # it verifies too
            taken.append((before, backup, moves))
    finally:
        stop.set()
        writer.join()
    assert any(after > before for before, _, after in taken), "nothing was written meanwhile: no proof"
    other = emptied(filled_url, request, tmp_path)
    backups(filled_url, tmp_path / "2").restore(taken[-1][1].folder, into=other)
    assert read(other, "SELECT sum(amount) FROM accounts") == [(20_000,)]


def test_a_database_that_is_not_empty_is_not_overwritten_unasked(
    filled_url: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    kept = backups(filled_url, tmp_path)
    backup = kept.create()
    execute(filled_url, "INSERT INTO notes (id, t) VALUES (3, 'later')")
    with pytest.raises(BackupError, match=r"is not empty, and nothing was changed: .* --replace .*overwrite=True"):
        kept.restore(backup.folder)
    aside = kept.restore(backup.folder, overwrite=True)
    assert read(filled_url, "SELECT count(*) FROM notes") == [(2,)]
    former = (
        f"sqlite:///{aside}" if filled_url.startswith("sqlite") else request.getfixturevalue("postgresql").url(aside)
    )
    assert read(former, "SELECT count(*) FROM notes") == [(3,)]


def test_a_damaged_sqlite_file_can_be_replaced(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/notes.db"
    execute(url, "CREATE TABLE notes (id INTEGER)", "INSERT INTO notes VALUES (1)")
    kept = backups(url, tmp_path)
    backup = kept.create()
    (tmp_path / "notes.db").write_bytes(b"no database at all")
    with pytest.raises(BackupError, match="not empty"):
        kept.restore(backup.folder)
    with pytest.raises(BackupError, match=r"notes\.db: file is not a database"):
        kept.create()
    kept.restore(backup.folder, overwrite=True)
    assert read(url, "SELECT id FROM notes") == [(1,)]


def test_sqlite_files_whose_pages_are_damaged_are_not_backed_up(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/notes.db"
    execute(url, "CREATE TABLE notes (id INTEGER, t TEXT)", "CREATE INDEX by_t ON notes (t)")
    execute(url, *(f"INSERT INTO notes VALUES ({i}, 'text {i}')" for i in range(50)))
    with closing(sqlite3.connect(tmp_path / "notes.db", isolation_level=None)) as connection:
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute("UPDATE sqlite_master SET rootpage = 2 WHERE name = 'by_t'")
    with pytest.raises(BackupError, match=r"damaged|malformed"):
        backups(url, tmp_path).create()
    assert list((tmp_path / "backups").iterdir()) == []


def test_a_backup_that_cannot_be_made_leaves_nothing_behind(database_url: str, tmp_path: Path) -> None:
    gone = "sqlite:////nowhere/x.db" if database_url.startswith("sqlite") else f"{database_url}_gone"
    with pytest.raises(BackupError, match=r"no database /nowhere/x\.db|does not exist"):
        backups(gone, tmp_path).create()
    assert list((tmp_path / "backups").iterdir()) == []


def test_pruning_deletes_only_its_own_sound_backups(tmp_path: Path, clock: Any) -> None:
    execute(f"sqlite:///{tmp_path}/notes.db", "CREATE TABLE notes (id INTEGER)")
    kept = backups(f"sqlite:///{tmp_path}/notes.db", tmp_path, clock=clock)
    made = []
    for _ in range(5):
        made.append(kept.create(verify=False))
        clock.advance(3600)
    folder = tmp_path / "backups"
    Backups(f"sqlite:///{tmp_path}/notes.db", folder, name="other", clock=clock).create(verify=False)
    foreign = [folder / "notes-20200101T000000Z", folder / "notes-mine", folder / "other-20200101T000000Z"]
    for each in foreign:
        each.mkdir()
        (each / "data").touch()
    renamed = folder / "notes-20190101T000000Z"
    shutil.copytree(made[0].folder, renamed)
    assert sorted(kept.prune(Keep(last=2, daily=0, weekly=0))) == [each.folder for each in made[:3]]
    assert [each.folder for each in kept.all()] == [made[4].folder, made[3].folder]
    assert all(each.exists() for each in (*foreign, renamed, folder / "other-20250203T170000Z"))


def test_a_backup_of_one_kind_does_not_go_into_another(tmp_path: Path, postgresql_url: str) -> None:
    execute(f"sqlite:///{tmp_path}/notes.db", "CREATE TABLE notes (id INTEGER)")
    kept = backups(f"sqlite:///{tmp_path}/notes.db", tmp_path)
    with pytest.raises(BackupError, match="of sqlite: it cannot go into postgresql"):
        kept.restore(kept.create().folder, into=postgresql_url)


def test_no_password_reaches_a_command_line_or_an_error(
    postgresql_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A program that stands in for pg_dump writes down how it was called, and fails with the password on its lips."""
    folder = tmp_path / "tools"
    folder.mkdir()
    for name in ("pg_dump", "pg_restore"):
        script = folder / name
        script.write_text(
            f'#!/bin/sh\n[ "$1" = --version ] && echo "{name} (PostgreSQL) 99.1" && exit\n'
            f'echo "$0 $@" > {tmp_path}/argv\necho "cannot use $PGPASSWORD" >&2\nexit 1\n'
        )
        script.chmod(0o700)
    password = synchronous(postgresql_url).password
    assert password
    with pytest.raises(BackupError, match=r"pg_dump failed: cannot use \[hidden\]") as failure:
        backups(postgresql_url, tmp_path, tools=folder).create()
    assert password not in str(failure.value)
    said = (tmp_path / "argv").read_text()
    assert "--format=custom" in said
    assert password not in said
    wrong = synchronous(postgresql_url).set(password="canary")
    with pytest.raises(BackupError, match="password authentication failed") as failure:
        backups(wrong, tmp_path).create()
    assert "canary" not in str(failure.value)


def test_missing_programs_are_named_with_what_to_install(tmp_path: Path) -> None:
    with pytest.raises(BackupError, match=r"pg_dump and pg_restore of version 99 or newer.*postgresql-client-99"):
        find_tools(99)
    with pytest.raises(BackupError, match="were not found in"):
        find_tools(14, tmp_path)


def test_the_programs_closest_to_the_server_are_taken() -> None:
    assert find_tools(18).major == 18


def test_a_program_that_hangs_is_stopped(tmp_path: Path) -> None:
    script = tmp_path / "pg_dump"
    script.write_text("#!/bin/sh\nexec sleep 60\n")
    script.chmod(0o700)
    with pytest.raises(BackupError, match=r"pg_dump was not done after 0\.2 s and was stopped"):
        Tools(tmp_path, 18).run("pg_dump", environment={}, timeout_s=0.2)


def test_postgresql_values_that_print_in_many_ways_are_compared_as_values(
    postgresql_url: str, tmp_path: Path, until: Callable[..., None]
) -> None:
    """The server's defaults change between backup and verification: what the rows say does not."""
    execute(
        postgresql_url,
        "CREATE TABLE odd (a timestamptz, b interval, c float8, d bytea, e jsonb, f text[], g numeric, t text)",
        "INSERT INTO odd VALUES (now(), '1 day', 0.1::float8 + 0.2, '\\x00ff', '{\"k\": 1}', '{a,b}', 1.50, 'x')",
        "CREATE SCHEMA other",
        "CREATE TABLE other.parts (id INTEGER) PARTITION BY LIST (id)",
        "CREATE TABLE other.part_1 PARTITION OF other.parts FOR VALUES IN (1)",
        "INSERT INTO other.parts VALUES (1)",
        "CREATE VIEW other.seen AS SELECT * FROM odd",
    )
    kept = backups(postgresql_url, tmp_path)
    backup = kept.create()
    assert {name: table.rows for name, table in backup.manifest.contents.tables.items()} == {
        "public.odd": 1,
        "other.part_1": 1,
    }
    settings = ("TimeZone = 'Asia/Tokyo'", "DateStyle = 'German'", "bytea_output = 'escape'", "extra_float_digits = -9")
    with psycopg.connect(postgresql_url, autocommit=True) as connection:
        for setting in settings:
            connection.execute(f"ALTER ROLE postgres SET {setting}".encode())
        try:
            kept.verify(backup.folder)
        finally:
            connection.execute("ALTER ROLE postgres RESET ALL")


def test_the_limits_of_the_service_do_not_end_its_backups(postgresql_url: str, tmp_path: Path) -> None:
    execute(postgresql_url, "CREATE TABLE notes (id INTEGER)", "INSERT INTO notes SELECT generate_series(1, 200000)")
    name = synchronous(postgresql_url).database
    with psycopg.connect(postgresql_url, autocommit=True) as connection:
        for limit in ("statement_timeout", "idle_in_transaction_session_timeout", "transaction_timeout"):
            connection.execute(f"ALTER DATABASE {name} SET {limit} = '200ms'".encode())
    assert backups(postgresql_url, tmp_path).create().manifest.verified


def test_names_and_addresses_that_will_not_do_are_refused_early(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="cannot name backups"):
        Backups(f"sqlite:///{tmp_path}/x.db", tmp_path, name="../up")
    with pytest.raises(BackupError, match="in memory"):
        Backups("sqlite://", tmp_path)
    with pytest.raises(BackupError, match="names no database"):
        Backups("postgresql://localhost", tmp_path)
