"""Who proposes readings of a question, and in which order: the language model, where there is one, then the grammar."""

from collections.abc import Mapping, Sequence

from spyne.api.threads import Threads
from spyne.ask.grammar import propose
from spyne.ask.outcome import Outcome, Proposal, Reading
from spyne.ask.pipeline import Proposer, Run, ask
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
        """
        proposers: list[Proposer] = [_Kept(kept)] if kept else [self._model] if self._model.configured else []
        proposers.append(self._grammar)
        return await ask(question, schema, proposers, run, clarification_mode=clarification_mode, answers=answers)

    async def _grammar(self, question: str, schema: Schema) -> Proposal:
        return await self._threads.run(propose, question, schema)


class _Kept:
    """Proposes readings that were found before."""

    def __init__(self, readings: Sequence[Reading]) -> None:
        self._readings = tuple(readings)

    def __call__(self, question: str, schema: Schema) -> Proposal:  # noqa: ARG002 - as every proposer
        return Proposal(readings=self._readings, coverage=1.0)
