"""SQL from a plan: a syntax tree is built of the plan's parts, with every name looked up in the schema first."""

from __future__ import annotations

from dataclasses import dataclass

from sqlglot import exp

from spyne.plan.model import Aggregate, Column, Compound, Item, Join, Node, Query, Select, Source, Star, Table, Value
from spyne.schema.model import Schema
from spyne.sql import walk
from spyne.sql.build import name
from spyne.sql.conditions import Conditions
from spyne.sql.dialects import WRITINGS
from spyne.sql.errors import PlanError
from spyne.sql.expressions import Expressions
from spyne.sql.scope import Known, Output, Scope, known, table_of

COMPOUNDS: dict[str, tuple[type[exp.SetOperation], bool]] = {
    "union": (exp.Union, True),
    "union_all": (exp.Union, False),
    "intersect": (exp.Intersect, True),
    "except": (exp.Except, True),
}
Result = tuple[exp.Query, tuple[Output, ...]]


def render(query: Query, schema: Schema, *, pretty: bool = False) -> str:
    """The SQL of a plan, in the dialect of the schema; `pretty` breaks it into lines for people.

    Raises PlanError when the plan names a table, column or alias that is not there, or contradicts itself.
    """
    if walk.depth(query) > walk.MAX_DEPTH:
        raise PlanError(f"the plan is more than {walk.MAX_DEPTH} parts deep; ask for less at once")
    tree, _ = Queries(schema).query(query, None)
    return tree.sql(dialect=schema.dialect, pretty=pretty, copy=False, comments=False)


@dataclass(frozen=True)
class Queries:
    """Writes queries. Expressions come back here for the queries within them."""

    schema: Schema

    def query(self, query: Query, outer: Scope | None) -> Result:
        """The tree of a query and the columns of its result."""
        return self._compound(query, outer) if isinstance(query, Compound) else self._select(query, outer)

    def _select(self, select: Select, outer: Scope | None) -> Result:
        tree, scope = exp.Select(), Scope(outer)
        parts = Expressions(WRITINGS[self.schema.dialect], self.query)
        conditions = Conditions(parts)
        parts.conditions = conditions
        tree.from_(self._source(select.source, scope), copy=False)
        for join in select.joins:
            tree.append("joins", self._join(join, scope, conditions))
        _check_aggregates(select)
        outputs = self._items(tree, select, scope, parts)
        if select.where is not None:
            tree.where(conditions.write(select.where, scope), copy=False)
        if keys := _group_keys(select, scope):
            tree.group_by(*(parts.write(each, scope).sql for each in keys), copy=False)
        if select.having is not None:
            tree.having(conditions.write(select.having, scope), copy=False)
        if select.order_by:
            _check_order(select)
            tree.set("order", exp.Order(expressions=[
                _ordered(parts.write(key.by, scope).sql, key.descending, key.nulls_first) for key in select.order_by
            ]))  # fmt: skip
        if select.distinct:
            tree.distinct(copy=False)
        self._cut(tree, select.limit, select.offset)
        return tree, outputs

    def _source(self, source: Source, scope: Scope) -> exp.Expr:
        alias = exp.TableAlias(this=name(source.alias))
        if isinstance(source, Table):
            info = table_of(source, self.schema)
            scope.add(known(source.alias, info))
            qualified = info.table_schema is not None and self.schema.dialect != "sqlite"
            place = name(info.table_schema) if qualified and info.table_schema else None
            return exp.Table(this=name(info.name), db=place, alias=alias)
        tree, outputs = self.query(source.query, scope.outer)
        scope.add(Known(source.alias, outputs))
        return exp.Subquery(this=tree, alias=alias)

    def _join(self, join: Join, scope: Scope, conditions: Conditions) -> exp.Join:
        source = self._source(join.source, scope)
        if join.on is not None and any(walk.aggregates(join.on)):
            raise PlanError(f"the join of {join.source.alias!r} compares an aggregate; join first, then aggregate")
        # A product is JOIN ... ON TRUE: after CROSS JOIN, SQLite would not choose the order of the tables
        on = exp.Boolean(this=True) if join.on is None else conditions.write(join.on, scope)
        return exp.Join(this=source, on=on, side="LEFT" if join.how == "left" else None)

    def _items(self, tree: exp.Select, select: Select, scope: Scope, parts: Expressions) -> tuple[Output, ...]:
        outputs: list[Output] = []
        for item in select.items:
            if isinstance(item.value, Star):
                source = scope.source(item.value.source)
                tree.select(exp.Column(this=exp.Star(), table=name(source.alias)), copy=False)
                outputs += source.columns
                continue
            value = parts.write(item.value, scope)
            plain = isinstance(value.sql, exp.Column) and isinstance(item.value, Column)
            label = item.label or (value.sql.name if plain else _label(item, {each.name for each in outputs}))
            same = plain and label == value.sql.name
            tree.select(value.sql if same else exp.Alias(this=value.sql, alias=name(label)), copy=False)
            outputs.append(Output(label, value.kind))
        return tuple(outputs)

    def _cut(self, tree: exp.Query, limit: int | None, offset: int | None = None) -> None:
        if limit is None and offset and self.schema.dialect == "sqlite":
            limit = -1  # SQLite has no OFFSET without a LIMIT
        if limit is not None:
            tree.limit(limit, copy=False)
        if offset:
            tree.offset(offset, copy=False)

    def _compound(self, compound: Compound, outer: Scope | None) -> Result:
        (left, outputs), (right, others) = self.query(compound.left, outer), self.query(compound.right, outer)
        if len(outputs) != len(others):
            raise PlanError(f"the two sides of {compound.operator!r} have {len(outputs)} and {len(others)} columns")
        kind, distinct = COMPOUNDS[compound.operator]
        tree = kind(this=_operand(left), expression=_operand(right), distinct=distinct)
        keys: list[exp.Expr] = []
        for label, descending in compound.order_by:
            found = [each.name for each in outputs if each.name.lower() == label.lower()]
            if not found:
                names = ", ".join(each.name for each in outputs)
                raise PlanError(f"the result of {compound.operator!r} has no column {label!r}, only: {names}")
            keys.append(_ordered(exp.Column(this=name(found[0])), descending, nulls_first=False))
        if keys:
            tree.set("order", exp.Order(expressions=keys))
        self._cut(tree, compound.limit)
        return tree, outputs


