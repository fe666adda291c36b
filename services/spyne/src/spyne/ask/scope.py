"""Scope of "each", "every" and "all": for each editor the programs it uses, or the programs that all editors use."""

from __future__ import annotations

from dataclasses import replace

from spyne.ask.frame import Term
from spyne.ask.state import Decision, State

EACH, SHARED = "each", "shared"
_COMMON = (
    "in common",
    "common to",
    "common for",
    "common across",
    "common among",
    "common between",
    "common type",
    "is common",
    "are common",
    "same for",
    "same on",
    "same in",
    "same across",
    "same at",
    "the same for",
    "equally",
    "together",
    "shared by",
    "shared among",
    "at least once for every",
    "identical for",
    "universal",
)


def is_collective(state: State) -> bool:
    """Whether the words say that what is asked for belongs to all alike."""
    text = " ".join(state.lower)
    return any(words in text for words in _COMMON)


def read_all(state: State) -> tuple[Term, int] | None:
    """The table behind "all", where something of it is asked for, with the place: "tools that all engineers use"."""
    for place, word in enumerate(state.lower):
        if word != "all" or place in state.used:
            continue
        first = place + 1 if state.word(place + 1) not in {"the", "of"} else place + 2
        mention = state.free_mention(state.skip(first))
        if mention is None or state.link(mention).kind != "table":
            continue
        fronted = state.word(place - 1) == "for" and place <= 1
        earlier = [m for m in state.linked.mentions if m.end <= place and state.link(m).kind in {"table", "column"}]
        if (fronted or earlier) and state.word(mention.end) not in {"with", "whose"}:
            return Term(state.link(mention).table, None, place=place), place
    return None


def decide(state: State, group: Term, items: list[Term]) -> str | None:
    """Which scope the question has. Notes the decision where it is open; None where there is nothing to decide."""
    owners = list(dict.fromkeys(t.table for t in items if t.table != group.table))
    if group.column is not None or not owners:
        return None
    joins = state.index.joins
    if not all(joins.to_many(group.table, o) and joins.to_many(o, group.table) for o in owners[:1]):
        if not are_kinds(state, group, items):
            return None
        state.frame.kinds = True
    if any(joins.path([group.table], o) is None for o in owners):
        return None
    if is_collective(state):
        return SHARED
    fronted = group.place <= 1 or (state.word(group.place - 1) == "for" and group.place <= 2)
    if fronted or "respectively" in state.lower or "their" in state.lower[: group.place]:
        return EACH
    if "scope" in state.pins:
        return state.pins["scope"]
    words = " ".join(state.lower[group.place : group.place + 3])
    state.decisions.insert(0, Decision("scope", words, ((EACH, EACH), (SHARED, SHARED))))
    return EACH


def are_kinds(state: State, group: Term, items: list[Term]) -> bool:
    """Whether kinds are asked for, which many rows share: the positions that each team has players for."""
    kept = [t for t in items if t.table != group.table]
    for term in kept:
        facts = state.index.facts[term.table]
        info = facts.columns.get(term.column or "")
        repeated = info is not None and info.distinct is not None and 2 * info.distinct <= (facts.table.rows or 0)
        if info is None or info.kind != "text" or not repeated or term.column in facts.display or term.function:
            return False
        if not state.index.joins.to_many(group.table, term.table):
            return False
    return len(kept) == 1


def share(state: State, group: Term, items: list[Term]) -> None:
    """Only what belongs to every row of the group's table."""
    frame = state.frame
    kept = [t for t in items if t.table != group.table]
    frame.items = list(kept)
    frame.shared_by = group.table
    keys: list[Term] = []
    for table in () if frame.kinds else dict.fromkeys(t.table for t in kept):
        facts = state.index.facts[table]
        keys += [Term(table, k) for k in facts.key]
    frame.groups = list(dict.fromkeys([*keys, *(replace(t, place=0) for t in kept)]))
