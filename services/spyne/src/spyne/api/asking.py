"""Who proposes readings of a question, and in which order: the language model, where there is one, then the grammar."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import chassis

from spyne.api.threads import Threads
from spyne.ask.grammar import propose
from spyne.ask.outcome import Outcome, Proposal, Reading
from spyne.ask.pipeline import Run, ask
from spyne.llm.proposer import LlmProposer
from spyne.schema.model import Schema


class Asker:
    """Asks those who propose, and has the pipeline decide among their readings.

    Args:
        model: proposes by a language model; it is asked where one is configured.
        threads: where the grammar reads: with many tables it takes a while.
    """

    def __init__(self, model: LlmProposer, threads: Threads) -> None:
        """Keep both."""
        self._model = model
        self._threads = threads

    async def ask(
        self,
        question: str,
        schema: Schema,
        run: Run,
        *,
        clarification_mode: bool,
        answers: Mapping[str, str],
        kept: Sequence[Reading] = (),
    ) -> Outcome:
        """Answer, ask back, or refuse.

        Args:
            question: what was asked.
            schema: of the database.
            run: carries out SQL that was rendered from a plan.
            clarification_mode: whether to ask back.
            answers: to questions back so far.
            kept: the readings that were asked back about, of a model that may not say the same again.

        Raises:
            ProblemError: what `run` raises, but for a query of the model that fails: then the grammar is asked.
        """
        how: dict[str, Any] = {"clarification_mode": clarification_mode, "answers": answers}
        if kept:
            return await ask(question, schema, [_Kept(kept), self._grammar], run, **how)
        proposal = await self._model(question, schema) if self._model.configured else None
        if proposal is not None and proposal.readings:
            try:
                return await ask(question, schema, [lambda *_: proposal], run, **how)
            except chassis.ProblemError as error:
                if error.status != HTTPStatus.UNPROCESSABLE_ENTITY:
                    raise
                self._model.query_failed()
        return await ask(question, schema, [self._grammar], run, **how)

    async def _grammar(self, question: str, schema: Schema) -> Proposal:
        return await self._threads.run(propose, question, schema)


class _Kept:
    """Proposes readings that were found before."""

    def __init__(self, readings: Sequence[Reading]) -> None:
        self._readings = tuple(readings)

    def __call__(self, question: str, schema: Schema) -> Proposal:  # noqa: ARG002 - as every proposer
        return Proposal(readings=self._readings, coverage=1.0)
