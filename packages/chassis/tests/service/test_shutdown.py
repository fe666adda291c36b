"""SIGTERM under load: readiness turns false before the port closes, and no request is dropped. One run per server."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.needs("serve", "gunicorn")

SCRIPT = Path(__file__).parents[4] / "benchmarks" / "chassis" / "shutdown.py"
SERVERS = (
    "serve",
    "serve, 2 workers",
    "serve, WSGI",
    "uvicorn",
    "gunicorn, uvicorn worker",
    "gunicorn, threads",
)


def test_a_stop_under_load_drops_nothing_and_is_announced_before_the_port_closes() -> None:
    running = {
        server: subprocess.Popen(
            [sys.executable, SCRIPT, "--runs", "1", "--json", "--server", server], stdout=subprocess.PIPE, text=True
        )
        for server in SERVERS  # all at once: each of them mostly waits
    }
    try:
        seen = {server: json.loads(each.communicate(timeout=80)[0]) for server, each in running.items()}
    finally:
        for each in running.values():
            each.kill()
    assert {server: run for server, run in seen.items() if not run["good"]} == {}
    for run in seen.values():
        assert run["dropped"] == 0
        assert run["slow"] == 200
        assert 0 <= run["unready_s"] < run["ended_s"]
