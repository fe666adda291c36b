"""Reads ratios and percentages: "the ratio of A to B", "percentage of A", "A as a percentage of B"."""

from __future__ import annotations

from dataclasses import replace

from spyne.ask.filters import read_filters
from spyne.ask.frame import AllFilter, AnyFilter, Condition, Filter, Ratio, Term
from spyne.ask.measures import own_counts, read_measure
from spyne.ask.state import State

_WORDS = frozenset({"ratio", "percentage", "proportion", "percent", "fraction", "share"})
_STOPPERS = frozenset(
    {
        "each",
        "every",
        "per",
        "by",
        "across",
        "within",
        "overall",
        "ordered",
        "sorted",
        "over",
        "differ",
        "vary",
        "change",
    }
)


def columns_of(condition: Condition) -> set[tuple[str, str]]:
    """The columns that a condition is about."""
    if isinstance(condition, Filter):
        return {(condition.table, condition.column)}
    assert isinstance(condition, AnyFilter | AllFilter)
    return set().union(*(columns_of(part) for part in condition.parts))


def read_ratio(state: State) -> tuple[Ratio, int] | None:
    """The ratio that a question asks for, with its place. Conditions on its parts are used."""
    for place, word in enumerate(state.lower):
        if word in _WORDS and place not in state.at and place not in state.used and state.word(place + 1) == "of":
            read = _parts(state, place)
            if read is not None:
                return read, place
    return None


def _parts(state: State, place: int) -> Ratio | None:
    divider = next(
        (
            (p, 1 if state.word(p) == "to" else 2)
            for p in range(place + 2, len(state.tokens))
            if (state.word(p) == "to" and state.word(p - 1) not in {"equal", "compared"}) or state.phrase(p, "out of")
        ),
        None,
    )
    if divider is None:
        return _share(state, place)
    middle, width = divider
    end = next((p for p in range(middle + width, len(state.tokens)) if _stops(state, p)), len(state.tokens))
    over = read_measure(state, _as_count(state, place + 2), middle)
    under = read_measure(state, _as_count(state, middle + width), end)
    first = over[0] if over else _counted(state, place + 2, middle)
    second = under[0] if under else _counted(state, middle + width, end)
    if first is None and second is not None and second.function == "count":
        first = second
    if second is None and first is not None and (first.function == "count" or width == 2):
        second = first
    if first is None or second is None:
        return None
    _use_all_but_values(state, place, (over[1] if over else place + 2))
    _use_all_but_values(state, middle, (under[1] if under else middle + width))
    own = read_filters(state, place + 2, middle)
    other = read_filters(state, middle + width, end)
    own_columns = set().union(*(columns_of(c) for c in own)) if own else set()
    shared = [c for c in other if not columns_of(c) & own_columns] if not own or len(other) > 1 else []
    other = [c for c in other if c not in shared]
    state.frame.filters += shared
    state.use(place, place + 2)
    for mention in (*state.mentions(place, middle), *state.mentions(middle, end)):
        if state.link(mention).kind == "table":
            state.frame.touched.append(state.link(mention).table)
            state.use(mention.start, mention.end)
    whole = bool({"each", "every"} & set(state.lower[place:middle])) and not other
    return Ratio(
        _with(first, own), _with(second, other), percent=state.word(place) in {"percentage", "percent"}, whole=whole
    )


def _with(term: Term, conditions: list[Condition]) -> Term:
    if term.function is None and term.column and not conditions:
        return term
    return replace(term, where=tuple(conditions))


def _stops(state: State, place: int) -> bool:
    if state.word(place) in _STOPPERS or state.tokens[place].text in {"?", ".", ";", ","}:
        return True
    return state.word(place) in {"for", "in", "of", "on"} and state.word(place + 1) in {"each", "every"}


def _as_count(state: State, start: int) -> int:
    return state.skip(start, ("the", "total", "a", "all"))


def _counted(state: State, start: int, end: int) -> Term | None:
    """A table by itself counts its rows, also behind adjectives: "open businesses"."""
    for mention in state.mentions(start, end):
        link = state.link(mention)
        if link.kind == "table":
            own = own_counts(state, link.table)
            if own:
                return Term(link.table, own[0], "sum", place=mention.start)
            return Term(link.table, None, "count", place=mention.start)
    for mention in state.mentions(start, end):
        link = state.link(mention)
        if link.kind == "column" and not state.index.facts[link.table].numeric(link.column):
            return Term(link.table, link.column, "count", distinct=True, place=mention.start)
    return None


def _use_all_but_values(state: State, start: int, end: int) -> None:
    for place in range(start, end):
        mention = state.at.get(place)
        if (
            mention is None
            or state.link(mention).kind == "table"
            or (
                state.link(mention).kind == "column"
                and not state.index.facts[state.link(mention).table].flag(state.link(mention).column)
            )
        ):
            state.used.add(place)


def _share(state: State, place: int) -> Ratio | None:
    """A share as in "the percentage of customers that are active": of those, of all."""
    counted = _counted(state, place + 2, len(state.tokens))
    if counted is None or counted.function != "count":
        return None
    conditions = read_filters(state, place + 2)
    if not conditions:
        return None
    state.use(place, place + 2)
    for mention in state.mentions(place):
        if state.link(mention).kind == "table":
            state.use(mention.start, mention.end)
    return Ratio(
        replace(counted, where=tuple(conditions)), counted, percent=state.word(place) in {"percentage", "percent"}
    )
