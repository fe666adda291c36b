"""The sockets of a process tree: what it listens on, where it has connected to, and who holds a port."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator

import psutil
import pytest
from roadworthy.target.sockets import Sockets, _describe, holder_of, sockets_of

pytestmark = pytest.mark.usefixtures("leaves_nothing")

OPENS_SOCKETS = """
import socket, sys
listener = socket.create_server(("127.0.0.1", 0))
other = socket.create_server(("::1", 0), family=socket.AF_INET6) if socket.has_ipv6 else listener
outgoing = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
incoming = socket.create_connection(("127.0.0.1", listener.getsockname()[1]))  # to itself, both ends
udp = socket.socket(type=socket.SOCK_DGRAM)
udp.bind(("127.0.0.1", 0))
print(listener.getsockname()[1], other.getsockname()[1], flush=True)
sys.stdin.read()
"""


@pytest.fixture
def dependency() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener


@pytest.fixture
def target(dependency: socket.socket) -> Iterator[tuple[psutil.Process, int, int]]:
    argv = [sys.executable, "-I", "-c", OPENS_SOCKETS, str(dependency.getsockname()[1])]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        first, second = process.stdout.readline().split()
        yield psutil.Process(process.pid), int(first), int(second)


def test_listeners_and_outgoing_connections_are_told_apart(
    target: tuple[psutil.Process, int, int], dependency: socket.socket
) -> None:
    process, first, second = target
    found = sockets_of([process])
    assert found.ports == {first}
    assert ("127.0.0.1", first) in found.listening
    assert {port for _, port in found.listening} == {first, second}
    assert found.remote == {("127.0.0.1", dependency.getsockname()[1])}


@pytest.mark.parametrize(
    ("host", "reached"),
    [("127.0.0.1", True), ("0.0.0.0", True), ("::", True), ("::ffff:127.0.0.1", True), ("::1", False),
     ("192.0.2.7", False)],
)  # fmt: skip
def test_only_a_listener_that_our_address_reaches_counts(host: str, reached: bool) -> None:
    assert Sockets(frozenset({(host, 80)}), frozenset()).ports == ({80} if reached else set())


def test_processes_that_have_ended_are_passed_over(target: tuple[psutil.Process, int, int]) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    gone = psutil.Process(ended.pid)
    ended.wait(20)
    assert sockets_of([gone, target[0]]).ports == {target[1]}
    assert sockets_of([gone]) == Sockets(frozenset(), frozenset())


def test_the_holder_of_a_port_is_named(dependency: socket.socket) -> None:
    port = dependency.getsockname()[1]
    assert holder_of(port) == f"process {os.getpid()} ({psutil.Process().name()})"
    dependency.close()
    assert holder_of(port) == ""


def test_a_holder_that_cannot_be_seen_is_still_described(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _describe(None) == "a process of another user"
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait(20)
    assert _describe(ended.pid) == f"process {ended.pid}"

    def denied(kind: str) -> None:
        raise psutil.AccessDenied

    monkeypatch.setattr(psutil, "net_connections", denied)
    assert holder_of(1) == ""
