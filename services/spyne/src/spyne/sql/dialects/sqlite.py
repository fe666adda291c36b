"""SQLite, which keeps dates and times as ISO 8601 text and compares any kind with any other."""

from __future__ import annotations

from datetime import date, datetime

from sqlglot import exp

from spyne.plan.model import TimeUnit
from spyne.sql.build import Typed, atom, binary, call, cast, number, text
from spyne.sql.dialects.base import DAYS_OR_LONGER, Match, Writing, pattern

FORMATS = {"year": "%Y", "month": "%m", "day": "%d", "hour": "%H", "minute": "%M", "second": "%S", "weekday": "%w"}
STARTS: dict[TimeUnit, str] = {
    "year": "%Y-01-01", "month": "%Y-%m-01", "day": "%Y-%m-%d", "hour": "%Y-%m-%d %H:00:00",
    "minute": "%Y-%m-%d %H:%M:00", "second": "%Y-%m-%d %H:%M:%S",
}  # fmt: skip


class SQLite(Writing):
    """What SQLite writes its own way. `median` and `stddev` are those of `spyne.sql.aggregates`."""

    strict = False

    def boolean(self, value: bool) -> exp.Expr:
        """1 or 0."""
        return exp.Literal.number(int(value))

    def date(self, value: date) -> exp.Expr:
        """Text."""
        return text(value.isoformat())

    def timestamp(self, value: datetime) -> exp.Expr:
        """Text, in whole seconds, as `datetime()` writes it."""
        return text(value.isoformat(" ", "seconds"))

    def like(self, of: Typed, wanted: str, match: Match, *, ignore_case: bool) -> exp.Expr:
        """LIKE ignores the case of ASCII letters; where case counts, parts of the text are compared."""
        if ignore_case:
            return pattern(exp.Like, of.sql, wanted, match)
        value = self.as_text(of)
        if match == "contains" or not wanted:
            return binary(exp.GT, call("INSTR", value, text(wanted)), number(0))
        ends = [number(1), number(len(wanted))] if match == "starts" else [number(-len(wanted))]
        return binary(exp.EQ, call("SUBSTR", value, *ends), text(wanted))

    def divide(self, left: exp.Expr, right: exp.Expr) -> exp.Expr:
        """A division by 0 is null already."""
        return binary(exp.Div, cast(left, "DOUBLE"), right)

    def moment(self, value: Typed) -> exp.Expr:
        """Its functions of dates read any ISO text."""
        return value.sql

    def comparable(self, value: Typed) -> Typed:
        """One form, so that text compares as time."""
        if value.kind == "timestamp" and value.canonical:
            return value
        return Typed(call("DATETIME", value.sql), "timestamp", canonical=True)

    def part(self, part: str, of: Typed) -> exp.Expr:
        """Parts are text to it; quarters and ISO weeks are computed."""
        if part == "quarter":
            return _whole(binary(exp.Add, self.part("month", of), number(2)), 3)
        if part == "week":  # that of the week's Thursday, which lies in the year that counts the week
            thursday = call("DATE", of.sql, text("-3 days"), text("weekday 4"))
            day = cast(call("STRFTIME", text("%j"), thursday), "INT")
            return _whole(binary(exp.Add, day, number(6)), 7)
        return cast(call("STRFTIME", text(FORMATS[part]), of.sql), "INT")

    def truncate(self, unit: TimeUnit, of: Typed) -> Typed:
        """The start of the unit as text."""
        if unit == "week":
            return Typed(call("DATE", of.sql, text("-6 days"), text("weekday 1")), "date", canonical=True)
        if unit == "quarter":
            months = exp.Mod(this=atom(binary(exp.Sub, self.part("month", of), number(1))), expression=number(3))
            back = exp.DPipe(this=exp.DPipe(this=text("-"), expression=atom(months)), expression=text(" months"))
            return Typed(call("DATE", of.sql, text("start of month"), back), "date", canonical=True)
        kind = Typed(call("STRFTIME", text(STARTS[unit]), of.sql), "date", canonical=True)
        return kind if unit in DAYS_OR_LONGER else kind.as_kind("timestamp")

    def shift(self, of: Typed, amount: int, unit: TimeUnit) -> Typed:
        """The 31st moved by a month is the last of that month, not the first of the next."""
        date_only = of.kind == "date" and unit in DAYS_OR_LONGER
        function = "DATE" if date_only else "DATETIME"
        months = {"month": 1, "quarter": 3, "year": 12}.get(unit)
        if months is None:
            count, plain = (amount * 7, "days") if unit == "week" else (amount, f"{unit}s")
            moved = call(function, of.sql, text(f"{count:+d} {plain}"))
        else:
            count = amount * months
            moved = call(function, of.sql, text(f"{count:+d} months"))
            last = call("DATE", of.sql, text("start of month"), text(f"{count + 1:+d} months"), text("-1 day"))
            if not date_only:
                time = exp.DPipe(this=text(" "), expression=call("TIME", of.sql.copy()))
                last = exp.DPipe(this=last, expression=time)
            moved = call("MIN", moved, last)
        return Typed(moved, "date" if date_only else "timestamp", canonical=True)

    def epoch(self, value: Typed) -> exp.Expr:
        """Whole seconds since 1970."""
        return cast(call("STRFTIME", text("%s"), value.sql), "DOUBLE")

    def now(self, *, date_only: bool) -> Typed:
        """In UTC."""
        function = call("DATE" if date_only else "DATETIME", text("now"))
        return Typed(function, "date" if date_only else "timestamp", canonical=True)


def _whole(value: exp.Expr, by: int) -> exp.Expr:
    return exp.Div(this=atom(value), expression=number(by), typed=True)  # typed: whole numbers give a whole number
