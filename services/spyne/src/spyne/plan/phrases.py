"""Expressions and conditions of a plan in plain words."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from spyne.plan import model as plan
from spyne.schema.model import Schema, TableInfo

AGGREGATES: dict[str, str] = {
    "count": "number", "sum": "total", "avg": "average", "min": "lowest", "max": "highest", "median": "median",
    "stddev": "standard deviation",
}  # fmt: skip
OPERATORS = {"+": "plus", "-": "minus", "*": "times", "/": "divided by"}
COMPARISONS = {"=": "is", "!=": "is not", "<": "is below", "<=": "is at most", ">": "is above", ">=": "is at least"}
IN_TIME = {"<": "is before", "<=": "is on or before", ">": "is after", ">=": "is on or after"}
MATCHES = {"contains": "contain", "starts": "start with", "ends": "end with"}


def listed(parts: Sequence[str], last: str = " and ") -> str:
    """Parts as people list them: "a, b and c"."""
    return last.join(filter(None, (", ".join(parts[:-1]), parts[-1]))) if parts else ""


class Phrases:
    """Says the parts of one select; `query` says the queries within it, and `outer` the one around it."""

    def __init__(
        self, select: plan.Select, schema: Schema, query: Callable[[plan.Query, Phrases], str], outer: Phrases | None
    ) -> None:
        self._schema = schema
        self._outer = outer
        self._say = query
        sources = [select.source, *(join.source for join in select.joins)]
        self._sources: dict[str, plan.Source] = {source.alias: source for source in sources}
        names = [source.name for source in sources if isinstance(source, plan.Table)]
        self._twice = {name for name in names if names.count(name) > 1}

    def _query(self, query: plan.Query) -> str:
        return self._say(query, self)

    # Names

    def table(self, alias: str) -> TableInfo | None:
        """The table under an alias; None for a derived source and for one that the schema does not have."""
        source = self._sources.get(alias)
        if source is None and self._outer is not None:
            return self._outer.table(alias)
        try:
            return self._schema.table(source.name) if isinstance(source, plan.Table) else None
        except KeyError:
            return None

    def source(self, alias: str, *, whole: bool = False) -> str:
        """What a source is called; `whole` says what a derived one consists of."""
        source = self._sources.get(alias)
        if source is None and self._outer is not None:
            return self._outer.source(alias)
        if isinstance(source, plan.Table):
            return f"{source.name} {alias}" if source.name in self._twice else source.name
        if source is not None and whole:
            return f"{alias} ({self._query(source.query)})"
        return alias

    def column(self, column: plan.Column) -> str:
        """A column; with its source, where there are several."""
        if len(self._sources) == 1 and column.source in self._sources:
            return column.column
        return f"{self.source(column.source).replace(' ', '_')}.{column.column}"

    def is_the_only_link(self, on: plan.Condition) -> bool:
        """Whether a join goes the one way that the two tables are linked, which then goes without saying."""
        if not isinstance(on, plan.Comparison) or on.operator != "=":
            return False
        if not isinstance(on.left, plan.Column) or not isinstance(on.right, plan.Column):
            return False
        one, other = on.left, on.right
        links = []
        for this, that in ((one, other), (other, one)):
            table, target = self.table(this.source), self.table(that.source)
            if table is None or target is None:
                return False
            links += [(this, that, key) for key in table.foreign_keys if key.references.lower() == target.name.lower()]
        if len({key for _, _, key in links}) != 1:
            return False
        this, that, key = links[0]
        wanted = ((this.column.lower(),), (that.column.lower(),))
        return wanted == (_lower(key.columns), _lower(key.referenced_columns))

    # Expressions

    def item(self, value: plan.Expression | plan.Star) -> str:
        """One column of the result."""
        if isinstance(value, plan.Star):
            return f"all columns of {self.source(value.source)}"
        return self.expression(value)

    def bare(self, value: plan.Expression) -> str:
        """An expression after an article."""
        return self.expression(value).removeprefix("the ")

    def extreme(self, value: plan.Expression, *, highest: bool) -> str:
        """The word for the first of an order."""
        if self._is_time(value):
            return "latest" if highest else "earliest"
        return "highest" if highest else "lowest"

    def expression(self, value: plan.Expression) -> str:  # noqa: C901 - one line for each kind
        """An expression."""
        match value:
            case plan.Column():
                return self.column(value)
            case plan.Value():
                return constant(value.value)
            case plan.Arithmetic():
                return f"{self._operand(value.left)} {OPERATORS[value.operator]} {self._operand(value.right)}"
            case plan.Aggregate():
                return self._aggregate(value)
            case plan.Function():
                return self._function(value)
            case plan.DatePart():
                return f"the {value.part} of {self.expression(value.of)}"
            case plan.DateTruncate():
                return f"the {value.unit} that {self.expression(value.of)} lies in"
            case plan.DateShift():
                return self._shift(value)
            case plan.DateDifference():
                return f"the {value.unit}s from {self.expression(value.start)} to {self.expression(value.end)}"
            case plan.Now():
                return "today" if value.date_only else "now"
            case plan.Choice():
                cases = [f"{self.expression(then)} if {self.condition(when)}" for when, then in value.when]
                otherwise = [] if value.otherwise is None else [f"else {self.expression(value.otherwise)}"]
                return f"({', '.join([*cases, *otherwise])})"
            case plan.ScalarQuery():
                return f"({self._query(value.query)})"

    def _operand(self, value: plan.Expression) -> str:
        text = self.expression(value)
        return f"({text})" if isinstance(value, plan.Arithmetic) else text

    def _aggregate(self, value: plan.Aggregate) -> str:
        if value.argument is None:
            only = len(self._sources) == 1
            what = self.source(next(iter(self._sources))) if only else "rows"
        else:
            what = ("different " if value.distinct else "") + self.expression(value.argument)
        name = AGGREGATES[value.function]
        if value.argument is not None and value.function in ("min", "max"):
            text = f"the {self.extreme(value.argument, highest=value.function == 'max')} {what}"
        else:
            text = f"the {name} of {what}"
        return text if value.where is None else f"{text} (only where {self.condition(value.where)})"

    def _function(self, value: plan.Function) -> str:
        first, *rest = (self.expression(each) for each in value.arguments)
        match value.function:
            case "lower" | "upper":
                return f"{first} in {'small' if value.function == 'lower' else 'capital'} letters"
            case "concat":
                return f"{' followed by '.join([first, *rest])}"
            case "coalesce":
                return f"{', or where missing '.join([first, *rest])}"
            case "nullif":
                return f"{first} unless it is {listed(rest)}"
            case "round":
                return f"{first} rounded" + (f" to {rest[0]} digits" if rest else "")
            case "substring":
                return f"{first} from character {rest[0]}" + (f", {rest[1]} long" if rest[1:] else "")
            case "trim":
                return f"{first} without spaces around it"
            case "abs":
                return f"the size of {first}"
            case "length":
                return f"the length of {first}"

    def _shift(self, value: plan.DateShift) -> str:
        count = abs(value.amount)
        amount = f"{count:,} {value.unit}{'' if count == 1 else 's'}"
        if isinstance(value.of, plan.Now):
            what = "" if value.of.date_only else ", to the second"
            return f"{amount} {'ago' if value.amount < 0 else 'from now'}{what}"
        return f"{amount} {'before' if value.amount < 0 else 'after'} {self.expression(value.of)}"

    def _is_time(self, value: plan.Expression) -> bool:
        if isinstance(value, plan.DateTruncate | plan.DateShift | plan.Now):
            return True
        if isinstance(value, plan.Aggregate) and value.function in ("min", "max") and value.argument is not None:
            return self._is_time(value.argument)
        table = self.table(value.source) if isinstance(value, plan.Column) else None
        try:
            kind = table.column(value.column).kind if table and isinstance(value, plan.Column) else "other"
        except KeyError:
            return False
        return kind in ("date", "time", "timestamp")

    # Conditions

    def condition(self, condition: plan.Condition) -> str:
        """A condition."""
        match condition:
            case plan.Comparison():
                words = COMPARISONS | (IN_TIME if self._is_time(condition.left) else {})
                sides = (self.expression(condition.left), self.expression(condition.right))
                return f" {words[condition.operator]} ".join(sides) + (" in any case" if condition.ignore_case else "")
            case plan.Between():
                ends = f"{self.expression(condition.low)} and {self.expression(condition.high)}"
                return f"{self.expression(condition.of)} is between {ends}"
            case plan.In():
                return self._in(condition)
            case plan.Like():
                verb = MATCHES[condition.match]
                does = (
                    f"does not {verb}" if condition.negated else verb.replace(verb.split()[0], f"{verb.split()[0]}s", 1)
                )
                case_ = "" if condition.ignore_case else " (in this case)"
                return f"{self.expression(condition.of)} {does} {constant(condition.text)}{case_}"
            case plan.IsNull():
                return f"{self.expression(condition.of)} is {'not ' if condition.negated else ''}missing"
            case plan.Exists():
                return (
                    f"there is {'nothing' if condition.negated else 'something'} among ({self._query(condition.query)})"
                )
            case plan.All():
                return " and ".join(self._within(part) for part in condition.parts) or "anything"
            case plan.AnyOf():
                return " or ".join(self._within(part) for part in condition.parts) or "nothing"
            case plan.Not():
                return f"not ({self.condition(condition.part)})"

    def _within(self, part: plan.Condition) -> str:
        text = self.condition(part)
        return f"({text})" if isinstance(part, plan.All | plan.AnyOf) and len(part.parts) > 1 else text

    def _in(self, condition: plan.In) -> str:
        of = self.expression(condition.of)
        if condition.query is not None:
            return f"{of} is {'not ' if condition.negated else ''}among ({self._query(condition.query)})"
        values = listed([constant(value) for value in condition.values], " or ") or "nothing"
        if len(condition.values) == 1:
            return f"{of} is {'not ' if condition.negated else ''}{values}"
        return f"{of} is {'none' if condition.negated else 'one'} of {values}"


def constant(value: plan.Scalar) -> str:
    """A constant: text in quotation marks."""
    if value is None:
        return "missing"
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"“{value}”" if isinstance(value, str) else f"{value}"


def _lower(names: Sequence[str]) -> tuple[str, ...]:
    return tuple(name.lower() for name in names)
