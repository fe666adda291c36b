"""Arranges what was read into a frame: what is listed, grouped and aggregated."""

from __future__ import annotations

from dataclasses import replace

from spyne.ask import attachment, lexicon, scope
from spyne.ask.aggregation import aggregated, counted_rows, filter_tables, hardened, keys_of, summed, terms_of
from spyne.ask.frame import AnyFilter, Condition, Filter, Measure, Term
from spyne.ask.ordering import default_order, lift_order, resolve_order, show_what_orders
from spyne.ask.state import State


def arrange(  # noqa: C901, PLR0912, PLR0915 - one rule a line
    state: State, groups: list[tuple[Term, int]], measures: list[tuple[Measure, int]], items: list[tuple[Measure, int]],
    explicit: list[tuple[Measure, int]], added: bool,
) -> None:  # fmt: skip
    """Decide what is listed, grouped and aggregated."""
    frame = state.frame
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
        frame.order = [(hardened(state, m, rows), d) for m, d in frame.order]
        measures = [(hardened(state, m, rows), p) for m, p in measures]
    elif not groups and not measures and frame.focus:
        frame.order = [(hardened(state, m, [Term(frame.focus)]), d) for m, d in frame.order]
    order_aggregated = any(aggregated(m) for m, _ in frame.order)
    plain = [m for m, _ in items if isinstance(m, Term)]
    ordering = [m for m, _ in frame.order if isinstance(m, Term) and m.column]
    if not plain and not measures and not groups and frame.focus:
        plain = _whole(state)
    measures = [(counted_rows(state, m), p) for m, p in measures]
    if not groups and measures and all(_counts_values(m) for m, _ in measures):
        plain = [t for t in plain if t.table not in {m.table for m, _ in measures if isinstance(m, Term)}]
    if not groups and not explicit and plain and (best := _best_of(state, plain, measures)) is not None:
        frame.order, frame.limit, measures = [best], 1, []
    if groups and not explicit and _best_of_each(state, [t for t, _ in groups], plain, measures):
        return
    if groups and measures and frame.limit == 1:
        frame.limit = None
    if groups:
        _grouped(state, [t for t, _ in groups], [m for m, _ in measures], plain, bool(explicit) and not added)
    elif measures and (plain or order_aggregated):
        frame.items = [*plain, *(m for m, _ in measures)]
        if any(aggregated(m) for m, _ in measures) or order_aggregated:
            frame.groups = keys_of(state, plain)
    elif measures:
        frame.items = [m for m, _ in measures]
    else:
        frame.items = list(plain)
    if frame.order and not frame.groups and plain:
        lift_order(state, plain, ordering)
    if order_aggregated and not frame.groups and plain:
        frame.groups = keys_of(state, plain)
    if frame.having and not frame.groups:
        frame.groups = keys_of(state, plain)
    _everything_of_both(state)
    if not frame.having:
        attachment.attach_values(state)
    resolve_order(state)
    show_what_orders(state, [t for t, _ in items], explicit=bool(explicit))
    default_order(state)
    frame.filters = [_outer(state, c) for c in frame.filters]
    frame.distinct = _repeats(state) or _asks_which(state) or (frame.kinds and not frame.groups)
    frame.touched = [t for t in dict.fromkeys(frame.touched) if not _only_on_the_way(state, t)]


def _best_of(state: State, plain: list[Term], measures: list[tuple[Measure, int]]) -> tuple[Measure, bool] | None:
    """The order that "the highest paid employee" asks for: of a row by itself there is no highest."""
    if len(measures) != 1 or state.frame.order:
        return None
    measure, place = measures[0]
    if not isinstance(measure, Term) or measure.function not in {"max", "min"} or not measure.column:
        return None
    before = set(state.lower[place : measure.place + 1])
    follows = all(t.place > measure.place and t.column in state.index.facts[t.table].display for t in plain)
    if follows and {t.table for t in plain} == {measure.table} and before & (lexicon.HIGH | lexicon.LOW):
        return replace(measure, function=None), measure.function == "max"
    return None


