"""migrate, backup, verify, restore and retention as real processes, on SQLite and PostgreSQL."""

import time
from pathlib import Path
from typing import Any

import psycopg
import pytest
from chassis.clock import SystemClock
from chassis.data import Backups

pytestmark = pytest.mark.needs("sql")

EMPTY = {"sqlite": ["DROP TABLE entries", "DROP TABLE alembic_version"],
         "postgresql": ["DROP SCHEMA public CASCADE", "CREATE SCHEMA public"]}  # fmt: skip


class Then(SystemClock):
    """A clock that shows one moment."""

    def __init__(self, now: float) -> None:
        self.time = lambda: now


def backed_up(ledger: Any, at: float = 0.0) -> Path:
    """Make a backup in the folder ``kept``, and return its folder."""
    clock = Then(at or time.time())
    return Backups(ledger.url, ledger.folder / "kept", name="ledger.database", clock=clock).create().folder


def damage(folder: Path) -> None:
    """Change one byte in the middle of a backup's file."""
    (file,) = folder.glob("database.*")
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


def test_a_database_is_migrated_backed_up_and_restored_into_an_empty_place(any_ledger: Any) -> None:
    ledger = any_ledger
    behind = ledger.run("migrate", "--check")
    assert (behind.status, behind.out) == (3, "database: behind; it is at no revision, and the code needs r2\n")
    assert ledger.run("migrate").out == "database: migrated\n"
    assert ledger.run("migrate").out == "database: there was nothing to migrate\n"
    assert ledger.run("migrate", "--check").status == 0
    ledger.enter("first", "second")

    made = ledger.run("backup", "kept")
    assert made.status == 0
    (folder,) = (ledger.folder / "kept").iterdir()
    assert folder.name.startswith("ledger.database-")
    assert made.out.startswith(f"database: backed up to kept/{folder.name}, and verified: tables: 2, rows: 3, bytes: ")
    assert ledger.run("verify", str(folder)).status == 0

    refused = ledger.run("restore", str(folder))
    assert refused.status == 2
    assert "is not empty" in refused.err
    assert "--replace" in refused.err
    ledger.execute(*EMPTY[ledger.url.get_backend_name()])
    restored = ledger.run("restore", str(folder))
    assert restored.status == 0, restored.err
    assert ledger.entries() == ["first", "second"]

    damage(folder)
    spoilt = ledger.run("verify", str(folder))
    assert (spoilt.status, spoilt.out) == (2, "")
    assert "is damaged" in spoilt.err


def test_older_backups_go_only_when_asked_and_after_a_new_one_was_made(ledger: Any) -> None:
    ledger.migrate()
    before = [backed_up(ledger, time.time() - seconds) for seconds in (3600, 1800)]
    assert ledger.run("backup", "kept").status == 0
    assert all(each.exists() for each in before)
    (newest,) = {*(ledger.folder / "kept").iterdir()} - {*before}
    newest.rename(newest.with_name("ledger.database-elsewhere"))  # a second backup may fall into the same second
    pruned = ledger.run("backup", "kept", "--keep-last", "2")
    assert f"database: deleted kept/{before[0].name}\n" in pruned.out
    assert [each.exists() for each in before] == [False, True]


def test_a_running_service_keeps_its_database_from_being_replaced(ledger: Any) -> None:
    with ledger.serving() as serving:
        ledger.enter("before")  # the start has made the table
        folder = backed_up(ledger)
        ledger.enter("after")
        refused = ledger.run("restore", str(folder), "--replace")
        assert refused.status == 2
        assert "ledger is running here" in refused.err
        assert serving.stop().status == 0
    assert ledger.entries() == ["before", "after"]
    replaced = ledger.run("restore", str(folder), "--replace")
    assert replaced.status == 0
    assert ledger.entries() == ["before"]
    (aside,) = ledger.folder.glob("ledger.db.before-restore-*Z")
    assert f"what was there before is now {aside.name}; delete it when you are sure" in replaced.out


