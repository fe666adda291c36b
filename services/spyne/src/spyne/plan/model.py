"""The typed query plan.

The store of verified queries, the grammar and the language model all propose plans; SQL is only ever rendered from one.
A plan names tables and columns and no SQL text, so that nothing it says can reach a database but what it can express.
Every part is frozen and compares by value. As JSON it is what a language model is asked to return.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

Scalar = str | int | float | bool | None
ComparisonOperator = Literal["=", "!=", "<", "<=", ">", ">="]
AggregateName = Literal["count", "sum", "avg", "min", "max", "median", "stddev"]
TimeUnit = Literal["year", "quarter", "month", "week", "day", "hour", "minute", "second"]
FunctionName = Literal["lower", "upper", "length", "round", "abs", "coalesce", "trim", "concat", "substring", "nullif"]


class Node(BaseModel):
    """A part of a plan: frozen, compared by value, with no field beside its own."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Column(Node):
    """A column of a source: `source` is the alias under which the table or derived table stands in `sources`."""

    kind: Literal["column"] = "column"
    source: str
    column: str


class Value(Node):
    """A constant. Text that is compared with a date is an ISO 8601 date or time."""

    kind: Literal["value"] = "value"
    value: Scalar


class Arithmetic(Node):
    """Two numbers and an operator; `/` divides without rounding, and gives null when the divisor is 0."""

    kind: Literal["arithmetic"] = "arithmetic"
    operator: Literal["+", "-", "*", "/"]
    left: Expression
    right: Expression


class Aggregate(Node):
    """An aggregate over the group; `argument` None counts rows; `where` leaves out rows before it aggregates."""

    kind: Literal["aggregate"] = "aggregate"
    function: AggregateName
    argument: Expression | None = None
    distinct: bool = False
    where: Condition | None = None


class Function(Node):
    """A function of single values, from a short list that every database has."""

    kind: Literal["function"] = "function"
    function: FunctionName
    arguments: tuple[Expression, ...]


class DatePart(Node):
    """One part of a date or time, as a whole number (`week` and `quarter` count from 1)."""

    kind: Literal["date_part"] = "date_part"
    part: TimeUnit | Literal["weekday"]
    of: Expression


class DateTruncate(Node):
    """The start of the unit that a date or time lies in."""

    kind: Literal["date_truncate"] = "date_truncate"
    unit: TimeUnit
    of: Expression


class DateShift(Node):
    """A date or time moved by `amount` units; a negative amount goes back."""

    kind: Literal["date_shift"] = "date_shift"
    of: Expression
    amount: int
    unit: TimeUnit


class DateDifference(Node):
    """The time from `start` to `end` in units, with fractions."""

    kind: Literal["date_difference"] = "date_difference"
    unit: Literal["year", "month", "week", "day", "hour", "minute", "second"]
    start: Expression
    end: Expression


class Now(Node):
    """The time at which the query runs; `date_only` leaves out the hour."""

    kind: Literal["now"] = "now"
    date_only: bool = False


class Choice(Node):
    """The value of the first condition that holds, else `otherwise`."""

    kind: Literal["choice"] = "choice"
    when: tuple[tuple[Condition, Expression], ...]
    otherwise: Expression | None = None


class ScalarQuery(Node):
    """A query that gives one value."""

    kind: Literal["scalar_query"] = "scalar_query"
    query: Query


class Star(Node):
    """All columns of a source: what "show me customers" asks for."""

    kind: Literal["star"] = "star"
    source: str


class Comparison(Node):
    """Two expressions compared; `ignore_case` folds both when they are text."""

    kind: Literal["comparison"] = "comparison"
    operator: ComparisonOperator
    left: Expression
    right: Expression
    ignore_case: bool = False


class Between(Node):
    """Both ends belong to the range."""

    kind: Literal["between"] = "between"
    of: Expression
    low: Expression
    high: Expression


