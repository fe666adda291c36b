"""The commands about what is in the databases: migrate, retention."""

import asyncio
from enum import IntEnum
from typing import TYPE_CHECKING

import click

from chassis.command_line.databases import database_option, declared_data
from chassis.command_line.group import Command, Place, Status, told, warned
from chassis.errors import ChassisError

if TYPE_CHECKING:
    from chassis.data.declared import DeclaredMigrations, Kept


class SchemaCheck(IntEnum):
    """The exit status of ``migrate --check``."""

    CURRENT = 0
    BEHIND = 3
    AHEAD = 4


@click.command(cls=Command)
@click.option("--check", "only_check", is_flag=True, help="Change nothing; tell whether there is something to migrate.")
@click.option("--revise", metavar="MESSAGE", default="", help="For developers: write the next revision file from what "
    "the models say and the database has not.")  # fmt: skip
@click.option("--empty", is_flag=True, help="With --revise: write a frame, to be filled by hand.")
@database_option
@click.pass_obj
def migrate(place: Place, *, only_check: bool, revise: str, empty: bool, name: str) -> int:
    """Bring the databases to the schema that the code needs.

    Exactly one of many processes migrates; the others wait for it a bounded time.
    Killed half-way, it leaves whole revisions only: run it again. Make a backup first.

    Examples:
      chassis notes:application migrate
      chassis notes:application migrate --check
      chassis notes:application migrate --revise "add tags"

    Exit statuses: 0 done, 1 settings wrong, 2 failed. With --check: 0 current,
    3 behind: migrate, 4 ahead: the database is newer than the code.
    """
    declared = _migrations(place, name)
    if revise:
        if len(declared) > 1:
            raise ChassisError("several databases have migrations: name the one to revise with --database")
        told(f"wrote {declared[0].migrations.revise(revise, empty=empty)}: read it before you use it")
        return Status.DONE
    if only_check:
        return max(_checked(each) for each in declared)
    for each in declared:
        migrated = each.migrations.upgrade()
        told(f"{each.database.name}: {'migrated' if migrated else 'there was nothing to migrate'}")
    return Status.DONE


def _migrations(place: Place, name: str) -> "list[DeclaredMigrations]":
    service = place.ready
    data = declared_data(service)
    found = [each for each in (data.all_migrations if data else ()) if name in ("", each.database.name)]
    if not found:
        which = f" of {name}" if name else ""
        raise ChassisError(f"{service.name} declares no migrations{which}: service.data.migrations(database, folder)")
    return found


def _checked(declared: "DeclaredMigrations") -> SchemaCheck:
    from chassis.data.revisions import Schema, listed  # noqa: PLC0415 - an extra

    status = declared.migrations.status()
    told(f"{declared.database.name}: {status.schema}; it is at {listed(status.found)}, "
         f"and the code needs {listed(status.needed)}")  # fmt: skip
    statuses = {Schema.CURRENT: SchemaCheck.CURRENT, Schema.BEHIND: SchemaCheck.BEHIND, Schema.AHEAD: SchemaCheck.AHEAD}
    return statuses[status.schema]


@click.command(cls=Command)
@click.option("--dry-run", is_flag=True, help="Delete nothing; tell how many rows are older than they may be.")
@click.option("--seconds", type=click.FloatRange(min=0), default=60.0, show_default=True,
    help="About how long it may take for each table; the rest is for the next time.")  # fmt: skip
@click.pass_obj
def retention(place: Place, *, dry_run: bool, seconds: float) -> int:
    """Delete the rows that are older than the service's declarations allow.

    In small transactions, the oldest rows first. Run it once a day, from cron.
    (How many backups are kept is a matter of the command backup.)

    Examples:
      chassis notes:application retention --dry-run
      chassis notes:application retention

    Exit statuses: 0 done, 1 settings wrong, 2 failed.
    """
    service = place.ready
    data = declared_data(service)
    if data is None or not data.all_kept:
        raise ChassisError(f"{service.name} declares no retention: service.data.retention(database, column, days=90)")
    for each in data.all_kept:
        if each.database.configured:
            asyncio.run(_carried_out(each, seconds, dry_run=dry_run))
    return Status.DONE


async def _carried_out(kept: "Kept", seconds: float, *, dry_run: bool) -> None:
    try:
        if kept.days is None:
            told(f"{kept.column}: kept for ever")
        elif dry_run:
            told(f"{kept.column}: {await kept.count()} rows are older than {kept.days:g} days")
        else:
            purged = await kept.purge(seconds)
            told(f"{kept.column}: deleted {purged.rows} rows older than {kept.days:g} days")
            if not purged.complete:
                warned(f"{kept.column}: not all; the rest is for the next time, or give it more --seconds")
    finally:
        await kept.database.close()
