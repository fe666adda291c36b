"""How likely a reading is right, and whether a question can be answered at all: two small logistic models."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from spyne.ask.audit import SAID
from spyne.ask.outcome import Confidence, Reading


@dataclass(frozen=True)
class Model:
    """The weights of both models by feature, and from where on a probability counts as what."""

    right: Mapping[str, float]
    answerable: Mapping[str, float]
    high: float
    medium: float
    refused_below: float
    answerable_from: float

    def named(self, value: float) -> Confidence:
        """The word for a probability."""
        return "high" if value >= self.high else "medium" if value >= self.medium else "low"


def probability(weights: Mapping[str, float], features: Mapping[str, float]) -> float:
    """The logistic of the weighted sum. Features without a weight count nothing."""
    total = weights.get("bias", 0.0) + sum(weights.get(name, 0.0) * value for name, value in features.items())
    return 1.0 / (1.0 + math.exp(-max(-30.0, min(30.0, total))))


def seen(reading: Reading, *, rows: int, clusters: int) -> dict[str, float]:
    """The features of a reading and of its result. Nothing in the last month is an answer like any other."""
    features = dict(reading.features)
    return {**features, **of_result(1 if features.get("date") and not rows else rows, clusters)}


def right(reading: Reading, model: Model, *, rows: int, clusters: int) -> float:
    """The probability that a reading is what was meant, given how many rows it gave, and how many results there are."""
    if reading.origin != "grammar":
        return max(0.0, min(1.0, reading.score))
    return probability(model.right, seen(reading, rows=rows, clusters=clusters))


def missed(reading: Reading) -> tuple[str, ...]:
    """What the question demands and the reading does not do, as keys of `audit.SAID`."""
    found = dict(reading.features)
    return tuple(kind for kind in SAID if found.get(f"unmet_{kind}"))


def is_about_nothing(reading: Reading) -> bool:
    """Whether the very thing that is asked for, such as the weather, has no meaning in the database."""
    return bool(dict(reading.features).get("unmet_head"))


def answerable(reading: Reading, model: Model) -> float:
    """The probability that the database can answer the question at all."""
    return probability(model.answerable, dict(reading.features)) if reading.origin == "grammar" else 1.0


def of_result(rows: int, clusters: int) -> dict[str, float]:
    """The features that only the result tells."""
    return {
        "empty": float(rows == 0),
        "one_row": float(rows == 1),
        "many_rows": math.log1p(rows) / 7.0,
        "clusters": float(clusters - 1),
    }
