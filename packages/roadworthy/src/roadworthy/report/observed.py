"""What the two pictures have in common: how an observation reads, and which observations are shown."""

from collections.abc import Sequence
from enum import StrEnum
from typing import TypeVar

from roadworthy.domain.evidence import Evidence


class Mood(StrEnum):
    """How an observation reads beside its neighbours. It is no verdict: only claims have those."""

    GOOD = "good"  # what a healthy service does here
    BAD = "bad"
    NEUTRAL = "neutral"  # neither: it depends on what the service is for
    UNKNOWN = "unknown"  # not tried, or nothing can be concluded

    @property
    def symbol(self) -> str:
        """A sign for it, so that no meaning hangs on colour."""
        return {"good": "✓", "bad": "✗", "neutral": "○", "unknown": "?"}[self.value]


LEGEND = {
    Mood.GOOD: "as it should be",
    Mood.BAD: "not as it should be",
    Mood.NEUTRAL: "neither",
    Mood.UNKNOWN: "not known",
}

_TELLING = (Mood.BAD, Mood.UNKNOWN, Mood.NEUTRAL, Mood.GOOD)


def worst(moods: Sequence[Mood]) -> Mood:
    """Return the mood that a summary of these must have: anything unknown keeps it from being good."""
    return next((mood for mood in _TELLING if mood in moods), Mood.UNKNOWN)


E = TypeVar("E", bound=Evidence)


def configurations(evidence: Sequence[Evidence]) -> tuple[str, ...]:
    """Return the configurations that evidence was gathered in, in their order."""
    return tuple(dict.fromkeys(item.configuration for item in evidence))


def first_trials(evidence: Sequence[Evidence], kind: type[E], configuration: str) -> tuple[E, ...]:
    """Return the evidence of this kind from the first trial of each experiment; replays would show the same again."""
    found = [item for item in evidence if isinstance(item, kind) and item.configuration == configuration]
    first = {item.experiment: min(o.trial for o in found if o.experiment == item.experiment) for item in found}
    return tuple(item for item in found if item.trial == first[item.experiment])