def _best_of_each(state: State, groups: list[Term], plain: list[Term], measures: list[tuple[Measure, int]]) -> bool:
    """Read "the cheapest product in each category": rows that have the least of their group."""
    frame = state.frame
    best = _best_of(state, plain, measures) if measures and plain else None
    by = [best] if best is not None else frame.order if not measures and frame.limit == 1 else []
    if len(groups) != 1 or len(by) != 1 or frame.filters or frame.having:
        return False
    measure, highest = by[0]
    if not isinstance(measure, Term) or measure.function or not measure.column:
        return False
    table, group = measure.table, groups[0]
    listed = [t for t in plain if t.table == table] or [Term(table, c) for c in state.index.facts[table].display]
    column = group.column if group.table == table and not group.part else None
    if group.column is None and group.table != table:
        path = state.index.joins.path([table], group.table)
        edge = path[1][0] if path is not None and len(path[1]) == 1 else None
        column = edge.child_columns[0] if edge and edge.child == table and len(edge.child_columns) == 1 else None
    if column is None:
        return False
    among = Filter(table, column=measure.column, operator="=", best_of=("max" if highest else "min", column))
    shown = [*_shown(state, group), *listed]
    frame.items = list(dict.fromkeys(replace(t, place=0) for t in shown))
    frame.filters, frame.order, frame.limit, frame.groups = [among], [], None, []
    return True


def _counts_values(measure: Measure) -> bool:
    """Whether it counts the different values of a column: of each row by itself there is just one."""
    return isinstance(measure, Term) and measure.function == "count" and bool(measure.column) and measure.distinct


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
            frame.groups = keys_of(state, shown)
            frame.having.append((Term(parts[0].table, parts[0].column, "count", distinct=True), "=", len(parts)))
            return


def _outer(state: State, condition: Condition) -> Condition:
    """A condition that rows lack something, made about the rows of the focus."""
    if isinstance(condition, Filter) and condition.operator == "lacks":
        owner = next((t.table for m in state.frame.items for t in terms_of(m)), state.frame.focus)
        return replace(condition, column=owner)
    return condition


def _whole(state: State) -> list[Term]:
    """What "show me customers" asks for: all columns of the table."""
    frame = state.frame
    if not frame.order and not frame.filters:
        frame.stars = [frame.focus]
        return []
    state.guesses += 1
    return [Term(frame.focus, c) for c in state.index.facts[frame.focus].display]


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
        frame.groups = keys_of(state, [*shown, *(t for t in frame.items if isinstance(t, Term) and t.function is None)])
        frame.items = [summed(state, m, groups) for m in frame.items]
    elif measures:
        plain_measures = [m for m in measures if isinstance(m, Term)]
        row_wise = all(_decides(state, groups, m) for m in plain_measures) if plain_measures else all(
            _decides(state, groups, t) for m in measures for t in terms_of(m)
        )  # fmt: skip
        if not row_wise:
            frame.groups = keys_of(state, shown)
            frame.items = [summed(state, m, groups) for m in frame.items]


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


def _repeats(state: State) -> bool:
    """Whether a join for a condition may list the same row several times."""
    frame = state.frame
    if frame.groups or any(aggregated(m) for m in frame.items) or frame.stars:
        return False
    shown = {t.table for m in frame.items for t in terms_of(m)}
    if not shown:
        return False
    first = next(iter(shown))
    needed = {t for c in frame.filters for t in filter_tables(c)} | set(frame.touched)
    if any(m.table not in shown for m, _ in frame.order if isinstance(m, Term)):
        return False
    return any(t not in shown and all(state.index.joins.to_many(s, t) for s in shown) for t in needed) and bool(first)


def _asks_which(state: State) -> bool:
    """Whether the values of one column are asked for, each once: "what languages are our books in"."""
    frame, mentions = state.frame, state.linked.mentions
    if len(frame.items) != 1 or frame.groups or frame.stars or frame.order or not mentions:
        return False
    item = frame.items[0]
    first = mentions[0]
    if not isinstance(item, Term) or item.function or not item.column or item.place != first.start or item.part:
        return False
    facts = state.index.facts[item.table]
    info = facts.columns[item.column]
    many = state.word(first.end - 1).endswith("s") and state.tokens[first.end - 1].stem != state.word(first.end - 1)
    kinds = info.kind == "text" and info.distinct is not None and 2 * info.distinct <= (facts.table.rows or 0)
    return many and kinds and item.column not in facts.display and state.link(first).ref == (item.table, item.column)


def _only_on_the_way(state: State, table: str) -> bool:
    """A table that cannot be reached says nothing."""
    frame = state.frame
    anchor = next((t.table for m in frame.items for t in terms_of(m)), frame.focus)
    return anchor != "" and state.index.joins.path([anchor], table) is None
