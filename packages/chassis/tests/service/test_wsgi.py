"""A WSGI application in this process: its life in a thread, begun by the first request."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import chassis
import pytest
from chassis.state import Phase
from chassis.wsgi_application import WsgiApplication
from flask import Flask
from sqlalchemy import text
from werkzeug.test import Client, TestResponse

pytestmark = pytest.mark.needs("sql", "flask")


class Made:
    """A service round a page of Flask, and a client of it."""

    def __init__(self, url: str) -> None:
        self.service = chassis.Service("pages", logs=False)
        self.database = self.service.sql("database", lambda _: url)
        pages = Flask(__name__)

        @pages.get("/")
        def count() -> dict[str, Any]:
            with self.database.sync_session() as session:
                return {"answer": session.execute(text("SELECT count(*) FROM note")).scalar()}

        @self.service.step("create tables")
        async def create_tables() -> None:
            async with self.database.session() as session:
                await session.execute(text("CREATE TABLE IF NOT EXISTS note (id INTEGER)"))

        self.application: WsgiApplication = self.service.wsgi(pages)
        self._client = Client(self.application)

    def get(self, path: str) -> TestResponse:
        """Ask it, and have the answer closed, as a server does."""
        return self._client.get(path, buffered=True)


@pytest.fixture
def make() -> Iterator[Callable[[str], Made]]:
    made: list[Made] = []

    def one(url: str) -> Made:
        made.append(Made(url))
        return made[-1]

    yield one
    for each in made:
        each.application.stop()


def test_importing_starts_nothing_and_the_first_request_waits_for_the_start(
    make: Callable[[str], Made], sqlite_url: str
) -> None:
    made = make(sqlite_url)
    assert made.service.state.phase is Phase.STARTING
    assert not made.service.lifecycle.running
    assert made.get("/").json == {"answer": 0}
    assert made.service.state.phase is Phase.SERVING
    assert made.get("/readyz").status_code == 200


def test_many_first_requests_make_one_start(make: Callable[[str], Made], sqlite_url: str) -> None:
    made = make(sqlite_url)
    answers: list[int] = []
    threads = [threading.Thread(target=lambda: answers.append(made.get("/").status_code)) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(20)
    assert answers == [200] * 8
    assert [each["attempts"] for each in made.service.lifecycle.report()] == [1, 1, 1, 1]


def test_a_stop_ends_the_thread_and_closes_everything(
    make: Callable[[str], Made], sqlite_url: str, until: Callable[..., None]
) -> None:
    made = make(sqlite_url)
    made.get("/")
    made.application.stop()
    assert made.service.state.phase is Phase.STOPPED
    until(lambda: all(thread.name != "life of the service" for thread in threading.enumerate()))
    assert made.get("/").json == {"answer": 0}, "a further request starts it again"


def test_wrong_settings_are_an_error_of_the_first_request(make: Callable[[str], Made]) -> None:
    made = make("sqlite://")
    made.service.settings = None
    made.service.sql("other", lambda s: s.no_such_setting)
    with pytest.raises(AttributeError):
        made.service.lifecycle.validate()
