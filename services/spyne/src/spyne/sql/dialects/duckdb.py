"""DuckDB."""

from __future__ import annotations

from sqlglot import exp

from spyne.plan.model import AggregateName
from spyne.sql.build import Typed, call, cast
from spyne.sql.dialects.base import Writing


class DuckDB(Writing):
    """What DuckDB writes its own way."""

    def aggregate(self, function: AggregateName, argument: Typed, *, distinct: bool) -> exp.Expr:
        """Its median of decimals has no more digits than they."""
        if function == "median":
            argument = Typed(cast(argument.sql, "DOUBLE"), "number")
        return super().aggregate(function, argument, distinct=distinct)

    def epoch(self, value: Typed) -> exp.Expr:
        """Seconds since 1970."""
        return call("EPOCH", self.moment(value))

    def now(self, *, date_only: bool) -> Typed:
        """In the time zone of the session."""
        if date_only:
            return Typed(exp.CurrentDate(), "date")
        return Typed(cast(call("NOW"), "TIMESTAMP"), "timestamp")
