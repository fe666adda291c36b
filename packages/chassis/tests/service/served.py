"""A service with a dependency of each kind, to be run in a process of its own: ``python served.py MODULE``."""

import asyncio
import socket
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import chassis
from chassis.serve import serve
from pydantic import Field, SecretStr
from sqlalchemy import text
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route


class Settings(chassis.ServiceSettings):
    model_config = chassis.settings_config(prefix="SERVED_", env_file=None)
    database_url: SecretStr = Field(description="Where notes are kept", examples=["sqlite:///notes.db"])
    cache_url: SecretStr | None = None
    quotes_url: str | None = None
    mail_port: int | None = None


service = chassis.Service("served", Settings, version="1.2.3")
database = service.sql("database", lambda s: s.database_url, options=chassis.SqlOptions(statement_s=2.0))
cache = service.valkey(
    "cache",
    lambda s: s.cache_url,
    lost="notes are read from the database",
    policy=chassis.Policy(deadline_s=1.0, fallback=chassis.Fallback(value=None), breaker=chassis.Breaker(open_s=1.0)),
)
quotes = service.http(
    "quotes",
    lambda s: s.quotes_url,
    lost="notes come without a quote",
    policy=chassis.Policy(fallback=chassis.Fallback(value="no quote today"), breaker=chassis.Breaker(open_s=1.0)),
)


def greet_mail_server() -> None:
    with socket.create_connection(("127.0.0.1", service.settings.mail_port), timeout=1):
        pass


mail = service.call(
    "mail",
    check=greet_mail_server,
    lost="letters are sent later",
    needs=lambda s: s.mail_port,
    policy=chassis.Policy(fallback=chassis.Fallback(value="queued"), breaker=chassis.Breaker(open_s=1.0)),
)


@service.step("create tables")
async def create_tables() -> None:
    async with database.session() as session:
        await session.execute(text("CREATE TABLE IF NOT EXISTS note (id INTEGER PRIMARY KEY)"))


@quotes.guard
async def quote() -> str:
    answer: dict[str, str] = (await quotes.client.get("/echo")).json()
    return answer["host"]


@mail.guard
def send() -> str:
    greet_mail_server()
    return "sent"


async def count() -> Any:
    async with database.session() as session:
        return (await session.execute(text("SELECT count(*) FROM note"))).scalar()


async def cached() -> Any:
    value = await cache.client.get("greeting")
    if value is None:
        await cache.client.set("greeting", "hello")
        return None
    return value.decode()


async def sent() -> str:
    return await asyncio.to_thread(send)


def page(answer: Callable[[], Awaitable[Any]]) -> Callable[[Request], Awaitable[JSONResponse]]:
    async def answered(_: Request) -> JSONResponse:
        return JSONResponse({"answer": await answer()})

    return answered


pages = {"/database": count, "/cache": cached, "/quotes": quote, "/mail": sent}
app = Starlette(routes=[Route(path, page(answer)) for path, answer in pages.items()])
application = service.asgi(app)

if __name__ == "__main__":
    sys.exit(serve(f"{sys.argv[1]}:application"))
