"""WebSockets: an id, limits, capacity and the drain apply to them; a deadline does not."""

import asyncio
from collections.abc import MutableMapping
from typing import Any

import pytest
from chassis import context
from chassis.edge import Edge, EdgePolicy
from chassis.errors import ProblemError
from chassis.limits import per_minute
from chassis.state import Phase
from fastapi import FastAPI, WebSocket

pytestmark = pytest.mark.needs("fastapi", "serve")

Message = MutableMapping[str, Any]


def app() -> FastAPI:
    made = FastAPI()

    @made.websocket("/talk/{name}")
    async def talk(websocket: WebSocket, name: str) -> None:
        if name == "problem":
            raise ProblemError(403, "Not you.")
        if name == "fails":
            raise RuntimeError("canary")
        await websocket.accept()
        await websocket.send_text(context.correlation_id.get())
        assert context.remaining_s() is None
        while True:
            text = await websocket.receive_text()
            if text == "fail":
                raise RuntimeError("canary")
            if text == "end":
                await websocket.close()
                return
            await websocket.send_text(text.upper())

    return made


class Talk:
    """A client in process."""

    def __init__(self, edge: Edge) -> None:
        self.lines: list[tuple[Any, ...]] = []
        self.errors: list[BaseException] = []
        self.records: list[Any] = []
        self.edge = Edge(
            edge.policy, state=edge.state, recorder=self, access_log=lambda *values: self.lines.append(values),
            on_error=lambda error, _: self.errors.append(error),
        )  # fmt: skip
        self.application = self.edge.asgi(app())

    def observe(self, *values: Any) -> None:
        self.records.append(values)

    async def __call__(self, *texts: str, path: str = "/talk/ann", **scope: Any) -> list[Message]:
        sent: list[Message] = []
        messages: list[Message] = [{"type": "websocket.connect"}]
        messages += [{"type": "websocket.receive", "text": text} for text in texts]
        left = iter([*messages, {"type": "websocket.disconnect", "code": 1001}])

        async def receive() -> Message:
            return next(left)

        async def send(message: Message) -> None:
            sent.append(message)

        asked = {
            "type": "websocket", "asgi": {"version": "3.0"}, "http_version": "1.1", "path": path, "scheme": "ws",
            "headers": [(b"x-request-id", b"talk-1")], "client": ("192.0.2.1", 5), "query_string": b"", "root_path": "",
            "subprotocols": [], "extensions": {}, **scope,
        }  # fmt: skip
        await asyncio.wait_for(self.application(asked, receive, send), 10)
        return sent


@pytest.fixture
def talk() -> Talk:
    return Talk(Edge(EdgePolicy(client_rules=(), key_rules=(), body_limit=100, timeout_s=0.001)))


async def test_a_talk_has_an_id_and_is_logged_when_it_is_over_and_not_timed(talk: Talk) -> None:
    sent = await talk("hello", "end")
    assert sent[0]["type"] == "websocket.accept"
    assert (b"x-request-id", b"talk-1") in sent[0]["headers"]
    assert [message.get("text") for message in sent[1:3]] == ["talk-1", "HELLO"]
    assert sent[3]["type"] == "websocket.close"
    [line] = talk.lines
    assert (line[1], line[2], line[4], line[6]) == ("/talk/ann", 101, "talk-1", "/talk/{name}")
    assert talk.records == []
    assert talk.edge.state.in_flight == 0


async def test_a_client_that_leaves_ends_the_talk(talk: Talk) -> None:
    await talk("hello")
    assert talk.edge.state.in_flight == 0
    assert len(talk.lines) == 1


async def test_an_error_closes_the_talk_and_shows_nothing(talk: Talk) -> None:
    sent = await talk("fail")
    assert (sent[-1]["type"], sent[-1]["code"]) == ("websocket.close", 1011)
    assert "canary" not in str(sent)
    assert [str(error) for error in talk.errors] == ["canary"]


@pytest.mark.parametrize("text", ["x" * 101, "é" * 51], ids=["ascii", "beyond it"])
async def test_a_message_that_is_too_long_closes_the_talk(talk: Talk, text: str) -> None:
    sent = await talk(text)
    assert (sent[-1]["type"], sent[-1]["code"]) == ("websocket.close", 1009)
    assert talk.errors == []


@pytest.mark.parametrize(("path", "status"), [("/talk/problem", 403), ("/talk/fails", 500)])
async def test_an_error_before_the_talk_answers_the_handshake(talk: Talk, path: str, status: int) -> None:
    sent = await talk(path=path, extensions={"websocket.http.response": {}})
    assert (sent[0]["type"], sent[0]["status"]) == ("websocket.http.response.start", status)
    assert b"canary" not in sent[1]["body"]
    sent = await talk(path=path)
    assert (sent[0]["type"], sent[0]["code"]) == ("websocket.close", 1008)


async def test_over_a_limit_over_capacity_and_in_a_drain_no_talk_begins() -> None:
    limited = Talk(Edge(EdgePolicy(client_rules=(per_minute(1),))))
    await limited("end")
    sent = await limited("end", extensions={"websocket.http.response": {}})
    assert sent[0]["status"] == 429
    assert (b"retry-after", b"60") in sent[0]["headers"]

    full = Talk(Edge(EdgePolicy(max_in_flight=0)))
    assert (await full("end"))[0] == {"type": "websocket.close", "code": 1013, "reason": ""}

    draining = Talk(Edge(EdgePolicy()))
    draining.edge.state.phase = Phase.DRAINING
    assert (await draining("end"))[0]["code"] == 1013


async def test_an_open_talk_is_under_way_for_the_drain(talk: Talk) -> None:
    seen = []
    application = talk.edge.asgi(app())
    connected = iter([{"type": "websocket.connect"}])

    async def receive() -> Message:
        seen.append(talk.edge.state.in_flight)
        return next(connected, {"type": "websocket.disconnect", "code": 1000})

    async def send(_: Message) -> None:
        seen.append(talk.edge.state.in_flight)

    await application(
        {"type": "websocket", "path": "/talk/ann", "headers": [], "client": None, "query_string": b"", "scheme": "wss"},
        receive,
        send,
    )
    assert set(seen) == {1}
    assert talk.edge.state.in_flight == 0