def _operand(query: exp.Query) -> exp.Query:
    """A side of a compound: SQLite takes neither parentheses, an order nor a limit there."""
    if isinstance(query, exp.Select) and not any(query.args.get(part) for part in ("order", "limit", "offset")):
        return query
    inner = exp.Subquery(this=query, alias=exp.TableAlias(this=name("part")))
    return exp.Select(expressions=[exp.Star()]).from_(inner, copy=False)


def _ordered(value: exp.Expr, descending: bool, nulls_first: bool) -> exp.Expr:
    return exp.Ordered(this=value, desc=descending, nulls_first=nulls_first)


def _label(item: Item, taken: set[str]) -> str:
    """A name for a column that the plan gives none."""
    value = item.value
    label = str(getattr(value, "function", value.kind))
    if isinstance(value, Aggregate) and isinstance(value.argument, Column):
        label += f"_{value.argument.column}"
    count, unique = 2, label
    while unique in taken:
        unique, count = f"{label}_{count}", count + 1
    return unique


def _check_aggregates(select: Select) -> None:
    for part, place in ((select.where, "where"), *((group, "group_by") for group in select.group_by)):
        if part is not None and any(walk.aggregates(part)):
            raise PlanError(f"an aggregate in {place!r}; conditions on aggregates belong to 'having'")
    for item in (*select.items, *(order.by for order in select.order_by)):
        for aggregate in walk.aggregates(item):
            if any(True for child in walk.children(aggregate) for _ in walk.aggregates(child)):
                raise PlanError(f"{aggregate.function!r} over an aggregate; aggregate in a derived source first")


def _group_keys(select: Select, scope: Scope) -> tuple[Node, ...]:
    """What to group by: the plan's keys, and the columns that a whole primary key among them decides."""
    values: list[Node] = [*select.items, *(order.by for order in select.order_by)]
    if select.having is not None:
        values.append(select.having)
    if any(isinstance(group, Value) for group in select.group_by):
        raise PlanError("a constant in 'group_by'; leave it out")
    if not select.group_by and not any(True for value in values for _ in walk.aggregates(value)):
        if select.having is not None:
            raise PlanError("'having' without groups or aggregates; use 'where'")
        return ()
    keys: dict[object, Node] = {walk.key(group): group for group in select.group_by}
    for value in values:
        for column in walk.loose_columns(value, frozenset(keys)):
            if column.source.lower() not in scope.sources:
                continue  # it belongs to the query around this one: one value for the whole
            source = scope.sources[column.source.lower()]
            decided = source.primary_key and all(
                ("column", source.alias.lower(), part.lower()) in keys for part in source.primary_key
            )
            if isinstance(column, Star) or not decided:
                what = f"{column.source}.{column.column if isinstance(column, Column) else '*'}"
                raise PlanError(f"{what} is neither grouped by nor aggregated; add it to 'group_by'")
            keys[walk.key(column)] = column
    return tuple(keys.values())


def _check_order(select: Select) -> None:
    if any(isinstance(order.by, Value) for order in select.order_by):
        raise PlanError("a constant in 'order_by'; leave it out")
    if not select.distinct:
        return
    shown = {walk.key(item.value) for item in select.items}
    stars = {item.value.source.lower() for item in select.items if isinstance(item.value, Star)}
    for order in select.order_by:
        of_star = isinstance(order.by, Column) and order.by.source.lower() in stars
        if not of_star and walk.key(order.by) not in shown:
            what = f"{order.by.source}.{order.by.column}" if isinstance(order.by, Column) else order.by.kind
            raise PlanError(
                f"distinct rows cannot be ordered by {what!r}, which is not among the items; add it to them"
            )
