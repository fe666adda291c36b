"""A read-only database stays one, whatever statements are tried on its connections."""

from pathlib import Path
from typing import Any

import pytest
from chassis.dependencies.sql import Database
from chassis.dependencies.sql_options import SqlOptions
from sqlalchemy import URL, text
from sqlalchemy.exc import SQLAlchemyError

pytestmark = pytest.mark.needs("sql")

POSTGRESQL = {
    "for the next transactions": (("SET default_transaction_read_only = off",), ("INSERT INTO note VALUES (2)",)),
    "for the session": (
        ("SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE",),
        ("INSERT INTO note VALUES (2)",),
    ),
    "after a COMMIT": (("COMMIT", "SET TRANSACTION READ WRITE", "INSERT INTO note VALUES (2)"),),
    "in a chained transaction": (("COMMIT AND CHAIN", "SET TRANSACTION READ WRITE", "INSERT INTO note VALUES (2)"),),
    "after a refused attempt": (
        ("SAVEPOINT one", "COMMIT AND CHAIN", "BEGIN READ WRITE", "INSERT INTO note VALUES (2)"),
    ),
    "after a ROLLBACK": (("ROLLBACK", "BEGIN READ WRITE", "INSERT INTO note VALUES (2)", "COMMIT"),),
    "by a setting": (("SELECT set_config('transaction_read_only', 'off', false)", "INSERT INTO note VALUES (2)"),),
}


def file(folder: Path) -> str:
    return f"{folder}/test.db"


SQLITE = {
    "attached": (
        "PRAGMA query_only = OFF",
        "ATTACH 'file:{file}?mode=rw' AS again",
        "INSERT INTO again.note VALUES (2)",
    ),
    "another file": ("PRAGMA query_only = OFF", "ATTACH '{folder}/other.db' AS other", "CREATE TABLE other.note (id)"),
    "copied": ("VACUUM INTO '{folder}/other.db'",),
}


class Tried:
    """A read-only database on which transactions of statements are tried, one after the other."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.database = Database("database", address=lambda: url, options=SqlOptions(read_only=True, pool_size=1))

    async def in_a_loop(self, *transactions: tuple[str, ...]) -> None:
        for statements in transactions:
            async with self.database.session() as session:
                for each in statements:
                    await session.execute(text(each))

    async def in_a_thread(self, *transactions: tuple[str, ...]) -> None:
        for statements in transactions:
            with self.database.sync_session() as session:
                for each in statements:
                    session.execute(text(each))

    async def rows(self) -> int:
        writer = Database("writer", address=lambda: self.url)
        async with writer.session() as session:
            found: int = (await session.execute(text("SELECT count(*) FROM note"))).scalar_one()
        await writer.close()
        return found


async def made(url: str) -> Tried:
    writer = Database("writer", address=lambda: url)
    async with writer.session() as session:
        await session.execute(text("CREATE TABLE note (id INTEGER PRIMARY KEY)"))
    await writer.close()
    return Tried(url)


@pytest.mark.parametrize("where", [Tried.in_a_loop, Tried.in_a_thread])
@pytest.mark.parametrize("trick", POSTGRESQL)
async def test_postgresql_refuses_writes_after_every_attempt_to_allow_them(
    postgresql_url: str, trick: str, where: Any
) -> None:
    tried = await made(postgresql_url)
    try:
        with pytest.raises(SQLAlchemyError):
            await where(tried, *POSTGRESQL[trick])
        assert await tried.rows() == 0
        await where(tried, ("SELECT count(*) FROM note",))
    finally:
        await tried.database.close()


@pytest.mark.parametrize("where", [Tried.in_a_loop, Tried.in_a_thread])
@pytest.mark.parametrize("trick", SQLITE)
async def test_sqlite_writes_neither_its_file_nor_another(tmp_path: Path, trick: str, where: Any) -> None:
    tried = await made(f"sqlite:///{file(tmp_path)}")
    statements = tuple(each.format(file=file(tmp_path), folder=tmp_path) for each in SQLITE[trick])
    try:
        with pytest.raises(SQLAlchemyError):
            await where(tried, statements)
        assert await tried.rows() == 0
        assert not (tmp_path / "other.db").exists()
        await where(tried, ("SELECT count(*) FROM note",))
    finally:
        await tried.database.close()


async def test_a_read_only_file_is_found_whatever_its_name_is(tmp_path: Path) -> None:
    folder = tmp_path / "100%41 #1"
    folder.mkdir()
    tried = await made(URL.create("sqlite", database=file(folder)).render_as_string())
    try:
        await tried.in_a_loop(("SELECT count(*) FROM note",))
        await tried.in_a_thread(("SELECT count(*) FROM note",))
    finally:
        await tried.database.close()