class In(Node):
    """Membership in a list of constants, or in the single column of a query."""

    kind: Literal["in"] = "in"
    of: Expression
    values: tuple[Scalar, ...] = ()
    query: Query | None = None
    negated: bool = False


class Like(Node):
    """Text that contains, starts or ends with other text. The text is literal: % and _ in it mean themselves."""

    kind: Literal["like"] = "like"
    of: Expression
    text: str
    match: Literal["contains", "starts", "ends"] = "contains"
    ignore_case: bool = True
    negated: bool = False


class IsNull(Node):
    """Whether a value is missing."""

    kind: Literal["is_null"] = "is_null"
    of: Expression
    negated: bool = False


class Exists(Node):
    """Whether a query, which may name sources of the query around it, gives any row."""

    kind: Literal["exists"] = "exists"
    query: Query
    negated: bool = False


class All(Node):
    """Every part holds."""

    kind: Literal["all"] = "all"
    parts: tuple[Condition, ...]


class AnyOf(Node):
    """One part or more holds."""

    kind: Literal["any"] = "any"
    parts: tuple[Condition, ...]


class Not(Node):
    """The part does not hold."""

    kind: Literal["not"] = "not"
    part: Condition


class Table(Node):
    """A table of the database, under an alias that is unique within the query."""

    kind: Literal["table"] = "table"
    name: str
    table_schema: str | None = None
    alias: str


class Derived(Node):
    """A query used as a table."""

    kind: Literal["derived"] = "derived"
    query: Query
    alias: str


class Join(Node):
    """One more source, joined to those before it; `on` None only where every pair is meant (a product)."""

    source: Source
    on: Condition | None
    how: Literal["inner", "left"] = "inner"


class Item(Node):
    """One column of the result. `label` is what it is called there; without one it keeps its column's name."""

    value: Expression | Star
    label: str | None = None


class Order(Node):
    """One key of the order. Missing values come last, unless `nulls_first`."""

    by: Expression
    descending: bool = False
    nulls_first: bool = False


class Select(Node):
    """A query over sources."""

    kind: Literal["select"] = "select"
    items: tuple[Item, ...] = Field(min_length=1)
    source: Source
    joins: tuple[Join, ...] = ()
    where: Condition | None = None
    group_by: tuple[Expression, ...] = ()
    having: Condition | None = None
    order_by: tuple[Order, ...] = ()
    limit: int | None = Field(default=None, ge=0)
    offset: int | None = Field(default=None, ge=0)
    distinct: bool = False


class Compound(Node):
    """Rows of two queries together; `order_by` names columns of the result by the label or name they have there."""

    kind: Literal["compound"] = "compound"
    operator: Literal["union", "union_all", "intersect", "except"]
    left: Query
    right: Query
    order_by: tuple[tuple[str, bool], ...] = ()
    limit: int | None = Field(default=None, ge=0)


Expression = Annotated[
    Column
    | Value
    | Arithmetic
    | Aggregate
    | Function
    | DatePart
    | DateTruncate
    | DateShift
    | DateDifference
    | Now
    | Choice
    | ScalarQuery,
    Field(discriminator="kind"),
]
Condition = Annotated[
    Comparison | Between | In | Like | IsNull | Exists | All | AnyOf | Not, Field(discriminator="kind")
]
Source = Annotated[Table | Derived, Field(discriminator="kind")]
Query = Annotated[Select | Compound, Field(discriminator="kind")]

for _model in (
    Arithmetic, Aggregate, Function, DatePart, DateTruncate, DateShift, DateDifference, Choice, ScalarQuery,
    Comparison, Between, In, Like, IsNull, Exists, All, AnyOf, Not, Derived, Join, Item, Order, Select, Compound,
):  # fmt: skip
    _model.model_rebuild()


class Plan(Node):
    """A whole query, as it is proposed, stored and sent."""

    query: Query

    def as_json(self) -> JsonValue:
        """The plan without what it leaves at its default, for the store and for people."""
        return self.model_dump(mode="json", exclude_defaults=False)


Plan.model_rebuild()
