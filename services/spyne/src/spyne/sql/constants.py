"""Constants, in the kind of what they are compared with."""

from __future__ import annotations

from datetime import UTC, date, datetime

from sqlglot import exp

from spyne.plan.model import Scalar
from spyne.schema.model import Kind
from spyne.sql.build import MOMENTS, NUMERIC, Typed, number, text
from spyne.sql.dialects.base import Writing
from spyne.sql.errors import PlanError

TRUTHS = {"true": True, "t": True, "yes": True, "1": True, "false": False, "f": False, "no": False, "0": False}


def plain(value: Scalar, writing: Writing) -> Typed:
    """A constant as it is."""
    if value is None:
        return Typed(exp.Null(), "other")
    if isinstance(value, bool):
        return Typed(writing.boolean(value), "boolean")
    if isinstance(value, int):
        return Typed(number(value), "integer")
    if isinstance(value, float):
        return Typed(number(value), "number")
    return Typed(text(value), "text")


def like_kind(value: Scalar, kind: Kind, writing: Writing) -> Typed:
    """A constant in the kind of what it stands beside.

    Raises PlanError when it is nothing of that kind, but for SQLite, where it just equals nothing.
    """
    if value is None or kind == "other":
        return plain(value, writing)
    wanted = _wanted(value, kind, writing)
    if wanted is not None:
        return wanted
    if writing.strict:
        raise PlanError(f"{value!r} is compared with a {kind}, and is none; give a {kind}")
    return plain(value, writing)


def _wanted(value: str | float | bool, kind: Kind, writing: Writing) -> Typed | None:
    if kind in MOMENTS:
        return _moment(str(value), kind, writing)
    if kind in NUMERIC:
        return _number(value)
    if kind == "boolean":
        truth = TRUTHS.get(str(value).strip().lower())
        return None if truth is None else Typed(writing.boolean(truth), "boolean")
    return Typed(text(str(value)), kind)


def _number(value: str | float | bool) -> Typed | None:
    if isinstance(value, bool):
        return Typed(number(int(value)), "integer")
    try:
        read = float(value) if isinstance(value, str) else value
        whole = int(value) if isinstance(value, str) and value.strip().lstrip("+-").isdecimal() else read
        return Typed(number(whole), "integer" if isinstance(whole, int) else "number")
    except (ValueError, PlanError):
        return None


def _moment(value: str, kind: Kind, writing: Writing) -> Typed | None:
    try:
        read = datetime.fromisoformat(value.strip())
    except ValueError:
        return None
    if read.tzinfo is not None:
        read = read.astimezone(UTC).replace(tzinfo=None)
    if kind == "date" and read == datetime.combine(read, datetime.min.time()):
        return Typed(writing.date(date(read.year, read.month, read.day)), "date", canonical=True)
    return Typed(writing.timestamp(read), "timestamp", canonical=True)
