"""What a service declares about its data: retention by columns of every kind, and migrations as a part of the start."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from chassis.data.declared import DeclaredData, Kept
from chassis.dependencies.sql import Database
from chassis.dependencies.sql_options import SqlOptions
from chassis.errors import SettingsError
from chassis.steps import StartPhase
from sqlalchemy import Column, Date, DateTime, Float, Integer, MetaData, String, Table, insert, select
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

pytestmark = pytest.mark.needs("sql")

NOW = 1_738_584_000.0  # 2025-02-03T12:00:00Z
KINDS = {
    "time": (DateTime, lambda at: at.replace(tzinfo=None)),
    "time with zone": (DateTime(timezone=True), lambda at: at),
    "date": (Date, lambda at: at.date()),
    "seconds": (Float, lambda at: at.timestamp()),
    "whole seconds": (Integer, lambda at: int(at.timestamp())),
}


def declared(url: str, **options: Any) -> Database:
    """Declare a database outside of a service."""
    return Database("database", address=lambda: url, **options)


@pytest.mark.parametrize("kind", KINDS)
async def test_rows_go_whose_age_is_above_the_days_whatever_the_column(
    kind: str, database_url: str, clock: Any
) -> None:
    column_type, written = KINDS[kind]
    notes = Table("notes", MetaData(), Column("id", Integer, primary_key=True), Column("made", column_type))
    database = declared(database_url)
    try:
        async with database.engine.begin() as connection:
            await connection.run_sync(notes.metadata.create_all)
            for id_, days in ((1, 12.0), (2, 8.0), (3, 1.0)):
                at = datetime.fromtimestamp(NOW - days * 86_400, UTC)
                await connection.execute(insert(notes).values(id=id_, made=written(at)))
        kept = Kept(database, notes.c.made, 10, lambda: None, clock)
        assert await kept.count() == 1
        assert (await kept.purge(60)).rows == 1
        async with database.session() as session:
            assert list(await session.scalars(select(notes.c.id).order_by(notes.c.id))) == [2, 3]
    finally:
        await database.close()


class Base(DeclarativeBase):
    """The tables."""


class Note(Base):
    """One note."""

    __tablename__ = "notes"
    id: Mapped[int] = mapped_column(primary_key=True)
    made: Mapped[datetime]


class Steps:
    """Takes the steps that are declared, in place of a service."""

    def __init__(self, settings: Any = None) -> None:
        self.settings = settings
        self.steps: dict[str, Any] = {}

    def step(self, name: str, phase: StartPhase, *, limit_s: float | None = None) -> Any:
        del limit_s
        assert phase is StartPhase.TABLES
        return lambda function: self.steps.setdefault(name, function)


async def test_none_and_0_days_keep_rows_for_ever() -> None:
    for days in (None, 0, 0.0):
        data: Any = DeclaredData(Steps(settings={"days": days}))  # type: ignore[arg-type]
        data.retention(declared("sqlite:///none.db"), Note.made, days=lambda settings: settings["days"])
        (kept,) = data.all_kept
        assert kept.column is Note.__table__.c.made
        assert kept.days is None
        assert (await kept.count(), (await kept.purge(1)).rows) == (0, 0)  # there is no such database to ask


async def test_a_negative_number_of_days_deletes_nothing(database_url: str, clock: Any) -> None:
    database = declared(database_url)
    try:
        async with database.engine.begin() as connection:
            await connection.run_sync(Base.metadata.create_all)
            await connection.execute(
                insert(Note.__table__).values(made=datetime.fromtimestamp(NOW, UTC).replace(tzinfo=None))
            )
        for days in (-1, float("nan")):
            kept = Kept(database, Note.__table__.c.made, days, lambda: None, clock)
            with pytest.raises(SettingsError, match=r"notes\.made: expected a number of days of at least 0"):
                await kept.purge(60)
            with pytest.raises(SettingsError):
                await kept.count()
        assert await Kept(database, Note.__table__.c.made, 1e9, lambda: None, clock).count() == 0  # before the year 1
        async with database.session() as session:
            assert len(list(await session.scalars(select(Note)))) == 1
    finally:
        await database.close()


def test_a_column_that_is_no_time_is_refused() -> None:
    names = Table("names", MetaData(), Column("id", Integer, primary_key=True), Column("name", String))
    data: Any = DeclaredData(Steps())  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"names\.name: expected a column of dates, times or seconds"):
        data.retention(declared("sqlite:///none.db"), names.c.name, days=1)


def test_a_read_only_database_cannot_be_migrated(tmp_path: Path) -> None:
    database = declared("sqlite:///notes.db", options=SqlOptions(read_only=True))
    with pytest.raises(ValueError, match="database is read-only"):
        DeclaredData(Steps()).migrations(database, tmp_path)  # type: ignore[arg-type]


def test_an_optional_database_that_is_down_keeps_no_service_from_starting(tmp_path: Path) -> None:
    steps = Steps()
    made = DeclaredData(steps).migrations(declared("postgresql://nobody@127.0.0.1:1/none", lost="notes"), tmp_path)  # type: ignore[arg-type]
    asyncio.run(steps.steps["migrate database"]())
    assert made.progress == "not started"
