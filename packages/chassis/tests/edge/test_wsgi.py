"""What is particular to WSGI: late starts, the old write callable, iterables that must be closed, and gunicorn."""

import contextvars
import io
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any
from wsgiref.validate import validator

import flask
import pytest
from chassis import context
from chassis.edge import AnswerCutOffError, Edge, EdgePolicy

pytestmark = pytest.mark.needs("flask")

TEXT = [("Content-Type", "text/plain")]


class Asked:
    """One WSGI request, made as a strict server would."""

    def __init__(self, app: Any, **environ: Any) -> None:
        self.status = ""
        self.headers: dict[str, str] = {}
        self.starts = 0
        self.written: list[bytes] = []
        result = app(
            {
                "REQUEST_METHOD": "GET", "SCRIPT_NAME": "", "PATH_INFO": "/", "QUERY_STRING": "", "SERVER_NAME": "a",
                "SERVER_PORT": "80", "SERVER_PROTOCOL": "HTTP/1.1", "REMOTE_ADDR": "192.0.2.1",
                "wsgi.version": (1, 0), "wsgi.url_scheme": "http", "wsgi.input": io.BytesIO(environ.pop("body", b"")),
                "wsgi.errors": io.StringIO(), "wsgi.multithread": True, "wsgi.multiprocess": False,
                "wsgi.run_once": False, **environ,
            },
            self.start,
        )  # fmt: skip
        try:
            self.body = b"".join(result)
        finally:
            close = getattr(result, "close", None)
            if close is not None:
                close()

    def start(self, status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Callable[[bytes], object]:
        assert not self.status or exc_info, "started twice"
        self.starts += 1
        self.status = status
        self.headers = {name.lower(): value for name, value in headers}
        return self.written.append


class Kept:
    """What an edge logged and reported."""

    def __init__(self) -> None:
        self.lines: list[tuple[Any, ...]] = []
        self.errors: list[BaseException] = []
        self.last: Edge | None = None

    def wsgi(self, app: Any, **policy: Any) -> Any:
        self.last = Edge(
            EdgePolicy(**policy),
            access_log=lambda *values: self.lines.append(values),
            on_error=lambda error, _: self.errors.append(error),
        )
        return self.last.wsgi(app)


@pytest.fixture
def kept() -> Iterator[Kept]:
    kept = Kept()
    yield kept
    assert kept.last is not None
    assert kept.last.state.in_flight == 0
    assert len(kept.lines) == 1
    assert context.correlation_id.get() == ""
    assert context.deadline.get() is None


class Parts:
    """An answer's body that knows whether it was closed."""

    def __init__(self, parts: Iterable[bytes]) -> None:
        self._parts = iter(parts)
        self.closed = False

    def __iter__(self) -> Iterator[bytes]:
        return self._parts

    def close(self) -> None:
        self.closed = True


def test_an_application_that_starts_its_answer_when_it_is_iterated(kept: Kept) -> None:
    def late(_: Any, start: Any) -> Iterator[bytes]:
        start("200 OK", TEXT)
        yield b"late"

    asked = Asked(kept.wsgi(late))
    assert (asked.status, asked.body) == ("200 OK", b"late")
    assert asked.headers["x-request-id"]


def test_an_application_that_fails_before_its_first_part_is_answered_though_it_has_started(kept: Kept) -> None:
    def failing(_: Any, start: Any) -> Iterator[bytes]:
        start("200 OK", TEXT)
        raise RuntimeError("canary")
        yield b""

    asked = Asked(kept.wsgi(failing))
    assert asked.status == "500 Internal Server Error"
    assert asked.headers["content-type"] == "application/problem+json"
    assert b"canary" not in asked.body
    assert asked.starts == 1
    assert [str(error) for error in kept.errors] == ["canary"]


def test_an_application_that_fails_later_is_broken_off(kept: Kept) -> None:
    def failing(_: Any, start: Any) -> Iterator[bytes]:
        start("200 OK", TEXT)
        yield b"half"
        raise RuntimeError("canary")

    with pytest.raises(AnswerCutOffError):
        Asked(kept.wsgi(failing))
    assert [str(error) for error in kept.errors] == ["canary"]


@pytest.mark.parametrize("status", ["200 OK", "404 Not Found", "500 Internal Server Error"])
def test_what_the_application_returns_is_closed(kept: Kept, status: str) -> None:
    parts = Parts([b"one", b"two"])

    def app(_: Any, start: Any) -> Any:
        start(status, TEXT)
        return parts

    Asked(kept.wsgi(app))
    assert parts.closed


def test_the_old_write_callable_works(kept: Kept) -> None:
    def app(_: Any, start: Any) -> list[bytes]:
        write = start("200 OK", TEXT)
        write(b"written")
        return [b""]

    asked = Asked(kept.wsgi(app))
    assert (asked.status, asked.written, asked.body) == ("200 OK", [b"written"], b"")


def test_an_error_that_is_written_in_the_old_way_is_a_problem_too(kept: Kept) -> None:
    def app(_: Any, start: Any) -> list[bytes]:
        start("404 Not Found", TEXT)(b"No note 7.")
        return []

    assert b'"detail":"No note 7."' in Asked(kept.wsgi(app)).body


def test_an_application_that_never_starts_is_500(kept: Kept) -> None:
    assert Asked(kept.wsgi(lambda *_: [b"what?"])).status.startswith("500 ")
    assert len(kept.errors) == 1


def test_a_body_that_the_server_cannot_read_is_an_error_of_the_caller(kept: Kept) -> None:
    class Broken(io.BytesIO):
        def read(self, _: Any = -1) -> bytes:
            raise OSError("a broken chunk")

    def app(environ: Any, start: Any) -> list[bytes]:
        environ["wsgi.input"].read()
        start("200 OK", TEXT)
        return [b"ok"]

    assert Asked(kept.wsgi(app), REQUEST_METHOD="POST", **{"wsgi.input": Broken()}).status.startswith("400 ")
    assert kept.errors == []


def test_an_application_may_replace_its_answer_by_an_error(kept: Kept) -> None:
    def app(_: Any, start: Any) -> list[bytes]:
        start("200 OK", TEXT)
        error = RuntimeError("handled")
        start("400 Bad Request", TEXT, (type(error), error, None))
        return [b"It was handled."]

    asked = Asked(kept.wsgi(app))
    assert asked.status == "400 Bad Request"
    assert b'"detail":"It was handled."' in asked.body


def test_a_body_is_counted_however_it_is_read(kept: Kept) -> None:
    read: list[Any] = []

    def app(environ: Any, start: Any) -> list[bytes]:
        stream = environ["wsgi.input"]
        read.extend([stream.read(3), stream.readline(), stream.readlines(), stream.read()])
        start("200 OK", TEXT)
        return [b"ok"]

    body = b"abcdef\none\ntwo\n"
    assert Asked(kept.wsgi(app, body_limit=len(body)), body=body, REQUEST_METHOD="POST").status == "200 OK"
    assert read == [b"abc", b"def\n", [b"one\n", b"two\n"], b""]


@pytest.mark.parametrize("reading", [
    lambda stream: stream.read(),
    lambda stream: stream.read(1000),
    lambda stream: stream.readlines(),
    list,
    lambda stream: stream.readline(),
])  # fmt: skip
def test_however_it_is_read_a_body_over_the_limit_is_413(kept: Kept, reading: Callable[[Any], Any]) -> None:
    def app(environ: Any, start: Any) -> list[bytes]:
        reading(environ["wsgi.input"])
        start("200 OK", TEXT)
        return [b"ok"]

    assert Asked(kept.wsgi(app, body_limit=5), body=b"123456", REQUEST_METHOD="POST").status.startswith("413 ")
    assert kept.errors == []


def test_an_application_that_hides_the_error_of_a_long_body_does_not_get_away_with_it(kept: Kept) -> None:
    def app(environ: Any, start: Any) -> list[bytes]:
        try:
            environ["wsgi.input"].read()
        except Exception:  # noqa: BLE001 - that is what it does wrong
            start("200 OK", TEXT)
        return [b"fine"]

    asked = Asked(kept.wsgi(app, body_limit=5), body=b"123456", REQUEST_METHOD="POST")
    assert asked.status.startswith("413 ")
    assert b"fine" not in asked.body


def test_a_path_of_odd_bytes_is_logged(kept: Kept) -> None:
    def app(_: Any, start: Any) -> list[bytes]:
        start("200 OK", TEXT)
        return [b"ok"]

    Asked(kept.wsgi(app), PATH_INFO="/caf\u00c3\u00a9/\u00ff")
    assert kept.lines[0][1] == "/caf\u00e9/\ufffd"


def test_a_server_may_close_the_answer_in_another_thread(kept: Kept) -> None:
    def app(_: Any, start: Any) -> list[bytes]:
        start("200 OK", TEXT)
        return [b"ok"]

    edge = kept.wsgi(app)
    results = []

    class Elsewhere:
        def __init__(self, result: Any) -> None:
            self._result = result

        def __iter__(self) -> Iterator[bytes]:
            return iter(self._result)

        def close(self) -> None:
            thread = threading.Thread(target=self._result.close)
            thread.start()
            thread.join()

    context_of_server = contextvars.copy_context()
    context_of_server.run(lambda: results.append(Asked(lambda environ, start: Elsewhere(edge(environ, start)))))
    assert results[0].body == b"ok"


def test_the_edge_is_a_proper_wsgi_application(kept: Kept) -> None:
    def app(_: Any, start: Any) -> list[bytes]:
        start("404 Not Found", TEXT)
        return [b"No."]

    asked = Asked(validator(kept.wsgi(validator(app))))
    assert asked.status == "404 Not Found"


def test_an_error_handler_of_flask_still_has_the_first_word(kept: Kept) -> None:
    app = flask.Flask("service")

    @app.errorhandler(KeyError)
    def missing(_: KeyError) -> Any:
        return {"detail": "There is no such key."}, 404

    @app.get("/")
    def fail() -> None:
        raise KeyError("canary")

    asked = Asked(kept.wsgi(app))
    assert asked.status.startswith("404")
    assert b"There is no such key." in asked.body
    assert kept.errors == []
