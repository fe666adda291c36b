"""Which sockets a process tree owns: what it listens on, and where it has connected to."""

from collections.abc import Iterable
from dataclasses import dataclass

import psutil

REACHABLE = ("127.0.0.1", "0.0.0.0", "::", "::ffff:127.0.0.1", "::ffff:0.0.0.0")
LOOPBACK = ("127.", "::1", "::ffff:127.")


@dataclass(frozen=True)
class Sockets:
    """A snapshot. ``listening`` are (host, port) pairs; ``remote`` the far ends of open outgoing connections."""

    listening: frozenset[tuple[str, int]]
    remote: frozenset[tuple[str, int]]

    @property
    def ports(self) -> frozenset[int]:
        """The ports listened on where 127.0.0.1 reaches them; a listener on ::1 alone is another one's neighbour."""
        return frozenset(port for host, port in self.listening if host in REACHABLE)


def sockets_of(processes: Iterable[psutil.Process]) -> Sockets:
    """Read the TCP sockets of these processes. Those that vanish meanwhile are passed over."""
    listening: set[tuple[str, int]] = set()
    outgoing: set[tuple[str, int, int]] = set()
    for process in processes:
        try:
            connections = process.net_connections(kind="tcp")
        except psutil.Error:
            continue
        for connection in connections:
            if not connection.laddr:
                continue
            if connection.status == psutil.CONN_LISTEN:
                listening.add((connection.laddr.ip, connection.laddr.port))
            elif connection.raddr:
                outgoing.add((connection.raddr.ip, connection.raddr.port, connection.laddr.port))
    ports = {port for _, port in listening}
    remote = {(ip, port) for ip, port, local in outgoing if local not in ports and port not in ports}
    return Sockets(frozenset(listening), frozenset(remote))


def holder_of(port: int) -> str:
    """Describe the process that listens on a port, or return "" when none can be seen."""
    try:
        connections = psutil.net_connections(kind="tcp")
    except psutil.Error:
        return ""
    for connection in connections:
        if connection.status == psutil.CONN_LISTEN and connection.laddr and connection.laddr.port == port:
            return _describe(connection.pid)
    return ""


def _describe(pid: int | None) -> str:
    if pid is None:
        return "a process of another user"
    try:
        return f"process {pid} ({psutil.Process(pid).name()})"
    except psutil.Error:
        return f"process {pid}"
