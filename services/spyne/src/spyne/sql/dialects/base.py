"""How a database writes what is not the same everywhere; as PostgreSQL and DuckDB agree on it, where they do."""

from __future__ import annotations

from abc import ABC, abstractmethod
from datetime import date, datetime
from typing import Literal

from sqlglot import exp

from spyne.plan.model import AggregateName, TimeUnit
from spyne.sql.build import Typed, binary, call, cast, number, text

DAYS_OR_LONGER: tuple[TimeUnit, ...] = ("year", "quarter", "month", "week", "day")
SECONDS: dict[TimeUnit, float] = {
    "second": 1, "minute": 60, "hour": 3_600, "day": 86_400, "week": 604_800,
    "month": 2_629_800, "year": 31_557_600,  # a year of 365.25 days, and a twelfth of it
}  # fmt: skip
Match = Literal["contains", "starts", "ends"]


class Writing(ABC):
    """How one database writes what is not the same everywhere."""

    strict = True  # whether a value of another kind than its column is an error rather than never equal

    # Constants

    def boolean(self, value: bool) -> exp.Expr:
        """A truth value."""
        return exp.Boolean(this=value)

    def date(self, value: date) -> exp.Expr:
        """A date constant."""
        return cast(text(value.isoformat()), "DATE")

    def timestamp(self, value: datetime) -> exp.Expr:
        """A date and time constant."""
        return cast(text(value.isoformat(" ")), "TIMESTAMP")

    # Text

    def as_text(self, value: Typed) -> exp.Expr:
        """The value as text."""
        return value.sql if value.kind == "text" else cast(value.sql, "TEXT")

    def like(self, of: Typed, wanted: str, match: Match, *, ignore_case: bool) -> exp.Expr:
        """Text that contains, starts or ends with a literal text."""
        kind = exp.ILike if ignore_case else exp.Like
        return pattern(kind, self.as_text(of), wanted, match)

    # Numbers

    def divide(self, left: exp.Expr, right: exp.Expr) -> exp.Expr:
        """Real division, null where the divisor is 0."""
        divisor = right
        if not (isinstance(right, exp.Literal) and float(right.this)):
            divisor = exp.Nullif(this=right, expression=exp.Literal.number(0))
        return binary(exp.Div, cast(left, "DOUBLE"), divisor)

    def round(self, value: exp.Expr, digits: int | None) -> exp.Expr:
        """Rounded to decimal digits."""
        return call("ROUND", value, *([] if digits is None else [number(digits)]))

    def aggregate(self, function: AggregateName, argument: Typed, *, distinct: bool) -> exp.Expr:
        """An aggregate other than COUNT(*)."""
        value = exp.Distinct(expressions=[argument.sql]) if distinct else argument.sql
        return call(function.upper(), value)

    # Dates and times

    def moment(self, value: Typed) -> exp.Expr:
        """The value as a date and time."""
        return value.sql if value.kind in ("timestamp", "time") else cast(value.sql, "TIMESTAMP")

    def comparable(self, value: Typed) -> Typed:
        """A date or time in the form in which it may be compared with other times."""
        return value if value.kind == "timestamp" else Typed(self.moment(value), "timestamp", canonical=True)

    def part(self, part: str, of: Typed) -> exp.Expr:
        """One part of a date or time as a whole number; weekdays count from 0, Sunday."""
        field = "DOW" if part == "weekday" else part.upper()
        extracted = exp.Extract(this=exp.Var(this=field), expression=self.moment(of))
        return cast(call("FLOOR", extracted) if part == "second" else extracted, "INT")

    def truncate(self, unit: TimeUnit, of: Typed) -> Typed:
        """The start of the unit; a date for units of a day or longer."""
        start = call("DATE_TRUNC", text(unit), self.moment(of))
        return Typed(cast(start, "DATE"), "date") if unit in DAYS_OR_LONGER else Typed(start, "timestamp")

    def shift(self, of: Typed, amount: int, unit: TimeUnit) -> Typed:
        """A date or time moved; a date stays one when it is moved by days or longer."""
        count, plain = (amount * 3, "month") if unit == "quarter" else (amount, unit)
        interval = exp.Interval(this=text(str(count)), unit=exp.Var(this=plain.upper()))
        moved = binary(exp.Add, self.moment(of), interval)
        moved.expression.replace(interval)  # an interval needs no parentheses
        if of.kind == "date" and unit in DAYS_OR_LONGER:
            return Typed(cast(moved, "DATE"), "date")
        return Typed(moved, "timestamp")

    def difference(self, unit: TimeUnit, start: Typed, end: Typed) -> exp.Expr:
        """The time between two moments in units, with fractions."""
        seconds = binary(exp.Sub, self.epoch(end), self.epoch(start))
        return binary(exp.Div, seconds, exp.Literal.number(f"{SECONDS[unit]:.1f}"))

    @abstractmethod
    def epoch(self, value: Typed) -> exp.Expr:
        """Seconds since 1970."""

    @abstractmethod
    def now(self, *, date_only: bool) -> Typed:
        """The time at which the query runs."""


def pattern(kind: type[exp.Binary], of: exp.Expr, wanted: str, match: Match) -> exp.Expr:
    """LIKE with a pattern in which the wanted text means itself."""
    escaped = wanted
    for special in "\\%_":
        escaped = escaped.replace(special, "\\" + special)
    if match != "starts":
        escaped = "%" + escaped
    if match != "ends":
        escaped += "%"
    like = binary(kind, of, text(escaped))
    return exp.Escape(this=like, expression=text("\\")) if "\\" in escaped else like
