"""A plan in plain words: what is asked, so that people who read no SQL can tell one reading from another.

Plans that differ in what they ask for differ in their words; tables and columns keep the names that the database has.
"""

from __future__ import annotations

from spyne.plan import model as plan
from spyne.plan.phrases import Phrases, listed
from spyne.schema.model import Schema

COMPOUNDS = {
    "union": "together with",
    "union_all": "followed by (rows that are the same kept)",
    "intersect": "as far as they are also among",
    "except": "without",
}


def in_words(query: plan.Query, schema: Schema) -> str:
    """The reading in words, without a capital and a full stop: "the 5 customers with the highest total of amount"."""
    return _words(query, schema, None)


def _words(query: plan.Query, schema: Schema, outer: Phrases | None) -> str:
    if isinstance(query, plan.Select):
        return _Sentence(query, schema, outer).text()
    left, right = (_part(side, schema, outer) for side in (query.left, query.right))
    text = f"{left}, {COMPOUNDS[query.operator]} {right}"
    if query.order_by:
        keys = [f"{label}{' from the highest' if descending else ''}" for label, descending in query.order_by]
        text += f", ordered by {listed(keys)}"
    return text if query.limit is None else f"{text}, only the first {query.limit:,}"


def _part(query: plan.Query, schema: Schema, outer: Phrases | None) -> str:
    text = _words(query, schema, outer)
    return f"({text})" if isinstance(query, plan.Compound) else text


class _Sentence:
    """One select as a sentence."""

    def __init__(self, select: plan.Select, schema: Schema, outer: Phrases | None) -> None:
        self._select = select
        self._phrases = Phrases(select, schema, lambda query, inner: _words(query, schema, inner), outer)
        self._keys = select.group_by
        self._top = select.limit is not None and bool(select.order_by) and not select.offset

    def text(self) -> str:
        """The whole sentence."""
        select, say = self._select, self._phrases
        text = self._best() if self._top else self._shown()
        sources = self._sources()
        if sources:
            text += f", from {sources}"
        if select.where is not None:
            text += f", where {say.condition(select.where)}"
        if select.having is not None:
            text += f", only with {say.condition(select.having)}"
        return text if self._top else text + self._order()

    def _shown(self) -> str:
        """What is listed, when all of it is listed."""
        values = [item.value for item in self._select.items]
        shown = [value for value in values if value not in self._keys] or values
        text = ("the different " if self._select.distinct else "") + self._items(shown)
        if len(shown) == len(values) and all(isinstance(value, plan.Column) for value in values) and not self._keys:
            text += f" of {self._main()}" if not self._select.joins else ""
        return text + self._per(self._keys)

    def _best(self) -> str:
        """What is listed, when it is the first few of an order."""
        select, say = self._select, self._phrases
        keys = [self._extreme(order) for order in select.order_by]
        subject, told = self._subject()
        count = "one" if select.limit == 1 else f"{select.limit:,}"
        text = f"the {count} {'different ' if select.distinct else ''}"
        text += f"of {subject}" if select.limit == 1 else subject
        text += f" with {listed(keys, ', then ')}"
        rest = [each for each in self._keys if each not in told]
        text += self._per(tuple(rest))
        ordered = [order.by for order in select.order_by]
        shown = [item.value for item in select.items if item.value not in ordered and item.value not in self._keys]
        shown += [item.value for item in select.items if item.value in self._keys and item.value not in rest]
        return f"{text}: {listed([say.item(value) for value in shown])}" if shown else text

    def _subject(self) -> tuple[str, list[plan.Expression]]:
        """Of what there are the first few, and the keys that this says."""
        if not self._keys:
            return self._main(), []
        first = self._keys[0]
        if isinstance(first, plan.Column):
            own = [key for key in self._keys if isinstance(key, plan.Column) and key.source == first.source]
            table = self._phrases.table(first.source)
            names = {key.column.lower() for key in own}
            if table and table.primary_key and {part.lower() for part in table.primary_key} <= names:
                return self._phrases.source(first.source), list(own)
        return f"groups by {listed([self._phrases.expression(key) for key in self._keys])}", list(self._keys)

    def _items(self, values: list[plan.Expression | plan.Star]) -> str:
        return listed([self._phrases.item(value) for value in values])

    def _per(self, keys: tuple[plan.Expression, ...]) -> str:
        return f" per {listed([self._phrases.expression(key) for key in keys])}" if keys else ""

    def _extreme(self, order: plan.Order) -> str:
        word = self._phrases.extreme(order.by, highest=order.descending)
        return f"the {word} {self._phrases.bare(order.by)}{' (missing ones first)' if order.nulls_first else ''}"

    def _order(self) -> str:
        select, text = self._select, ""
        if select.order_by:
            keys = [
                self._phrases.bare(order.by)
                + (f" from the {self._phrases.extreme(order.by, highest=True)}" if order.descending else "")
                + (" (missing ones first)" if order.nulls_first else "")
                for order in select.order_by
            ]
            text += f", ordered by {listed(keys, ', then ')}"
        if select.limit is not None:
            text += f", only {select.limit:,} of them"
        return text + (f", after the first {select.offset:,}" if select.offset else "")

    def _main(self) -> str:
        return self._phrases.source(self._select.source.alias)

    def _sources(self) -> str:
        """The sources and how they are joined, unless there is just one and it is named already."""
        select, say = self._select, self._phrases
        if not select.joins:
            said = any(isinstance(item.value, plan.Column | plan.Star) for item in select.items)
            if isinstance(select.source, plan.Table) and said and not self._keys and not select.distinct:
                return ""
            return say.source(select.source.alias, whole=True)
        text = say.source(select.source.alias, whole=True)
        for join in select.joins:
            name = say.source(join.source.alias, whole=True)
            if join.on is None:
                text += f", each with every one of {name}"
            elif join.how == "left":
                text += f" with their {name}, if any"
            else:
                text += f" with their {name}"
            if join.on is not None and not say.is_the_only_link(join.on):
                text += f" (where {say.condition(join.on)})"
        return text
