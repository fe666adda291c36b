"""Verified queries: who asks what was asked before gets the SQL that somebody has checked."""

import re

from spyne.api.parts import Parts
from spyne.state.tables import SavedQuery

_POLITE = re.compile(r"^(?:please |can you |could you |show me |show |give me |list |tell me |what is |what are )+")
MOST = 500


async def verified(parts: Parts, database: str, question: str) -> SavedQuery | None:
    """The latest verified query of the same question; None when there is none.

    The same are questions that differ in case, punctuation and politeness only. Nearness is not enough: an answer to
    another question looks right and is wrong.
    """
    where = [SavedQuery.database == database, SavedQuery.verified.is_(True)]
    rows = await parts.library.latest(SavedQuery, SavedQuery.updated_at, where=where, limit=MOST)
    wanted = plain(question)
    return next((row for row in rows if plain(row.query) == wanted), None)


def plain(question: str) -> str:
    """A question without what does not change its meaning."""
    words = " ".join(re.sub(r"[^\w.%<>=+-]+", " ", question.casefold()).split()).rstrip(".")
    return _POLITE.sub("", words)
