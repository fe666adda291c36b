"""What is particular to ASGI: time limits, cancellation, clients that leave, background work and the lifespan."""

import asyncio
import contextlib
import http.client
import socket
import threading
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import pytest
from chassis import context
from chassis.edge import AnswerCutOffError, Edge, EdgePolicy
from chassis.state import Phase
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.responses import JSONResponse
from starlette.routing import Route

pytestmark = pytest.mark.needs("starlette")

Message = MutableMapping[str, Any]
UNLIMITED: dict[str, Any] = {"client_rules": (), "key_rules": ()}
HEADERS = [(b"content-type", b"text/plain")]


def scope(path: str = "/", **others: Any) -> dict[str, Any]:
    return {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "path": path, "headers": [],
        "scheme": "http", "client": ("192.0.2.1", 5), "query_string": b"", "root_path": "", **others,
    }  # fmt: skip


async def receive_nothing() -> Message:
    return {"type": "http.request", "body": b"", "more_body": False}


async def ask(app: Any, asked: dict[str, Any] | None = None, receive: Any = receive_nothing) -> list[Message]:
    """Ask in process and return the messages that were sent."""
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    await app(asked or scope(), receive, send)
    return sent


class Kept:
    """What an edge logged and reported."""

    def __init__(self) -> None:
        self.lines: list[tuple[Any, ...]] = []
        self.errors: list[BaseException] = []

    def edge(self, **policy: Any) -> Edge:
        return Edge(
            EdgePolicy(**{**UNLIMITED, **policy}),
            access_log=lambda *values: self.lines.append(values),
            on_error=lambda error, _: self.errors.append(error),
        )


@pytest.fixture
def kept() -> Kept:
    return Kept()


async def answer_ok(_: Any, __: Any, send: Callable[[Message], Awaitable[None]]) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    await send({"type": "http.response.body", "body": b"ok"})


# -- the time limit


def test_an_answer_that_does_not_begin_in_time_is_504_and_the_request_is_cancelled(serve: Any) -> None:
    cancelled = threading.Event()
    from fastapi import FastAPI

    app = FastAPI()

    @app.get("/wait")
    async def wait() -> None:
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            cancelled.set()
            raise

    service = serve(app, timeout_s=0.1)
    began = time.monotonic()
    answer = service.ask("/wait")
    answer.problem(504)
    assert time.monotonic() - began < 3.0
    assert cancelled.wait(5.0)
    [line] = service.logged(1)
    assert line["status"] == 504
    assert service.errors == []


def test_a_thread_that_cannot_be_interrupted_keeps_nobody_waiting(serve: Any) -> None:
    service = serve("fastapi", timeout_s=0.1)
    began = time.monotonic()
    service.ask("/wait-in-thread?seconds=0.9").problem(504)
    assert time.monotonic() - began < 0.8
    assert len(service.logged(1)) == 1


def test_after_a_504_the_connection_serves_the_next_request(serve: Any) -> None:
    service = serve("fastapi", timeout_s=0.1, **UNLIMITED)
    connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=10)
    with contextlib.closing(connection):
        for path, status in (("/wait?seconds=30", 504), ("/hello", 200), ("/wait?seconds=30", 504), ("/hello", 200)):
            connection.request("GET", path)
            answer = connection.getresponse()
            answer.read()
            assert answer.status == status


