"""Questions in plain language: answers, questions back, refusals."""

import asyncio
import logging
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import chassis
from fastapi import APIRouter, Request

from spyne.api import models
from spyne.api.about import asks_for_tables, tables_of, tables_sql
from spyne.api.access import Asking, name_of
from spyne.api.catalog import Known
from spyne.api.parts import Parts
from spyne.api.running import SqlFailedError, SqlRefusedError
from spyne.api.shown import outcome_shown, rows_shown
from spyne.api.stored import verified
from spyne.ask.outcome import Answer, Clarification, Outcome, Reading, Rows
from spyne.ask.pipeline import Run
from spyne.schema.model import Schema
from spyne.state.tables import ClarificationSession, HistoryEntry, new_id, now

logger = logging.getLogger(__name__)
router = APIRouter(prefix="/api/agent", tags=["ask"])


@dataclass
class Asked:
    """One question under way."""

    query: str
    known: Known
    session: ClarificationSession | None
    answers: Mapping[str, str]
    clarification_mode: bool
    request: Request
    began: float = field(default_factory=time.monotonic)
    request_id: str = field(default_factory=chassis.correlation_id.get)


@router.post("/run")
async def run(sent: models.Run, request: Request, parts: Asking) -> dict[str, Any]:
    """Answer a question, ask back, or refuse. `status` says which: success, needs_clarification or refused."""
    session = await _session(parts, sent.session_id, sent.answers)
    known = await parts.catalog.find(sent.database or (session.database if session else None))
    asks_back = parts.settings.clarification_mode if sent.clarification_mode is None else sent.clarification_mode
    answers = {**(session.answers if session else {}), **sent.answers}
    return await answer(parts, Asked(sent.query, known, session, answers, asks_back, request))


@router.post("/continue")
async def go_on(sent: models.Continue, request: Request, parts: Asking) -> dict[str, Any]:
    """Go on with a question that was asked back about. Answers may come in any order, and several times."""
    session = await _session(parts, sent.session_id, sent.answers)
    if session is None:  # pragma: no cover - a session id was sent
        raise chassis.ProblemError(404)
    known = await parts.catalog.find(session.database)
    return await answer(parts, Asked(session.query, known, session, session.answers, True, request))


async def answer(parts: Parts, asked: Asked) -> dict[str, Any]:
    """Find the outcome, keep it in the history, and write it as it is sent. Failures are kept and counted as well."""
    try:
        return await _answered(parts, asked)
    except asyncio.CancelledError:  # whoever asked has gone
        parts.measures.outcomes.labels("cancelled").inc()
        raise
    except chassis.ProblemError as error:
        await _failed(parts, asked, "cancelled" if error.status == HTTPStatus.CONFLICT else "error", error.detail)
        raise
    except Exception:
        await _failed(parts, asked, "error")
        raise


async def _answered(parts: Parts, asked: Asked) -> dict[str, Any]:
    schema = await parts.catalog.schema(asked.known)
    if asks_for_tables(asked.query, schema):
        words = f"The tables and views of {asked.known.name}"
        return await _direct(parts, asked, "schema", tables_of(schema), tables_sql(schema), words)
    if (saved := await verified(parts, asked.known.name, asked.query, asked.answers)) is not None:
        with suppress(SqlRefusedError, SqlFailedError):  # its tables have changed since: the question is read anew
            rows = await _run_sql(parts, asked, schema)(saved.sql)
            return await _direct(parts, asked, "store", rows, saved.sql, f"The saved answer to: {saved.query}")
    outcome = await _outcome(parts, asked, schema)
    seconds = time.monotonic() - asked.began
    parts.measures.outcomes.labels(outcome.status).inc()
    parts.measures.latency.labels("ask").observe(seconds)
    if isinstance(outcome, Clarification):
        parts.measures.clarification_time.observe(seconds)
        await _keep_question(parts, asked, outcome)
    elif asked.session is not None and isinstance(outcome, Answer):
        await _resolve(parts, asked.session)
    entry = _entry(asked, outcome, seconds)
    await _keep(parts, entry)
    session_id = asked.session.id if asked.session else None
    return {**_about(asked, entry), **outcome_shown(outcome, session_id)}


async def _failed(parts: Parts, asked: Asked, status: str, words: str | None = None) -> None:
    """Count a question that found no outcome, and keep it in the history, where that can be reached."""
    parts.measures.outcomes.labels(status).inc()
    entry = _new_entry(asked, status, time.monotonic() - asked.began)
    entry.words = words
    with suppress(chassis.DependencyError):
        await _keep(parts, entry)


async def _keep(parts: Parts, entry: HistoryEntry) -> None:
    """Keep an entry of the history, and log it by its id: what was asked may be private."""
    context = {
        "history_id": entry.id,
        "database": entry.database,
        "source": entry.origin,
        "confidence": entry.confidence,
        "rows": entry.row_count,
        "latency_ms": entry.elapsed_ms,
    }
    logger.info("question: %s", entry.status, extra={"context": context})
    await parts.library.add(entry)


