"""Merges answers into readings: a pure function, that gives the same in any order and however often it is asked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from spyne.ask.outcome import Reading


def resolve(readings: Iterable[Reading], answers: Mapping[str, str]) -> tuple[Reading, ...]:
    """The readings that chose as answered. A reading without a decision that was answered is not against it."""
    return tuple(reading for reading in readings if _agrees(reading, answers))


def _agrees(reading: Reading, answers: Mapping[str, str]) -> bool:
    return all(answers.get(decision, option) == option for decision, option in reading.choices)
