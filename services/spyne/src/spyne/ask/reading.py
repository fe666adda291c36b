"""Reads a question once, under given decisions, into a frame: clause after clause, then their arrangement."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from spyne.ask import attachment, lexicon, scope
from spyne.ask.filters import read_filters
from spyne.ask.frame import AllFilter, AnyFilter, Condition, Filter, Measure, Ratio, Term
from spyne.ask.groups import read_groups
from spyne.ask.index import SchemaIndex
from spyne.ask.items import read_items, read_measures, read_sentence
from spyne.ask.linking import Linked
from spyne.ask.orders import read_order, read_superlative
from spyne.ask.ratios import read_ratio
from spyne.ask.state import State

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
    state = State(linked, index, pins)
    frame = state.frame
    context = state.context()
    frame.focus = context[0] if context else ""
    read_order(state)
    explicit, added = _extra_sentences(state)
    ratio = read_ratio(state)
    text = " ".join(state.lower)
    read_superlative(state)
    has_measure = ratio is not None or any(words in text for words in _MEASURES)
    groups = read_groups(state, has_measure)
    frame.filters = _joined_by_or(state, [*frame.filters, *read_filters(state)])
    measures: list[tuple[Measure, int]] = [ratio] if ratio else []
    measures += read_measures(state)
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
    items = read_items(state, has_measure=bool(measures))
    arrange(state, groups, measures, items, explicit, added)
    return state


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
    for start, end in zip(starts, starts[1:], strict=False):
        if start > first and state.word(start) in lexicon.LIST_VERBS:
            found += read_sentence(state, start, end)
            added |= "well" in state.lower[start:end]
            state.use(start, end)
    return found, added


def _entity_of_lookup(state: State) -> None:
    """Values of a lookup table say of which kind things are: the things are rows of the table that points at it."""
    frame = state.frame
    free = {state.link(m).table for m in state.mentions() if state.link(m).kind in {"table", "column"}}
    named = {state.link(m).table for m in state.linked.mentions if state.link(m).kind == "table"}
    valued = list(dict.fromkeys(t for c in frame.filters for t in _filter_tables(c)))
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
        return
    pointing = [
        (sum(k.references.lower() in {v.lower() for v in valued} for k in f.table.foreign_keys), f.name)
        for f in state.index.facts.tables.values()
        if not f.is_bridge and any(k.references.lower() == valued[0].lower() for k in f.table.foreign_keys)
    ]
    lookup = state.index.facts[valued[0]]
    if pointing and len(lookup.plain) <= 1 and valued[0] not in named:
        frame.focus = max(pointing)[1]
    elif valued and not named:
        frame.focus = valued[0]


def _terms(measure: Measure) -> tuple[Term, ...]:
    return (measure.over, measure.under) if isinstance(measure, Ratio) else (measure,)


def aggregated(measure: Measure) -> bool:
    """Whether a measure sums up several rows."""
    return any(term.function is not None for term in _terms(measure))


def arrange(
    state: State, groups: list[tuple[Term, int]], measures: list[tuple[Measure, int]], items: list[tuple[Measure, int]],
    explicit: list[tuple[Measure, int]], added: bool,
) -> None:  # fmt: skip
    """Decide what is listed, grouped and aggregated."""
    frame, facts = state.frame, state.index.facts
    if explicit and not any(aggregated(m[0]) for m in explicit) and any(aggregated(m[0]) for m in measures):
        added = True
    if explicit and not added:
        measures = [m for m in explicit if aggregated(m[0])]
        items = [m for m in explicit if not aggregated(m[0])]
    elif explicit:
        measures = measures + [m for m in explicit if aggregated(m[0])]
        items = items + [m for m in explicit if not aggregated(m[0])]
    rows = [m for m, _ in items if isinstance(m, Term)]
    if not groups and rows:
        frame.order = [(_hardened(state, m, rows), d) for m, d in frame.order]
        measures = [(_hardened(state, m, rows), p) for m, p in measures]
    elif not groups and not measures and frame.focus:
        frame.order = [(_hardened(state, m, [Term(frame.focus)]), d) for m, d in frame.order]
    order_aggregated = any(aggregated(m) for m, _ in frame.order)
    plain = [m for m, _ in items if isinstance(m, Term)]
    ordering = [m for m, _ in frame.order if isinstance(m, Term) and m.column]
    if not plain and not measures and not groups and frame.focus:
        plain = _whole(state)
    measures = [(_counted_rows(state, m), p) for m, p in measures]
    if groups and measures and frame.limit == 1:
        frame.limit = None
    if groups:
        _grouped(state, [t for t, _ in groups], [m for m, _ in measures], plain, bool(explicit) and not added)
    elif measures and (plain or order_aggregated):
        frame.items = [*plain, *(m for m, _ in measures)]
        if any(aggregated(m) for m, _ in measures) or order_aggregated:
            frame.groups = _keys(state, plain)
    elif measures:
        frame.items = [m for m, _ in measures]
    else:
        frame.items = list(plain)
    if frame.order and not frame.groups and plain:
        _lift_order(state, plain, ordering)
    if order_aggregated and not frame.groups and plain:
        frame.groups = _keys(state, plain)
    if frame.having and not frame.groups:
        frame.groups = _keys(state, plain)
    _everything_of_both(state)
    if not frame.having:
        attachment.attach_values(state)
    _resolve_order(state)
    _show_what_orders(state, [t for t, _ in items], explicit=bool(explicit))
    _default_order(state)
    frame.filters = [_outer(state, c) for c in frame.filters]
    frame.distinct = _repeats(state)
    frame.touched = [t for t in dict.fromkeys(frame.touched) if not _only_on_the_way(state, t)]
    del facts


def _counted_rows(state: State, measure: Measure) -> Measure:
    """Rows are counted, and not a column that holds their number, where a condition is about those rows."""
    if isinstance(measure, Ratio) or measure.column is None or measure.function not in {None, "sum"}:
        return measure
    called = state.index.facts[measure.table].counts(measure.column)
    conditioned = {t for c in state.frame.filters for t in _filter_tables(c)}
    for table in conditioned - {measure.table}:
        if called and state.index.facts[table].stems == called:
            return Term(table, None, "count", place=measure.place)
    return measure


def _everything_of_both(state: State) -> None:
    """Both of two values, where a row may have several: rows that have each of them."""
    frame = state.frame
    shown = [m for m in frame.items if isinstance(m, Term)]
    if not shown or frame.groups:
        return
    for condition in frame.filters:
        if not isinstance(condition, AnyFilter):
            continue
        parts = [p for p in condition.parts if isinstance(p, Filter) and p.operator == "="]
        first = min((p.place for p in parts), default=0)
        if len(parts) < len(condition.parts) or "both" not in state.lower[max(0, first - 5) : first]:
            continue
        if state.index.joins.to_many(shown[0].table, parts[0].table):
            frame.groups = _keys(state, shown)
            frame.having.append((Term(parts[0].table, parts[0].column, "count", distinct=True), "=", len(parts)))
            return


def _hardened(state: State, measure: Measure, rows: list[Term]) -> Measure:
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


def _outer(state: State, condition: Condition) -> Condition:
    """A condition that rows lack something, made about the rows of the focus."""
    if isinstance(condition, Filter) and condition.operator == "lacks":
        owner = next((t.table for m in state.frame.items for t in _terms(m)), state.frame.focus)
        return replace(condition, column=owner)
    return condition


def _whole(state: State) -> list[Term]:
    """What "show me customers" asks for: all columns of the table."""
    frame = state.frame
    if not frame.order and not frame.filters:
        frame.stars = [frame.focus]
        return []
    return [Term(frame.focus, c) for c in state.index.facts[frame.focus].display]


def _keys(state: State, terms: list[Term]) -> list[Term]:
    """What to group by so that each row of the tables stays apart: their keys with what is shown of them."""
    found: list[Term] = []
    for term in terms:
        facts = state.index.facts[term.table]
        if term.column in facts.display and facts.key and not term.part:
            found += [Term(term.table, k) for k in facts.key]
        found.append(term)
    return list(dict.fromkeys(replace(t, place=0) for t in found))


def _shown(state: State, group: Term) -> list[Term]:
    if group.column is not None:
        return [group]
    return [Term(group.table, c, place=group.place) for c in state.index.facts[group.table].display]


def _grouped(state: State, groups: list[Term], measures: list[Measure], plain: list[Term], explicit: bool) -> None:
    frame = state.frame
    shown = [replace(t, place=0) for g in groups for t in _shown(state, g)]
    ordering = [
        m
        for m, _ in frame.order
        if aggregated(m) or (isinstance(m, Term) and m.column and m.table not in {g.table for g in groups})
    ]
    own = [t for t in plain if replace(t, place=0) not in shown]
    if not measures and not ordering:
        mode = next((m for g in groups if (m := scope.decide(state, g, plain)) is not None), None)
        if mode == scope.SHARED:
            scope.share(state, groups[0], plain)
            return
    if explicit:
        frame.items = [*plain, *measures]
    else:
        frame.items = (
            [*shown, *own, *measures]
            if not measures
            else [*shown, *(t for t in own if t.table in {g.table for g in groups}), *measures]
        )
    if any(aggregated(m) for m in measures) or ordering:
        frame.groups = _keys(state, [*shown, *(t for t in frame.items if isinstance(t, Term) and t.function is None)])
        frame.items = [_summed(state, m, groups) for m in frame.items]
    elif measures:
        plain_measures = [m for m in measures if isinstance(m, Term)]
        row_wise = all(_decides(state, groups, m) for m in plain_measures) if plain_measures else all(
            _decides(state, groups, t) for m in measures for t in _terms(m)
        )  # fmt: skip
        if not row_wise:
            frame.groups = _keys(state, shown)
            frame.items = [_summed(state, m, groups) for m in frame.items]


def _decides(state: State, groups: list[Term], term: Term) -> bool:
    """Whether a group is a row of the term's table, so that the column needs no aggregate."""
    facts = state.index.facts[term.table]
    for group in groups:
        if group.table == term.table and (
            group.column is None or (group.column,) == facts.key or group.column in facts.display
        ):
            return True
        info = facts.columns.get(group.column or "")
        if group.table == term.table and info is not None and info.distinct == facts.table.rows:
            return True
    return False


