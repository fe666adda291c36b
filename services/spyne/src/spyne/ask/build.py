"""Makes a plan of what a question asks for."""

from __future__ import annotations

from collections.abc import Iterable

from spyne.ask import lexicon
from spyne.ask.frame import AllFilter, AnyFilter, Condition, Filter, Frame, Measure, Ratio, Term
from spyne.ask.index import SchemaIndex
from spyne.ask.joins import Edge
from spyne.plan import model as plan


class NotJoinedError(Exception):
    """The tables that a question names are not connected by foreign keys."""


class Builder:
    """Builds one query over tables that foreign keys join."""

    def __init__(self, index: SchemaIndex) -> None:
        self.index = index

    def query(self, frame: Frame) -> plan.Query:
        """The plan of a frame. Raises NotJoinedError."""
        if frame.branches:
            left, right = (self._select(branch) for branch in frame.branches)
            return plan.Compound(operator="union", left=left, right=right, limit=None)
        return self._select(frame)

    def _select(self, frame: Frame) -> plan.Select:
        if (apart := self._apart(frame)) is not None:
            return apart
        tables = list(dict.fromkeys(t for t in self.tables(frame) if t))
        edges = self.index.joins.tree(tables) if tables else None
        if edges is None:
            raise NotJoinedError(", ".join(tables))
        edges = tuple(frame.links.get((edge.child, edge.parent), edge) for edge in edges)
        items = [plan.Item(value=plan.Star(source=t)) for t in frame.stars] + [
            plan.Item(value=self.measure(m)) for m in frame.items
        ]
        items = list(dict.fromkeys(items))
        where = [self.condition(c) for c in frame.filters]
        groups = [self.term(g) for g in frame.groups]
        order = [plan.Order(by=self._calendar(m), descending=down) for m, down in frame.order]
        having = [
            plan.Comparison(operator=op, left=self.term(t), right=plan.Value(value=v))  # type: ignore[arg-type]  # having only compares
            for t, op, v in frame.having
        ]
        if frame.shared_by is not None:
            groups, having = self._shared(frame, groups, having)
        source, joins = self._joins(tables[0], edges)
        return plan.Select(
            items=tuple(items),
            source=source,
            joins=joins,
            where=_all(where),
            group_by=tuple(dict.fromkeys(groups)),
            having=_all(having),
            order_by=tuple(dict.fromkeys(order)),
            limit=frame.limit,
            offset=None,
            distinct=frame.distinct,
        )

    def _shared(
        self, frame: Frame, groups: list[plan.Expression], having: list[plan.Comparison]
    ) -> tuple[list[plan.Expression], list[plan.Comparison]]:
        """Rows that belong to every row of another table: grouped, and counted against all of them."""
        every = self.index.facts[frame.shared_by or ""]
        key = every.key or every.display[:1]
        count = plan.Aggregate(function="count", argument=plan.Column(source=every.name, column=key[0]), distinct=True)
        total = _rows_of(every.name, "every")
        having.append(plan.Comparison(operator="=", left=count, right=plan.ScalarQuery(query=total)))
        return groups, having

    def tables(self, frame: Frame) -> Iterable[str]:
        """The tables that a frame needs, the first first; some of them several times."""
        for item in (*frame.items, *frame.groups):
            yield from self._of(item)
        yield from frame.stars
        for condition in frame.filters:
            yield from tables_of(condition)
        for measure, _ in frame.order:
            yield from self._of(measure)
        for term, _, _ in frame.having:
            yield term.table
        yield from frame.touched
        if frame.shared_by:
            yield frame.shared_by

    def _of(self, measure: Measure) -> Iterable[str]:
        for term in (measure.over, measure.under) if isinstance(measure, Ratio) else (measure,):
            yield term.table
            for condition in term.where:
                yield from tables_of(condition)

    def _apart(self, frame: Frame) -> plan.Select | None:
        """A ratio of the rows of two tables, with nothing that joins them: each is counted by itself."""
        if frame.groups or frame.filters or len(frame.items) != 1 or not isinstance(frame.items[0], Ratio):
            return None
        ratio = frame.items[0]
        if ratio.over.table == ratio.under.table or ratio.over.where or ratio.under.where:
            return None
        table = self.index.facts[ratio.over.table]
        item = plan.Item(value=self.measure(ratio, apart=True))
        one = _rows_of(table.name, "one")
        return plan.Select(items=(item,), source=plan.Derived(query=one, alias="one"), limit=None, offset=None)

    def _joins(self, first: str, edges: tuple[Edge, ...]) -> tuple[plan.Source, tuple[plan.Join, ...]]:
        joined, found = {first}, []
        left = list(edges)
        while left:
            edge = next(e for e in left if e.child in joined or e.parent in joined)
            left.remove(edge)
            new = edge.parent if edge.child in joined else edge.child
            on = _all([
                plan.Comparison(operator="=", left=_column(edge.child, c), right=_column(edge.parent, p))
                for c, p in zip(edge.child_columns, edge.parent_columns, strict=True)
            ])  # fmt: skip
            if new not in joined:
                found.append(plan.Join(source=self._table(new), on=on))
                joined.add(new)
        return self._table(first), tuple(found)

    def _table(self, name: str) -> plan.Table:
        info = self.index.facts[name].table
        return plan.Table(name=info.name, table_schema=info.table_schema, alias=info.name)

    # -- expressions

    def _alone(self, term: Term) -> plan.Expression:
        return plan.ScalarQuery(query=self._select(Frame(items=[term])))

    def measure(self, measure: Measure, *, apart: bool = False) -> plan.Expression:
        """The expression of a term or a ratio; `apart` computes the two parts of a ratio by themselves."""
        if isinstance(measure, Term):
            return self.term(measure)
        over, under = self.term(measure.over), self.term(measure.under)
        if apart:
            over, under = self._alone(measure.over), self._alone(measure.under)
        if measure.whole:
            table = self.index.facts[measure.under.table]
            every = _rows_of(table.name, "every")
            under = plan.ScalarQuery(query=every)
        divided = plan.Arithmetic(operator="/", left=over, right=under)
        return plan.Arithmetic(operator="*", left=divided, right=plan.Value(value=100)) if measure.percent else divided

    def term(self, term: Term) -> plan.Expression:
        """The expression of a term."""
        facts = self.index.facts[term.table]
        if term.column is None and term.function is None:
            return _column(term.table, (facts.key or facts.display)[0])
        where = _all([self.condition(c) for c in term.where])
        if term.column is None:
            key = facts.key
            if len(key) == 1:
                return plan.Aggregate(
                    function="count", argument=_column(term.table, key[0]), distinct=True, where=where
                )
            return plan.Aggregate(function="count", where=where)
        column: plan.Expression = _column(term.table, term.column)
        if term.part:
            column = (
                plan.DatePart(part=term.part, of=column)
                if term.part == "year"
                else plan.DateTruncate(unit=term.part, of=column)
            )
        if term.function is None:
            return column
        return plan.Aggregate(function=term.function, argument=column, distinct=term.distinct, where=where)

    def _calendar(self, measure: Measure) -> plan.Expression:
        """What to order by: names of months and weekdays by their place in the calendar."""
        value = self.measure(measure)
        if not isinstance(measure, Term) or measure.function or not measure.column or measure.part:
            return value
        known = self.index.facts[measure.table].columns[measure.column].values or ()
        for calendar in (lexicon.MONTHS, lexicon.WEEKDAYS):
            if known and all(isinstance(k, str) and k.lower() in calendar for k in known):
                when = tuple(
                    (
                        plan.Comparison(operator="=", left=value, right=plan.Value(value=name), ignore_case=True),
                        plan.Value(value=place),
                    )
                    for place, name in enumerate(calendar)
                )
                return plan.Choice(when=when)
        return value

    def condition(self, condition: Condition) -> plan.Condition:
        """The condition of a filter."""
        if isinstance(condition, AnyFilter | AllFilter):
            parts = tuple(self.condition(part) for part in condition.parts)
            return plan.AnyOf(parts=parts) if isinstance(condition, AnyFilter) else plan.All(parts=parts)
        if condition.operator == "lacks":
            return self._lacks(condition)
        column: plan.Expression = _column(condition.table, condition.column)
        if condition.part:
            column = plan.DatePart(part=condition.part, of=column)
        if condition.operator in {"null", "not_null"}:
            return plan.IsNull(of=column, negated=condition.operator == "not_null")
        if condition.operator in {"like", "starts", "ends"}:
            match = {"like": "contains", "starts": "starts", "ends": "ends"}[condition.operator]
            return plan.Like(of=column, text=str(condition.value), match=match)  # type: ignore[arg-type]
        if condition.operator == "between":
            return plan.Between(of=column, low=plan.Value(value=condition.value), high=plan.Value(value=condition.high))
        right: plan.Expression = plan.Value(value=condition.value)
        if condition.average or condition.best_of:
            right = self._over_all(condition)
        if condition.relative is not None:
            amount, unit = condition.relative
            right = plan.DateShift(of=plan.Now(date_only=True), amount=amount, unit=unit)
        text = (
            isinstance(condition.value, str)
            and self.index.facts[condition.table].columns[condition.column].kind == "text"
        )
        return plan.Comparison(operator=condition.operator, left=column, right=right, ignore_case=text)  # type: ignore[arg-type]

    def _over_all(self, condition: Filter) -> plan.ScalarQuery:
        """The average of a column over all rows; or its least or greatest among the rows that share a group."""
        function, group = condition.best_of or ("avg", "")
        info = self.index.facts[condition.table].table
        value = plan.Aggregate(function=function, argument=_column("every", condition.column))
        same = plan.Comparison(operator="=", left=_column("every", group), right=_column(condition.table, group))
        return plan.ScalarQuery(
            query=plan.Select(
                items=(plan.Item(value=value),),
                source=plan.Table(name=info.name, table_schema=info.table_schema, alias="every"),
                where=same if group else None,
                limit=None,
                offset=None,
            )
        )

    def _lacks(self, condition: Filter) -> plan.Condition:
        """That a row has no row of another table: nothing of it points here, or its own foreign key is empty."""
        outer = condition.column
        found = self.index.joins.path([outer], condition.table)
        if found is None:
            raise NotJoinedError(f"{outer}, {condition.table}")
        edges = found[1]
        if len(edges) == 1 and edges[0].child == outer:
            return plan.IsNull(of=_column(outer, edges[0].child_columns[0]))
        first = edges[0]
        inner, own, its = (
            (first.child, first.parent_columns, first.child_columns)
            if first.parent == outer
            else (first.parent, first.child_columns, first.parent_columns)
        )
        table = self.index.facts[inner].table
        on = _all(
            [
                plan.Comparison(operator="=", left=plan.Column(source="other", column=i), right=_column(outer, o))
                for o, i in zip(own, its, strict=True)
            ]
        )
        one = plan.Select(
            items=(plan.Item(value=plan.Value(value=1)),),
            source=plan.Table(name=table.name, table_schema=table.table_schema, alias="other"),
            where=on,
            limit=None,
            offset=None,
        )
        return plan.Exists(query=one, negated=True)


def tables_of(condition: Condition) -> Iterable[str]:
    """The tables that a condition is about."""
    if isinstance(condition, AnyFilter | AllFilter):
        for part in condition.parts:
            yield from tables_of(part)
    elif condition.operator == "lacks":
        yield condition.column
    else:
        yield condition.table


def _rows_of(table: str, alias: str) -> plan.Select:
    """How many rows a table has."""
    return plan.Select(
        items=(plan.Item(value=plan.Aggregate(function="count")),),
        source=plan.Table(name=table, alias=alias),
        limit=None,
        offset=None,
    )


def _column(table: str, column: str) -> plan.Column:
    return plan.Column(source=table, column=column)


def _all(parts: Iterable[plan.Condition]) -> plan.Condition | None:
    found = tuple(parts)
    if not found:
        return None
    return found[0] if len(found) == 1 else plan.All(parts=found)
