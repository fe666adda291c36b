"""Conditions of a plan as SQL."""

from __future__ import annotations

from collections.abc import Callable

from sqlglot import exp

from spyne.plan import model as plan
from spyne.sql import constants
from spyne.sql.build import MOMENTS, NUMERIC, Typed, atom, binary, call, cast, name
from spyne.sql.errors import PlanError
from spyne.sql.expressions import Expressions
from spyne.sql.scope import Scope

COMPARISONS: dict[str, type[exp.Binary]] = {
    "=": exp.EQ, "!=": exp.NEQ, "<": exp.LT, "<=": exp.LTE, ">": exp.GT, ">=": exp.GTE,
}  # fmt: skip


class Conditions:
    """Writes conditions."""

    def __init__(self, expressions: Expressions) -> None:
        self._expressions = expressions
        self._writing = expressions.writing
        self._writers: dict[type[plan.Node], Callable[..., exp.Expr]] = {
            plan.Comparison: self._comparison,
            plan.Between: self._between,
            plan.In: self._in,
            plan.Like: self._like,
            plan.IsNull: self._is_null,
            plan.Exists: self._exists,
            plan.All: self._all,
            plan.AnyOf: self._any_of,
            plan.Not: self._not,
        }

    def write(self, condition: plan.Condition, scope: Scope) -> exp.Expr:
        """A condition. Raises PlanError."""
        return self._writers[type(condition)](condition, scope)

    def _comparison(self, node: plan.Comparison, scope: Scope) -> exp.Expr:
        for missing, other in ((node.left, node.right), (node.right, node.left)):
            if isinstance(missing, plan.Value) and missing.value is None:
                return self._compared_with_null(node, other, scope)
        left, right = self._pair(node.left, node.right, scope)
        if node.ignore_case and left.kind == right.kind == "text":
            left, right = Typed(call("LOWER", left.sql), "text"), Typed(call("LOWER", right.sql), "text")
        return binary(COMPARISONS[node.operator], left.sql, right.sql)

    def _compared_with_null(self, node: plan.Comparison, other: plan.Expression, scope: Scope) -> exp.Expr:
        if node.operator not in ("=", "!="):
            raise PlanError(f"{node.operator!r} null holds for nothing; use 'is_null'")
        return self._missing(self._expressions.write(other, scope).sql, negated=node.operator == "!=")

    def _pair(self, left: plan.Expression, right: plan.Expression, scope: Scope) -> tuple[Typed, Typed]:
        """Two expressions that may be compared: in one kind, dates and times in one form."""
        one, other = self._expressions.alike((left, right), scope)
        kinds = {one.kind, other.kind}
        if kinds <= set(MOMENTS) and "timestamp" in kinds:
            return self._writing.comparable(one), self._writing.comparable(other)
        if kinds == {"other", "text"} or ("text" in kinds and kinds & set(NUMERIC)):
            return Typed(self._writing.as_text(one), "text"), Typed(self._writing.as_text(other), "text")
        if "boolean" in kinds and kinds & set(NUMERIC):
            return self._as_number(one), self._as_number(other)
        return one, other

    def _as_number(self, value: Typed) -> Typed:
        return Typed(cast(value.sql, "INT"), "integer") if value.kind == "boolean" else value

    def _between(self, node: plan.Between, scope: Scope) -> exp.Expr:
        of, low = self._pair(node.of, node.low, scope)
        again, high = self._pair(node.of, node.high, scope)
        if of == again:
            return exp.Between(this=atom(of.sql), low=atom(low.sql), high=atom(high.sql))
        return exp.and_(binary(exp.GTE, of.sql, low.sql), binary(exp.LTE, again.sql, high.sql), copy=False)

    def _in(self, node: plan.In, scope: Scope) -> exp.Expr:
        if node.query is not None:
            return self._in_query(node, node.query, scope)
        of = self._expressions.write(node.of, scope)
        values = [constants.like_kind(value, of.kind, self._writing) for value in node.values if value is not None]
        if any(value.kind == "timestamp" for value in values):
            of, values = self._writing.comparable(of), [self._writing.comparable(value) for value in values]
        elif of.kind == "other" and any(value.kind == "text" for value in values):
            of = Typed(self._writing.as_text(of), "text")
            values = [Typed(self._writing.as_text(value), "text") for value in values]
        parts: list[exp.Expr] = []
        if values:
            inside = exp.In(this=atom(of.sql), expressions=[value.sql for value in values])
            parts.append(exp.Not(this=inside) if node.negated else inside)
        if None in node.values:
            parts.append(self._missing(of.sql.copy(), negated=node.negated))
        if not parts:
            return exp.Boolean(this=node.negated)
        return _joined(exp.And if node.negated else exp.Or, parts)

    def _in_query(self, node: plan.In, query: plan.Query, scope: Scope) -> exp.Expr:
        if node.values:
            raise PlanError("'in' takes values or a query, not both")
        tree, outputs = self._expressions.query(query, scope)
        if len(outputs) != 1:
            raise PlanError(f"the query of 'in' has {len(outputs)} columns; give it one")
        of = self._expressions.write(node.of, scope)
        if {of.kind, outputs[0].kind} == {"date", "timestamp"} or _text_and_number(of.kind, outputs[0].kind):
            raise PlanError(f"'in' compares a {of.kind} with a query of {outputs[0].kind}; compare like with like")
        if not node.negated:
            return exp.In(this=atom(of.sql), query=exp.Subquery(this=tree))
        # one missing value inside would make NOT IN hold for nothing
        member = exp.Column(this=name(outputs[0].name), table=name("member"))
        source = exp.Subquery(this=tree, alias=exp.TableAlias(this=name("member")))
        present = exp.Select(expressions=[member]).from_(source, copy=False)
        present.where(self._missing(member.copy(), negated=True), copy=False)
        return exp.Not(this=exp.In(this=atom(of.sql), query=exp.Subquery(this=present)))

    def _like(self, node: plan.Like, scope: Scope) -> exp.Expr:
        of = self._expressions.write(node.of, scope)
        like = self._writing.like(of, node.text, node.match, ignore_case=node.ignore_case)
        return exp.Not(this=atom(like)) if node.negated else like

    def _is_null(self, node: plan.IsNull, scope: Scope) -> exp.Expr:
        return self._missing(self._expressions.write(node.of, scope).sql, negated=node.negated)

    def _missing(self, value: exp.Expr, *, negated: bool) -> exp.Expr:
        missing = exp.Is(this=atom(value), expression=exp.Null())
        return exp.Not(this=missing) if negated else missing

    def _exists(self, node: plan.Exists, scope: Scope) -> exp.Expr:
        tree, _ = self._expressions.query(node.query, scope)
        exists = exp.Exists(this=tree)
        return exp.Not(this=exists) if node.negated else exists

    def _all(self, node: plan.All, scope: Scope) -> exp.Expr:
        parts = [self.write(part, scope) for part in node.parts]
        return _joined(exp.And, parts) if parts else exp.Boolean(this=True)

    def _any_of(self, node: plan.AnyOf, scope: Scope) -> exp.Expr:
        parts = [self.write(part, scope) for part in node.parts]
        return _joined(exp.Or, parts) if parts else exp.Boolean(this=False)

    def _not(self, node: plan.Not, scope: Scope) -> exp.Expr:
        return exp.Not(this=exp.Paren(this=self.write(node.part, scope)))


def _joined(kind: type[exp.Connector], parts: list[exp.Expr]) -> exp.Expr:
    """Conditions joined by AND or OR, those of the other kind in parentheses."""
    joined = _part(parts[0], kind)
    for part in parts[1:]:
        joined = kind(this=joined, expression=_part(part, kind))
    return joined if len(parts) > 1 else parts[0]


def _part(part: exp.Expr, kind: type[exp.Connector]) -> exp.Expr:
    other = isinstance(part, exp.Connector) and not isinstance(part, kind)
    return exp.Paren(this=part) if other else part


def _text_and_number(one: str, other: str) -> bool:
    return (one == "text" and other in NUMERIC) or (other == "text" and one in NUMERIC)