def _about(asked: Asked, entry: HistoryEntry) -> dict[str, Any]:
    return {
        "status": entry.status,
        "query": asked.query,
        "database": asked.known.name,
        "request_id": asked.request_id,
        "history_id": entry.id,
        "session_id": asked.session.id if asked.session else None,
        "elapsed_ms": entry.elapsed_ms,
    }


async def _direct(parts: Parts, asked: Asked, source: str, rows: Rows, sql: str, words: str) -> dict[str, Any]:
    """Answer with what no plan was needed for: the schema, or a query that somebody has checked."""
    seconds = time.monotonic() - asked.began
    parts.measures.outcomes.labels("success").inc()
    parts.measures.origins.labels(source).inc()
    parts.measures.latency.labels("ask").observe(seconds)
    entry = _new_entry(asked, "success", seconds)
    entry.sql, entry.words, entry.origin, entry.confidence = sql, words, source, "high"
    entry.row_count = len(rows.rows)
    await _keep(parts, entry)
    if asked.session is not None:
        await _resolve(parts, asked.session)
    return {
        **_about(asked, entry),
        "data": {**rows_shown(rows), "sql": sql},
        "final_answer": words,
        "reading": words,
        "choices": {},
        "confidence": "high",
        "probability": 1.0,
        "source": source,
    }


def _run_sql(parts: Parts, asked: Asked, schema: Schema) -> Run:
    """Carry out SQL for this question: what was rendered from a plan meets the guard all the same."""

    async def run_sql(sql: str) -> Rows:
        return await parts.runner.run(
            asked.known,
            schema,
            parts.runner.checked(sql, schema),
            request_id=name_of(asked.request, asked.request_id),
            gone=asked.request.is_disconnected,
        )

    return run_sql


async def _outcome(parts: Parts, asked: Asked, schema: Schema) -> Outcome:
    outcome = await parts.asker.ask(
        asked.query,
        schema,
        _run_sql(parts, asked, schema),
        clarification_mode=asked.clarification_mode,
        answers=asked.answers,
        kept=[Reading.model_validate(each) for each in asked.session.readings] if asked.session else (),
    )
    if isinstance(outcome, Answer):
        parts.measures.origins.labels(outcome.reading.origin).inc()
    return outcome


async def _session(parts: Parts, key: str | None, answers: Mapping[str, str]) -> ClarificationSession | None:
    if key is None:
        return None
    session = await parts.library.answer(key, answers)
    if session is None:
        raise chassis.ProblemError(404, f"There is no clarification session {key}.")
    return session


async def _keep_question(parts: Parts, asked: Asked, outcome: Clarification) -> None:
    """Keep the session of a question back, so that any process can go on with it."""
    values: dict[str, Any] = {"questions": [outcome.question.model_dump(mode="json")], "status": "open"}
    if any(reading.origin == "llm" for reading in outcome.readings):  # the grammar finds the same ones again
        values["readings"] = [reading.model_dump(mode="json") for reading in outcome.readings]
    if asked.session is None:
        asked.session = ClarificationSession(
            id=new_id(), query=asked.query, database=asked.known.name, answers=dict(asked.answers), **values
        )
        await parts.library.add(asked.session)
    else:
        await parts.library.change(ClarificationSession, asked.session.id, {**values, "updated_at": now()})


async def _resolve(parts: Parts, session: ClarificationSession) -> None:
    if session.status != "resolved":
        await parts.library.change(ClarificationSession, session.id, {"status": "resolved", "updated_at": now()})
    if session.status == "open" and session.questions:
        parts.measures.resolved.inc()


def _new_entry(asked: Asked, status: str, seconds: float) -> HistoryEntry:
    return HistoryEntry(
        id=new_id(),
        database=asked.known.name,
        query=asked.query,
        status=status,
        elapsed_ms=round(seconds * 1000, 1),
        session_id=asked.session.id if asked.session else None,
        answers=dict(asked.answers),
        correlation_id=asked.request_id[:128],
    )


def _entry(asked: Asked, outcome: Outcome, seconds: float) -> HistoryEntry:
    entry = _new_entry(asked, outcome.status, seconds)
    if isinstance(outcome, Answer):
        entry.sql = outcome.sql
        entry.words = outcome.reading.words
        entry.plan = outcome.reading.plan.model_dump(mode="json")
        entry.origin = outcome.reading.origin
        entry.confidence = outcome.confidence
        entry.row_count = len(outcome.rows.rows)
        if not asked.clarification_mode and not asked.answers:  # what would have been asked back about was decided
            entry.answers = dict(outcome.reading.choices)
    return entry
