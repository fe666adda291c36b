"""What asking gives: an answer, a question back, or a refusal. Errors are exceptions, and become problem+json."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

from spyne.engine.rows import Cell, Rows
from spyne.plan.model import Query

__all__ = [
    "Answer", "Cell", "Clarification", "Confidence", "Option", "Origin", "Outcome", "Proposal", "Question", "Reading",
    "Refusal", "Rows",
]  # fmt: skip

Origin = Literal["store", "grammar", "llm", "sql"]
Confidence = Literal["high", "medium", "low"]


class Frozen(BaseModel):
    """Data that does not change."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Reading(Frozen):
    """One way to understand a question.

    `choices` says what was decided where the question leaves it open: (decision, option) pairs, such as
    ("name", "customers.last_name"). A clarification asks about one decision; an answer keeps the readings that chose
    it. `features` are what the confidence in it is estimated from, by name.
    """

    plan: Query
    words: str
    choices: tuple[tuple[str, str], ...] = ()
    score: float
    origin: Origin = "grammar"
    features: tuple[tuple[str, float], ...] = ()


class Proposal(Frozen):
    """What a proposer found: readings, best first; the words of the question that it could not link.

    `coverage` is the share of the question's content words that were linked, weighted, from 0 to 1. `decisions` are
    what the question leaves open, by id, with the words that do.
    """

    readings: tuple[Reading, ...]
    unlinked: tuple[str, ...] = ()
    coverage: float
    decisions: tuple[tuple[str, str], ...] = ()


class Option(Frozen):
    """One answer to a question back: a stable id, what it means in words, and the first rows it gives.

    Without a preview where its query could not be run, such as one that takes too long.
    """

    id: str
    label: str
    preview: Rows | None = None


class Question(Frozen):
    """One multiple-choice question about one decision."""

    id: str
    text: str
    options: tuple[Option, ...]


class Answer(Frozen):
    """Rows, and how they came about. `unrun` are other readings, in words, that could not be run to compare."""

    status: Literal["success"] = "success"
    rows: Rows
    sql: str
    reading: Reading
    confidence: Confidence
    probability: float
    unrun: tuple[str, ...] = ()


class Clarification(Frozen):
    """A question back: the readings that are left, and the one question that parts them."""

    status: Literal["needs_clarification"] = "needs_clarification"
    question: Question
    readings: tuple[Reading, ...]


class Refusal(Frozen):
    """No answer: which words did not link, and what could be asked instead."""

    status: Literal["refused"] = "refused"
    reason: str
    unlinked: tuple[str, ...] = ()
    suggestions: tuple[str, ...] = ()


Outcome = Answer | Clarification | Refusal
