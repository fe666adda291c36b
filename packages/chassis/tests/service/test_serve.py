"""Serving: what happens when settings are wrong, the database is missing or the port is taken; and how it ends."""

import builtins
import gc
import json
import signal
import socket
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from chassis.errors import ChassisError
from chassis.serve import imported


def test_all_wrong_settings_are_told_at_once_without_a_secret_and_nothing_is_served(serve: Any) -> None:
    served = serve(
        SERVED_DATABASE_URL="mysql://me:swordfish@host/notes",
        SERVED_CACHE_URL="http://:swordfish@host",
        SERVED_MAIL_PORT="",
    )
    assert served.ended() == 1
    assert "SERVED_DATABASE_URL: expected sqlite" in served.log()
    assert "SERVED_CACHE_URL: expected redis" in served.log()
    assert "swordfish" not in served.log()


def test_a_missing_setting_is_named(serve: Any) -> None:
    served = serve()
    assert served.ended() == 1
    assert "SERVED_DATABASE_URL" in served.log()
    assert all(json.loads(line) for line in served.log().splitlines()), "also these lines are JSON"


@pytest.mark.parametrize("command", [None, [f"{sys.prefix}/bin/uvicorn", "served:application", "--port", "{port}"]])
def test_without_its_database_it_lives_unready_and_starts_when_it_comes(
    own_postgresql: Any, serve: Any, command: list[str] | None
) -> None:
    own_postgresql.kill()
    served = serve(command=command, SERVED_DATABASE_URL=own_postgresql.url())
    served.until(lambda: served.get("/livez").status == 200)
    ready = served.get("/readyz")
    assert ready.status == 503
    assert ready.json()["not_ready_because"] == ["starting"]
    refused = served.get("/database")
    assert refused.status == 503
    assert refused.headers["retry-after"] == "1"
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.json()["detail"] == "The service is starting."
    own_postgresql.start()
    served.until(lambda: served.get("/readyz").status == 200, within=10)
    assert served.get("/database").json() == {"answer": 0}
    steps = {each["step"]: each for each in served.get("/health/detailed").json()["start"]}
    assert steps["create tables"]["status"] == "done"
    assert steps["connect"]["attempts"] > 1


def test_it_gives_up_when_the_settings_say_so(own_postgresql: Any, serve: Any) -> None:
    own_postgresql.kill()
    served = serve(
        SERVED_DATABASE_URL=own_postgresql.url(), SERVED_EXIT_WHEN_NOT_STARTED="true", SERVED_START_TIMEOUT_S="1"
    )
    assert served.ended() == 2
    assert "not started: connect" in served.log()
    assert own_postgresql.url() not in served.log()


def test_a_stop_while_it_waits_for_its_database_is_quick_and_clean(own_postgresql: Any, serve: Any) -> None:
    own_postgresql.kill()
    served = serve(SERVED_DATABASE_URL=own_postgresql.url(), SERVED_PRE_DRAIN_S="20")
    served.until(lambda: served.get("/livez").status == 200)
    began = time.monotonic()
    assert served.stop() == 0
    assert time.monotonic() - began < 5, "nobody sends requests to a service that never was ready"


