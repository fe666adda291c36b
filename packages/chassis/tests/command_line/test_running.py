"""serve, check and health as real processes."""

import gc
import http.server
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from chassis.command_line.asking import NotRunningError, asked, own_address


@pytest.mark.parametrize("place", ["ledger:application", "ledger_wsgi:application"])
def test_a_service_serves_tells_its_health_and_stops_with_status_0(ledger: Any, place: str) -> None:
    ledger.place = place
    with ledger.serving() as serving:
        well = ledger.run("health")
        assert (well.status, well.err) == (0, "")
        assert well.out.splitlines()[0] == "healthy: ledger 1.2.3"
        assert "database: up" in well.out
        assert serving.stop().status == 0
    gone = ledger.run("health")
    assert gone.status == 4
    assert gone.err.startswith("not running: no answer from 127.0.0.1:")


def test_degraded_has_a_status_of_its_own_that_a_container_may_accept(ledger: Any, nowhere: str) -> None:
    with ledger.serving(LEDGER_CACHE_URL=f"redis://{nowhere}"):
        degraded = ledger.run("health", "--json")
        assert degraded.status == 3
        assert degraded.data["degraded"] == [{"dependency": "cache", "lost": "totals are added up each time"}]
        accepted = ledger.run("health", "--degraded-ok")
        assert accepted.status == 0
        assert accepted.out.startswith("degraded: ledger")


def test_not_ready_is_2_and_says_why(ledger: Any, nowhere: str) -> None:
    with ledger.serving(LEDGER_DATABASE_URL=f"postgresql://ledger@{nowhere}/ledger"):
        unready = ledger.run("health")
    assert unready.status == 2
    assert "not ready: starting" in unready.out


def test_check_changes_nothing_and_tells_of_unknown_keys(ledger: Any) -> None:
    fine = ledger.run("check", LEDGER_SINGING_KEY="x")
    assert fine.status == 0
    assert fine.out.splitlines()[0] == "settings: right"
    assert fine.err == "warning: LEDGER_SINGING_KEY: no such setting; did you mean LEDGER_SIGNING_KEY?\n"
    assert ledger.execute("SELECT count(*) FROM sqlite_master") == [0]


def test_check_tells_a_required_dependency_from_an_optional_one(ledger: Any, nowhere: str) -> None:
    lost = ledger.run("check", LEDGER_CACHE_URL=f"redis://{nowhere}")
    assert lost.status == 3
    assert "cache: not reachable (lost: totals are added up each time); check LEDGER_CACHE_URL" in lost.out
    dead = ledger.run("check", "--json", LEDGER_DATABASE_URL=f"postgresql://ledger@{nowhere}/ledger")
    assert dead.status == 2
    assert dead.data["status"] == "required unreachable"
    assert dead.data["dependencies"]["database"]["status"] == "down"


def test_wrong_settings_are_told_all_at_once_by_every_command(ledger: Any) -> None:
    wrong = {"LEDGER_SIGNING_KEY": "short", "LEDGER_KEEP_DAYS": "soon", "LEDGER_DATABASE_URL": "mysql://host/name"}
    for arguments in (["check"], ["migrate"], ["health"]):
        said = ledger.run(*arguments, **wrong)
        assert said.status == 1
        assert said.err.splitlines()[0] == "Error: 2 settings are wrong:"
        assert "LEDGER_SIGNING_KEY: expected a secret of at least 32 characters" in said.err
        assert "LEDGER_KEEP_DAYS: expected a number" in said.err
        assert said.out == ""
    address = ledger.run("check", LEDGER_DATABASE_URL="mysql://host/name")
    assert (address.status, address.err.count("\n")) == (1, 2)
    assert "LEDGER_DATABASE_URL: expected sqlite:///file.db or postgresql://" in address.err
    as_data = ledger.run("check", "--json", **wrong)
    assert as_data.status == 1
    assert len(as_data.data["problems"]) == 2
    assert ledger.run("serve", **wrong).status == 1


class Fixed(http.server.BaseHTTPRequestHandler):
    """Answers every request with the same bytes, as slowly as the path says."""

    def do_GET(self) -> None:
        """Answer."""
        self.send_response(200)
        self.end_headers()
        pauses = int(self.path.strip("/") or 0) if self.path.strip("/").isdigit() else 0
        for _ in range(pauses):
            self.wfile.write(b" ")
            time.sleep(0.05)
        self.wfile.write(b'{"status": "healthy", "service": "another"}')

    def log_message(self, *_: Any) -> None:
        """Print nothing."""


@pytest.fixture
def other_port() -> Iterator[int]:
    """The port of a server that is not the service."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Fixed) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield server.server_port
        server.shutdown()


def test_another_service_at_the_port_is_not_taken_for_this_one(ledger: Any, other_port: int) -> None:
    other = ledger.run("health", LEDGER_PORT=str(other_port))
    assert other.status == 4
    assert other.err == f"not running: 127.0.0.1:{other_port} is answered by something other than ledger\n"


def test_an_answer_that_trickles_does_not_hold_the_command_up(other_port: int) -> None:
    began = time.monotonic()
    with pytest.raises(NotRunningError, match=r"within 0\.3 s"):
        asked("127.0.0.1", other_port, "/40", within_s=0.3)
    assert time.monotonic() - began < 1.5  # the answer takes 2 s, and each of its bytes comes in time
    assert asked("127.0.0.1", other_port, "/0", within_s=5.0).status == 200


def test_an_answer_that_falls_silent_leaves_no_socket_open() -> None:
    def fall_silent(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 200 OK\r\n\r\nhal")
            given_up.wait(30.0)

    given_up = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        other = threading.Thread(target=fall_silent, args=[listener])
        other.start()
        with pytest.raises(NotRunningError, match=r"within 0\.3 s"):
            asked("127.0.0.1", listener.getsockname()[1], "/", within_s=0.3)
        for each in threading.enumerate():
            if each.name == "asking the service":
                each.join(10.0)
        given_up.set()
        other.join()
    gc.collect()  # a socket that nobody closed is a warning here, and so an error


def test_a_silent_port_is_not_waited_for(ledger: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        said = ledger.run("health", "--within", "0.2", LEDGER_PORT=str(silent.getsockname()[1]))
    assert said.status == 4
    assert "within 0.2 s" in said.err


class Listening:
    """Settings of a service."""

    def __init__(self, host: str, port: int = 8080) -> None:
        self.host = host
        self.port = port


def test_a_service_that_listens_on_all_addresses_is_asked_on_loopback() -> None:
    assert own_address(Listening("0.0.0.0")) == ("127.0.0.1", 8080)
    assert own_address(Listening("::")) == ("::1", 8080)
    assert own_address(Listening("10.0.0.7", 81)) == ("10.0.0.7", 81)
    with pytest.raises(NotRunningError, match="port is 0"):
        own_address(Listening("127.0.0.1", 0))
