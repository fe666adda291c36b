"""PostgreSQL."""

from __future__ import annotations

from sqlglot import exp

from spyne.plan.model import AggregateName
from spyne.sql.build import Typed, call, cast
from spyne.sql.dialects.base import Writing


class PostgreSQL(Writing):
    """What PostgreSQL writes its own way."""

    def round(self, value: exp.Expr, digits: int | None) -> exp.Expr:
        """Only its decimals round to digits, and only they round halves up."""
        return super().round(cast(value, "DECIMAL"), digits)

    def aggregate(self, function: AggregateName, argument: Typed, *, distinct: bool) -> exp.Expr:
        """The median is a percentile; truth values have no minimum, but AND and OR."""
        if function == "median":
            order = exp.Order(expressions=[exp.Ordered(this=argument.sql, nulls_first=False)])
            return exp.WithinGroup(this=call("PERCENTILE_CONT", exp.Literal.number("0.5")), expression=order)
        if argument.kind == "boolean" and function in ("min", "max"):
            return call("BOOL_AND" if function == "min" else "BOOL_OR", argument.sql)
        return super().aggregate(function, argument, distinct=distinct)

    def epoch(self, value: Typed) -> exp.Expr:
        """Seconds since 1970."""
        return exp.Extract(this=exp.Var(this="EPOCH"), expression=self.moment(value))

    def now(self, *, date_only: bool) -> Typed:
        """In the time zone of the session."""
        if date_only:
            return Typed(exp.CurrentDate(), "date")
        return Typed(exp.Column(this=exp.Identifier(this="LOCALTIMESTAMP")), "timestamp")
