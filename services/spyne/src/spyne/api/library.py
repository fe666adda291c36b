"""Saved queries, feedback and history."""

from typing import Annotated

import chassis
from fastapi import APIRouter, Path, Query

from spyne.api.access import Asking, IsAdministrator
from spyne.api.models import (
    Effect,
    GivenFeedback,
    Id,
    Name,
    NewFeedback,
    NewSavedQuery,
    ShownFeedback,
    ShownHistory,
    ShownSavedQuery,
)
from spyne.api.parts import Parts
from spyne.api.stored import keep, may_change, saved, withdraw
from spyne.state.questions import key_of
from spyne.state.tables import Feedback, HistoryEntry, SavedQuery, new_id, now

router = APIRouter(prefix="/api", tags=["library"])
RowId = Annotated[Id, Path()]
Limit = Annotated[int, Query(ge=1, le=100)]
Offset = Annotated[int, Query(ge=0, le=100_000)]
InDatabase = Annotated[Name | None, Query()]


@router.post("/saved-queries", status_code=201)
async def save(new: NewSavedQuery, parts: Asking, administrator: IsAdministrator) -> ShownSavedQuery:
    """Save a question with the SQL that answers it. The guard checks the SQL first."""
    may_change(administrator, new.verified)
    known = await parts.catalog.find(new.database)
    parts.runner.checked(new.sql, await parts.catalog.schema(known))
    row = saved(known.name, new.query, new.sql, verify=new.verified, answers=new.answers)
    await parts.library.add(row)
    return ShownSavedQuery.model_validate(row)


@router.get("/saved-queries")
async def find_saved(
    parts: Asking, database: InDatabase = None, limit: Limit = 20, offset: Offset = 0
) -> list[ShownSavedQuery]:
    """List the latest saved queries."""
    where = [SavedQuery.database == database] if database else []
    rows = await parts.library.latest(SavedQuery, SavedQuery.created_at, where=where, limit=limit, offset=offset)
    return [ShownSavedQuery.model_validate(row) for row in rows]


@router.get("/saved-queries/{query_id}")
async def find_one(query_id: RowId, parts: Asking) -> ShownSavedQuery:
    """Read a saved query."""
    return _shown(await parts.library.find(SavedQuery, query_id), query_id)


@router.put("/saved-queries/{query_id}")
async def change(query_id: RowId, new: NewSavedQuery, parts: Asking, administrator: IsAdministrator) -> ShownSavedQuery:
    """Change a saved query."""
    there = _shown(await parts.library.find(SavedQuery, query_id), query_id)
    may_change(administrator, there.verified, new.verified)
    known = await parts.catalog.find(new.database)
    parts.runner.checked(new.sql, await parts.catalog.schema(known))
    values = {
        "database": known.name,
        "query": new.query,
        "sql": new.sql,
        "verified": new.verified,
        "answers": new.answers,
        "key": key_of(known.name, new.query, new.answers),
        "plan": None,
        "updated_at": now(),
    }
    return _shown(await parts.library.change(SavedQuery, query_id, values), query_id)


@router.delete("/saved-queries/{query_id}", status_code=204)
async def remove(query_id: RowId, parts: Asking, administrator: IsAdministrator) -> None:
    """Delete a saved query."""
    there = _shown(await parts.library.find(SavedQuery, query_id), query_id)
    may_change(administrator, there.verified)
    if not await parts.library.remove(SavedQuery, query_id):
        _shown(None, query_id)


@router.post("/feedback", status_code=201)
async def give(new: NewFeedback, parts: Asking, administrator: IsAdministrator) -> GivenFeedback:
    """Say whether an answer was right.

    What a thumb of the administrator confirms, or corrects by SQL, answers whoever asks the same; of others it is saved
    as a proposal. A thumb down of the administrator lets a saved answer answer no longer.
    """
    entry = await parts.library.find(HistoryEntry, new.history_id)
    if entry is None:
        raise chassis.ProblemError(404, f"There is no request {new.history_id} in the history.")
    if new.corrected_sql is not None:
        known = await parts.catalog.find(entry.database)
        parts.runner.checked(new.corrected_sql, await parts.catalog.schema(known))
        parts.measures.corrections.inc()
    row = Feedback(
        id=new_id(),
        history_id=new.history_id,
        helpful=new.helpful,
        corrected_sql=new.corrected_sql,
        comment=new.comment,
        created_at=now(),
    )
    await parts.library.add(row)
    parts.measures.feedback.labels("yes" if new.helpful else "no").inc()
    effect = await _effect(parts, entry, new, administrator=administrator)
    return GivenFeedback(effect=effect, **{name: getattr(row, name) for name in ShownFeedback.model_fields})


async def _effect(parts: Parts, entry: HistoryEntry, given: NewFeedback, *, administrator: bool) -> Effect:
    confirmed = entry.sql if given.helpful and entry.origin in ("grammar", "llm") else None
    sql = given.corrected_sql or confirmed
    if sql is not None:
        await keep(parts, entry, sql, plan=entry.plan if sql == entry.sql else None, verify=administrator)
        return "verified" if administrator else "proposed"
    if not given.helpful and entry.origin == "store" and administrator:
        await withdraw(parts, entry)
        return "withdrawn"
    return "noted"


@router.get("/feedback")
async def find_feedback(parts: Asking, limit: Limit = 20, offset: Offset = 0) -> list[ShownFeedback]:
    """List the latest feedback."""
    rows = await parts.library.latest(Feedback, Feedback.created_at, limit=limit, offset=offset)
    return [ShownFeedback.model_validate(row) for row in rows]


@router.get("/history")
async def find_history(
    parts: Asking, database: InDatabase = None, limit: Limit = 20, offset: Offset = 0
) -> list[ShownHistory]:
    """List the latest requests, and how they ended."""
    where = [HistoryEntry.database == database] if database else []
    rows = await parts.library.latest(HistoryEntry, HistoryEntry.asked_at, where=where, limit=limit, offset=offset)
    return [ShownHistory.model_validate(row) for row in rows]


@router.get("/history/{history_id}")
async def find_entry(history_id: RowId, parts: Asking) -> ShownHistory:
    """Read one request of the history."""
    row = await parts.library.find(HistoryEntry, history_id)
    if row is None:
        raise chassis.ProblemError(404, f"There is no request {history_id} in the history.")
    return ShownHistory.model_validate(row)


def _shown(row: SavedQuery | None, query_id: str) -> ShownSavedQuery:
    if row is None:
        raise chassis.ProblemError(404, f"There is no saved query {query_id}.")
    return ShownSavedQuery.model_validate(row)
