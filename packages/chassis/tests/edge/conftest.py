"""The services of ``services.py`` on real sockets: FastAPI on uvicorn, and Flask on werkzeug's server."""

import asyncio
import contextlib
import functools
import http.client
import importlib.util
import json
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from chassis import context
from chassis.edge import AsgiEdge, Edge, EdgePolicy
from chassis.operations import OperationalAnswer, OperationalEndpoint
from chassis.state import Phase, ServiceState

BOUND_S = 10.0
KINDS = ("fastapi", "flask")


@functools.cache
def _services() -> Any:
    """Import the file beside this one: folders of tests are no packages."""
    spec = importlib.util.spec_from_file_location("edge_services", Path(__file__).with_name("services.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@dataclass
class Answer:
    """What came back. Header names are lower-case; repeated headers are joined by ", "."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """Parse the body."""
        return json.loads(self.body)

    def problem(self, status: int) -> dict[str, Any]:
        """Check that it is a whole problem of this status, and return its members."""
        assert self.status == status, (self.status, self.body)
        assert self.headers["content-type"] == "application/problem+json"
        members: dict[str, Any] = self.json()
        assert members["status"] == status
        assert members["title"]
        assert members["type"]
        assert members["correlation_id"] == self.headers["x-request-id"]
        assert b"canary" not in self.body
        assert b"Traceback" not in self.body
        return members


@dataclass
class Service:
    """A service on a port of its own, and what its edge logged, recorded and reported."""

    port: int
    edge: Edge
    lines: list[dict[str, Any]] = field(default_factory=list)
    records: list[tuple[str, str, int, float]] = field(default_factory=list)
    errors: list[tuple[BaseException, Mapping[str, Any], str]] = field(default_factory=list)

    @property
    def state(self) -> ServiceState:
        """Phase and requests under way."""
        return self.edge.state

    def ask(self, path: str, method: str = "GET", headers: Mapping[str, str] | None = None, body: Any = None) -> Answer:
        """Ask on a connection of its own. An iterable body is sent in chunks."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=BOUND_S)
        try:
            connection.request(method, path, body, dict(headers or {}), encode_chunked=hasattr(body, "__next__"))
            answer = connection.getresponse()
            joined: dict[str, str] = {}
            for name, value in answer.getheaders():
                joined[name.lower()] = f"{joined[name.lower()]}, {value}" if name.lower() in joined else value
            return Answer(answer.status, joined, answer.read())
        finally:
            connection.close()

    def send_raw(self, data: bytes) -> bytes:
        """Send bytes as they are, and return all that comes back until the server closes or says no more."""
        with socket.create_connection(("127.0.0.1", self.port), BOUND_S) as connection:
            connection.sendall(data)
            connection.settimeout(1.0)
            received = b""
            with contextlib.suppress(OSError):
                while part := connection.recv(65536):
                    received += part
            return received

    def logged(self, count: int) -> list[dict[str, Any]]:
        """Wait until so many requests are logged, which is after their answers, and return their lines."""
        deadline = time.monotonic() + BOUND_S
        while len(self.lines) < count or self.state.in_flight:
            assert time.monotonic() < deadline, self.lines
            time.sleep(0.002)  # polling a condition, bounded above
        return self.lines

    # -- what the edge calls

    def log(self, *values: Any) -> None:
        """Take a line of the access log."""
        names = ("method", "path", "status", "seconds", "correlation_id", "client", "route", "sent")
        assert values[4] == context.correlation_id.get()
        self.lines.append(dict(zip(names, values, strict=True)))

    def observe(self, method: str, route: str, status: int, seconds: float) -> None:
        """Take a record of the metrics."""
        self.records.append((method, route, status, seconds))

    def on_error(self, error: BaseException, about: Mapping[str, Any]) -> None:
        """Take an error."""
        self.errors.append((error, about, context.correlation_id.get()))


def _health(request: Any) -> OperationalAnswer:
    return OperationalAnswer(200, b'{"status":"ok"}', headers=(("X-Asked", f"{request.path}?{request.query}"),))


def _metrics(_: Any) -> OperationalAnswer:
    return OperationalAnswer(200, threading.current_thread().name.encode(), "text/plain")


def _broken(_: Any) -> OperationalAnswer:
    raise RuntimeError(_services().SECRET)


ENDPOINTS = {
    "/livez": OperationalEndpoint(_health),
    "/metrics": OperationalEndpoint(_metrics, in_thread=True),
    "/broken": OperationalEndpoint(_broken),
}

Serve = Callable[..., Service]


def _uvicorn(app: Any, http_protocol: str) -> tuple[int, Callable[[], None]]:
    import uvicorn

    class QuickServer(uvicorn.Server):
        """Looks every hundredth of a second, instead of every tenth, whether it is to stop."""

        async def main_loop(self) -> None:
            while not await self.on_tick(0):
                await asyncio.sleep(0.01)

    bound = socket.socket()
    bound.bind(("127.0.0.1", 0))
    config = uvicorn.Config(
        app, http=http_protocol, loop="asyncio", log_config=None, access_log=False, proxy_headers=False,  # type: ignore[arg-type]
    )  # fmt: skip
    server = QuickServer(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]})
    thread.start()
    deadline = time.monotonic() + BOUND_S
    while not server.started:
        assert time.monotonic() < deadline
        time.sleep(0.005)  # polling a condition, bounded above

    def stop() -> None:
        server.should_exit = True
        thread.join(BOUND_S)
        bound.close()

    return bound.getsockname()[1], stop


