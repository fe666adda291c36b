"""Says in words what a plan asks for, for people who do not read SQL."""

from __future__ import annotations

from spyne.ask import names
from spyne.plan import model as plan

_AGGREGATES = {
    "count": "number of",
    "sum": "total",
    "avg": "average",
    "min": "lowest",
    "max": "highest",
    "median": "median",
    "stddev": "spread of",
}
_COMPARISONS = {"=": "is", "!=": "is not", "<": "is below", "<=": "is at most", ">": "is above", ">=": "is at least"}


def describe(query: plan.Query) -> str:
    """A sentence about a query: what is listed, of which rows, grouped and ordered how."""
    if isinstance(query, plan.Compound):
        joint = {
            "union": "together with",
            "union_all": "together with",
            "intersect": "that are also",
            "except": "but not",
        }[query.operator]
        return f"{describe(query.left)}, {joint} {describe(query.right)}"
    parts = [_listed([_item(item) for item in query.items])]
    if query.group_by and not _shared(query):
        shown = {names.words(g.column) for g in query.group_by if isinstance(g, plan.Column)}
        parts.append(f"for each {_listed(sorted(shown))}" if shown else "for each period")
    if query.where is not None:
        parts.append(f"where {condition(query.where)}")
    if _shared(query):
        parts.append("shared by all")
    elif query.having is not None:
        parts.append(f"having {condition(query.having)}")
    if query.order_by:
        first = query.order_by[0]
        parts.append(f"{'highest' if first.descending else 'lowest'} {expression(first.by)} first")
    if query.limit is not None:
        parts.append("the first only" if query.limit == 1 else f"the first {query.limit}")
    return ", ".join(parts)


def _shared(query: plan.Select) -> bool:
    having = query.having
    return isinstance(having, plan.Comparison) and isinstance(having.right, plan.ScalarQuery)


def _listed(words: list[str]) -> str:
    unique = list(dict.fromkeys(words))
    return unique[0] if len(unique) == 1 else f"{', '.join(unique[:-1])} and {unique[-1]}" if unique else ""


def _item(item: plan.Item) -> str:
    if isinstance(item.value, plan.Star):
        return f"all about {names.words(item.value.source)}"
    return expression(item.value)


def expression(value: plan.Expression) -> str:
    """An expression in words."""
    if isinstance(value, plan.Column):
        return f"{names.words(value.column)} of {names.words(value.source)}"
    if isinstance(value, plan.Value):
        return str(value.value)
    if isinstance(value, plan.Aggregate):
        what = expression(value.argument) if value.argument is not None else "rows"
        if (
            value.function == "count"
            and isinstance(value.argument, plan.Column)
            and value.argument.column.lower().endswith("id")
        ):
            what = names.words(value.argument.source)
        condition_words = f" where {condition(value.where)}" if value.where is not None else ""
        return f"{_AGGREGATES[value.function]} {what}{condition_words}"
    if isinstance(value, plan.Arithmetic):
        joint = {"/": "divided by", "*": "times", "+": "plus", "-": "minus"}[value.operator]
        return f"{expression(value.left)} {joint} {expression(value.right)}"
    if isinstance(value, plan.DatePart | plan.DateTruncate):
        unit = value.part if isinstance(value, plan.DatePart) else value.unit
        return f"{unit} of {expression(value.of)}"
    if isinstance(value, plan.DateShift):
        return f"{abs(value.amount)} {value.unit}s {'ago' if value.amount <= 0 else 'ahead'}"
    if isinstance(value, plan.ScalarQuery):
        return describe(value.query)
    if isinstance(value, plan.Choice):
        return "calendar order"
    return value.kind.replace("_", " ")


def condition(part: plan.Condition) -> str:
    """A condition in words."""
    if isinstance(part, plan.Comparison):
        return f"{expression(part.left)} {_COMPARISONS[part.operator]} {expression(part.right)}"
    if isinstance(part, plan.All):
        return " and ".join(condition(each) for each in part.parts)
    if isinstance(part, plan.AnyOf):
        return "either " + ", or ".join(condition(each) for each in part.parts)
    if isinstance(part, plan.Between):
        return f"{expression(part.of)} is from {expression(part.low)} to {expression(part.high)}"
    if isinstance(part, plan.Like):
        match = {"contains": "contains", "starts": "starts with", "ends": "ends with"}[part.match]
        return f"{expression(part.of)} {match} {part.text}"
    if isinstance(part, plan.IsNull):
        return f"{expression(part.of)} is {'present' if part.negated else 'missing'}"
    if isinstance(part, plan.In):
        return f"{expression(part.of)} is {'none' if part.negated else 'one'} of {', '.join(map(str, part.values))}"
    if isinstance(part, plan.Not):
        return f"not ({condition(part.part)})"
    return f"there is {'no' if part.negated else 'a'} {names.words(_source(part.query))}"


def _source(query: plan.Query) -> str:
    if isinstance(query, plan.Compound):
        return _source(query.left)
    return query.source.name if isinstance(query.source, plan.Table) else query.source.alias
