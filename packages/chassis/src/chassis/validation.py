"""Bad input that frameworks themselves fail on, or repeat to the caller: it is answered as the caller's mistake.

FastAPI repeats what was sent in its 422, passwords included, and fails on what JSON cannot be written with, such as
``1e400`` and lone surrogates. Flask fails on JSON that is nested too deep. Either is then answered 500.
"""

import json
import sys
from typing import Any

_SHOWN = ("type", "loc", "msg")


def answer_validation_errors(app: Any) -> None:
    """Give a FastAPI application a handler that says where and what is wrong, and nothing of what was sent.

    One that has a handler of its own for ``RequestValidationError`` keeps it, and so does any other application.
    """
    fastapi = sys.modules.get("fastapi")
    if fastapi is None or not isinstance(app, fastapi.FastAPI):
        return
    from fastapi.exception_handlers import request_validation_exception_handler  # noqa: PLC0415 - not a dependency
    from fastapi.exceptions import RequestValidationError  # noqa: PLC0415 - not a dependency

    if app.exception_handlers.get(RequestValidationError) is request_validation_exception_handler:
        app.exception_handlers[RequestValidationError] = _answer


async def _answer(_: Any, error: Any) -> Any:
    """Answer as FastAPI does, less what was sent; the edge makes a problem of it."""
    from starlette.responses import Response  # noqa: PLC0415 - there because FastAPI is

    shown = [{name: each[name] for name in _SHOWN if name in each} for each in error.errors()]
    return Response(json.dumps({"detail": shown}, default=str), 422, media_type="application/json")


def refuse_deep_json(app: Any) -> None:
    """Have a Flask application refuse JSON that is nested too deep as it refuses any that cannot be read."""
    provider = getattr(app, "json", None)
    flask = sys.modules.get("flask")
    if flask is None or provider is None or not isinstance(app, flask.Flask):
        return
    loads = provider.loads

    def bounded(text: str | bytes, **options: Any) -> Any:
        try:
            return loads(text, **options)
        except RecursionError:
            raise ValueError("the JSON is nested too deep") from None

    provider.loads = bounded
