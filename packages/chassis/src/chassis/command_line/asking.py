"""Asking the running service over HTTP, within a bounded time whatever answers."""

import http.client
import threading
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any

from chassis.errors import ChassisError

_LARGEST = 16 * 2**20
_ANY = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}
"""Where to reach a service that listens on all addresses."""


class NotRunningError(ChassisError):
    """Nothing that is the service answers at its address."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered."""

    status: int
    body: bytes


def own_address(settings: Any) -> tuple[str, int]:
    """Return the host and port at which the service is reached from its own machine.

    Raises:
        NotRunningError: the port is 0, any that is free, so that only the service knows it.
    """
    if not settings.port:
        raise NotRunningError("the setting port is 0, any that is free: set it to the port that the service listens on")
    host = str(settings.host).strip("[]")
    return _ANY.get(host, host), int(settings.port)


def asked(host: str, port: int, path: str, within_s: float) -> Answer:
    """Ask for a path, and return the answer.

    Args:
        host: a name or an address.
        port: TCP port.
        path: what to ask for.
        within_s: seconds from now to the end of the answer. A time-out of the socket would begin anew with each byte.

    Raises:
        NotRunningError: there was no answer.
    """
    outcome: SimpleQueue[Answer | OSError | http.client.HTTPException] = SimpleQueue()

    def ask() -> None:
        try:
            outcome.put(_asked(host, port, path, within_s))
        except (OSError, http.client.HTTPException) as error:
            outcome.put(error)

    threading.Thread(target=ask, name="asking the service", daemon=True).start()
    try:
        found = outcome.get(timeout=within_s)
    except Empty:
        found = TimeoutError()
    if isinstance(found, TimeoutError):
        raise NotRunningError(f"no answer from {host}:{port} within {within_s:g} s")
    if isinstance(found, Exception):
        reason = getattr(found, "strerror", None) or type(found).__name__
        raise NotRunningError(f"no answer from {host}:{port}: {reason}")
    return found


def _asked(host: str, port: int, path: str, within_s: float) -> Answer:
    connection = http.client.HTTPConnection(host, port, timeout=within_s)
    try:
        connection.request("GET", path, headers={"Connection": "close"})
        # Closing the connection does not close an answer that was not read to its end.
        with connection.getresponse() as response:
            return Answer(response.status, response.read(_LARGEST))
    finally:
        connection.close()
