"""Verified queries: who asks what was asked before gets the SQL that somebody has checked."""

from collections.abc import Mapping
from typing import Any

import chassis

from spyne.api.parts import Parts
from spyne.state.questions import key_of
from spyne.state.tables import HistoryEntry, SavedQuery, new_id, now

MOST = 100
"""How many saved queries of one and the same question are looked at."""


async def verified(parts: Parts, database: str, question: str, answers: Mapping[str, str]) -> SavedQuery | None:
    """The latest verified query of the same question, with the same answers to questions back; None without one.

    Nearness is not enough: an answer to another question looks right and is wrong.
    """
    found = await _same(parts, database, question, answers)
    return next((row for row in found if row.verified), None)


async def keep(
    parts: Parts,
    entry: HistoryEntry,
    sql: str,
    *,
    plan: dict[str, Any] | None = None,
    verify: bool,
) -> None:
    """Keep SQL as the answer to a question of the history: as the verified one, or as one that is proposed.

    What is there already is not kept twice. One query of a question is verified at most.
    """
    there = await _same(parts, entry.database, entry.query, entry.answers)
    if verify:
        await withdraw(parts, entry, but=sql)
    known = next((row for row in there if row.sql == sql), None)
    if known is None:
        await parts.library.add(
            saved(entry.database, entry.query, sql, verify=verify, answers=entry.answers, plan=plan)
        )
    elif verify and not known.verified:
        await parts.library.change(SavedQuery, known.id, {"verified": True, "updated_at": now()})


async def withdraw(parts: Parts, entry: HistoryEntry, *, but: str | None = None) -> None:
    """Let verified queries of a question of the history answer no longer, but for those of this SQL."""
    for row in await _same(parts, entry.database, entry.query, entry.answers):
        if row.verified and row.sql != but:
            await parts.library.change(SavedQuery, row.id, {"verified": False, "updated_at": now()})


def saved(
    database: str,
    query: str,
    sql: str,
    *,
    verify: bool,
    answers: Mapping[str, str],
    plan: dict[str, Any] | None = None,
) -> SavedQuery:
    """A query to keep."""
    return SavedQuery(
        id=new_id(),
        database=database,
        query=query,
        sql=sql,
        plan=plan,
        verified=verify,
        answers=dict(answers),
        key=key_of(database, query, answers),
        created_at=now(),
        updated_at=now(),
    )


def may_change(administrator: bool, *verified: bool) -> None:
    """Let through who may verify, and change what is verified.

    Raises:
        ProblemError: 403: somebody who may only ask wants to.
    """
    if any(verified) and not administrator:
        raise chassis.ProblemError(
            403, "A verified query answers everybody: to change one takes the administrator's key."
        )


async def _same(parts: Parts, database: str, question: str, answers: Mapping[str, str]) -> list[SavedQuery]:
    where = [SavedQuery.key == key_of(database, question, answers)]
    return await parts.library.latest(SavedQuery, SavedQuery.updated_at, where=where, limit=MOST)
