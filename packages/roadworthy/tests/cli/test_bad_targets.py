"""Targets that cannot be inspected: the reason is said, the status is 2, and nothing is left behind."""

import http.server
import json
import socket
import sys
import threading
from collections.abc import Iterator

import pytest

NEVER_LISTENS = """\
import signal
print("thinking", flush=True)
while True:
    signal.pause()
"""

FORKS_AWAY = """\
import os, signal
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.chdir("/")
        while True:
            signal.pause()
    os._exit(0)
os.wait()
"""


@pytest.fixture
def taken() -> Iterator[int]:
    """A port on which somebody else already answers."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


def manifest(roadworthy, command: tuple[str, ...], *more: str) -> None:
    roadworthy.manifest("\n".join(["[target]", f"command = {json.dumps(command)}", *more, "[bounds]", "start_s = 1"]))


def refused(ran, *says: str) -> None:
    """Check that the target could not be run, and that the report says why."""
    assert ran.status == 2, ran.said
    assert "The target could not be run" in ran.out
    assert "exit status 2" in ran.out
    assert "Traceback" not in ran.said
    for each in says:
        assert each in ran.out


def test_a_command_that_never_listens(roadworthy) -> None:
    manifest(roadworthy, roadworthy.script("silent.py", NEVER_LISTENS))
    ran = roadworthy("inspect", ".")
    refused(ran, "within 2 s the command never listened on a TCP port", "It was told port", "Its last words: thinking")


def test_a_command_that_exits_at_once(roadworthy) -> None:
    command = roadworthy.script("exits.py", "import sys; sys.exit('no licence found')")
    refused(roadworthy("inspect", "--", *command), "ended with status 1", "instead of serving", "no licence found")


def test_a_command_that_forks_away(roadworthy) -> None:
    refused(
        roadworthy("inspect", "--", *roadworthy.script("daemon.py", FORKS_AWAY)),
        "left process",
        "it forks away. Give the command that stays in the foreground",
    )


def test_a_command_that_floods_its_output(roadworthy) -> None:
    ran = roadworthy("inspect", "--", "yes", "this line is written again and again, as fast as anybody reads it" * 3)
    refused(ran, "floods its output", "does not serve yet")


def test_a_program_that_is_not_there(roadworthy) -> None:
    ran = roadworthy("inspect", "--", "no-such-program", "--port", "{port}")
    refused(ran, "cannot start 'no-such-program'", "No such file")


def test_a_program_that_may_not_be_run(roadworthy) -> None:
    (roadworthy.home / "server").write_text("#!/bin/sh\n")
    refused(roadworthy("inspect", "--", "./server"), "cannot start", "Permission denied")


def test_a_port_that_is_already_taken(roadworthy, tiny, taken: int) -> None:
    manifest(roadworthy, tiny, f"port = {taken}")
    refused(roadworthy("inspect", "."), f"port {taken} is already taken by", "stop it, or let the target choose")


def test_a_setup_command_that_fails(roadworthy, tiny) -> None:
    failing = json.dumps([sys.executable, "-c", "raise SystemExit('no schema')"])
    manifest(roadworthy, tiny, f"setup = [{failing}]")
    refused(roadworthy("inspect", "."), "the set-up command", "ended with status 1", "no schema")


def test_a_dependency_that_is_not_there_is_no_reason_to_fail_silently(roadworthy, tiny) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    lines = (
        f'command = {json.dumps(tiny)}\n[dependencies.db]\nkind = "postgresql"\nurl = "postgresql://127.0.0.1:{port}/x"'
    )
    roadworthy.manifest(f"[target]\n{lines}\nvariable = 'DATABASE_URL'\n")
    ran = roadworthy("inspect", ".", "--only", "health-exists")
    assert ran.status == 0, ran.said  # the target does not need it for this claim
    assert "PROVEN (1)" in ran.out


def test_a_command_that_listens_elsewhere_than_told_is_found(roadworthy, tiny) -> None:
    ran = roadworthy("inspect", "--only", "health-exists", "--out", "out", "--", *tiny, env={"ELSEWHERE": "-1"})
    assert ran.status == 0, ran.said
    assert "/healthz" in ran.out
    told = json.loads((roadworthy.home / "out" / "recording" / "events.jsonl").read_text().splitlines()[0])
    assert told["spec"]["port"] is None
