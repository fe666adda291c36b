"""What health says: alive, ready, healthy, degraded; and what it never says."""

import json
import time
from typing import Any

import chassis
import pytest
from chassis.dependencies.call import Call
from chassis.dependencies.condition import Status
from chassis.dependencies.sql import Database
from chassis.health import Health, HealthPaths, check_system_health
from chassis.operations import OperationalRequest
from chassis.state import Phase, ServiceState


class Asked:
    """The health endpoints of a service with a required and an optional dependency."""

    def __init__(self, phase: Phase = Phase.SERVING, paths: HealthPaths | None = None) -> None:
        self.database = Database(
            "database", address=lambda: "postgresql://me:swordfish@secret-host/notes", setting="NOTES_DATABASE_URL"
        )
        self.cache = Call("cache", lost="notes are read from the database")
        self.state = ServiceState()
        self.state.phase = phase
        health = Health("notes", "1.0", self.state, [self.database, self.cache])
        self.endpoints = health.endpoints(paths or HealthPaths())
        for each in (self.database, self.cache):
            each.condition.decide(Status.UP, time.time())

    def get(self, path: str) -> tuple[int, Any]:
        answer = self.endpoints[path].answer(OperationalRequest("GET", path))
        assert ("Cache-Control", "no-store") in answer.headers
        return answer.status, json.loads(answer.body)


def test_a_service_with_all_its_dependencies_is_healthy() -> None:
    asked = Asked()
    assert asked.get("/livez") == (200, {"status": "alive"})
    assert asked.get("/readyz") == (200, {"status": "ready", "not_ready_because": []})
    status, health = asked.get("/health")
    assert (status, health["status"], health["degraded"]) == (200, "healthy", [])
    assert (health["service"], health["version"], health["phase"]) == ("notes", "1.0", "serving")


@pytest.mark.parametrize("phase", [Phase.STARTING, Phase.DRAINING, Phase.STOPPED])
def test_it_is_not_ready_while_it_starts_or_stops(phase: Phase) -> None:
    asked = Asked(phase)
    assert asked.get("/livez")[0] == 200
    assert asked.get("/readyz") == (503, {"status": "not ready", "not_ready_because": [str(phase)]})
    assert asked.get("/health")[0] == 503


@pytest.mark.parametrize("status", [Status.DOWN, Status.UNKNOWN])
def test_it_is_not_ready_without_a_required_dependency(status: Status) -> None:
    asked = Asked()
    asked.database.condition.decide(status, time.time())
    assert asked.get("/livez")[0] == 200
    assert asked.get("/readyz") == (503, {"status": "not ready", "not_ready_because": [f"database is {status}"]})
    assert asked.get("/health")[1]["status"] == "unhealthy"


def test_without_an_optional_dependency_it_is_ready_and_degraded() -> None:
    asked = Asked()
    asked.cache.condition.decide(Status.DOWN, time.time())
    assert asked.get("/readyz")[0] == 200
    status, health = asked.get("/health")
    assert (status, health["status"]) == (200, "degraded")
    assert health["degraded"] == [{"dependency": "cache", "lost": "notes are read from the database"}]
    assert asked.get("/health/detailed")[1]["dependencies"]["cache"]["lost"] == "notes are read from the database"


def test_no_answer_shows_an_address_or_a_password() -> None:
    asked = Asked()
    for status in (Status.UP, Status.DOWN):
        asked.database.condition.decide(status, time.time())
        shown = json.dumps([asked.get(path) for path in asked.endpoints])
        assert "swordfish" not in shown
        assert "secret-host" not in shown


def test_paths_and_aliases_are_the_services_own() -> None:
    paths = HealthPaths(
        live=("/livez", "/api/v1/live"), ready=("/api/v1/ready",), health=("/health", "/api/v1/health"), detailed=()
    )
    asked = Asked(paths=paths)
    assert set(asked.endpoints) == {"/livez", "/api/v1/live", "/api/v1/ready", "/health", "/api/v1/health"}
    assert asked.get("/api/v1/health")[1]["status"] == "healthy"


def test_a_script_can_ask_how_the_system_is(own_valkey: Any) -> None:
    service = chassis.Service("scripted", logs=False)
    service.sql("database", lambda _: "sqlite://")
    service.valkey("cache", lambda _: own_valkey.url(), lost="everything is slower")
    service.valkey("archive", lambda _: None, lost="old notes")
    found = check_system_health(service)
    assert found["overall_status"] == "healthy"
    assert found["components"] == {"healthy": 3, "degraded": 0, "unhealthy": 0, "total": 3}
    database, _, archive = found["checks"]
    assert database["message"] == "Connected successfully"
    assert database["latency_ms"] > 0
    assert archive["message"] == "Not configured"
    own_valkey.kill()
    found = chassis.check_system_health()
    assert found["overall_status"] == "degraded"
    assert found["checks"][1] == {
        "component": "cache",
        "status": "degraded",
        "message": "Not reachable; lost: everything is slower",
        "latency_ms": None,
        "details": {"kind": "valkey", "required": False},
    }


async def test_a_script_can_ask_from_inside_an_event_loop(valkey_url: str) -> None:
    service = chassis.Service("scripted", logs=False)
    service.valkey("cache", lambda _: valkey_url)
    assert check_system_health(service)["overall_status"] == "healthy"


def test_a_required_dependency_that_is_down_makes_the_system_unhealthy(own_valkey: Any) -> None:
    own_valkey.kill()
    service = chassis.Service("scripted", logs=False)
    service.valkey("cache", lambda _: own_valkey.url())
    assert check_system_health(service)["overall_status"] == "unhealthy"
