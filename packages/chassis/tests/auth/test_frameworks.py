"""The same guards in FastAPI and in Flask."""

import asyncio
import threading
from collections.abc import Iterator
from typing import Annotated, Any

import httpx
import pytest
from chassis.auth import Principal
from chassis.auth.fastapi import FastAPIAuth, client_address
from chassis.auth.flask import FlaskAuth, LoopThread
from chassis.context import correlation_id
from chassis.errors import ProblemError
from fastapi import Depends, FastAPI, Request
from fastapi.responses import JSONResponse
from flask import Flask, g

pytestmark = pytest.mark.needs("auth", "sql", "http", "fastapi", "flask")

PASSWORD = "correct horse battery"
HERE = "192.0.2.7"


def fastapi_app(auth: Any) -> FastAPI:
    app, guard = FastAPI(), FastAPIAuth(auth)

    @app.exception_handler(ProblemError)
    async def answer(_: Request, problem: ProblemError) -> JSONResponse:  # the edge does this in a service
        return JSONResponse({"detail": problem.detail}, problem.status, problem.headers)

    @app.get("/me")
    async def me(caller: Annotated[Principal, Depends(guard.principal)]) -> dict[str, str]:
        return {"kind": caller.kind}

    @app.post("/notes", dependencies=[Depends(guard.requires("notes:write"))])
    async def create() -> dict[str, str]:
        return {}

    @app.get("/address")
    async def address(request: Request) -> str:
        return client_address(request)

    return app


async def test_fastapi_routes_let_in_who_may_and_say_why_not(open_auth: Any) -> None:
    async with open_auth() as auth:
        user = await auth.users.register("ada", PASSWORD, roles=["reader"])
        tokens = await auth.login("ada", PASSWORD, address=HERE)
        key = await auth.api_keys.create(user.id, "a", [])
        transport = httpx.ASGITransport(fastapi_app(auth), client=(HERE, 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://notes") as client:
            nobody = await client.get("/me")
            assert (nobody.status_code, nobody.headers["WWW-Authenticate"]) == (401, "Bearer")
            bearer = {"Authorization": f"Bearer {tokens.access_token}"}
            assert (await client.get("/me", headers=bearer)).json() == {"kind": "session"}
            assert (await client.get("/me", headers={"X-API-Key": key.key})).json() == {"kind": "api_key"}
            forbidden = await client.post("/notes", headers=bearer)
            assert forbidden.status_code == 403
            assert 'scope="notes:write"' in forbidden.headers["WWW-Authenticate"]
            await auth.users.set_roles(user.id, ["editor"], by="admin")
            assert (await client.post("/notes", headers=bearer)).status_code == 200
            assert (await client.get("/address")).json() == HERE
            schemes = (await client.get("/openapi.json")).json()["components"]["securitySchemes"]
            assert set(schemes) == {"HTTPBearer", "APIKeyHeader"}


@pytest.fixture
def loop() -> Iterator[LoopThread]:
    loop = LoopThread()
    yield loop
    loop.close()


def test_flask_routes_let_in_who_may_and_say_why_not(open_auth: Any, loop: LoopThread) -> None:
    opened = open_auth()
    auth = loop.run(opened.__aenter__())
    try:
        user = loop.run(auth.users.register("ada", PASSWORD, roles=["reader"]))
        tokens = loop.run(auth.login("ada", PASSWORD, address=HERE))
        app, guard = Flask("notes"), FlaskAuth(auth, loop.run)

        @app.errorhandler(ProblemError)
        def answer(problem: ProblemError) -> Any:
            return {"detail": problem.detail}, int(problem.status), problem.headers

        @app.get("/notes")
        @guard.requires("notes:read")
        def read() -> dict[str, str]:
            return {"caller": g.principal.user_id}

        @app.post("/notes")
        @guard.requires("notes:write")
        def create() -> dict[str, str]:
            return {}

        client = app.test_client()
        bearer = {"Authorization": f"Bearer {tokens.access_token}"}
        assert client.get("/notes").status_code == 401
        assert client.get("/notes", headers=bearer).json == {"caller": user.id}
        assert client.post("/notes", headers=bearer).status_code == 403
    finally:
        loop.run(opened.__aexit__(None, None, None))


def test_a_loop_thread_keeps_the_callers_context_and_its_errors(loop: LoopThread) -> None:
    async def seen() -> tuple[str, int]:
        await asyncio.sleep(0)
        return correlation_id.get(), threading.get_ident()

    async def failing() -> None:
        raise KeyError("its own")

    token = correlation_id.set("request-7")
    try:
        known, thread = loop.run(seen())
    finally:
        correlation_id.reset(token)
    assert known == "request-7"
    assert thread != threading.get_ident()
    with pytest.raises(KeyError, match="its own"):
        loop.run(failing())
