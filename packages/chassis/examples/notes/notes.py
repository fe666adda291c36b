"""Notes: the smallest complete service on the chassis.

Notes are kept in SQLite or PostgreSQL. A cache and an API of quotes are optional: without the cache notes are read from
the database, and without the API they come without a quote.
"""

import json
from contextlib import suppress
from typing import Annotated, Any

import chassis
from fastapi import FastAPI, Path, Query
from pydantic import BaseModel, Field, SecretStr, StringConstraints
from sqlalchemy import Text as TextType
from sqlalchemy import select
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

KEPT_S = 60
Words = Annotated[str, StringConstraints(min_length=1, max_length=2000, pattern=r"^[^\x00]*$")]
Id = Annotated[int, Path(ge=1, le=2**31 - 1)]


class Settings(chassis.ServiceSettings):
    """What can be set, beside what every service has."""

    model_config = chassis.settings_config(prefix="NOTES_")
    database_url: Annotated[SecretStr, chassis.AlsoFrom("DATABASE_URL")] = Field(
        description="Where notes are kept", examples=["sqlite+aiosqlite:///notes.db"]
    )
    cache_url: Annotated[SecretStr | None, chassis.AlsoFrom("REDIS_URL")] = Field(
        None, description="Where notes are cached", examples=["redis://localhost:6379/0"]
    )
    quotes_url: str | None = Field(None, description="An API of quotes", examples=["https://quotes.example.org"])


service = chassis.Service("notes", Settings)
database = service.sql("database", lambda s: s.database_url)
cache = service.valkey("cache", lambda s: s.cache_url, lost="notes are read from the database each time")
quotes = service.http("quotes", lambda s: s.quotes_url, lost="notes come without a quote")


class Base(DeclarativeBase):
    """The tables."""


class Note(Base):
    """One note."""

    __tablename__ = "notes"
    id: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str] = mapped_column(TextType)


class NewNote(BaseModel):
    """What a client sends."""

    text: Words


class KeptNote(NewNote):
    """What a client gets."""

    id: int
    quote: str | None = None


@service.step("create tables")
async def create_tables() -> None:
    """Create what is missing; it is tried again until the database is there."""
    async with database.engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)


app = FastAPI(title="Notes")


@app.post("/notes", status_code=201)
async def create(new: NewNote) -> KeptNote:
    """Keep a note."""
    async with database.session() as session:
        note = Note(text=new.text)
        session.add(note)
    return KeptNote(id=note.id, text=note.text)


@app.get("/notes")
async def find(limit: Annotated[int, Query(ge=1, le=100)] = 20) -> list[KeptNote]:
    """List the latest notes."""
    async with database.session() as session:
        notes = await session.scalars(select(Note).order_by(Note.id.desc()).limit(limit))
    return [KeptNote(id=note.id, text=note.text) for note in notes]


@app.get("/notes/{note_id}")
async def read(note_id: Id) -> KeptNote:
    """Read a note, from the cache where it is there, with a quote where one can be had."""
    found = await cached(note_id) or await stored(note_id)
    return KeptNote(**found, quote=await quote())


@app.put("/notes/{note_id}")
async def change(note_id: Id, new: NewNote) -> KeptNote:
    """Change a note."""
    async with database.session() as session:
        note = await session.get(Note, note_id)
        if note is None:
            raise chassis.ProblemError(404, f"There is no note {note_id}.")
        note.text = new.text
    await forget(note_id)
    return KeptNote(id=note.id, text=note.text)


@app.delete("/notes/{note_id}", status_code=204)
async def remove(note_id: Id) -> None:
    """Delete a note."""
    async with database.session() as session:
        note = await session.get(Note, note_id)
        if note is None:
            raise chassis.ProblemError(404, f"There is no note {note_id}.")
        await session.delete(note)
    await forget(note_id)


async def stored(note_id: int) -> dict[str, Any]:
    """Read a note from the database, and keep it in the cache for a minute."""
    async with database.session() as session:
        note = await session.get(Note, note_id)
    if note is None:
        raise chassis.ProblemError(404, f"There is no note {note_id}.")
    found = {"id": note.id, "text": note.text}
    with suppress(chassis.DependencyError):
        await cache.client.set(f"note:{note_id}", json.dumps(found), ex=KEPT_S)
    return found


async def cached(note_id: int) -> dict[str, Any] | None:
    """Read a note from the cache; None when it is not there, or the cache is down."""
    with suppress(chassis.DependencyError):
        kept = await cache.client.get(f"note:{note_id}")
        return json.loads(kept) if kept else None
    return None


async def forget(note_id: int) -> None:
    """Take a note out of the cache. When the cache is down, the note is gone from it after a minute."""
    with suppress(chassis.DependencyError):
        await cache.client.delete(f"note:{note_id}")


async def quote() -> str | None:
    """Ask for a quote; None when there is none to be had."""
    with suppress(chassis.DependencyError):
        return str((await quotes.client.get("/random")).json()["text"])
    return None


application = service.asgi(app)
