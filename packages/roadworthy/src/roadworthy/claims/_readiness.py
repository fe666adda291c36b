"""What the health endpoints said during a fault, one history per endpoint."""

from dataclasses import dataclass

from roadworthy.domain.evidence import FaultWindow, Sample


@dataclass(frozen=True)
class History:
    """The polls of one endpoint that was healthy before the fault. ``what`` is such as ``GET /readyz``."""

    what: str
    liveness: bool  # by its name
    polls: tuple[Sample, ...]
    began_at: float

    @property
    def turned_false(self) -> Sample | None:
        """The first poll that was not answered 2xx. No answer at all counts: nobody would call that ready."""
        return next((poll for poll in self.polls if not poll.ok), None)

    @property
    def turned_false_s(self) -> float | None:
        """How long after the fault began it turned false; None when it never did."""
        return None if self.turned_false is None else max(0.0, self.turned_false.at - self.began_at)

    @property
    def came_back(self) -> bool:
        """Whether it turned false and its last poll was 2xx all the same."""
        return self.turned_false is not None and self.polls[-1].ok

    @property
    def watched_s(self) -> float:
        """How far into the fault it was polled."""
        last = self.polls[-1]
        return last.at + last.seconds - self.began_at


def histories(window: FaultWindow) -> tuple[History, ...]:
    """Return what each endpoint said; endpoints that are liveness by name only when there is no other.

    An endpoint that was not healthy before the fault cannot turn false, and is left out. So are polls that a rate
    limiter turned away: a 429 says nothing about readiness.
    """
    healthy = {sample.what for sample in window.before if sample.ok}
    polled: dict[str, list[Sample]] = {}
    for poll in window.readiness:
        if poll.what in healthy and poll.status != 429:
            polled.setdefault(poll.what, []).append(poll)
    found = tuple(
        History(what, what.removeprefix("GET ") in window.liveness_paths, tuple(polls), window.began_at)
        for what, polls in polled.items()
    )
    return tuple(history for history in found if not history.liveness) or found
