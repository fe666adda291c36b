"""What a service does to its process: logs, traces and metrics; and an application without any server."""

import asyncio
from collections.abc import Iterator
from typing import Any

import chassis
import httpx
import pytest
from chassis.observe import tracing
from chassis.state import Phase
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

pytestmark = pytest.mark.needs("http", "otel")


async def hello(scope: Any, receive: Any, send: Any) -> None:
    """Answer with the lifespan's state."""
    if scope["type"] == "lifespan":
        await receive()
        scope["state"]["greeting"] = b"hello"
        await send({"type": "lifespan.startup.complete"})
        await receive()
        scope["state"]["stopped"].append("application")
        await send({"type": "lifespan.shutdown.complete"})
        return
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": scope.get("state", {}).get("greeting", b"no lifespan")})


class Server:
    """Leads an application through a lifespan, as a server does."""

    def __init__(self, application: Any) -> None:
        self.state: dict[str, Any] = {"stopped": []}
        self.answers: asyncio.Queue[Any] = asyncio.Queue()
        self._orders: asyncio.Queue[Any] = asyncio.Queue()
        self._task = asyncio.create_task(
            application({"type": "lifespan", "state": self.state}, self._orders.get, self.answers.put)
        )

    async def told(self, what: str) -> Any:
        self._orders.put_nowait({"type": f"lifespan.{what}"})
        answer = await asyncio.wait_for(self.answers.get(), 10)
        if what == "shutdown":
            await self._task
        return answer


@pytest.fixture
def exporter(monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemorySpanExporter]:
    """Have spans sent here."""
    made = InMemorySpanExporter()
    start = tracing.start
    monkeypatch.setattr(tracing, "start", lambda service, version="": start(service, exporter=made, version=version))
    yield made
    tracing.stop()


async def test_the_applications_own_lifespan_is_part_of_the_service_s() -> None:
    service = chassis.Service("hello", logs=False)
    order: list[str] = []
    service.step("before", "services")(lambda: order.append("step"))
    service.on_stop(lambda: order.append("on_stop"))
    server = Server(service.asgi(hello))
    assert (await server.told("startup"))["type"] == "lifespan.startup.complete"
    assert service.state.phase is Phase.SERVING
    assert server.state["greeting"] == b"hello"
    server.state["stopped"] = order
    assert (await server.told("shutdown"))["type"] == "lifespan.shutdown.complete"
    assert order == ["step", "application", "on_stop"]
    assert service.state.phase is Phase.STOPPED


async def test_an_application_that_fails_to_start_is_told_to_the_server() -> None:
    async def broken(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "lifespan.startup.failed", "message": "no"})

    server = Server(chassis.Service("broken", logs=False).asgi(broken))
    answer = await server.told("startup")
    assert answer["type"] == "lifespan.startup.failed"
    assert "application" in answer["message"]
    await server._task


async def test_wrong_settings_are_told_to_the_server_without_a_secret() -> None:
    service = chassis.Service("wrong", logs=False)
    service.sql("database", lambda _: "mysql://me:swordfish@host")
    server = Server(service.asgi(hello))
    answer = await server.told("startup")
    assert answer["type"] == "lifespan.startup.failed"
    assert "database: expected sqlite" in answer["message"]
    assert "swordfish" not in answer["message"]
    await server._task


async def test_without_a_lifespan_requests_are_answered_and_nothing_is_started() -> None:
    service = chassis.Service("plain", logs=False)
    started: list[str] = []
    service.step("start")(lambda: started.append("start"))
    transport = httpx.ASGITransport(service.asgi(hello))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        assert (await client.get("/")).text == "no lifespan"
        assert (await client.get("/livez")).status_code == 200
        assert (await client.get("/readyz")).status_code == 503
    assert started == []


async def test_each_attempt_to_call_a_dependency_is_a_span(exporter: InMemorySpanExporter, api: Any) -> None:
    service = chassis.Service("traced", logs=False)
    quotes = service.http("quotes", lambda _: api.url(), lost="quotes")
    mail = service.call("mail", lost="letters")
    server = Server(service.asgi(hello))
    await server.told("startup")
    sent = (await quotes.client.get("/echo")).json()["traceparent"]
    mail.guard(lambda: None)()
    await server.told("shutdown")
    spans = {span.name: span for span in exporter.get_finished_spans()}
    assert set(spans) == {"http quotes", "call mail"}
    assert sent.split("-")[2] == f"{spans['http quotes'].context.span_id:016x}", "the request names its span"
    await quotes.client.get("/echo")
    await quotes.close()
    assert len(exporter.get_finished_spans()) == 2, "after the stop nothing is traced"


async def test_a_service_is_started_again_with_the_settings_of_then(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    service = chassis.Service("again", logs=False)
    service.sql("database", lambda s: f"sqlite:///{tmp_path}/{s.port}.db")
    application = service.asgi(hello)
    for port in ("8001", "8002"):
        monkeypatch.setenv("PORT", port)
        server = Server(application)
        assert (await server.told("startup"))["type"] == "lifespan.startup.complete"
        assert (tmp_path / f"{port}.db").exists()
        await server.told("shutdown")