def _summed(state: State, measure: Measure, groups: list[Term]) -> Measure:
    """A column that counts, summed up within a group."""
    if isinstance(measure, Ratio):
        over, under = (_summed(state, t, groups) for t in (measure.over, measure.under))
        assert isinstance(over, Term)  # noqa: S101 - a term stays one
        assert isinstance(under, Term)  # noqa: S101
        return replace(measure, over=over, under=under)
    facts = state.index.facts[measure.table]
    if measure.function is None and measure.column and facts.counts(measure.column) is not None:
        return replace(measure, function="sum")
    return measure


def _lift_order(state: State, plain: list[Term], ordering: list[Term]) -> None:
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
            lifted = replace(term, function="avg" if rate else "sum")
            frame.order = [(lifted if m == term else m, down) for m, down in frame.order]
            frame.groups = _keys(state, plain)


def _resolve_order(state: State) -> None:
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
            (_summed(state, m, []) if isinstance(m, Term) and replace(m, place=0) not in frame.groups else m, d)
            for m, d in resolved
        ]
    if frame.groups:
        resolved = [(m, d) for m, d in resolved if aggregated(m) or (isinstance(m, Term) and _in_groups(state, m))]
    frame.order = [(replace(m, place=0) if isinstance(m, Term) else m, d) for m, d in resolved]