def _closing(edge: AsgiEdge) -> Any:
    """Close the edge at the end of its lifespan, as a service does."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await edge(scope, receive, send)
        if scope["type"] == "lifespan":
            await edge.aclose()

    return app


def _werkzeug(app: Any) -> tuple[int, Callable[[], None]]:
    from werkzeug.serving import make_server

    server = make_server("127.0.0.1", 0, app, threaded=True)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()

    def stop() -> None:
        server.shutdown()
        thread.join(BOUND_S)
        server.server_close()

    return server.port, stop


def _starter(stack: contextlib.ExitStack) -> Serve:
    def start(app: Any, *, http_protocol: str = "httptools", **policy: Any) -> Service:
        service = Service(0, Edge(EdgePolicy(**policy)))
        service.edge = Edge(
            service.edge.policy, state=service.state, endpoints=ENDPOINTS, recorder=service, access_log=service.log,
            on_error=service.on_error,
        )  # fmt: skip
        if app == "flask":
            application = service.edge.wsgi(_services().flask_app())
            stack.callback(application.close)
            service.port, stop = _werkzeug(application)
        else:
            whole = service.edge.asgi(_services().fastapi_app() if app == "fastapi" else app)
            service.port, stop = _uvicorn(_closing(whole), http_protocol)
        stack.callback(stop)
        return service

    return start


@pytest.fixture(scope="session")
def servers(require: Callable[..., None]) -> None:
    """Both frameworks, and a server for each."""
    require("fastapi", "flask", "serve")


@pytest.fixture
def serve(servers: None) -> Iterator[Serve]:
    """Serve an application ("fastapi", "flask", or an ASGI one of your own) inside of an edge."""
    with contextlib.ExitStack() as stack:
        yield _starter(stack)


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    """Both frameworks, one after the other."""
    name: str = request.param
    return name


@pytest.fixture(scope="session")
def shared(servers: None) -> Iterator[dict[str, Service]]:
    """One service of each kind for all tests."""
    with contextlib.ExitStack() as stack:
        start = _starter(stack)
        yield {kind: start(kind, client_rules=(), key_rules=()) for kind in KINDS}


@pytest.fixture
def service(shared: dict[str, Service], kind: str) -> Iterator[Service]:
    """The service with the default policy, but without rate limits, and with nothing logged yet."""
    service = shared[kind]
    service.logged(0)
    for kept in (service.lines, service.records, service.errors):
        kept.clear()  # type: ignore[attr-defined]
    yield service
    service.state.phase = Phase.SERVING
