"""The code on the pages about authentication and data safety runs, and does what the pages say."""

import ast
import inspect
import re
import sqlite3
import time
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Annotated, Any

import httpx
import pytest
from chassis.auth import AuthTables, new_key
from chassis.auth.core import Tokens
from chassis.data import Backups, Keep, purge_older_than, transactions
from chassis.dependencies.sql import Database
from chassis.errors import ProblemError
from fastapi import Depends, FastAPI, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, SecretStr
from sqlalchemy import Column, DateTime, Integer, MetaData, Table, insert, select, text

pytestmark = pytest.mark.needs("auth", "fastapi", "http", "sql")

DOCS = Path(__file__).resolve().parents[4] / "docs" / "chassis"
PASSWORD = "correct horse battery"


def samples(page: str) -> list[str]:
    """Return the Python blocks of a page."""
    return re.findall(r"^```python\n(.*?)^```$", (DOCS / page).read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


async def run(sample: str, names: dict[str, Any]) -> dict[str, Any]:
    """Carry a sample out with these names defined, and return all that are then; it may await."""
    made = eval(compile(sample, "sample", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT), names)
    if inspect.isawaitable(made):
        await made
    return names


class Login(BaseModel):
    """What somebody types."""

    login: str
    password: str


class Refresh(BaseModel):
    """What carries a session on."""

    refresh_token: str


class Note(BaseModel):
    """A note."""

    text: str


async def test_the_service_of_the_page_about_authentication_works(tmp_path: Path) -> None:
    (sample,) = samples("auth.md")
    app = FastAPI(default_response_class=JSONResponse)

    @app.exception_handler(ProblemError)
    async def answer(_: Request, problem: ProblemError) -> Response:  # the edge does this in a service
        return JSONResponse({"detail": problem.detail}, problem.status, problem.headers)

    database = Database("database", address=lambda: f"sqlite:///{tmp_path}/notes.db")
    settings = SimpleNamespace(auth_keys=SecretStr(new_key("2025-06")))
    given = {"Annotated": Annotated, "Depends": Depends, "Request": Request, "MetaData": MetaData, "Tokens": Tokens,
             "transactions": transactions, "Login": Login, "Refresh": Refresh, "Note": Note,
             "app": app, "database": database, "settings": settings}  # fmt: skip
    names = await run(sample, given)
    try:
        async with database.engine.begin() as connection:
            await connection.run_sync(names["metadata"].create_all)
        await names["auth"].users.register("ada", PASSWORD, roles=["editor"])
        await names["auth"].users.register("bob", PASSWORD, roles=["reader"])
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://notes") as client:

            async def tokens_of(login: str) -> dict[str, str]:
                answered = await client.post("/login", json={"login": login, "password": PASSWORD})
                assert answered.status_code == 200
                found: dict[str, str] = answered.json()
                return found

            async def create(tokens: dict[str, str]) -> int:
                headers = {"Authorization": f"Bearer {tokens['access_token']}"}
                return (await client.post("/notes", json={"text": "hello"}, headers=headers)).status_code

            ada, bob = await tokens_of("Ada"), await tokens_of("bob")
            assert [await create(ada), await create(bob)] == [200, 403]
            again = (await client.post("/refresh", json={"refresh_token": ada["refresh_token"]})).json()
            assert await create(again) == 200
            ended = await client.post("/logout", json={"refresh_token": again["refresh_token"]})
            assert ended.status_code == 204
            assert [await create(again), (await client.post("/notes", json={"text": "hello"})).status_code] == [
                401,
                401,
            ]
    finally:
        names["auth"].close()
        await database.close()


async def test_the_migrations_of_the_page_about_data_safety_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sample = samples("data-safety.md")[0]
    package = tmp_path / "pages_of_notes" / "migrations"
    package.mkdir(parents=True)
    for folder in (package, package.parent):
        (folder / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    steps: dict[str, Any] = {}
    service = SimpleNamespace(
        settings=SimpleNamespace(database_url=SecretStr(f"sqlite:///{tmp_path}/notes.db")),
        step=lambda name: lambda function: steps.setdefault(name, function),
    )
    given = {"service": service, "metadata": AuthTables().metadata}
    names = await run(sample.replace("notes.migrations", "pages_of_notes.migrations"), given)
    names["migrations"].revise("accounts")
    await steps["migrate"]()
    names["migrations"].require_current()
    assert str(names["migrations"].progress) == "done"
    assert names["migrations"].drift() == []


async def test_the_backups_of_the_page_about_data_safety_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sample = samples("data-safety.md")[1]
    monkeypatch.chdir(tmp_path)
    with closing(sqlite3.connect("notes.db")) as connection, connection:
        connection.execute("CREATE TABLE notes (text TEXT)")
        connection.execute("INSERT INTO notes VALUES ('kept')")
    assert "/var/backups/notes" in sample
    given = {"settings": SimpleNamespace(database_url=SecretStr("sqlite:///notes.db")), "Path": Path}
    names = await run(sample.replace("/var/backups/notes", str(tmp_path / "backups")), given)
    assert (names["Backups"], names["Keep"]) == (Backups, Keep)
    assert [each.folder for each in names["backups"].all()] == [names["backup"].folder]
    with closing(sqlite3.connect("other.db")) as connection:
        assert connection.execute("SELECT text FROM notes").fetchall() == [("kept",)]


async def test_the_retention_of_the_page_about_data_safety_works(tmp_path: Path) -> None:
    sample = samples("data-safety.md")[2]
    events = Table("events", MetaData(), Column("id", Integer, primary_key=True), Column("created_at", DateTime))
    database = Database("database", address=lambda: f"sqlite:///{tmp_path}/notes.db")
    moments = [datetime.fromtimestamp(time.time() - days * 86_400, UTC).replace(tzinfo=None) for days in (40, 30, 10)]
    try:
        async with database.engine.begin() as connection:
            await connection.run_sync(events.metadata.create_all)
            for moment in moments:
                await connection.execute(insert(events).values(created_at=moment))
        given = {"purge_older_than": purge_older_than, "transactions": transactions, "database": database,
                 "events": events, "thirty_days_ago": moments[1]}  # fmt: skip
        await run(sample, given)
        async with database.session() as session:
            assert list(await session.scalars(select(events.c.id).order_by(text("id")))) == [2, 3]
    finally:
        await database.close()


def test_there_is_no_further_sample_that_nobody_runs() -> None:
    assert [len(samples(page)) for page in ("auth.md", "data-safety.md")] == [1, 3]
