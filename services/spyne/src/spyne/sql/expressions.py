"""Expressions of a plan as SQL."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from sqlglot import exp

from spyne.plan import model as plan
from spyne.schema.model import Kind
from spyne.sql import constants
from spyne.sql.build import NUMERIC, Typed, binary, call, cast, name
from spyne.sql.dialects.base import Writing
from spyne.sql.errors import PlanError
from spyne.sql.scope import Output, Scope

if TYPE_CHECKING:
    from spyne.sql.conditions import Conditions

OPERATORS: dict[str, type[exp.Binary]] = {"+": exp.Add, "-": exp.Sub, "*": exp.Mul}
ARGUMENTS = {
    "lower": (1, 1), "upper": (1, 1), "length": (1, 1), "trim": (1, 1), "abs": (1, 1), "round": (1, 2),
    "substring": (2, 3), "nullif": (2, 2), "concat": (1, 20), "coalesce": (1, 20),
}  # fmt: skip
TEXT_TYPES = ("text", "char", "varchar", "bpchar", "citext", "name", "nchar", "nvarchar", "clob", "string", "")


class Expressions:
    """Writes expressions; `query` writes the queries within them."""

    def __init__(
        self,
        writing: Writing,
        query: Callable[[plan.Query, Scope | None], tuple[exp.Query, tuple[Output, ...]]],
    ) -> None:
        self.writing = writing
        self.query = query
        self.conditions: Conditions
        self._writers: dict[type[plan.Node], Callable[..., Typed]] = {
            plan.Column: self._column,
            plan.Value: self._value,
            plan.Arithmetic: self._arithmetic,
            plan.Aggregate: self._aggregate,
            plan.Function: self._function,
            plan.DatePart: self._date_part,
            plan.DateTruncate: self._date_truncate,
            plan.DateShift: self._date_shift,
            plan.DateDifference: self._date_difference,
            plan.Now: self._now,
            plan.Choice: self._choice,
            plan.ScalarQuery: self._scalar_query,
        }

    def write(self, expression: plan.Node, scope: Scope) -> Typed:
        """An expression and its kind. Raises PlanError."""
        return self._writers[type(expression)](expression, scope)

    def alike(self, expressions: tuple[plan.Expression, ...], scope: Scope) -> list[Typed]:
        """Several expressions of one kind: constants take that of the first that is none."""
        written = [None if isinstance(each, plan.Value) else self.write(each, scope) for each in expressions]
        kind = next((each.kind for each in written if each is not None), None)
        return [
            each or self._constant(value, kind)
            for each, value in zip(written, expressions, strict=True)
        ]  # fmt: skip

    def _constant(self, value: plan.Expression, kind: Kind | None) -> Typed:
        constant = value.value if isinstance(value, plan.Value) else None
        return (
            constants.plain(constant, self.writing)
            if kind is None
            else constants.like_kind(constant, kind, self.writing)
        )

    def _column(self, column: plan.Column, scope: Scope) -> Typed:
        source, found = scope.column(column)
        sql: exp.Expr = exp.Column(this=name(found.name), table=name(source.alias))
        if found.kind == "text" and self.writing.strict and not _is_text(found.declared):
            sql = cast(sql, "TEXT")  # an enumeration and the like: it compares with its own names only
        return Typed(sql, found.kind)

    def _value(self, value: plan.Value, _: Scope) -> Typed:
        return constants.plain(value.value, self.writing)

    def _arithmetic(self, node: plan.Arithmetic, scope: Scope) -> Typed:
        left, right = self._number(node.left, scope), self._number(node.right, scope)
        if node.operator == "/":
            return Typed(self.writing.divide(left.sql, right.sql), "number")
        whole = left.kind == right.kind == "integer"
        return Typed(binary(OPERATORS[node.operator], left.sql, right.sql), "integer" if whole else "number")

    def _number(self, node: plan.Expression, scope: Scope) -> Typed:
        if isinstance(node, plan.Value):
            return constants.like_kind(node.value, "number", self.writing)
        written = self.write(node, scope)
        if written.kind not in (*NUMERIC, "other"):
            raise PlanError(f"{describe(node)} is a {written.kind} where a number is needed")
        return written

    def _text(self, node: plan.Expression, scope: Scope) -> Typed:
        return Typed(self.writing.as_text(self.write(node, scope)), "text")

    def _moment(self, node: plan.Expression, scope: Scope) -> Typed:
        if isinstance(node, plan.Value):
            return constants.like_kind(node.value, "date", self.writing)
        written = self.write(node, scope)
        if written.kind in (*NUMERIC, "boolean"):
            raise PlanError(f"{describe(node)} is a {written.kind} where a date or time is needed")
        return written

    def _aggregate(self, node: plan.Aggregate, scope: Scope) -> Typed:
        if node.argument is None:
            if node.function != "count" or node.distinct:
                raise PlanError(f"{node.function!r} needs an argument; only a count of rows has none")
            result = Typed(exp.Count(this=exp.Star()), "integer")
        else:
            result = self._aggregate_of(node, node.argument, scope)
        if node.where is None:
            return result
        where = exp.Where(this=self.conditions.write(node.where, scope))
        return Typed(exp.Filter(this=result.sql, expression=where), result.kind)

    def _aggregate_of(self, node: plan.Aggregate, of: plan.Expression, scope: Scope) -> Typed:
        counted = node.function in ("count", "min", "max")
        argument = self.write(of, scope) if counted else self._number(of, scope)
        if node.distinct and node.function in ("median", "stddev"):
            raise PlanError(f"{node.function!r} of distinct values; aggregate a derived source with distinct rows")
        kinds: dict[str, Kind] = {"count": "integer", "avg": "number", "median": "number", "stddev": "number"}
        sql = self.writing.aggregate(node.function, argument, distinct=node.distinct)
        return Typed(sql, kinds.get(node.function, argument.kind), argument.canonical)

    def _function(self, node: plan.Function, scope: Scope) -> Typed:
        low, high = ARGUMENTS[node.function]
        if not low <= len(node.arguments) <= high:
            raise PlanError(f"{node.function!r} takes {low} to {high} arguments, not {len(node.arguments)}")
        first = node.arguments[0]
        match node.function:
            case "lower" | "upper" | "trim":
                return Typed(call(node.function.upper(), self._text(first, scope).sql), "text")
            case "length":
                return Typed(call("LENGTH", self._text(first, scope).sql), "integer")
            case "abs":
                written = self._number(first, scope)
                return Typed(call("ABS", written.sql), written.kind)
            case "round":
                return Typed(self.writing.round(self._number(first, scope).sql, self._digits(node)), "number")
            case "substring":
                return Typed(call("SUBSTR", self._text(first, scope).sql, *self._places(node, scope)), "text")
            case "concat":
                return self._concat([self._text(each, scope).sql for each in node.arguments])
        written_all = self.alike(node.arguments, scope)
        kind = _kind_of(written_all)
        return Typed(call(node.function.upper(), *(each.sql for each in written_all)), kind)

    def _digits(self, node: plan.Function) -> int | None:
        if len(node.arguments) == 1:
            return None
        digits = node.arguments[1]
        if not isinstance(digits, plan.Value) or not isinstance(digits.value, int):
            raise PlanError("'round' takes a whole number of digits")
        return digits.value

    def _places(self, node: plan.Function, scope: Scope) -> list[exp.Expr]:
        start = node.arguments[1]
        if isinstance(start, plan.Value) and (not isinstance(start.value, int) or start.value < 1):
            raise PlanError("'substring' starts at 1 or later")
        return [self._number(each, scope).sql for each in node.arguments[1:]]

    def _concat(self, parts: list[exp.Expr]) -> Typed:
        joined = parts[0]
        for part in parts[1:]:
            joined = binary(exp.DPipe, joined, part)
        return Typed(joined, "text")

    def _date_part(self, node: plan.DatePart, scope: Scope) -> Typed:
        return Typed(self.writing.part(node.part, self._moment(node.of, scope)), "integer")

    def _date_truncate(self, node: plan.DateTruncate, scope: Scope) -> Typed:
        return self.writing.truncate(node.unit, self._moment(node.of, scope))

    def _date_shift(self, node: plan.DateShift, scope: Scope) -> Typed:
        return self.writing.shift(self._moment(node.of, scope), node.amount, node.unit)

    def _date_difference(self, node: plan.DateDifference, scope: Scope) -> Typed:
        start, end = self._moment(node.start, scope), self._moment(node.end, scope)
        return Typed(self.writing.difference(node.unit, start, end), "number")

    def _now(self, node: plan.Now, _: Scope) -> Typed:
        return self.writing.now(date_only=node.date_only)

    def _choice(self, node: plan.Choice, scope: Scope) -> Typed:
        if not node.when:
            raise PlanError("a choice without conditions; give one or use the value itself")
        last = () if node.otherwise is None else (node.otherwise,)
        values = self.alike((*(value for _, value in node.when), *last), scope)
        cases = [
            exp.If(this=self.conditions.write(condition, scope), true=value.sql)
            for (condition, _), value in zip(node.when, values, strict=False)
        ]
        default = values[-1].sql if last else None
        kind = _kind_of(values)
        return Typed(exp.Case(ifs=cases, default=default), kind)

    def _scalar_query(self, node: plan.ScalarQuery, scope: Scope) -> Typed:
        tree, outputs = self.query(node.query, scope)
        if len(outputs) != 1:
            raise PlanError(f"a query used as one value has {len(outputs)} columns; give it one")
        return Typed(exp.Subquery(this=tree), outputs[0].kind)


def _kind_of(values: list[Typed]) -> Kind:
    """The kind of the first value that has one: a null has none."""
    return next((each.kind for each in values if each.kind != "other"), "other")


def _is_text(declared: str) -> bool:
    """Whether a declared type is one of text, as far as it is known."""
    plain = declared.lower().split("(")[0].strip()
    return plain in TEXT_TYPES or plain.startswith("character")


def describe(node: plan.Node) -> str:
    """An expression for messages."""
    if isinstance(node, plan.Column):
        return f"{node.source}.{node.column}"
    return f"the {getattr(node, 'function', getattr(node, 'kind', 'part'))}"
