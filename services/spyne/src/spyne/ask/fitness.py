"""How well a meaning of some words fits the rest of the question."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spyne.ask.index import Link
from spyne.ask.linking import Mention

if TYPE_CHECKING:
    from spyne.ask.state import State


def fit_of(state: State, link: Link, mention: Mention, place: int, context: list[str]) -> float:  # noqa: C901, PLR0912 - one rule a line
    """How well one meaning of a mention fits the words around it and the tables that the question names."""
    fit = link.score
    mentions = state.linked.mentions
    before = mentions[place - 1] if place > 0 else None
    after = mentions[place + 1] if place + 1 < len(mentions) else None
    for other in (before, after):
        if other is None:
            continue
        gap = other.start - mention.end if other is after else mention.start - other.end
        chosen = state.chosen[other.start]
        if gap == 0 and chosen.kind == "table" and chosen.table == link.table:
            fit += 0.12
        if (
            gap <= 2
            and link.kind == "value"
            and any(each.kind == "column" and each.ref == link.ref and each.score > 0.6 for each in other.links)
        ):
            fit += 0.15
        if gap <= 2 and other is after and chosen.table == link.table and state.word(mention.end) in {"of", "for"}:
            fit += 0.08
    if link.table in context:
        fit += 0.06 - 0.004 * context.index(link.table)
    elif context:
        far = state.index.joins.distance(context[0], link.table)
        fit -= 0.4 if far == float("inf") else 0.02 * min(4.0, far)
    for earlier in mentions[:place]:
        said = state.chosen[earlier.start]
        if link.kind == "column" and said.ref == link.ref and earlier.end - earlier.start > mention.end - mention.start:
            fit += 0.2
            break
    if state.is_plain_id(link, mention) and link.kind == "column":
        fit -= 0.2
    if link.kind == "column" and link.column.lower() in state.index.facts[link.table].foreign:
        fit -= 0.02
    if state.index.facts[link.table].is_bridge:
        fit -= 0.03
    if state.index.facts[link.table].table.rows == 0:
        fit -= 0.1
    return fit
