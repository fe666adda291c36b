"""A service with nothing but fast and slow requests, as an ASGI and as a WSGI application. See shutdown.py."""

import asyncio
import sys
import time
from typing import Any

import chassis
from chassis.serve import serve
from flask import Flask


class Settings(chassis.ServiceSettings):
    """Those that every service has."""

    model_config = chassis.settings_config(prefix="SHUTDOWN_", env_file=None)


async def answer(scope: Any, _receive: Any, send: Any) -> None:
    """Answer after as many seconds as the path says."""
    if scope["type"] != "http":
        raise NotImplementedError  # no lifespan of its own
    await asyncio.sleep(float(scope["path"].rpartition("/")[2] or 0))
    headers = [(b"content-type", b"text/plain"), (b"content-length", b"2")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"ok"})


pages = Flask(__name__)


@pages.get("/slow/<seconds>")
def slow(seconds: str) -> str:
    """Answer after as many seconds as the path says."""
    time.sleep(float(seconds))
    return "ok"


asgi_service = chassis.Service("shutdown", Settings)
application = asgi_service.asgi(answer)
wsgi_service = chassis.Service("shutdown-wsgi", Settings)
wsgi_application = wsgi_service.wsgi(pages)

if __name__ == "__main__":
    sys.exit(serve(f"shutdown_app:{sys.argv[1]}"))
