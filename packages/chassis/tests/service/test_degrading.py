"""For each kind of dependency: kill -9 under load. Health tells the truth, the degraded answer comes, it recovers."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

NOTICED_S = 5.0
RECOVERED_S = 10.0


@dataclass
class Scene:
    """A service with a real server for each of its dependencies."""

    served: Any
    servers: dict[str, Any]


@pytest.fixture(scope="module")
def scene(request: pytest.FixtureRequest, serve: Any) -> Iterator[Scene]:
    servers = {name: request.getfixturevalue(f"module_{name}") for name in ("database", "cache", "quotes", "mail")}
    served = serve(
        SERVED_DATABASE_URL=servers["database"].url(),
        SERVED_CACHE_URL=servers["cache"].url(),
        SERVED_QUOTES_URL=servers["quotes"].url(),
        SERVED_MAIL_PORT=str(servers["mail"].port),
    ).until_ready()
    served.until(lambda: served.get("/health").json()["status"] == "healthy")
    yield Scene(served, servers)
    assert served.stop() == 0


DEGRADED = {
    "database": (503, None),
    "cache": (200, None),
    "quotes": (200, "no quote today"),
    "mail": (200, "queued"),
}


@pytest.mark.parametrize("name", DEGRADED)
def test_kill_9_under_load(scene: Scene, name: str) -> None:
    served, server = scene.served, scene.servers[name]
    required = name == "database"
    pid = served.process.pid
    good = {"cache": ("hello",), "database": (0,), "mail": ("sent",)}.get(name, (f"127.0.0.1:{server.port}",))
    with served.loaded(f"/{name}") as seen:
        served.until(lambda: any(answer.status == 200 and answer.json()["answer"] in good for _, answer, _ in seen))
        server.kill()
        noticed_s = served.until(lambda: served.status_of(name) == "down", within=NOTICED_S)
        health = served.get("/health")
        told = len(seen)
        served.until(lambda: len(seen) > told + 5)
        meanwhile = [answer for _, answer, _ in seen[told + 3 :]]
        slowest = max(seconds for _, _, seconds in seen)
        server.start()
        recovered_s = served.until(
            lambda: served.status_of(name) == "up" and served.get(f"/{name}").json().get("answer") in good,
            within=RECOVERED_S,
        )
    status, answer = DEGRADED[name]
    assert {each.status for each in meanwhile} == {status}
    if required:
        assert health.status == 503
        assert served.get("/readyz").status == 200, "it is back"
        assert all(each.headers["content-type"] == "application/problem+json" for each in meanwhile)
    else:
        assert health.status == 200
        assert health.json()["status"] == "degraded"
        assert {each.json()["answer"] for each in meanwhile} == {answer}
    assert noticed_s < NOTICED_S
    assert recovered_s < RECOVERED_S
    assert slowest < NOTICED_S
    assert served.process.pid == pid
    assert served.process.poll() is None


def test_a_server_that_falls_silent_under_load(postgresql: Any, serve: Any, proxy: Any) -> None:
    between = proxy(postgresql.port)
    url = postgresql.url(postgresql.create_database(), port=between.port)
    served = serve(SERVED_DATABASE_URL=url, SERVED_DEPENDENCY_DATABASE_BREAKER_OPEN_S="1").until_ready()
    with served.loaded("/database") as seen:
        served.until(lambda: len(seen) > 5)
        between.silent = True
        served.until(lambda: served.status_of("database") == "down", within=NOTICED_S)
        between.silent = False
        served.until(lambda: served.status_of("database") == "up", within=RECOVERED_S)
    assert max(seconds for _, _, seconds in seen) < 8
    assert served.stop() == 0
