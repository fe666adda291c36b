"""What does the edge cost, over bare FastAPI and beside the same features assembled by hand?

    python benchmarks/chassis/edge.py [--quick] [--rounds N] [--slot-ms MS]

CPU time a request, the application driven in process, without a server. All features are on but tracing: ids, access
line (written to /dev/null), metrics and golden signals, body limit, deadline, two rate limits per client, load
shedding, CORS, security headers, problem details. By hand, the same is CORSMiddleware, slowapi,
prometheus-fastapi-instrumentator, asgi-correlation-id, structlog, secure and asyncio.timeout, all as pure ASGI, which
have no body limit, no load shedding and no problem details; without them installed only the first bar is checked. Exit
status 1 if a bar was missed.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable
from typing import Any

from chassis.edge import Edge, EdgePolicy
from chassis.limits import Rule
from chassis.observe.access import AccessLog
from chassis.observe.descriptor import Descriptor
from chassis.observe.golden import GoldenSignals
from chassis.observe.metrics import Metrics
from chassis.observe.requests import RequestMetrics
from chassis.redaction import REDACTOR
from chassis.state import ServiceState
from fastapi import FastAPI
from harness import AsyncCase, bar, cpu_async, options, peers, table

ORIGIN = "https://app.example.org"
PACKAGES = {
    "slowapi": "slowapi",
    "prometheus_fastapi_instrumentator": "prometheus-fastapi-instrumentator",
    "asgi_correlation_id": "asgi-correlation-id",
    "structlog": "structlog",
    "secure": "secure",
}
HEADERS = [
    (b"host", b"127.0.0.1:8000"),
    (b"user-agent", b"benchmark"),
    (b"accept", b"*/*"),
    (b"accept-encoding", b"gzip"),
    (b"origin", ORIGIN.encode()),
]
NEVER_REACHED = (Rule(10**9, 60.0), Rule(10**9, 3600.0))

App = Callable[[Any, Any, Any], Awaitable[None]]


def main() -> int:
    """Measure, print and return the exit status."""
    given = options("What the edge costs.")
    others = peers(*PACKAGES, packages=PACKAGES)
    measure = {"rounds": given.rounds, "slot_ms": given.slot_ms}
    cases = {"bare FastAPI": case(bare()), "edge, all on": case(edge(EdgePolicy(**policy())))}
    if len(others) == len(PACKAGES):
        cases["by hand"] = case(by_hand())
    figures = in_us(asyncio.run(cpu_async(cases, **measure)))
    table("one request", figures, base="bare FastAPI", unit="us")
    parts = dict(cases)
    for name, changed in SWITCHED_OFF.items():
        parts[f"edge without {name}"] = case(edge(EdgePolicy(**{**policy(), **changed})))
    parts.pop("by hand", None)
    table("where it goes", in_us(asyncio.run(cpu_async(parts, **measure))), base="bare FastAPI", unit="us")

    print()
    ours = figures["edge, all on"] - figures["bare FastAPI"]
    met = [bar("edge with all features, over bare FastAPI", ours, 25.0, "us")]
    if "by hand" in figures:
        theirs = figures["by hand"] - figures["bare FastAPI"]
        met.append(bar("edge, of the same by hand", ours / theirs, 0.2, "of it"))
    return 0 if all(met) else 1


def in_us(figures: dict[str, float]) -> dict[str, float]:
    """Turn nanoseconds into microseconds."""
    return {name: figure / 1000 for name, figure in figures.items()}


SWITCHED_OFF: dict[str, dict[str, Any]] = {
    "ids": {"request_ids": False},
    "access log": {"access_log": False},
    "rate limits": {"client_rules": (), "key_rules": ()},
    "deadline": {"timeout_s": None},
    "CORS": {"cors_origins": ()},
    "security headers": {"security_headers": False},
}


def policy() -> dict[str, Any]:
    """Return the options: the defaults, with limits that are counted and never reached."""
    return {"client_rules": NEVER_REACHED, "cors_origins": (ORIGIN,), "cors_credentials": True}


def bare() -> FastAPI:
    """Return an application with one route."""
    app = FastAPI()

    @app.get("/hello")
    async def hello() -> dict[str, str]:
        return {"hello": "world"}

    return app


def edge(options: EdgePolicy) -> App:
    """Return it inside of the edge, with the real access log and metrics."""
    metrics, state = Metrics("benchmark"), ServiceState()
    access = AccessLog()
    access.connect((Descriptor(os.open(os.devnull, os.O_WRONLY)),), REDACTOR)
    recorder = RequestMetrics(metrics, state, GoldenSignals(metrics))
    return Edge(options, state=state, recorder=recorder, access_log=access).asgi(bare())


def case(app: App) -> AsyncCase:
    """Return a function that asks the application once."""
    path = b"/hello"

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start" and message["status"] != 200:
            raise RuntimeError(f"answered {message['status']}")

    async def ask(_: int) -> None:
        scope = {
            "type": "http", "asgi": {"version": "3.0", "spec_version": "2.3"}, "http_version": "1.1",
            "server": ("127.0.0.1", 8000), "client": ("127.0.0.1", 5555), "scheme": "http", "method": "GET",
            "root_path": "", "path": path.decode(), "raw_path": path, "query_string": b"", "headers": list(HEADERS),
            "state": {},
        }  # fmt: skip
        await app(scope, receive, send)

    return ask


def by_hand() -> App:
    """Return the application with the usual packages, in the order in which their manuals put them."""
    import orjson  # noqa: PLC0415 - with the peers
    import structlog  # noqa: PLC0415
    from asgi_correlation_id import CorrelationIdMiddleware, correlation_id  # noqa: PLC0415
    from prometheus_client import CollectorRegistry  # noqa: PLC0415
    from prometheus_fastapi_instrumentator import Instrumentator  # noqa: PLC0415
    from secure import Secure  # noqa: PLC0415
    from secure.middleware import SecureASGIMiddleware  # noqa: PLC0415
    from slowapi import Limiter  # noqa: PLC0415
    from slowapi.middleware import SlowAPIASGIMiddleware  # noqa: PLC0415
    from slowapi.util import get_remote_address  # noqa: PLC0415
    from starlette.middleware.cors import CORSMiddleware  # noqa: PLC0415

    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.JSONRenderer(serializer=orjson.dumps),
        ],
        logger_factory=structlog.BytesLoggerFactory(file=open(os.devnull, "wb", buffering=0)),  # noqa: SIM115, PTH123
        cache_logger_on_first_use=True,
    )
    log = structlog.get_logger("access")

    class AccessLine:
        def __init__(self, app: App) -> None:
            self.app = app

        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            structlog.contextvars.clear_contextvars()
            structlog.contextvars.bind_contextvars(request_id=correlation_id.get() or "-")
            status = 500
            began = asyncio.get_running_loop().time()

            async def noting(message: Any) -> None:
                nonlocal status
                if message["type"] == "http.response.start":
                    status = message["status"]
                await send(message)

            try:
                await self.app(scope, receive, noting)
            finally:
                took_ms = round((asyncio.get_running_loop().time() - began) * 1000, 3)
                log.info("request", method=scope["method"], path=scope["path"], status=status, duration_ms=took_ms)

    class Timeout:
        def __init__(self, app: App) -> None:
            self.app = app

        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            async with asyncio.timeout(120):
                await self.app(scope, receive, send)

    app = bare()
    app.state.limiter = Limiter(key_func=get_remote_address, default_limits=["1000000000/minute;1000000000/hour"])
    Instrumentator(registry=CollectorRegistry()).instrument(app)
    app.add_middleware(AccessLine)
    app.add_middleware(SlowAPIASGIMiddleware)
    app.add_middleware(CorrelationIdMiddleware)
    app.add_middleware(SecureASGIMiddleware, secure=Secure.with_default_headers())
    app.add_middleware(Timeout)
    app.add_middleware(
        CORSMiddleware, allow_origins=[ORIGIN], allow_methods=["*"], allow_headers=["*"], allow_credentials=True
    )
    return app


if __name__ == "__main__":
    raise SystemExit(main())
