"""Reads measures: counts, sums, averages, ratios, and the plain columns that stand where one may."""

from __future__ import annotations

from spyne.ask import lexicon
from spyne.ask.frame import Term
from spyne.ask.index import Link
from spyne.ask.linking import Mention
from spyne.ask.state import State

_BETWEEN = frozenset(
    [
        "of",
        "the",
        "a",
        "an",
        "all",
        "any",
        "those",
        "these",
        "different",
        "distinct",
        "unique",
        "overall",
        "total",
        "only",
    ]
)
_COUNT_NOUNS = frozenset({"number", "count", "numbers", "counts", "no", "amount"})
_POLITE = frozenset({"please", "can", "could", "you", "to", "i", "want"})
_DISTINCT = frozenset({"distinct", "unique", "different"})


def read_measure(state: State, start: int, end: int, *, plain: bool = True) -> tuple[Term, int] | None:  # noqa: C901 - one rule a line
    """The measure that begins here and the place after it. `plain` allows a column without an aggregate."""
    place = state.skip(start, (*["the", "a", "an", "their", "its", "his", "her", "of", "all", "for"],))
    function, count, distinct, skipped = None, False, False, 0
    while place < end:
        word, mention = state.word(place), state.free_mention(place)
        counted = _count_column(state, mention) if mention else None
        if mention and counted is not None:
            return _of_count_column(mention, counted, function), mention.end
        if word == "how" and state.word(place + 1) == "many":
            count, place = True, place + 2
            continue
        if word in _COUNT_NOUNS and state.word(place + 1) == "of" and mention is None:
            count, place = True, place + 2
            continue
        if word == "count" and place == state.skip(0, _POLITE) and mention is None:
            count, place = True, place + 1
            continue
        if word in lexicon.AGGREGATES and (mention is None or mention.end - mention.start == 1) and not count:
            function, place = lexicon.AGGREGATES[word], place + 1
            continue
        if word in _DISTINCT:
            distinct, place = True, place + 1
            continue
        if word in _BETWEEN and mention is None:
            place += 1
            continue
        if mention is not None:
            link = state.link(mention)
            if link.kind == "value" or (_flag(state, link) and _noun_follows(state, mention.end, end)):
                place = mention.end
                continue
            if not (function or count or plain):
                return None
            return _target(state, mention, link, function, count, distinct, end)
        if (count or function) and skipped < 2 and state.tokens[place].kind == "word" and word not in lexicon.STOP:
            skipped, place = skipped + 1, place + 1
            continue
        return None
    return None


def _noun_follows(state: State, place: int, end: int) -> bool:
    mention = state.free_mention(place)
    return mention is not None and place < end and state.link(mention).kind in {"table", "column"}


def _flag(state: State, link: Link) -> bool:
    return link.kind == "column" and state.index.facts[link.table].flag(link.column)


def _count_column(state: State, mention: Mention) -> Link | None:
    """The column that counts what the mention says: "number of seats" for `num_seats`."""
    link = state.link(mention)
    said = {t.stem for t in state.tokens[mention.start : mention.end]}
    if (
        link.kind == "column"
        and said & {"number", "count", "amount"}
        and state.index.facts[link.table].counts(link.column) is not None
    ):
        return link
    return None


def _of_count_column(mention: Mention, link: Link, function: str | None) -> Term:
    return Term(link.table, link.column, function, place=mention.start)  # type: ignore[arg-type]


def _target(
    state: State, mention: Mention, link: Link, function: str | None, count: bool, distinct: bool, end: int
) -> tuple[Term, int] | None:
    facts = state.index.facts[link.table]
    after = mention.end
    if link.kind == "table":
        following = state.free_mention(mention.end)
        if following is not None and following.start < end and state.link(following).kind == "column" and not count:
            return _target(state, following, state.link(following), function, count, distinct, end)
        if state.word(mention.end) in {"id", "ids"}:
            after = mention.end + 1
        if count or function == "sum":
            own = own_counts(state, link.table)
            if own and not distinct:
                return Term(link.table, own[0], "sum", place=mention.start), after
            return Term(link.table, None, "count", place=mention.start), after
        return None
    if count:
        counted = facts.counts(link.column)
        if counted is not None or (
            facts.numeric(link.column)
            and not facts.is_id(link.column)
            and not distinct
            and facts.bare(link.column) != ("year",)
        ):
            return Term(link.table, link.column, function or "sum", place=mention.start, soft=function is None), after  # type: ignore[arg-type]
        return Term(link.table, link.column, "count", distinct=True, place=mention.start), after
    if (
        function
        and not facts.numeric(link.column)
        and function in {"avg", "sum", "median"}
        and not facts.flag(link.column)
    ):
        return None
    return Term(link.table, link.column, function, distinct, place=mention.start), after  # type: ignore[arg-type]


def own_counts(state: State, table: str) -> list[str]:
    """Columns that hold how many things a row stands for: a `count`; a `quantity` where things are sold."""
    facts = state.index.facts[table]
    traded = {"sold", "bought", "purchased", "sales"} & set(state.lower)
    return [c for c in facts.plain if facts.counts(c) == () and (traded or "number" in facts.bare(c))]
