"""Reads what results are grouped by: "for each X", "per X", "by X", "monthly"."""

from __future__ import annotations

from spyne.ask.frame import Term
from spyne.ask.linking import Mention
from spyne.ask.state import State
from spyne.plan.model import TimeUnit

_EACH = frozenset({"each", "every", "per"})
_PERIODS: dict[str, TimeUnit] = {
    "daily": "day", "weekly": "week", "monthly": "month", "quarterly": "quarter", "yearly": "year", "annual": "year",
    "annually": "year",
}  # fmt: skip
_UNITS: dict[str, TimeUnit] = {
    "year": "year",
    "month": "month",
    "day": "day",
    "week": "week",
    "quarter": "quarter",
    "years": "year",
    "months": "month",
}


def read_groups(state: State, has_measure: bool) -> list[tuple[Term, int]]:
    """The groups with their places, in the order in which they are asked for."""
    found: list[tuple[Term, int]] = []
    place = 0
    while place < len(state.tokens):
        first = _marker(state, place, has_measure)
        if first is None or place in state.used:
            place += 1
            continue
        read = _group(state, first, place)
        if read is None:
            place += 1
            continue
        terms, end = read
        found += [(term, place) for term in terms]
        state.use(place, end)
        place = end
    if has_measure and not found:
        found += _period(state)
    return found


def _marker(state: State, place: int, has_measure: bool) -> int | None:
    """The place after words that announce a group."""
    word = state.word(place)
    asks_when = word in {"which", "what"} and state.word(place + 1) in _UNITS and place <= 1
    if asks_when and state.frame.order and state.free_mention(place + 1) is None:
        return place + 1  # "which month had the most orders"
    if word == "per" and any(state.tokens[p].kind == "number" for p in range(max(0, place - 3), place)):
        return None  # "1000 passengers per day", "$200 per night": a rate
    if word in _EACH:
        return state.skip(place + 1, {"of", "the", "unique", "individual", "single", "different", "respective"})
    for words in (
        "across different",
        "across all",
        "across the different",
        "split by",
        "grouped by",
        "broken down by",
        "vary by",
        "vary across",
        "differ by",
        "for all the different",
        "over the",
        "for different",
        "group by",
        "for all",
    ):
        after = state.phrase(place, words)
        if after is not None and (words != "for all" or has_measure):
            return state.skip(after, {"different", "the", "of", "each"})
    if (
        word in {"by", "across"}
        and has_measure
        and place not in state.at
        and state.word(place - 1)
        not in {
            "written",
            "made",
            "published",
            "owned",
            "supported",
            "taught",
            "cited",
            "received",
            "done",
            "posted",
            "issued",
            "used",
            "created",
            "earned",
            "offered",
            "given",
            "placed",
            "ordered",
            "sorted",
            "multiplied",
            "divided",
            "attended",
            "covered",
            "supervised",
            "produced",
        }
    ):
        mention = state.free_mention(state.skip(place + 1))
        if mention is None and state.word(place + 1) in _UNITS:
            return place + 1
        if (
            mention is not None
            and state.link(mention).kind in {"column", "table"}
            and not _followed_by_value(state, mention)
        ):
            return state.skip(place + 1)
    return None


def _followed_by_value(state: State, mention: Mention) -> bool:
    after = state.free_mention(mention.end)
    return after is not None and state.link(after).kind == "value"


def _group(state: State, place: int, start: int) -> tuple[list[Term], int] | None:  # noqa: C901, PLR0912 - one rule a line
    terms: list[Term] = []
    end = place
    while True:
        mention = state.free_mention(place)
        unit = _UNITS.get(state.word(place))
        if mention is None and unit is not None and terms == []:
            term = _of_unit(state, unit)
            if term is None:
                return None
            return [term], place + 1
        if mention is None:
            return (terms, end) if terms else None
        link = state.link(mention)
        end = mention.end
        if link.kind == "table":
            following = state.free_mention(end)
            identified = state.word(end) in {"id", "ids"}
            if identified:
                key = state.index.facts[link.table].key
                terms.append(Term(link.table, key[0] if key else None, place=start))
                end += 1
            elif following and state.link(following).kind == "table":
                terms.append(Term(state.link(following).table, None, place=start))
                state.frame.touched.append(link.table)
                end = following.end
            elif following and state.link(following).kind == "column" and state.link(following).table == link.table:
                terms.append(Term(link.table, state.link(following).column, place=start))
                end = following.end
            else:
                terms.append(Term(link.table, None, place=start))
        elif link.kind == "column":
            facts = state.index.facts[link.table]
            unit = _UNITS.get(state.lower[mention.end - 1])
            part = unit if unit and facts.moment(link.column) else None
            terms.append(Term(link.table, link.column, part=part, place=start))
        else:
            return (terms, mention.start) if terms else None
        if state.word(end) in {"and", "&"} and state.word(end + 1) in _UNITS and state.free_mention(end + 1) is None:
            when = _of_unit(state, _UNITS[state.word(end + 1)])
            return ([*terms, when], end + 2) if when is not None else (terms, end)
        joined = state.word(end) in {"and", "&"} and state.free_mention(state.skip(end + 1)) is not None
        nxt = state.free_mention(state.skip(end + 1)) if joined else None
        if (
            nxt is None
            or state.link(nxt).kind not in {"column", "table"}
            or (state.word(start) in {"each", "every"} and state.word(end + 1) in {"their", "the", "its"})
        ):
            return terms, end
        place = nxt.start


def _of_unit(state: State, unit: TimeUnit) -> Term | None:
    """The column that says when, of the tables that the question names."""
    for table in state.context():
        facts = state.index.facts[table]
        named = [c for c in facts.columns if facts.bare(c) == (unit,)]
        if named:
            return Term(table, named[0])
    if state.moment is not None:
        return Term(*state.moment, part=unit)
    for table in dict.fromkeys((*state.context(), *(link.table for link in state.chosen.values()))):
        facts = state.index.facts[table]
        moments = [c for c in facts.columns if facts.moment(c) and facts.columns[c].kind != "time"]
        if moments:
            return Term(table, moments[0], part=unit)
    return None


def _period(state: State) -> list[tuple[Term, int]]:
    for place, word in enumerate(state.lower):
        if word in _PERIODS and place not in state.at and place not in state.used:
            term = _of_unit(state, _PERIODS[word])
            if term is not None:
                state.use(place, place + 1)
                return [(term, place)]
    return []
