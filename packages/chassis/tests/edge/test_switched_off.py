"""What the edge leaves to the application, what it must not add, and what it must not be configured to do."""

import asyncio
import math
from collections.abc import MutableMapping
from typing import Any

import pytest
from chassis.edge import Edge, EdgePolicy
from chassis.errors import DependencyDownError, SettingsError
from chassis.limits import per_minute
from chassis.problems import problem_for, problem_from_answer

Message = MutableMapping[str, Any]


def scope(**others: Any) -> dict[str, Any]:
    return {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "path": "/", "headers": [],
        "scheme": "http", "client": ("192.0.2.1", 5), "query_string": b"", "root_path": "", **others,
    }  # fmt: skip


async def headers_of(policy: EdgePolicy, status: int, *own: tuple[bytes, bytes]) -> dict[bytes, bytes]:
    """Return the headers of an answer whose application sends these."""

    async def app(_: Any, __: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": status, "headers": own})
        await send({"type": "http.response.body", "body": b""})

    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    await Edge(policy, access_log=lambda *_: None).asgi(app)(scope(), receive, send)
    return dict(sent[0]["headers"])


async def test_not_modified_does_not_replace_the_policy_of_a_stored_page() -> None:
    headers = await headers_of(EdgePolicy(), 304)
    assert b"content-security-policy" not in headers, "a cache would put it in the place of the page's own"
    assert headers[b"x-content-type-options"] == b"nosniff"
    own = await headers_of(EdgePolicy(), 304, (b"content-security-policy", b"default-src 'self'"))
    assert own[b"content-security-policy"] == b"default-src 'self'"


async def test_ids_and_rate_limits_that_are_off_are_the_applications() -> None:
    own = ((b"x-request-id", b"mine"), (b"traceparent", b"its"), (b"ratelimit-limit", b"7"))
    off = EdgePolicy(request_ids=False, client_rules=(), key_rules=())
    assert (await headers_of(off, 200, *own)).items() >= dict(own).items()
    on = await headers_of(EdgePolicy(), 200, *own)
    assert on[b"x-request-id"] != b"mine"
    assert on[b"ratelimit-limit"] != b"7"


@pytest.mark.parametrize(("options", "said"), [
    ({"cors_origins": ("null",), "cors_credentials": True}, "'null' does not go with cors_credentials"),
    ({"cors_origins": ("https://App.example.org",)}, "such as https://app.example.org"),
    ({"cors_origins": ("https://app.example.org:443",)}, "such as https://app.example.org"),
    ({"cors_origins": ("http://app.example.org:80",)}, "such as https://app.example.org"),
])  # fmt: skip
def test_origins_that_no_browser_sends_or_any_page_may_have_are_refused(options: Any, said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        EdgePolicy(**options)


def test_origins_with_a_port_of_their_own_are_fine() -> None:
    assert EdgePolicy(cors_origins=("https://app.example.org:8443", "http://localhost:80800", "null"))


def test_a_dependency_that_never_comes_back_is_answered_for_too() -> None:
    problem = problem_for(DependencyDownError("quotes", "isolated", retry_after_s=math.inf))
    assert problem.status == 503
    assert int(problem.headers["Retry-After"]) >= 1


def test_a_detail_that_is_empty_is_left_out() -> None:
    assert problem_from_answer(404, "application/json", b'{"detail": null}').detail == ""


class Held:
    """An application that holds what it gets until it is let go, and counts it."""

    def __init__(self) -> None:
        self.now = self.most = 0
        self.go = asyncio.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.now += 1
        self.most = max(self.most, self.now)
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.accept"})
        await self.go.wait()
        self.now -= 1
        if scope["type"] == "http":
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b""})
        else:
            await send({"type": "websocket.close"})


@pytest.mark.parametrize("kind", ["http", "websocket"])
async def test_the_capacity_holds_while_requests_wait_for_a_shared_limiter(
    kind: str, valkey_url: str, eventually: Any
) -> None:
    app = Held()
    policy = EdgePolicy(
        max_in_flight=3, limits_url=valkey_url, limits_prefix=f"test:{id(app)}:", client_rules=(per_minute(1000),),
        key_rules=(),
    )  # fmt: skip
    edge = Edge(policy, access_log=lambda *_: None).asgi(app)
    first: list[Any] = []

    async def ask() -> None:
        begun = False

        async def receive() -> Message:
            return {"type": "websocket.connect" if kind == "websocket" else "http.request"}

        async def send(message: Message) -> None:
            nonlocal begun
            if not begun:
                begun = True
                first.append(message.get("status", message["type"]))

        await edge(scope(type=kind), receive, send)

    try:
        asking = [asyncio.create_task(ask()) for _ in range(10)]
        await eventually(lambda: sum(each.done() for each in asking) + app.now == 10)
        assert app.most == 3
        app.go.set()
        await asyncio.gather(*asking)
        assert first.count(503 if kind == "http" else "websocket.close") == 7
    finally:
        app.go.set()
        await edge.aclose()