def test_a_port_that_is_taken_is_told(serve: Any, sqlite_url: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        served = serve(SERVED_DATABASE_URL=sqlite_url, SERVED_PORT=str(taken.getsockname()[1]))
        assert served.ended() == 2
        assert "address already in use" in served.log()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_with_0_and_logs_only_json(serve: Any, sqlite_url: str, number: signal.Signals) -> None:
    served = serve(SERVED_DATABASE_URL=sqlite_url).until_ready()
    assert served.get("/database").json() == {"answer": 0}
    assert served.stop(number) == 0
    messages = [line["message"] for line in served.log_lines()]
    assert "started" in messages
    assert messages.index("start: connect: done") < messages.index("start: create tables: done")
    assert "stopped" in messages


def test_a_second_sigterm_does_not_cut_the_drain_short(serve: Any, sqlite_url: str) -> None:
    served = serve(SERVED_DATABASE_URL=sqlite_url, SERVED_PRE_DRAIN_S="3").until_ready()
    served.process.send_signal(signal.SIGTERM)
    served.until(lambda: served.get("/readyz").status == 503)
    served.process.send_signal(signal.SIGTERM)
    assert [served.get("/database").status for _ in range(50)] == [200] * 50  # time for what the signal should not do
    assert served.ended() == 0


def test_optional_dependencies_that_are_not_configured_or_down_leave_it_healthy_or_degraded(
    serve: Any, sqlite_url: str, own_valkey: Any
) -> None:
    own_valkey.kill()
    served = serve(SERVED_DATABASE_URL=sqlite_url, SERVED_CACHE_URL=own_valkey.url()).until_ready()
    health = served.get("/health").json()
    assert health["status"] == "degraded"
    assert health["degraded"] == [{"dependency": "cache", "lost": "notes are read from the database"}]
    assert served.status_of("mail") == "not configured"
    own_valkey.start()
    served.until(lambda: served.get("/health").json()["status"] == "healthy", within=10)


def test_metrics_tell_of_dependencies_and_requests(serve: Any, sqlite_url: str) -> None:
    served = serve(SERVED_DATABASE_URL=sqlite_url).until_ready()
    served.get("/database")
    text = served.get("/metrics").body.decode()
    for expected in (
        "served_ready 1",
        'served_dependency_up{dependency="database",kind="sql",required="true"} 1',
        'served_dependency_attempts_total{dependency="database",outcome="succeeded"} 2',
        'served_dependency_connections_max{dependency="database"} 10',
        'served_requests_total{method="GET",route="/database",status="200"} 1',
    ):
        assert expected in text, text
    assert served.get("/metrics.json").json()["traffic"]["requests_total"] == 1


def test_flask_keeps_the_same_promises_about_its_database(own_postgresql: Any, serve: Any) -> None:
    own_postgresql.kill()
    served = serve(
        "served_flask", SERVED_DATABASE_URL=own_postgresql.url(), SERVED_DEPENDENCY_DATABASE_BREAKER_OPEN_S="1"
    )
    served.until(lambda: served.get("/livez").status == 200)
    assert served.get("/readyz").status == 503
    own_postgresql.start()
    served.until(lambda: served.get("/readyz").status == 200, within=10)
    assert served.get("/database").json() == {"answer": 0}
    with served.loaded("/database") as seen:
        served.until(lambda: len(seen) > 5)
        own_postgresql.kill()
        served.until(lambda: served.status_of("database") == "down", within=5)
        assert served.get("/readyz").status == 503
        answer = served.get("/database")
        assert answer.status == 503
        assert answer.headers["content-type"] == "application/problem+json"
        own_postgresql.start()
        served.until(lambda: served.get("/readyz").status == 200, within=10)
    assert served.get("/database").json() == {"answer": 0}
    assert 'served_requests_total{method="GET",route="/database",status="200"}' in served.get("/metrics").body.decode()
    assert served.stop() == 0


def test_flask_refuses_to_start_with_wrong_settings(serve: Any) -> None:
    served = serve("served_flask", SERVED_DATABASE_URL="mysql://me:swordfish@host/notes")
    assert served.ended() == 1
    assert "SERVED_DATABASE_URL" in served.log()
    assert "swordfish" not in served.log()


@pytest.mark.parametrize("place", ["served", "json:dumps", "json:no_such_thing", ":x"])
def test_what_is_no_application_is_told(place: str) -> None:
    with pytest.raises(ChassisError, match="expected"):
        imported(place)


@pytest.mark.parametrize("ends", ["", "raise RuntimeError"])
def test_the_collector_rests_while_a_service_is_imported_and_leaves_its_modules_alone(
    ends: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", [*sys.path])
    name = f"collected_{len(ends)}"
    (tmp_path / f"{name}.py").write_text(f"import gc, builtins\nbuiltins.{name} = gc.isenabled()\n{ends}\n")
    before = gc.get_freeze_count()
    try:
        with pytest.raises((RuntimeError, ChassisError)):
            imported(f"{name}:application")
        assert getattr(builtins, name) is False
        assert gc.isenabled()
        assert gc.get_freeze_count() > before
    finally:
        gc.unfreeze()
        vars(builtins).pop(name, None)


def test_gunicorn_opens_nothing_but_the_port(serve: Any, sqlite_url: str, tmp_path: Path) -> None:
    """Its control socket would be in the home folder, and one service's would be another's."""
    served = serve(
        SERVED_DATABASE_URL=sqlite_url, SERVED_WORKERS="2", HOME=str(tmp_path), XDG_RUNTIME_DIR=str(tmp_path)
    )
    served.until_ready()
    assert served.stop() == 0
    assert "ontrol socket" not in served.log()
    assert [path for path in tmp_path.rglob("*") if path.is_socket() or "gunicorn" in path.name] == []


def test_gunicorn_listens_on_an_ipv6_address(serve: Any, sqlite_url: str) -> None:
    served = serve(SERVED_DATABASE_URL=sqlite_url, SERVED_WORKERS="2", SERVED_HOST="::1")
    served.until(lambda: [line["message"] for line in served.log_lines()].count("started") == 2)
    assert f"[::1]:{served.port}" in served.log()
    assert served.stop() == 0
