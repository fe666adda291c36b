"""The databases that may be asked: list, register, change, remove, look into."""

from typing import Annotated, Any

import chassis
from fastapi import APIRouter
from fastapi import Path as InPath

from spyne.api.access import Administering, Asking
from spyne.api.catalog import DEMO, Known
from spyne.api.locations import location_of
from spyne.api.models import ChangedDatabase, NewDatabase, ShownDatabase
from spyne.api.parts import Parts
from spyne.schema.errors import SourceUnreachable
from spyne.schema.model import ColumnInfo, Schema
from spyne.sources import NAME, NamedSource, shown
from spyne.state.databases import NameTakenError

router = APIRouter(prefix="/api/databases", tags=["databases"])
_VALUES = 10
Named = Annotated[str, InPath(pattern=NAME)]


@router.get("")
async def find_all(parts: Asking) -> list[ShownDatabase]:
    """List the databases that may be asked."""
    known = await parts.catalog.all()
    return [_shown(each, known[0]) for each in known]


@router.post("", status_code=201)
async def register(new: NewDatabase, parts: Administering) -> ShownDatabase:
    """Register a database. It is connected to first; its location is kept encrypted."""
    source = location_of(parts.settings, new.name, new.location)
    if new.name == DEMO or any(each.name == new.name for each in parts.catalog.fixed()):
        raise chassis.ProblemError(409, f"There is a database {new.name} already.")
    await _readable(parts, source)
    try:
        await parts.catalog.registered.add(source, new.description, shown(source))
    except NameTakenError:
        raise chassis.ProblemError(409, f"There is a database {new.name} already.") from None
    return await find(new.name, parts)


@router.get("/{name}")
async def find(name: Named, parts: Asking) -> ShownDatabase:
    """Tell about a database."""
    known = await parts.catalog.find(name)
    return _shown(known, (await parts.catalog.all())[0])


@router.put("/{name}")
async def change(name: Named, changed: ChangedDatabase, parts: Administering) -> ShownDatabase:
    """Change where a registered database is, or what is said about it."""
    known = await _registered(parts, name) if changed.location is None else None
    description = changed.description
    if known is not None:
        source = known.source
    else:
        await _is_registered(parts, name)
        source = location_of(parts.settings, name, changed.location or "")
        await _readable(parts, source)
    if description is None:
        description = next((each.description for each in await parts.catalog.all() if each.name == name), "")
    await parts.catalog.registered.change(source, description, shown(source))
    return await find(name, parts)


@router.delete("/{name}", status_code=204)
async def remove(name: Named, parts: Administering) -> None:
    """Forget a registered database. The database itself stays as it is."""
    await _is_registered(parts, name)
    await parts.catalog.registered.remove(name)


@router.get("/{name}/schema")
async def schema(name: Named, parts: Asking) -> Schema:
    """Return the tables, columns and keys of a database, with the first values of each column."""
    read = await parts.catalog.schema(await parts.catalog.find(name))
    tables = [table.model_copy(update={"columns": tuple(map(_first_values, table.columns))}) for table in read.tables]
    return read.model_copy(update={"tables": tuple(tables)})


@router.post("/{name}/refresh")
async def refresh(name: Named, parts: Asking) -> dict[str, Any]:
    """Read the schema of a database again: here now, in other processes at their next question, within a second."""
    read = await parts.catalog.schema(await parts.catalog.find(name), refresh=True)
    return {"name": name, "version": read.version, "tables": len(read.tables)}


def _first_values(column: ColumnInfo) -> ColumnInfo:
    return column.model_copy(update={"values": column.values[:_VALUES]}) if column.values else column


def _shown(known: Known, default: Known) -> ShownDatabase:
    return ShownDatabase(
        name=known.name,
        dialect=known.source.dialect,
        origin=known.origin,
        default=known.name == default.name,
        description=known.description,
        location=known.shown,
    )


async def _registered(parts: Parts, name: str) -> Known:
    await _is_registered(parts, name)
    return await parts.catalog.find(name)


async def _is_registered(parts: Parts, name: str) -> None:
    known = next((each for each in parts.catalog.fixed() if each.name == name), None)
    if known is not None:
        raise chassis.ProblemError(409, f"{name} is set up by the service's settings: change it there.")
    if not await parts.catalog.registered.has(name):
        raise chassis.ProblemError(404, f"There is no database {name}. GET /api/databases lists those there are.")


async def _readable(parts: Parts, source: NamedSource) -> None:
    try:
        await parts.catalog.read(source)
    except SourceUnreachable as error:
        raise chassis.ProblemError(422, f"location: the database cannot be read: {error}") from None