def _show_what_orders(state: State, items: list[Measure], *, explicit: bool) -> None:
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


def _default_order(state: State) -> None:
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


def _repeats(state: State) -> bool:
    """Whether a join for a condition may list the same row several times."""
    frame = state.frame
    if frame.groups or any(aggregated(m) for m in frame.items) or frame.stars:
        return False
    shown = {t.table for m in frame.items for t in _terms(m)}
    if not shown:
        return False
    first = next(iter(shown))
    needed = {t for c in frame.filters for t in _filter_tables(c)} | set(frame.touched)
    if any(m.table not in shown for m, _ in frame.order if isinstance(m, Term)):
        return False
    return any(t not in shown and all(state.index.joins.to_many(s, t) for s in shown) for t in needed) and bool(first)


def _filter_tables(condition: Condition) -> list[str]:
    if isinstance(condition, AnyFilter | AllFilter):
        return [t for p in condition.parts for t in _filter_tables(p)]
    return [] if condition.operator == "lacks" else [condition.table]


def _only_on_the_way(state: State, table: str) -> bool:
    """A table that cannot be reached says nothing."""
    frame = state.frame
    anchor = next((t.table for m in frame.items for t in _terms(m)), frame.focus)
    return anchor != "" and state.index.joins.path([anchor], table) is None
