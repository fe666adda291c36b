"""Reads verbs that say what a table holds: products that were never "ordered", medicines that were "prescribed"."""

from __future__ import annotations

import itertools

from spyne.ask import lexicon, names
from spyne.ask.frame import Condition, Filter
from spyne.ask.near import negated
from spyne.ask.state import State

LONGEST_ENDING = 4
SHORTEST_ROOT = 6
_HELPERS = lexicon.words("not never been be was were is are has have had haven't hasn't didn't don't yet ever also")


def read_verbs(state: State) -> list[Condition]:
    """The conditions that rows have, or lack, rows of the table that a verb means."""
    found: list[Condition] = []
    focus = state.frame.focus
    for place in range(len(state.tokens)):
        if place in state.used or not _is_participle(state, place):
            continue
        if negated(state, place) and (when := _own_date(state, place, focus)):
            state.use(place, place + 1)
            found.append(Filter(focus, when, "null", place=place))
            continue
        table = _table_of(state, place, focus)
        if table is None:
            continue
        state.use(place, place + 1)
        if negated(state, place):
            found.append(Filter(table, "", "lacks", place=place))
        else:
            state.frame.touched.append(table)
    return found


def _is_participle(state: State, place: int) -> bool:
    word = state.word(place)
    return word.endswith("ed") and state.word(place - 1) in _HELPERS


def _own_date(state: State, place: int, focus: str) -> str | None:
    """The date of the focus itself by which the verb is done: `end_date` of projects that have not ended."""
    if not focus:
        return None
    facts = state.index.facts[focus]
    stem = state.tokens[place].stem
    return next((c for c in facts.columns if facts.moment(c) and stem in names.stems(c)), None)


def _table_of(state: State, place: int, focus: str) -> str | None:
    """The nearest table with many rows for each of the focus which is called as the verb, or holds its date."""
    mention = state.at.get(place)
    if mention is not None:
        link = state.link(mention)
        own = link.kind == "column" and state.index.facts[link.table].moment(link.column)
        found = {link.table} if own and link.table != focus else set()
    else:
        stem = state.tokens[place].stem
        found = {f.name for f in state.index.facts.tables.values() if any(_same_root(stem, s) for s in f.stems)}
    if not focus or focus in found:
        return None
    near = [(state.index.joins.distance(focus, n), n) for n in found if state.index.joins.to_many(focus, n)]
    distance, name = min(near, default=(float("inf"), ""))
    return name if distance != float("inf") else None


def _same_root(verb: str, noun: str) -> bool:
    """Whether two stems differ in their ending only: "prescrib" and "prescript"."""
    root = sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], zip(verb, noun, strict=False)))
    return verb == noun or (root >= SHORTEST_ROOT and max(len(verb), len(noun)) - root <= LONGEST_ENDING)