async def test_an_answer_that_has_begun_in_time_may_take_longer(kept: Kept) -> None:
    async def slow(_: Any, __: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
        for _ in range(5):
            await asyncio.sleep(0.02)
            await send({"type": "http.response.body", "body": b"x", "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    sent = await ask(kept.edge(timeout_s=0.03).asgi(slow))
    assert b"".join(message.get("body", b"") for message in sent) == b"xxxxx"
    assert kept.lines[0][2] == 200


async def test_what_an_application_answers_after_its_time_is_dropped(kept: Kept) -> None:
    async def stubborn(asked: Any, receive: Any, send: Any) -> None:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(30)
        await answer_ok(asked, receive, send)

    sent = await ask(kept.edge(timeout_s=0.03).asgi(stubborn))
    assert [message.get("status") for message in sent] == [504, None]
    assert [line[2] for line in kept.lines] == [504]


async def test_a_cancellation_by_the_server_is_passed_on(kept: Kept) -> None:
    edge = kept.edge(timeout_s=30.0)

    async def wait(*_: Any) -> None:
        await asyncio.sleep(30)

    task = asyncio.create_task(ask(edge.asgi(wait)))
    await asyncio.sleep(0.01)
    assert edge.state.in_flight == 1
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert edge.state.in_flight == 0
    assert [line[2] for line in kept.lines] == [499]


async def test_a_cancellation_by_the_server_just_when_the_time_is_up_is_not_swallowed(kept: Kept) -> None:
    async def wait(*_: Any) -> None:
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            task.cancel()
            raise

    task = asyncio.create_task(ask(kept.edge(timeout_s=0.02).asgi(wait)))
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_request_that_timed_out_leaves_the_task_it_was_answered_in_uncancelled(kept: Kept) -> None:
    task = asyncio.current_task()
    assert task is not None
    app = kept.edge(timeout_s=0.02).asgi(lambda *_: asyncio.sleep(30))  # type: ignore[arg-type]
    assert (await ask(app))[0]["status"] == 504
    assert task.cancelling() == 0
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await asyncio.sleep(30)


async def test_a_thousand_requests_at_a_time_time_out_one_by_one(kept: Kept) -> None:
    app = kept.edge(timeout_s=0.05).asgi(lambda *_: asyncio.sleep(30))  # type: ignore[arg-type]
    answers = await asyncio.gather(*(ask(app) for _ in range(1_000)))
    assert {sent[0]["status"] for sent in answers} == {504}
    assert len(kept.lines) == 1_000


async def test_a_caller_that_waits_less_long_is_answered_when_it_stops_waiting(kept: Kept) -> None:
    app = kept.edge(timeout_s=30.0).asgi(lambda *_: asyncio.sleep(30))  # type: ignore[arg-type]
    began = time.monotonic()
    sent = await ask(app, scope(headers=[(b"x-request-timeout-ms", b"30")]))
    assert sent[0]["status"] == 504
    assert time.monotonic() - began < 5.0


async def test_an_earlier_deadline_of_whoever_asks_stays(kept: Kept) -> None:
    left: list[float | None] = []

    async def look(asked: Any, receive: Any, send: Any) -> None:
        left.append(context.remaining_s())
        await answer_ok(asked, receive, send)

    with context.time_limit(5.0):
        await ask(kept.edge(timeout_s=60.0).asgi(look))
        assert left[0] is not None
        assert left[0] <= 5.0
    assert context.remaining_s() is None
    assert context.correlation_id.get() == ""


# -- clients that leave, and clients that are slow


@pytest.mark.parametrize("http_protocol", ["httptools", "h11"])
def test_a_client_that_leaves_in_the_middle_of_its_body_is_nobodys_error(serve: Any, http_protocol: str) -> None:
    service = serve("fastapi", http_protocol=http_protocol)
    with socket.create_connection(("127.0.0.1", service.port), 5) as connection:
        connection.sendall(b"POST /length HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nsome")
        time.sleep(0.05)  # so that the application has begun to read
    [line] = service.logged(1)
    assert line["status"] == 499
    assert service.errors == []
    assert service.ask("/hello").status == 200


def test_a_slow_body_is_waited_for_within_the_time_limit_only(serve: Any) -> None:
    service = serve("fastapi", timeout_s=0.6, **UNLIMITED)
    for pause, status in ((0.01, b" 200 "), (0.4, b" 504 ")):
        with socket.create_connection(("127.0.0.1", service.port), 5) as connection:
            connection.sendall(b"POST /length HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n")
            for _ in range(4):
                connection.sendall(b"x")
                time.sleep(pause)  # this is how slow the client is
            assert status in connection.recv(65536).split(b"\r\n")[0]


@pytest.mark.parametrize("http_protocol", ["httptools", "h11"])
def test_a_refused_body_ends_the_connection_and_any_other_refusal_keeps_it(serve: Any, http_protocol: str) -> None:
    service = serve("fastapi", http_protocol=http_protocol, body_limit=10, **UNLIMITED)
    connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=10)
    with contextlib.closing(connection):
        for path in ("/nowhere", "/hello", "/raise/boom", "/hello"):
            connection.request("GET", path)
            answer = connection.getresponse()
            answer.read()
            assert answer.headers.get("connection") is None
        connection.request("POST", "/length", iter([b"x" * 100_000] * 20), encode_chunked=True)
        answer = connection.getresponse()
        assert (answer.status, answer.headers["connection"]) == (413, "close")
        answer.read()


async def test_a_body_over_the_limit_is_413_only_before_the_answer_has_begun(kept: Kept) -> None:
    async def endless() -> Message:
        return {"type": "http.request", "body": b"x" * 60, "more_body": True}

    async def echo(_: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
        while True:
            message = await receive()
            await send({"type": "http.response.body", "body": message["body"], "more_body": True})

    with pytest.raises(AnswerCutOffError):
        await ask(kept.edge(body_limit=100).asgi(echo), receive=endless)


async def test_an_endless_body_is_not_read_for_ever_after_its_refusal(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chassis.edge.http_exchange.LINGER_S", 0.05)
    parts = 0

    async def endless() -> Message:
        nonlocal parts
        parts += 1
        await asyncio.sleep(0)
        return {"type": "http.request", "body": b"x" * 1_000, "more_body": True}

    async def read(_: Any, receive: Any, __: Any) -> None:
        while True:
            await receive()

    sent = await ask(kept.edge(body_limit=100).asgi(read), receive=endless)
    assert sent[0]["status"] == 413
    assert sent[-1] == {"type": "http.response.body", "body": b"", "more_body": False}


# -- odd applications


async def test_an_application_that_ends_without_an_answer_is_500(kept: Kept) -> None:
    async def nothing(*_: Any) -> None:
        return

    assert (await ask(kept.edge().asgi(nothing)))[0]["status"] == 500


async def test_an_exception_of_the_server_is_answered_like_any_other(kept: Kept) -> None:
    async def broken() -> Message:
        raise OSError("canary")

    async def read(_: Any, receive: Any, __: Any) -> None:
        await receive()

    sent = await ask(kept.edge().asgi(read), receive=broken)
    assert sent[0]["status"] == 500
    assert b"canary" not in sent[1]["body"]
    assert [str(error) for error in kept.errors] == ["canary"]


async def test_the_headers_of_an_application_are_not_changed_in_place(kept: Kept) -> None:
    app = kept.edge().asgi(answer_ok)
    for _ in range(3):
        sent = await ask(app)
    assert HEADERS == [(b"content-type", b"text/plain")]
    assert [name for name, _ in sent[0]["headers"]].count(b"x-request-id") == 1


async def test_an_error_after_the_answer_began_breaks_it_off_without_internals(kept: Kept) -> None:
    async def breaks(_: Any, __: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
        await send({"type": "http.response.body", "body": b"half", "more_body": True})
        raise RuntimeError("canary")

    with pytest.raises(AnswerCutOffError) as caught:
        await ask(kept.edge().asgi(breaks))
    assert "canary" not in str(caught.value)
    assert caught.value.__suppress_context__
    assert [str(error) for error in kept.errors] == ["canary"]


async def test_an_error_after_the_whole_answer_is_reported_and_changes_nothing(kept: Kept) -> None:
    async def late(asked: Any, receive: Any, send: Any) -> None:
        await answer_ok(asked, receive, send)
        raise RuntimeError("in the background")

    sent = await ask(kept.edge().asgi(late))
    assert sent[0]["status"] == 200
    assert len(kept.errors) == 1


def test_an_error_answer_does_not_wait_for_work_in_the_background(serve: Any) -> None:
    done = threading.Event()

    async def work() -> None:
        await asyncio.to_thread(done.wait, 10)

    async def missing(_: Any) -> JSONResponse:
        return JSONResponse({"detail": "No note."}, 404, background=BackgroundTask(work))

    service = serve(Starlette(routes=[Route("/", missing)]))
    assert service.ask("/").problem(404)["detail"] == "No note."
    assert service.state.in_flight == 1
    done.set()
    service.logged(1)


async def test_500s_of_starlette_in_debug_mode_show_no_traceback(kept: Kept) -> None:
    def fail(_: Any) -> None:
        raise RuntimeError("canary")

    sent = await ask(kept.edge().asgi(Starlette(debug=True, routes=[Route("/", fail)])))  # type: ignore[arg-type]
    assert sent[0]["status"] == 500
    assert b"canary" not in sent[1]["body"]


async def test_middleware_of_the_application_sees_the_ids_and_its_errors_are_problems_too(kept: Kept) -> None:
    seen = []

    class Look(BaseHTTPMiddleware):
        async def dispatch(self, request: Any, call_next: Any) -> Any:
            seen.append(context.correlation_id.get())
            if request.url.path == "/fail":
                raise RuntimeError("canary")
            return await call_next(request)

    async def hello(_: Any) -> JSONResponse:
        seen.append(context.correlation_id.get())
        return JSONResponse({})

    app = kept.edge().asgi(Starlette(routes=[Route("/", hello)], middleware=[Middleware(Look)]))
    sent = await ask(app, scope(headers=[(b"x-request-id", b"seven")]))
    assert seen == ["seven", "seven"]
    assert sent[0]["status"] == 200
    assert (await ask(app, scope("/fail")))[0]["status"] == 500


async def test_messages_that_the_edge_does_not_know_pass(kept: Kept) -> None:
    async def sends_a_file(_: Any, __: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": HEADERS, "trailers": True})
        await send({"type": "http.response.pathsend", "path": "/a"})

    sent = await ask(kept.edge().asgi(sends_a_file))
    assert sent[0]["trailers"] is True
    assert sent[1] == {"type": "http.response.pathsend", "path": "/a"}
    assert len(kept.lines) == 1


async def test_an_endpoint_below_a_root_path_is_found() -> None:
    from chassis.operations import OperationalAnswer, OperationalEndpoint

    edge = Edge(endpoints={"/livez": OperationalEndpoint(lambda _: OperationalAnswer(200, b"{}"))})
    assert (await ask(edge.asgi(answer_ok), scope("/api/livez", root_path="/api")))[1]["body"] == b"{}"


async def test_http_2_has_no_connection_header(kept: Kept) -> None:
    edge = kept.edge()
    edge.state.phase = Phase.DRAINING
    for version, closing in (("1.1", True), ("2", False)):
        sent = await ask(edge.asgi(answer_ok), scope(http_version=version))
        assert ((b"connection", b"close") in sent[0]["headers"]) is closing


async def test_requests_leave_no_work_for_the_garbage_collector(kept: Kept) -> None:
    import gc

    app = kept.edge().asgi(answer_ok)
    await ask(app)
    gc.collect()
    gc.disable()
    try:
        for _ in range(50):
            await ask(app)
        assert gc.collect() < 50
    finally:
        gc.enable()


# -- the lifespan


async def test_the_lifespan_is_passed_on(kept: Kept) -> None:
    events = []

    @contextlib.asynccontextmanager
    async def lifespan(_: Any) -> Any:
        events.append("started")
        yield {"kept": 1}
        events.append("stopped")

    messages = iter([{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}])

    async def receive() -> Message:
        return next(messages)

    state: dict[str, Any] = {}
    sent = await ask(
        kept.edge().asgi(Starlette(lifespan=lifespan)), {"type": "lifespan", "asgi": {}, "state": state}, receive
    )
    assert events == ["started", "stopped"]
    assert state == {"kept": 1}
    assert [message["type"] for message in sent] == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
