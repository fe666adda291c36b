"""The application: its routes."""

import chassis
from fastapi import Depends, FastAPI, Request

from spyne import web
from spyne.api import agent, clarification, databases, library, queries
from spyne.api.parts import Parts, parts_of

_ABOUT = "Ask a database in plain language, and be asked back. Errors are problem details (RFC 9457)."


def make_app(parts: Parts) -> FastAPI:
    """Put the routes together.

    Args:
        parts: what they are answered with.
    """
    app = FastAPI(title="Spyne", version=parts.service.version, description=_ABOUT, docs_url=None, redoc_url=None)
    app.state.parts = parts
    for module in (agent, clarification, databases, queries, library):
        app.include_router(module.router)
    app.include_router(web.router, dependencies=[Depends(_web_page)])
    return app


def _web_page(request: Request) -> None:
    """Refuse the page where it is switched off."""
    if not parts_of(request).settings.enable_web:
        raise chassis.ProblemError(404)
