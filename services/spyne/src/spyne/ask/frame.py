"""What a question asks for, before it becomes a plan: terms, filters, groups, order."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from spyne.ask.joins import Edge
from spyne.plan.model import AggregateName, Scalar, TimeUnit

Operator = Literal["=", "!=", "<", "<=", ">", ">=", "between", "like", "starts", "ends", "null", "not_null", "lacks"]


@dataclass(frozen=True)
class Filter:
    """One condition on a column. `lacks` means that the row has no row of `table`."""

    table: str
    column: str
    operator: Operator
    value: Scalar = None
    high: Scalar = None
    unit: TimeUnit | None = None
    part: TimeUnit | None = None
    relative: tuple[int, TimeUnit] | None = None
    average: bool = False  # the column is compared with its own average over all rows
    best_of: tuple[AggregateName, str] | None = None  # the column is the least or greatest among equals in another
    place: int = 0


@dataclass(frozen=True)
class AnyFilter:
    """One of several conditions holds."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True)
class AllFilter:
    """Each of several conditions holds."""

    parts: tuple[Condition, ...]


Condition = Filter | AnyFilter | AllFilter


@dataclass(frozen=True)
class Term:
    """A column, or an aggregate of one. Without a column it counts rows of the table."""

    table: str
    column: str | None = None
    function: AggregateName | None = None
    distinct: bool = False
    where: tuple[Condition, ...] = ()
    part: TimeUnit | None = None
    place: int = 0
    soft: bool = False  # a sum that "number of" asks for: none is needed where each row has its number


@dataclass(frozen=True)
class Ratio:
    """One measure divided by another."""

    over: Term
    under: Term
    percent: bool = False
    whole: bool = False  # the divisor is of all rows, not of the group


Measure = Term | Ratio


@dataclass
class Frame:
    """All that one reading of a question asks for."""

    focus: str = ""
    items: list[Measure] = field(default_factory=list)
    stars: list[str] = field(default_factory=list)
    groups: list[Term] = field(default_factory=list)
    filters: list[Condition] = field(default_factory=list)
    having: list[tuple[Term, Operator, Scalar]] = field(default_factory=list)
    order: list[tuple[Measure, bool]] = field(default_factory=list)
    limit: int | None = None
    distinct: bool = False
    touched: list[str] = field(default_factory=list)
    shared_by: str | None = None
    kinds: bool = False  # each of what is listed once, not once for each row that has it
    branches: list[Frame] = field(default_factory=list)
    links: dict[tuple[str, str], Edge] = field(default_factory=dict)  # by child and parent, the key that joins them
