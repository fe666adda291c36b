"""The same service with pages of Flask: ``python served.py served_flask``."""

from typing import Any

from flask import Flask
from served import cache, database, service
from sqlalchemy import text

pages = Flask(__name__)


@pages.get("/database")
def flask_count() -> dict[str, Any]:
    with database.sync_session() as session:
        return {"answer": session.execute(text("SELECT count(*) FROM note")).scalar()}


@pages.get("/cache")
def flask_cached() -> dict[str, Any]:
    value = cache.sync_client.get("greeting")
    if value is None:
        cache.sync_client.set("greeting", "hello")
        return {"answer": None}
    return {"answer": value.decode()}


application = service.wsgi(pages)
