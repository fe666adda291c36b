"""What a condition behind "A and B" belongs to: both, or only the last. A and B are values of a column, or tables."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace

from spyne.ask import lexicon, names
from spyne.ask.build import tables_of
from spyne.ask.frame import AllFilter, AnyFilter, Condition, Filter, Frame, Term
from spyne.ask.linking import Mention
from spyne.ask.state import Decision, State

BOTH, LAST, FIRST = "both", "last", "first"
_SECOND_CLAUSE = (lexicon.LIST_VERBS - {"find", "get"}) | {"also", "just", "only", "what", "which", "addition"}
_PREDICATES = lexicon.words("are is were was have has do does can which-are")


_OWNING = frozenset({"their", "its", "of", "in", "for", "each", "every", "per", "have", "has"})


@dataclass(frozen=True)
class Pair:
    """Where the first and the last of what is coordinated stand."""

    first: int
    last: int
    end: int


def place_of(condition: Condition) -> int:
    """Where a condition stands in the question."""
    if isinstance(condition, Filter):
        return condition.place
    return max(place_of(part) for part in condition.parts)


def decide(state: State, pair: Pair, conditions: list[Condition]) -> str:
    """What the conditions belong to. Notes the decision where the question leaves it open."""
    words = state.lower
    between, after = words[pair.first + 1 : pair.last], words[pair.end :]
    places = [place_of(c) for c in conditions]
    same = "same" in words or state.repeated
    if (
        same
        or {"either", "both", "any"} & set(words[: pair.first])
        or "either" in after
        or ({"which", "any", "of"} <= set(after) and "any" in after)
    ):
        return BOTH
    boundary = next((pair.first + 1 + n for n, w in enumerate(between) if w in _SECOND_CLAUSE), None)
    if boundary is not None or "only" in after or "but" in after:
        edge = pair.last if boundary is None else boundary
        early, late = [p for p in places if pair.first < p < edge], [p for p in places if p >= edge]
        if early and not late:
            return BOTH if {"also", "too", "her", "his"} & set(words[pair.first :]) else FIRST
        return LAST if late and not early else BOTH
    if all(p > pair.end - 1 for p in places):
        if (
            state.word(pair.end) in _PREDICATES
            and words[0] in {"what", "which", "who", "whose"}
            and set(words[: pair.first]) <= {"what", "which", "who", "the", "all", "of"}
        ):
            return BOTH
        if words[0] in {"can", "could"} or "any" in between:
            return BOTH
        return _open(state, pair, (BOTH, LAST))
    if all(p < pair.first for p in places):
        if _premodifies(state, pair, places):
            return _open(state, pair, (BOTH, FIRST))
        return BOTH
    if any(pair.first < p < pair.last for p in places):
        return (
            BOTH
            if any(p > pair.last for p in places) or {"her", "his", "their"} & set(words[pair.last - 2 :])
            else FIRST
        )
    return BOTH


def _premodifies(state: State, pair: Pair, places: list[int]) -> bool:
    """Whether a condition is an adjective right before the first: "advanced courses and textbooks"."""
    gap = state.lower[max(places) + 1 : pair.first]
    return len(gap) == 0


def _open(state: State, pair: Pair, options: tuple[str, str]) -> str:
    if "attachment" in state.pins:
        return state.pins["attachment"]
    words = " ".join(t.text for t in state.tokens[pair.first : pair.end])
    state.decisions.insert(0, Decision("attachment", words, tuple((o, o) for o in options)))
    return options[0]


def attach_values(state: State) -> None:
    """Read "A and B with C" where A and B are values of one column."""
    frame = state.frame
    pairs = [c for c in frame.filters if isinstance(c, AnyFilter) and all(isinstance(p, Filter) for p in c.parts)]
    if not pairs:
        return
    options = pairs[0]
    others = [c for c in frame.filters if c is not options]
    if not others or len(options.parts) != 2:
        return
    first, last = sorted(options.parts, key=place_of)
    mention = state.at.get(place_of(last))
    end = mention.end if mention else place_of(last) + 1
    while (following := state.at.get(end)) is not None and state.link(following).kind in {"table", "column"}:
        end = following.end
    pair = Pair(place_of(first), place_of(last), end)
    others = [c for c in others if not isinstance(c, Filter) or c.operator != "lacks"]
    mode = decide(state, pair, others)
    kept = [c for c in frame.filters if c is not options and c not in others]
    if mode == LAST:
        frame.filters = [AnyFilter((first, AllFilter((last, *others)))), *kept]
    elif mode == FIRST:
        frame.filters = [AnyFilter((AllFilter((first, *others)), last)), *kept]


def read_tables(state: State) -> tuple[Mention, Mention] | None:
    """Two tables that are asked for side by side: "chalets and cabins"."""
    mentions = [m for m in state.mentions() if state.link(m).kind == "table"]
    for first, last in itertools.pairwise(mentions):
        one, other = state.link(first).table, state.link(last).table
        if one == other:
            continue
        between = set(state.lower[first.end : last.start])
        apart = _SECOND_CLAUSE & between and between & {"and", "also"}
        owned = _OWNING - {"of", "for"} if "list" in between else _OWNING
        if not apart and (between & owned or not between & {"and", "or", "also", ","}):
            continue
        if _alike(state, one, other) and (not between & {"have"} or _SECOND_CLAUSE & between):
            return first, last
    return None


def _alike(state: State, one: str, other: str) -> bool:
    """Whether two tables hold things of one kind: several columns have the same name, and none points at the other."""
    a, b = state.index.facts[one], state.index.facts[other]
    for facts, target in ((a, other), (b, one)):
        if any(key.references.lower() == target.lower() for key in facts.table.foreign_keys):
            return False
    if a.is_bridge or b.is_bridge:
        return False
    common = {names.stems(c) for c in a.columns} & {names.stems(c) for c in b.columns}
    pointed = {k.references.lower() for k in a.table.foreign_keys} & {
        k.references.lower() for k in b.table.foreign_keys
    }
    return len(common - {("id",), ("name",)}) + len(pointed) >= 1


def union(state: State, pair: tuple[Mention, Mention], items: list[Term]) -> list[Frame] | None:
    """A frame for each of two tables, with the conditions that belong to it."""
    first, last = pair
    tables = [state.link(m).table for m in pair]
    conditions = list(state.frame.filters)
    mode = decide(state, Pair(first.start, last.start, last.end), conditions) if conditions else BOTH
    frames = []
    for place, table in enumerate(tables):
        own = conditions if mode == BOTH or (mode == LAST) == (place == 1) else []
        moved = [_moved(state, c, table, tables) for c in own]
        if any(m is None for m in moved):
            return None
        shown = [t for t in items if t.table == table] or [Term(table, c) for c in state.index.facts[table].display]
        outside = [t for t in items if t.table not in tables]
        frames.append(
            Frame(
                focus=table, items=[*(outside or shown)], filters=[m for m in moved if m is not None], touched=[table]
            )
        )
    if len({len(f.items) for f in frames}) > 1:
        frames = [replace(f, items=f.items[:1]) for f in frames]
    return frames


def _moved(state: State, condition: Condition, table: str, tables: list[str]) -> Condition | None:
    """The condition on the column of the same name in another table; as it is, when it is on a third table."""
    if isinstance(condition, AnyFilter | AllFilter):
        parts = [_moved(state, p, table, tables) for p in condition.parts]
        return (
            None
            if any(p is None for p in parts)
            else replace(condition, parts=tuple(p for p in parts if p is not None))
        )
    if condition.table == table or condition.table not in tables:
        reachable = all(state.index.joins.path([table], t) is not None for t in tables_of(condition))
        return condition if reachable else None
    wanted = names.stems(condition.column)
    for column in state.index.facts[table].columns:
        if names.stems(column) == wanted:
            return replace(condition, table=table, column=column)
    return None
