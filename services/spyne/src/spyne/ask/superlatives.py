"""Superlatives that name no column: the date of the "latest", the price of the "cheapest", what was "founded first"."""

from __future__ import annotations

from spyne.ask import lexicon
from spyne.ask.frame import Term
from spyne.ask.state import State


def implied(state: State, start: int, end: int, word: str, high: bool, limit: int) -> bool:
    """The column which a superlative means by itself: "latest" a date, "cheapest" a price."""
    wanted = lexicon.IMPLIED.get(word, ())
    if not wanted:
        return False
    tables = [state.link(m).table for m in state.mentions(start) if state.link(m).kind == "table"] or state.context()
    for table in tables[:2]:
        facts = state.index.facts[table]
        for kind in wanted:
            for column in facts.columns:
                fits = kind in {*facts.bare(column), *column.lower().split("_")} or (
                    kind in {"date", "time"} and facts.moment(column)
                )
                if fits and (facts.numeric(column) or facts.moment(column)) and not facts.is_id(column):
                    if word in {"oldest", "youngest"}:  # the oldest has the highest age, or the earliest birth
                        high = (word == "youngest") == (facts.moment(column) or _is_begin(column))
                    state.frame.order.insert(0, (Term(table, column, place=start), high))
                    state.frame.limit = limit
                    state.guesses += 0.5
                    state.use(start, end)
                    return True
    return False


def _is_begin(column: str) -> bool:
    """Whether a column says when something began, and not for how long it has been."""
    return any(p in column.lower() for p in ("birth", "born", "dob", "founded", "established", "built", "year"))


def done_first(state: State, place: int) -> bool:
    """The first or last by a date that a verb names: "which team was founded first"."""
    mention = state.at.get(place - 1)
    if mention is None or state.link(mention).kind != "column" or not state.word(place - 1).endswith("ed"):
        return False
    table, column = state.link(mention).ref
    facts = state.index.facts[table]
    if not facts.moment(column) and not (facts.numeric(column) and "year" in facts.bare(column)):
        return False
    state.frame.order.insert(0, (Term(table, column, place=place), state.word(place) == "last"))
    state.frame.limit = 1
    state.use(mention.start, place + 1)
    return True