def test_a_backup_that_is_ended_leaves_nothing_behind(ledger: Any, postgresql_url: str, until: Any) -> None:
    ledger.settings["LEDGER_DATABASE_URL"] = postgresql_url
    ledger.migrate()
    with psycopg.connect(postgresql_url) as holder:
        holder.execute("LOCK TABLE entries IN ACCESS EXCLUSIVE MODE")  # so that it waits, as with a large table
        with ledger.started("backup", "kept") as command:
            until(lambda: list(ledger.folder.glob("kept/.partial-*")), within=30)
            assert command.stop().status == 143
    assert list((ledger.folder / "kept").iterdir()) == []


def test_a_newer_database_is_4_and_is_left_alone(ledger: Any) -> None:
    ledger.migrate()
    (ledger.folder / "revisions" / "0002_made.py").unlink()
    assert ledger.run("migrate", "--check").status == 4
    refused = ledger.run("migrate")
    assert refused.status == 2
    assert "is ahead" in refused.err


def test_a_revision_is_written_from_what_the_models_say(ledger: Any) -> None:
    revisions = ledger.folder / "revisions"
    (revisions / "0002_made.py").unlink()
    ledger.migrate()
    wrote = ledger.run("migrate", "--revise", "add the time")
    assert wrote.status == 0, wrote.err
    (file,) = (each for each in revisions.glob("*.py") if each.name != "0001_entries.py")
    assert f"wrote {file}: read it" in wrote.out
    assert "Column('made'" in file.read_text()
    again = ledger.run("migrate", "--revise", "again")
    assert again.status == 2  # the one just written has not been applied


def test_rows_older_than_they_may_be_are_counted_then_deleted(any_ledger: Any) -> None:
    ledger = any_ledger
    ledger.migrate()
    ledger.enter("old")
    ledger.enter("new", made="2126-01-01 00:00:00")
    assert ledger.run("retention", "--dry-run").out == "entries.made: 1 rows are older than 30 days\n"
    assert ledger.run("retention", LEDGER_KEEP_DAYS="0").out == "entries.made: kept for ever\n"
    assert ledger.entries() == ["old", "new"]
    assert ledger.run("retention").out == "entries.made: deleted 1 rows older than 30 days\n"
    assert ledger.entries() == ["new"]


def test_what_a_service_does_not_have_is_said(ledger: Any) -> None:
    ledger.migrate()
    folder = backed_up(ledger)
    missing = ledger.run("backup", "x", "--database", "archive")
    assert missing.err == "Error: ledger has no database archive: its databases are database\n"
    assert "is no backup" in ledger.run("verify", "revisions").err
    source = (ledger.folder / "ledger.py").read_text()
    other = source.replace('Service("ledger"', 'Service("other"').replace("service.data.", "# ")
    (ledger.folder / "ledger.py").write_text(other)
    assert "is of ledger.database, not of this service" in ledger.run("verify", str(folder)).err
    assert ledger.run("verify", str(folder), "--database", "database").status == 0
    for command, what in {"migrate": "migrations", "retention": "retention"}.items():
        said = ledger.run(command)
        assert said.status == 2
        assert said.err.startswith(f"Error: other declares no {what}: service.data.{what}(")


@pytest.mark.parametrize("command", [["migrate"], ["retention"], ["backup", "kept"]], ids=lambda each: each[0])
def test_a_database_that_is_not_there_is_one_clear_line(ledger: Any, command: list[str], nowhere: str) -> None:
    said = ledger.run(*command, LEDGER_DATABASE_URL=f"postgresql://ledger:s3cretPw@{nowhere}/ledger")
    assert (said.status, said.err.count("\n")) == (2, 1), said.err
    assert said.err.startswith("Error: ")
    assert "s3cretPw" not in said.err


def test_a_start_waits_unready_until_the_command_has_migrated(ledger: Any) -> None:
    source = (ledger.folder / "ledger.py").read_text()
    (ledger.folder / "ledger.py").write_text(source.replace("Base.metadata)\n", "Base.metadata, at_start=False)\n", 1))
    with ledger.serving() as serving:
        waiting = ledger.run("health")
        assert waiting.status == 2
        assert ledger.run("migrate").status == 0
        deadline = time.monotonic() + 30
        while (now := ledger.run("health")).status != 0:
            assert time.monotonic() < deadline, now
        said = serving.stop().out
    assert "schema of database: the schema of sqlite:///ledger.db is behind" in said
