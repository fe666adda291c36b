"""Reads a question once, under given decisions, into a frame: clause after clause, then their arrangement."""

from __future__ import annotations

import itertools
from collections.abc import Mapping

from spyne.ask import attachment, lexicon, scope
from spyne.ask.aggregation import filter_tables
from spyne.ask.arrange import arrange
from spyne.ask.filters import read_filters
from spyne.ask.frame import AnyFilter, Condition, Filter, Measure, Term
from spyne.ask.groups import read_groups
from spyne.ask.index import SchemaIndex
from spyne.ask.items import read_items, read_measures, read_sentence
from spyne.ask.linking import Linked, Mention
from spyne.ask.links import choose_links
from spyne.ask.orders import read_order, read_superlative
from spyne.ask.ratios import read_ratio
from spyne.ask.state import State
from spyne.ask.verbs import read_verbs

_OPENING = lexicon.LIST_VERBS | {"me", "the", "all", "us", "please", "our"}
_MEASURES = (
    "how many",
    "number of",
    "count of",
    "average",
    "total",
    "sum of",
    "ratio",
    "percentage",
    "median",
    "amount of",
    "how much",
    "mean",
    "lowest",
    "maximum",
)


def read(linked: Linked, index: SchemaIndex, pins: Mapping[str, str]) -> State:
    """The frame of one reading, within its state."""
    state = _read(State(linked, index, pins))
    choose_links(state)
    return state


def _read(state: State) -> State:
    frame = state.frame
    context = state.context()
    frame.focus = context[0] if context else ""
    read_order(state)
    explicit, added = _extra_sentences(state)
    ratio = read_ratio(state)
    text = " ".join(state.lower)
    read_superlative(state)
    has_measure = ratio is not None or any(words in text for words in _MEASURES)
    head = _counted_by(state) if not has_measure else None
    groups = read_groups(state, has_measure or head is not None)
    frame.filters = _joined_by_or(state, [*frame.filters, *read_verbs(state), *read_filters(state)])
    measures: list[tuple[Measure, int]] = [ratio] if ratio else []
    measures += read_measures(state)
    if head is not None and groups and not measures and not frame.order:
        measures.append((Term(state.link(head).table, None, "count", place=head.start), head.start))
        state.use(head.start, head.end)
    if not measures and not frame.order and not groups:
        pair = attachment.read_tables(state)
        if pair is not None:
            own = [
                m
                for m, p in read_items(state, has_measure=False)
                if isinstance(m, Term) and p not in {m.start for m in pair}
            ]
            frame.branches = attachment.union(state, pair, own) or []
            if frame.branches:
                frame.items = list(frame.branches[0].items)
                return state
    if not measures and not groups and (every := scope.read_all(state)):
        groups.append(every)
        mention = state.at[state.skip(every[1] + 1)]
        state.use(every[1], mention.end)
    _entity_of_lookup(state)
    measures += _people(state, measures, groups)
    _behind_its_value(state)
    if _is_whole_table(state) and not (measures or groups or explicit):
        frame.stars = [frame.focus]
        return state
    items = read_items(state, has_measure=bool(measures))
    arrange(state, groups, measures, items, explicit, added)
    return state


def _counted_by(state: State) -> Mention | None:
    """The table of which "orders per month" and "orders by status" ask how many rows there are."""
    place = state.skip(0, _OPENING)
    mention = state.free_mention(place)
    if mention is None or state.link(mention).kind != "table" or mention.start in state.several:
        return None
    after = state.word(mention.end)
    return mention if after in {"per", "by"} else None


def _is_whole_table(state: State) -> bool:
    """Whether only a table is named, as in "show me customers": all of it is asked for."""
    mentions, frame = state.linked.mentions, state.frame
    only = len(mentions) == 1 and state.link(mentions[0]).kind == "table" and mentions[0].start not in state.several
    return only and not (state.linked.unlinked or frame.order or frame.filters or frame.limit or state.decisions)


def _joined_by_or(state: State, conditions: list[Condition]) -> list[Condition]:
    """Conditions with "or" between them are alternatives."""
    ordered = sorted(conditions, key=attachment.place_of)
    joined: list[Condition] = []
    for condition in ordered:
        if joined and isinstance(condition, Filter) and isinstance(joined[-1], Filter):
            between = state.lower[attachment.place_of(joined[-1]) : condition.place]
            if "or" in between and "either" not in between[:1]:
                joined[-1] = AnyFilter((joined[-1], condition))
                continue
        joined.append(condition)
    return joined


