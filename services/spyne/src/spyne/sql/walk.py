"""Walking over the parts of a plan."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import BaseModel

from spyne.plan.model import Aggregate, Column, Compound, Node, Select, Star

MAX_DEPTH = 60


def children(node: BaseModel) -> Iterator[Node]:
    """The parts that a part is made of."""
    for field in type(node).model_fields:
        yield from _nodes(getattr(node, field))


def _nodes(value: object) -> Iterator[Node]:
    if isinstance(value, Node):
        yield value
    elif isinstance(value, tuple):
        for each in value:
            yield from _nodes(each)


def depth(node: Node) -> int:
    """How deeply parts lie within parts; a plan that is too deep for the stack is as deep as one can ask for."""
    deepest, waiting = 0, [(node, 1)]
    while waiting:
        each, level = waiting.pop()
        deepest = max(deepest, level)
        waiting += [(child, level + 1) for child in children(each)]
    return deepest


def aggregates(node: Node) -> Iterator[Aggregate]:
    """The aggregates of this query, and not those of the queries within it."""
    if isinstance(node, Aggregate):
        yield node
    elif not isinstance(node, (Select, Compound)):
        for child in children(node):
            yield from aggregates(child)


def loose_columns(
    node: Node, groups: frozenset[object], hidden: frozenset[str] = frozenset()
) -> Iterator[Column | Star]:
    """The columns that have one value in a group only if its keys decide it: neither a key nor aggregated.

    Columns in an inner query count, unless a source of its own hides the alias.
    """
    if isinstance(node, Select):
        own = [node.source, *(join.source for join in node.joins)]
        hidden |= {source.alias.lower() for source in own}
    if key(node) in groups or isinstance(node, Aggregate):
        return
    if isinstance(node, (Column, Star)):
        if node.source.lower() not in hidden:
            yield node
        return
    for child in children(node):
        yield from loose_columns(child, groups, hidden)


def key(node: Node) -> object:
    """What makes two expressions the same: columns do not differ by the case of their names."""
    return ("column", node.source.lower(), node.column.lower()) if isinstance(node, Column) else node
