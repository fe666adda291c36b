"""Where in its life the service is: the one thing that the edge, health and the lifecycle share."""

from enum import StrEnum


class Phase(StrEnum):
    """A service goes through these in order, and never back."""

    STARTING = "starting"
    SERVING = "serving"
    DRAINING = "draining"
    STOPPED = "stopped"


class ServiceState:
    """The phase, and how many requests are under way.

    The lifecycle moves the phase on; the edge counts requests in and out; health and the drain read both. Plain
    attributes: each is written by one thread at a time under the interpreter's lock, or under the WSGI edge's own.
    """

    __slots__ = ("in_flight", "phase")

    def __init__(self) -> None:
        """Start in ``starting``, with nothing under way."""
        self.phase = Phase.STARTING
        self.in_flight = 0

    @property
    def draining(self) -> bool:
        """Whether a stop has been asked for: readiness is false from here on."""
        return self.phase in (Phase.DRAINING, Phase.STOPPED)
