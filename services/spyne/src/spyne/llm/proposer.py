"""Makes a proposal of what the language model says; what is no valid plan for the schema is left out."""

import json
import logging
from typing import Any

import chassis
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from spyne.ask.outcome import Proposal, Reading
from spyne.llm.api import ModelApi
from spyne.llm.errors import ModelError
from spyne.llm.measures import LlmMeasures
from spyne.llm.prompt import messages, wanted
from spyne.plan.model import Query
from spyne.schema.model import Schema
from spyne.sql.errors import PlanError
from spyne.sql.render import render

MOST = 4
_FIRST_SCORE = 0.9
_STEP = 0.1

logger = logging.getLogger(__name__)


class _Reading(BaseModel):
    """One reading, as the model says it."""

    model_config = ConfigDict(extra="ignore")
    words: str = Field("", max_length=500)
    query: Query


class _Said(BaseModel):
    """What the model says."""

    model_config = ConfigDict(extra="ignore")
    readings: list[Any] = Field(default=[], max_length=20)
    unlinked: list[str] = Field(default=[], max_length=50)


class LlmProposer:
    """Asks a language model for readings.

    Args:
        api: where it is asked.
        measures: what is counted of it.
    """

    def __init__(self, api: ModelApi, measures: LlmMeasures) -> None:
        """Keep both."""
        self._api = api
        self._measures = measures

    @property
    def configured(self) -> bool:
        """Whether there is a model to ask."""
        return self._api.configured

    async def __call__(self, question: str, schema: Schema) -> Proposal | None:
        """Return its readings, best first; None when it gave none that could be used, so that others are asked.

        Never raises for anything that the model or its API does.
        """
        try:
            return self.understood(await self._api.complete(messages(question, schema), wanted()), schema)
        except (ModelError, chassis.DependencyError) as error:
            logger.warning("the language model gave no plan: %s", error)
            return None

    def query_failed(self) -> None:
        """Count a plan whose query the database refused, or that took too much."""
        self._failed("query_failed", "")

    def understood(self, text: str, schema: Schema) -> Proposal:
        """Read what the model said.

        Raises:
            ModelError: none of it is a plan for this schema.
        """
        try:
            said = _Said.model_validate(json.loads(_unfenced(text)))
        except (ValueError, RecursionError):
            raise self._failed("not_json", "the answer is not the JSON that was asked for") from None
        readings = [each for raw in said.readings[:MOST] if (each := _read(raw, schema)) is not None]
        if said.readings and not readings:
            raise self._failed("wrong_plan", "no reading is a valid plan for these tables")
        return Proposal(
            readings=tuple(_numbered(readings)),
            unlinked=tuple(word[:100] for word in said.unlinked[:10]),
            coverage=1.0 if readings and not said.unlinked else 0.5 if readings else 0.0,
        )

    def _failed(self, reason: str, message: str) -> ModelError:
        self._measures.llm_failures.labels(reason).inc()
        return ModelError(reason, message)


def _read(raw: object, schema: Schema) -> _Reading | None:
    try:
        reading = _Reading.model_validate(raw)
        render(reading.query, schema)
    except (ValidationError, PlanError, RecursionError):
        return None
    return reading


def _numbered(readings: list[_Reading]) -> list[Reading]:
    """Give each reading its place: the first is the likeliest, and one decision parts them."""
    several = len(readings) > 1
    return [
        Reading(
            plan=each.query,
            words=each.words,
            choices=(("reading", each.words or f"reading {number + 1}"),) if several else (),
            score=_FIRST_SCORE - _STEP * number,
            origin="llm",
        )
        for number, each in enumerate(readings)
    ]


def _unfenced(text: str) -> str:
    """The JSON inside of a Markdown fence, which models like to put around it."""
    plain = text.strip()
    if plain.startswith("```"):
        plain = plain.partition("\n")[2].rpartition("```")[0]
    return plain