def _extra_sentences(state: State) -> tuple[list[tuple[Measure, int]], bool]:
    """The items of later sentences such as "Return the name and the total", and whether they come on top."""
    starts = [p + 1 for p, t in enumerate(state.tokens) if t.text in {".", "?", ";", "?."} and p not in state.at] + [
        len(state.tokens)
    ]
    found: list[tuple[Measure, int]] = []
    added = False
    if not state.linked.mentions:
        return found, added
    first = state.linked.mentions[0].start
    for start, end in itertools.pairwise(starts):
        top = state.skip(start + 1, {"me", "us", "only", "just", "the"})
        if start > first and state.word(start) in lexicon.LIST_VERBS and not state.mentions(start, end):
            if state.word(top) in {"top", "first"} and isinstance(state.tokens[min(top + 1, end - 1)].value, int):
                state.frame.limit = int(str(state.tokens[top + 1].value))
                state.use(start, top + 2)
            continue
        if start > first and state.word(start) in lexicon.LIST_VERBS:
            found += read_sentence(state, start, end)
            added |= "well" in state.lower[start:end]
            state.use(start, end)
    return found, added


def _people(
    state: State, measures: list[tuple[Measure, int]], groups: list[tuple[Term, int]]
) -> list[tuple[Measure, int]]:
    """What "who bought the lamp" asks for: rows of the table of people that is nearest to what is named.

    Returns the count that "how many people" asks for.
    """
    frame = state.frame
    named = any(state.link(m).kind == "table" for m in state.linked.mentions)
    count = "how many people" in " ".join(state.lower[:4])
    if not (state.word(0) == "who" or count) or measures or groups or frame.order or named or not frame.filters:
        return []
    anchors = [t for c in frame.filters for t in filter_tables(c)]
    facts = state.index.facts.tables.values()
    if not anchors or any(state.index.facts[t].is_people for t in anchors):
        return []
    near = sorted((state.index.joins.distance(anchors[0], f.name), f.name) for f in facts if f.is_people)
    if near and near[0][0] < float("inf") and (len(near) == 1 or near[0][0] < near[1][0]):
        frame.focus = near[0][1]
        state.guesses += 1
        return [(Term(frame.focus, None, "count"), 0)] if count else []
    return []


def _behind_its_value(state: State) -> None:
    """Leave out a table that only says what its value is: the engineers of "engineers in the Sales department"."""
    mentions = state.linked.mentions
    tables = [m for m in mentions if state.link(m).kind == "table"]
    first = mentions[0] if mentions else None
    if len(tables) != 1 or first is None or state.link(first).kind != "value":
        return
    own = state.at.get(tables[0].start - 1)
    table, focus = state.link(tables[0]).table, state.link(first).table
    if own is None or own is first or state.link(own).kind != "value" or state.link(own).table != table:
        return
    if focus != table and state.index.joins.path([focus], table) is not None:
        state.use(tables[0].start, tables[0].end)
        state.frame.focus = focus


def _entity_of_lookup(state: State) -> None:
    """Values of a lookup table say of which kind things are: the things are rows of the table that points at it."""
    frame = state.frame
    free = {state.link(m).table for m in state.mentions() if state.link(m).kind in {"table", "column"}}
    named = {state.link(m).table for m in state.linked.mentions if state.link(m).kind == "table"}
    valued = list(dict.fromkeys(t for c in frame.filters for t in filter_tables(c)))
    if free or named or not valued:
        return
    pointing_in = [
        v
        for v in valued
        if {k.references.lower() for k in state.index.facts[v].table.foreign_keys}
        & {o.lower() for o in valued if o != v}
    ]
    if pointing_in:
        frame.focus = pointing_in[0]
        state.guesses += 1
        return
    pointing = [
        (sum(k.references.lower() in {v.lower() for v in valued} for k in f.table.foreign_keys), f.name)
        for f in state.index.facts.tables.values()
        if not f.is_bridge and any(k.references.lower() == valued[0].lower() for k in f.table.foreign_keys)
    ]
    lookup = state.index.facts[valued[0]]
    if pointing and len(lookup.plain) <= 1 and valued[0] not in named:
        frame.focus = max(pointing)[1]
        state.guesses += 1
    elif valued and not named:
        frame.focus = valued[0]
