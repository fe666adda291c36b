"""The commands about backups: backup, verify, restore."""

import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

from chassis.command_line.asking import NotRunningError
from chassis.command_line.databases import chosen, database_option, ended_in_order
from chassis.command_line.group import Command, Place, Status, told
from chassis.command_line.running import health_answer
from chassis.errors import ChassisError
from chassis.extras import extra

if TYPE_CHECKING:
    from chassis.data.backups import Backups
    from chassis.data.manifest import Manifest
    from chassis.dependencies.sql import Database
    from chassis.service import Service

_ASKED_S = 2.0
_folder = click.Path(path_type=Path, file_okay=False)


@click.command(cls=Command)
@click.argument("folder", type=_folder)
@database_option
@click.option("--keep-last", type=click.IntRange(min=0), metavar="N", help="Keep the last N.")
@click.option("--keep-daily", type=click.IntRange(min=0), metavar="N", help="Keep the newest of each of N days.")
@click.option("--keep-weekly", type=click.IntRange(min=0), metavar="N", help="Keep the newest of each of N weeks.")
@click.pass_obj
def backup(
    place: Place, folder: Path, name: str, keep_last: int | None, keep_daily: int | None, keep_weekly: int | None
) -> int:
    """Back up the databases into FOLDER, while the service runs.

    Each backup is a folder of its own. It is restored into an empty scratch place and
    compared, table by table, before it gets its name: what is there is known to be
    restorable. With a --keep option, older backups of the same database that no
    option keeps are deleted afterwards; without one, none ever is.

    Examples:
      chassis notes:application backup /var/backups/notes
      chassis notes:application backup /var/backups/notes --keep-daily 7 --keep-weekly 4

    Exit statuses: 0 done, 1 settings wrong, 2 failed: no new backup was kept.
    """
    service = place.ready
    keeps = {"last": keep_last, "daily": keep_daily, "weekly": keep_weekly}
    given = {which: number for which, number in keeps.items() if number is not None}
    for database in chosen(service, name):
        backups = _backups(service, database, folder)
        with ended_in_order():
            made = backups.create()
        told(f"{database.name}: backed up to {made.folder}, and verified: {_contents(made.manifest)}")
        if given:
            from chassis.data.keep import Keep  # noqa: PLC0415 - an extra

            for gone in backups.prune(Keep(**{"last": 0, "daily": 0, "weekly": 0} | given)):
                told(f"{database.name}: deleted {gone}")
    return Status.DONE


@click.command(cls=Command)
@click.argument("folder", type=_folder, metavar="BACKUP")
@database_option
@click.pass_obj
def verify(place: Place, folder: Path, name: str) -> int:
    """Check that BACKUP can be restored: by doing it.

    It is restored into an empty scratch place, which is deleted afterwards, and every
    table is compared with what was backed up. The service's database is not touched.

    Example:
      chassis notes:application verify /var/backups/notes/notes.database-20260131T020000Z

    Exit statuses: 0 it can be restored, 1 settings wrong, 2 it cannot, or was changed.
    """
    database, backups = _of_backup(place.ready, folder, name)
    with ended_in_order():
        manifest = backups.verify(folder).manifest
    told(f"{database.name}: {folder} can be restored: {_contents(manifest)}")
    return Status.DONE


@click.command(cls=Command)
@click.argument("folder", type=_folder, metavar="BACKUP")
@database_option
@click.option("--replace", is_flag=True,
    help="Put what is in the database aside, and restore in its place. Stop the service first.")  # fmt: skip
@click.pass_obj
def restore(place: Place, folder: Path, name: str, *, replace: bool) -> int:
    """Restore BACKUP into the service's database, and compare every table afterwards.

    The database must be empty: otherwise this refuses, and nothing is changed. To
    restore into another place, set the setting of the database for this command.

    Examples:
      chassis notes:application restore /var/backups/notes/notes.database-20260131T020000Z
      NOTES_DATABASE_URL=sqlite:///tried.db chassis notes:application restore BACKUP

    Exit statuses: 0 restored and verified, 1 settings wrong, 2 failed.
    """
    service = place.ready
    database, backups = _of_backup(service, folder, name)
    if replace:
        _require_stopped(service)
    with ended_in_order():
        aside = backups.restore(folder, overwrite=replace)
    told(f"{database.name}: restored from {folder}, and every table is as it was backed up")
    if aside:
        told(f"{database.name}: what was there before is now {aside}; delete it when you are sure")
    return Status.DONE


def _backups(service: "Service", database: "Database", folder: Path) -> "Backups":
    with extra("sql"):
        from chassis.data.backups import Backups  # noqa: PLC0415 - an extra
    return Backups(database.url(), folder, name=_backup_name(service, database))


def _backup_name(service: "Service", database: "Database") -> str:
    return re.sub(r"[^A-Za-z0-9_.]", "_", f"{service.name}.{database.name}")


def _of_backup(service: "Service", folder: Path, name: str) -> "tuple[Database, Backups]":
    """Find the database that a backup is of."""
    with extra("sql"):
        from chassis.data.manifest import Manifest  # noqa: PLC0415 - an extra
    if not name:
        of = Manifest.read(folder).name
        found = [each for each in chosen(service, "") if _backup_name(service, each) == of]
        if not found:
            raise ChassisError(f"{folder} is of {of}, not of this service: name the database with --database")
        return found[0], _backups(service, found[0], folder.parent)
    database = chosen(service, name)[0]
    return database, _backups(service, database, folder.parent)


def _require_stopped(service: "Service") -> None:
    try:
        health_answer(service, _ASKED_S)
    except NotRunningError:
        return
    raise ChassisError(f"{service.name} is running here, and would go on with the old database: stop it first")


def _contents(manifest: "Manifest") -> str:
    tables = manifest.contents.tables
    rows = sum(each.rows for each in tables.values())
    return f"tables: {len(tables)}, rows: {rows}, bytes: {manifest.size}"
