"""Short ways to write plans in tests."""

from spyne.plan import model as p


def col(name: str) -> p.Column:
    """`source.column`."""
    source, column = name.split(".")
    return p.Column(source=source, column=column)


def val(value: p.Scalar) -> p.Value:
    """A constant."""
    return p.Value(value=value)


def table(name: str, alias: str | None = None) -> p.Table:
    """A table under its name or an alias."""
    return p.Table(name=name, alias=alias or name)


def cmp(left: object, operator: str, right: object, *, ignore_case: bool = False) -> p.Comparison:
    """A comparison of columns ("a.b") and constants."""
    return p.Comparison(operator=operator, left=_expression(left), right=_expression(right), ignore_case=ignore_case)  # type: ignore[arg-type]


def _expression(value: object) -> object:
    return value if isinstance(value, p.Node) else val(value)  # type: ignore[arg-type]


def agg(function: str, argument: p.Node | None = None, **more: object) -> p.Aggregate:
    """An aggregate."""
    return p.Aggregate(function=function, argument=argument, **more)  # type: ignore[arg-type]


def fn(function: str, *arguments: object) -> p.Function:
    """A function of columns and constants."""
    return p.Function(function=function, arguments=tuple(_expression(each) for each in arguments))  # type: ignore[arg-type]


def select(*items: p.Node, source: p.Node | None = None, **more: object) -> p.Select:
    """A query over customers, unless a source says otherwise."""
    shown = tuple(item if isinstance(item, p.Item) else p.Item(value=item) for item in items)  # type: ignore[arg-type]
    return p.Select(items=shown, source=source or table("customers"), **more)  # type: ignore[arg-type]
