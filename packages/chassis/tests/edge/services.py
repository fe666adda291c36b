"""The same small service under FastAPI and under Flask, for tests to put inside of an edge.

As a script's module (``uvicorn services:on_asgi``, ``gunicorn services:on_wsgi``) it has a policy of a few low limits.
"""

import asyncio
import time
from collections.abc import Iterator
from typing import Any

import flask
from chassis import context
from chassis.edge import Edge, EdgePolicy
from chassis.errors import DeadlineExceededError, DependencyDownError, ProblemError
from fastapi import APIRouter, FastAPI, HTTPException, Request
from fastapi.responses import HTMLResponse, JSONResponse, StreamingResponse
from pydantic import BaseModel

SECRET = "postgresql://admin:canary-7d20@10.1.2.3/notes"
OWN_HEADERS = {
    "Content-Security-Policy": "default-src 'self'",
    "X-Request-ID": "mine",
    "Access-Control-Allow-Origin": "*",
}
LONG = {"rows": ["x" * 100] * 2_000}
PAGE = "<h1>Gone</h1><p>It moved &amp; left.</p>"


class Note(BaseModel):
    """What is posted to /notes."""

    title: str
    stars: int = 0


def raise_for(name: str) -> None:
    """Raise one of the errors that both services raise."""
    raise {
        "boom": RuntimeError(f"cannot reach {SECRET}"),
        "taken": ProblemError(
            409, "The title is taken.", title="Taken", type="https://example.org/taken",
            headers={"X-Other": "notes/7"}, extensions={"other": 7, "status": 200},
        ),
        "down": DependencyDownError("database", f"refused by {SECRET}", retry_after_s=6.2),
        "late": DeadlineExceededError("quotes", f"no answer from {SECRET}"),
    }[name]  # fmt: skip


def ids() -> dict[str, Any]:
    """What the request's context holds."""
    return {
        "correlation_id": context.correlation_id.get(),
        "traceparent": context.traceparent.get(),
        "remaining_s": context.remaining_s(),
    }


def parts() -> Iterator[bytes]:
    """A streamed answer."""
    for number in range(3):
        yield b"part %d\n" % number


def broken_parts() -> Iterator[bytes]:
    """A streamed answer that fails."""
    yield b"part 0\n"
    raise RuntimeError(SECRET)


# -- under FastAPI

router = APIRouter()


@router.get("/hello")
async def hello() -> dict[str, str]:
    return {"hello": "world"}


@router.get("/notes/{name}")
async def note(name: str) -> dict[str, str]:
    return {"note": name}


@router.post("/notes")
async def create(note: Note) -> Note:
    return note


@router.post("/length")
async def length(request: Request) -> dict[str, int]:
    return {"length": len(await request.body())}


@router.post("/parsed")
async def parsed(note: Note) -> Note:
    return note


@router.get("/raise/{name}")
async def fail(name: str) -> None:
    raise_for(name)


@router.get("/ids")
async def show_ids() -> dict[str, Any]:
    return ids()


@router.get("/refused")
async def refused() -> None:
    raise HTTPException(403, "Not on Sundays.", headers={"X-Day": "Sunday"})


@router.get("/refused-page")
async def refused_page() -> HTMLResponse:
    return HTMLResponse(PAGE, 410)


@router.get("/own-error")
async def own_error() -> JSONResponse:
    return JSONResponse({"error": "no such note", "code": 17}, 404)


@router.get("/own-failure")
async def own_failure() -> JSONResponse:
    return JSONResponse({"error": f"cannot reach {SECRET}"}, 502)


@router.get("/long-error")
async def long_error() -> JSONResponse:
    return JSONResponse(LONG, 400)


@router.get("/page")
async def page() -> HTMLResponse:
    return HTMLResponse("<h1>Hello</h1>")


@router.get("/own-headers")
async def own_headers() -> JSONResponse:
    return JSONResponse({}, headers=OWN_HEADERS)


@router.get("/stream")
async def stream() -> StreamingResponse:
    return StreamingResponse(parts(), media_type="text/plain")


@router.get("/breaks")
async def breaks() -> StreamingResponse:
    return StreamingResponse(broken_parts(), media_type="text/plain")


@router.get("/wait")
async def wait(seconds: float) -> dict[str, str]:
    await asyncio.sleep(seconds)
    return {"waited": "so"}


@router.get("/wait-in-thread")
def wait_in_thread(seconds: float) -> dict[str, str]:
    time.sleep(seconds)  # the work of a slow request, in a thread that nobody can interrupt
    return {"waited": "so"}


def fastapi_app() -> FastAPI:
    """The service under FastAPI."""
    app = FastAPI()
    app.include_router(router)
    return app


# -- under Flask

blueprint = flask.Blueprint("service", __name__)


@blueprint.get("/hello")
def flask_hello() -> dict[str, str]:
    return {"hello": "world"}


@blueprint.get("/notes/<name>")
def flask_note(name: str) -> dict[str, str]:
    return {"note": name}


@blueprint.post("/parsed")
def flask_parsed() -> Any:
    return flask.jsonify(flask.request.get_json())


@blueprint.post("/length")
def flask_length() -> dict[str, int]:
    return {"length": len(flask.request.get_data())}


@blueprint.get("/raise/<name>")
def flask_fail(name: str) -> str:
    raise_for(name)
    return ""


@blueprint.get("/ids")
def flask_ids() -> dict[str, Any]:
    return ids()


@blueprint.get("/refused")
def flask_refused() -> Any:
    flask.abort(
        flask.make_response("<!doctype html><title>403</title><p>Not on Sundays.</p>", 403, {"X-Day": "Sunday"})
    )


@blueprint.get("/refused-page")
def flask_refused_page() -> Any:
    return PAGE, 410


@blueprint.get("/own-error")
def flask_own_error() -> Any:
    return {"error": "no such note", "code": 17}, 404


@blueprint.get("/own-failure")
def flask_own_failure() -> Any:
    return {"error": f"cannot reach {SECRET}"}, 502


@blueprint.get("/long-error")
def flask_long_error() -> Any:
    return LONG, 400


@blueprint.get("/page")
def flask_page() -> str:
    return "<h1>Hello</h1>"


@blueprint.get("/own-headers")
def flask_own_headers() -> Any:
    return {}, 200, OWN_HEADERS


@blueprint.get("/stream")
def flask_stream() -> Any:
    return flask.Response(parts(), mimetype="text/plain")


@blueprint.get("/breaks")
def flask_breaks() -> Any:
    return flask.Response(broken_parts(), mimetype="text/plain")


@blueprint.get("/wait")
def flask_wait() -> dict[str, str]:
    time.sleep(float(flask.request.args["seconds"]))  # the work of a slow request
    return {"waited": "so"}


def flask_app() -> flask.Flask:
    """The service under Flask."""
    app = flask.Flask("service")
    app.register_blueprint(blueprint)
    return app


# -- inside of an edge, for servers that are processes

_policy = EdgePolicy(body_limit=100_000, timeout_s=2.0, client_rules=(), key_rules=())
on_asgi = Edge(_policy).asgi(fastapi_app())
on_wsgi = Edge(_policy).wsgi(flask_app())
