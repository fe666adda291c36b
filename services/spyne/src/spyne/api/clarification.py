"""Clarification sessions: create, read, update, list, delete."""

from contextlib import suppress
from typing import Annotated, Any

import chassis
from fastapi import APIRouter, Path, Query, Request

from spyne.api.access import Asking
from spyne.api.agent import Asked, answer
from spyne.api.models import ChangedSession, Id, NewSession, ShownSession
from spyne.state.tables import ClarificationSession, new_id, now

router = APIRouter(prefix="/api/clarification/sessions", tags=["clarification"])
SessionId = Annotated[Id, Path()]


@router.post("", status_code=201)
async def create(sent: NewSession, request: Request, parts: Asking) -> dict[str, Any]:
    """Ask a question in a session of its own; the answer holds the session and the outcome."""
    known = await parts.catalog.find(sent.database)
    session = ClarificationSession(
        id=new_id(), query=sent.query, database=known.name, status="open", questions=[], readings=[], answers={}
    )
    await parts.library.add(session)
    try:
        outcome = await answer(parts, Asked(sent.query, known, session, {}, True, request))
    except BaseException:
        with suppress(chassis.DependencyError):
            await parts.library.change(ClarificationSession, session.id, {"status": "failed", "updated_at": now()})
        raise
    if outcome["status"] == "refused":
        await parts.library.change(ClarificationSession, session.id, {"status": "refused"})
    return {**(await find(session.id, parts)).model_dump(mode="json"), "outcome": outcome}


@router.get("")
async def find_all(
    parts: Asking,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    offset: Annotated[int, Query(ge=0, le=100_000)] = 0,
) -> list[ShownSession]:
    """List the latest sessions."""
    rows = await parts.library.latest(ClarificationSession, ClarificationSession.created_at, limit=limit, offset=offset)
    return [ShownSession.model_validate(row) for row in rows]


@router.get("/{session_id}")
async def find(session_id: SessionId, parts: Asking) -> ShownSession:
    """Read a session."""
    return _shown(await parts.library.find(ClarificationSession, session_id), session_id)


@router.put("/{session_id}")
async def change(session_id: SessionId, sent: ChangedSession, parts: Asking) -> ShownSession:
    """Add answers, or abandon a session. POST /api/agent/continue goes on with it."""
    row = await parts.library.answer(session_id, sent.answers)
    if row is not None and sent.status is not None:
        row = await parts.library.change(ClarificationSession, session_id, {"status": sent.status, "updated_at": now()})
    return _shown(row, session_id)


@router.delete("/{session_id}", status_code=204)
async def remove(session_id: SessionId, parts: Asking) -> None:
    """Delete a session."""
    if not await parts.library.remove(ClarificationSession, session_id):
        _shown(None, session_id)


def _shown(row: ClarificationSession | None, session_id: str) -> ShownSession:
    if row is None:
        raise chassis.ProblemError(404, f"There is no clarification session {session_id}.")
    return ShownSession.model_validate(row)
