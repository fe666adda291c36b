"""Short ways to build parts of a syntax tree."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from sqlglot import exp

from spyne.schema.model import Kind
from spyne.sql.errors import PlanError

NUMERIC: tuple[Kind, ...] = ("integer", "number")
MOMENTS: tuple[Kind, ...] = ("date", "timestamp")
ATOMS = (exp.Column, exp.Literal, exp.Func, exp.Cast, exp.Paren, exp.Subquery, exp.Null, exp.Boolean, exp.Filter)


@dataclass(frozen=True)
class Typed:
    """An expression and the kind of its values. `canonical`: SQLite keeps it in the one ISO form of its kind."""

    sql: exp.Expr
    kind: Kind
    canonical: bool = False

    def as_kind(self, kind: Kind) -> Typed:
        """Return the same expression, said to be of another kind."""
        return replace(self, kind=kind)


def call(name: str, *arguments: exp.Expr) -> exp.Expr:
    """A call by exactly this name: nothing is translated."""
    return exp.Anonymous(this=name, expressions=list(arguments))


def cast(value: exp.Expr, to: str) -> exp.Expr:
    """CAST(value AS to)."""
    return exp.Cast(this=value, to=exp.DataType.build(to))


def text(value: str) -> exp.Expr:
    """A text constant. Raises PlanError on a NUL character, which PostgreSQL has no place for."""
    if "\0" in value:
        raise PlanError("a text constant holds a NUL character; leave it out")
    return exp.Literal.string(value)


def number(value: float) -> exp.Expr:
    """A numeric constant. Raises PlanError when it is not finite."""
    if not math.isfinite(value):
        raise PlanError(f"{value} is no number that SQL can write; use a finite one")
    literal = exp.Literal.number(repr(abs(value)))
    return exp.Paren(this=exp.Neg(this=literal)) if value < 0 else literal


def name(value: str) -> exp.Identifier:
    """A quoted identifier. Raises PlanError on one that no database takes."""
    if not value or "\0" in value:
        raise PlanError(f"{value!r} cannot be the name of a table or column; give a name that is not empty")
    return exp.Identifier(this=value, quoted=True)


def atom(value: exp.Expr) -> exp.Expr:
    """The expression, in parentheses unless it needs none as an operand."""
    single = isinstance(value, ATOMS) and not isinstance(value, exp.Binary)  # AND and OR are functions to sqlglot
    return value if single else exp.Paren(this=value)


def binary(kind: type[exp.Binary], left: exp.Expr, right: exp.Expr) -> exp.Expr:
    """Two operands and an operator, parenthesised as they need."""
    return kind(this=atom(left), expression=atom(right))
