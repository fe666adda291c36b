"""From a question to an outcome: propose, resolve, run, cluster; then answer, ask back, or refuse."""

from __future__ import annotations

import inspect
import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from http import HTTPStatus

import chassis

from spyne.ask import confidence
from spyne.ask.audit import SAID
from spyne.ask.calibration import FITTED
from spyne.ask.clarify import question_for
from spyne.ask.cluster import Cluster, clusters
from spyne.ask.outcome import Answer, Clarification, Outcome, Proposal, Reading, Refusal, Rows
from spyne.ask.resolver import resolve
from spyne.schema.model import Schema
from spyne.sql.errors import PlanError
from spyne.sql.render import render

Run = Callable[[str], Awaitable[Rows]]
Proposer = Callable[[str, Schema], Proposal | Awaitable[Proposal | None] | None]
MOST_RUN = 8
SUGGESTIONS = 3


async def ask(
    question: str,
    schema: Schema,
    proposers: Sequence[Proposer],
    run: Run,
    *,
    clarification_mode: bool = True,
    answers: Mapping[str, str] | None = None,
    model: confidence.Model = FITTED,
) -> Outcome:
    """Answer a question, ask back, or refuse.

    Args:
        question: what was asked.
        schema: of the database.
        proposers: asked in this order, until one proposes a reading.
        run: carries out SQL that was rendered from a plan.
        clarification_mode: whether to ask back; without, the best reading answers with less confidence.
        answers: to questions asked before: by decision, the option.
        model: what the confidence in readings is estimated with.

    Raises:
        What `run` raises: a request that was cancelled ends, and a database that is down is no refusal. Only a reading
        that is not the best may fail with a ProblemError of 422 (too slow, too large, refused by the database): it
        stays one of the readings, without rows.
    """
    proposal = await _propose(question, schema, proposers)
    if not proposal.readings:
        return _refusal(
            proposal, schema, "No word of this question names a table, a column or a value of the database."
        )
    best = proposal.readings[0]
    if confidence.answerable(best, model) < model.answerable_from or confidence.is_about_nothing(best):
        return _refusal(proposal, schema, _missing(proposal))
    left = resolve(proposal.readings, answers or {})
    if not left:
        return _refusal(proposal, schema, "No reading of this question agrees with all of the answers.")
    if confidence.missed(left[0]):
        return _refusal(proposal, schema, _overlooked(left[0]))
    found = clusters(await _run(left[:MOST_RUN], schema, run))
    if not found:
        return _refusal(proposal, schema, "No reading of this question makes a query for this database.")
    return _decide(proposal, found, schema, model, clarification_mode=clarification_mode)


async def _propose(question: str, schema: Schema, proposers: Sequence[Proposer]) -> Proposal:
    last = Proposal(readings=(), coverage=0.0)
    for proposer in proposers:
        proposed = proposer(question, schema)
        proposal = await proposed if inspect.isawaitable(proposed) else proposed
        if proposal is not None:
            last = proposal
            if proposal.readings:
                return proposal
    return last


async def _run(readings: Sequence[Reading], schema: Schema, run: Run) -> list[tuple[Reading, Rows | None]]:
    """Each reading with its rows; None for a rival of the best reading that could not be run."""
    found: list[tuple[Reading, Rows | None]] = []
    for reading in readings:
        try:
            sql = render(reading.plan, schema)
        except PlanError:
            continue
        try:
            found.append((reading, await run(sql)))
        except chassis.ProblemError as problem:
            if not found or problem.status != HTTPStatus.UNPROCESSABLE_ENTITY:
                raise
            found.append((reading, None))
    return found


def _decide(
    proposal: Proposal, found: tuple[Cluster, ...], schema: Schema, model: confidence.Model, *, clarification_mode: bool
) -> Outcome:
    ran = [(cluster, cluster.rows) for cluster in found if cluster.rows is not None]
    best, rows = max(ran, key=lambda each: each[0].best.score)
    reading = best.best
    sure = confidence.right(reading, model, rows=len(rows.rows), clusters=len(found))
    if len(found) > 1 and clarification_mode:
        question = question_for(found, dict(proposal.decisions))
        if question is not None:
            return Clarification(question=question, readings=tuple(r for cluster in found for r in cluster.readings))
    unrun = tuple(r.words for cluster in found if cluster.rows is None for r in cluster.readings)
    if unrun:
        sure = min(sure, math.nextafter(model.medium, 0.0))
    if sure < model.refused_below:
        return _refusal(proposal, schema, f"Too unsure of what is meant. The likeliest reading is: {reading.words}.")
    return Answer(
        rows=rows,
        sql=render(reading.plan, schema),
        reading=reading,
        confidence=model.named(sure),
        probability=sure,
        unrun=unrun,
    )


def _missing(proposal: Proposal) -> str:
    if not proposal.unlinked:
        return "What this question asks for is not in the database."
    words = ", ".join(f"“{word}”" for word in proposal.unlinked)
    return f"Nothing in the database matches {words}."


def _overlooked(reading: Reading) -> str:
    said = " and ".join(SAID[kind] for kind in confidence.missed(reading))
    return f"This question names {said}, and that part was not understood. All that was: {reading.words}."


def _refusal(proposal: Proposal, schema: Schema, reason: str) -> Refusal:
    tables = sorted((t for t in schema.tables if t.rows != 0), key=lambda table: -(table.rows or 0))[:SUGGESTIONS]
    return Refusal(
        reason=reason, unlinked=proposal.unlinked, suggestions=tuple(f"Show me {table.name}" for table in tables)
    )
