"""Operational endpoints: what operators and orchestrators ask, answered by the edge itself, before the application.

Health, metrics and the like are answered without the application's routes, rate limits or deadlines, and alike under
any framework. An endpoint reads what others keep up to date; it never waits for a dependency.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class OperationalRequest:
    """What is asked: the method, the path and the query string, undecoded."""

    method: str
    path: str
    query: str = ""


@dataclass(frozen=True, slots=True)
class OperationalAnswer:
    """The answer. ``headers`` are name and value pairs beside Content-Type and Content-Length."""

    status: int
    body: bytes
    content_type: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class OperationalEndpoint:
    """One endpoint.

    Args:
        answer: makes the answer.
        methods: those that it answers; others get 405.
        in_thread: whether making the answer takes milliseconds, so that an event loop must not do it itself.
    """

    answer: Callable[[OperationalRequest], OperationalAnswer]
    methods: tuple[str, ...] = ("GET", "HEAD")
    in_thread: bool = False


Endpoints = Mapping[str, OperationalEndpoint]
"""Endpoints by path."""
