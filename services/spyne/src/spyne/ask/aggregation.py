"""When rows are summed up, and by what they are grouped."""

from __future__ import annotations

from dataclasses import replace

from spyne.ask.frame import AllFilter, AnyFilter, Condition, Measure, Ratio, Term
from spyne.ask.state import State


def terms_of(measure: Measure) -> tuple[Term, ...]:
    """The terms of a measure: itself, or the two of a ratio."""
    return (measure.over, measure.under) if isinstance(measure, Ratio) else (measure,)


def aggregated(measure: Measure) -> bool:
    """Whether a measure sums up several rows."""
    return any(term.function is not None for term in terms_of(measure))


def filter_tables(condition: Condition) -> list[str]:
    """The tables whose columns a condition compares."""
    if isinstance(condition, AnyFilter | AllFilter):
        return [t for p in condition.parts for t in filter_tables(p)]
    return [] if condition.operator == "lacks" else [condition.table]


def keys_of(state: State, terms: list[Term]) -> list[Term]:
    """What to group by so that each row of the tables stays apart: their keys with what is shown of them."""
    found: list[Term] = []
    for term in terms:
        facts = state.index.facts[term.table]
        if term.column in facts.display and facts.key and not term.part:
            found += [Term(term.table, k) for k in facts.key]
        found.append(term)
    return list(dict.fromkeys(replace(t, place=0) for t in found))


def summed(state: State, measure: Measure, groups: list[Term]) -> Measure:
    """A column that counts, summed up within a group."""
    if isinstance(measure, Ratio):
        over, under = (summed(state, t, groups) for t in (measure.over, measure.under))
        assert isinstance(over, Term)
        assert isinstance(under, Term)
        return replace(measure, over=over, under=under)
    facts = state.index.facts[measure.table]
    if measure.function is None and measure.column and facts.counts(measure.column) is not None:
        return replace(measure, function="sum")
    return measure


def hardened(state: State, measure: Measure, rows: list[Term]) -> Measure:
    """A soft sum stays one only where a listed row stands for several rows of its table."""
    if isinstance(measure, Ratio) or not measure.soft:
        return measure
    entity = rows[0]
    facts = state.index.facts[entity.table]
    whole = entity.column is None or entity.column in facts.display or entity.column in facts.key
    return (
        replace(measure, function=None, soft=False)
        if entity.table == measure.table and whole
        else replace(measure, soft=False)
    )


def counted_rows(state: State, measure: Measure) -> Measure:
    """Rows are counted, and not a column that holds their number, where a condition is about those rows."""
    if isinstance(measure, Ratio) or measure.column is None or measure.function not in {None, "sum"}:
        return measure
    called = state.index.facts[measure.table].counts(measure.column)
    conditioned = {t for c in state.frame.filters for t in filter_tables(c)}
    for table in conditioned - {measure.table}:
        if called and state.index.facts[table].stems == called:
            return Term(table, None, "count", place=measure.place)
    return measure
