"""Settles by what a list is ordered, once it is known what is listed."""

from __future__ import annotations

from dataclasses import replace

from spyne.ask.aggregation import aggregated, keys_of, summed
from spyne.ask.frame import Measure, Term
from spyne.ask.state import State


def lift_order(state: State, plain: list[Term], ordering: list[Term]) -> None:
    """A column of many rows per listed row is averaged or summed before it can order them."""
    frame = state.frame
    entity = plain[0].table
    for term in ordering:
        if (
            term.table
            and term.table != entity
            and term.function is None
            and state.index.joins.to_many(entity, term.table)
        ):
            facts = state.index.facts[term.table]
            if not term.column or not facts.numeric(term.column) or any(t.table == term.table for t in plain):
                continue
            rate = any(
                w in term.column.lower()
                for w in ("rating", "score", "price", "rate", "avg", "average", "gpa", "percent", "grade")
            )
            state.guesses += 1
            lifted = replace(term, function="avg" if rate else "sum")
            frame.order = [(lifted if m == term else m, down) for m, down in frame.order]
            frame.groups = keys_of(state, plain)


def resolve_order(state: State) -> None:
    """An order by nothing in particular is by the measure that is listed, else by the first column."""
    frame = state.frame
    resolved: list[tuple[Measure, bool]] = []
    for measure, down in frame.order:
        if isinstance(measure, Term) and not measure.table:
            listed = [m for m in frame.items if aggregated(m)] if down else []
            numbers = [
                m
                for m in frame.items
                if isinstance(m, Term) and m.column and state.index.facts[m.table].numeric(m.column)
            ]
            pick = (listed or (numbers[-1:] if down else []) or frame.items)[:1]
            resolved += [(m, down) for m in pick]
            continue
        same = [
            m
            for m in frame.items
            if isinstance(m, Term)
            and isinstance(measure, Term)
            and replace(m, place=0, function=None) == replace(measure, place=0, function=None)
            and aggregated(m)
        ]
        resolved.append((same[0] if same and not aggregated(measure) else measure, down))
    if frame.groups:
        resolved = [
            (summed(state, m, []) if isinstance(m, Term) and replace(m, place=0) not in frame.groups else m, d)
            for m, d in resolved
        ]
    if frame.groups:
        resolved = [(m, d) for m, d in resolved if aggregated(m) or (isinstance(m, Term) and _in_groups(state, m))]
    frame.order = [(replace(m, place=0) if isinstance(m, Term) else m, d) for m, d in resolved]


def show_what_orders(state: State, items: list[Measure], *, explicit: bool) -> None:
    """A list of things in an order shows what orders them; a list of columns shows those columns."""
    frame = state.frame
    if explicit or not frame.order or frame.limit == 1 or frame.shared_by or frame.stars:
        return
    measure = frame.order[0][0]
    entity = all(
        isinstance(t, Term) and state.at.get(t.place) is not None and state.link(state.at[t.place]).kind == "table"
        for t in items
    )
    numeric = aggregated(measure) or (
        isinstance(measure, Term) and measure.column and state.index.facts[measure.table].numeric(measure.column)
    )
    if (
        entity
        and items
        and numeric
        and measure not in [replace(m, place=0) if isinstance(m, Term) else m for m in frame.items]
    ):
        frame.items.append(measure)


def _in_groups(state: State, term: Term) -> bool:
    groups = state.frame.groups
    if replace(term, place=0) in groups:
        return True
    key = state.index.facts[term.table].table.primary_key
    return bool(key) and all(Term(term.table, k) in groups for k in key)


def default_order(state: State) -> None:
    """Groups come with the largest first; periods in their order."""
    frame = state.frame
    if frame.order or not frame.groups or frame.shared_by:
        return
    times = [
        g
        for g in frame.groups
        if g.part or (g.column and set(state.index.facts[g.table].bare(g.column)) & {"year", "month", "date", "semest"})
    ]
    listed = [m for m in frame.items if aggregated(m)]
    if times:
        frame.order = [(times[0], False)]
    elif listed:
        frame.order = [(listed[0], True)]
