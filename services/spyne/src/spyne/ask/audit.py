"""Checks a plan against the question: what the words demand and the plan does not do.

It knows nothing of how the plan came about. Whatever the grammar overlooks, such as a "never" or a "top 5", shows here,
so that an answer which leaves it out is not given as a sure one.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import re
from collections.abc import Iterable, Iterator

from pydantic import BaseModel

from spyne.ask import lexicon
from spyne.ask.state import State
from spyne.ask.tokens import number
from spyne.ask.weights import word_weight
from spyne.plan import model as plan

SAID = {
    "aggregate": "what is to be counted, added up or averaged",
    "best": "which come first, such as the highest, the latest or the top few",
    "negation": "what is not to be so",
    "comparison": "a comparison, such as more than something",
    "answer": "what is to be told",
    "condition": "conditions that cannot all be true of one row",
    "group": "a result for each of something",
    "time": "a time",
    "number": "a number or a date",
}
"""The demands that a plan has to meet, and how to say them."""
_NEGATIONS = lexicon.words(
    """
    not no never without except excluding exclude non neither nor isn't aren't wasn't weren't don't doesn't didn't
    hasn't haven't lack lacks lacking missing nobody none
    """
)
_COUNTING = re.compile(r"\b(?:how many|number of|amount of|count|total|sum)\b")
_MEANS = lexicon.words("average avg median")
_RANKING = (lexicon.HIGH | lexicon.LOW | {"top", "popular"} | {w for w in lexicon.IMPLIED if w.endswith("est")}) - {
    "first", "recent", "minimum", "maximum", "min", "max", "least", "most",
}  # fmt: skip
_UNITS = lexicon.words("year years month months week weeks day days quarter quarters daily weekly monthly yearly")
_BEFORE_NUMBER = lexicon.words("above below over under exceeding exceeds exceed beyond least more less")


def unmet(state: State, query: plan.Query) -> frozenset[str]:
    """The kinds of demands of the question which the plan does not meet.

    Those of SAID leave no doubt. Two are mere hints: `head`, that what is asked for has no meaning in the schema, and
    `tail`, that the last word has none.
    """
    return frozenset(kind for kind, met in _Audit(state, query).demands() if not met)


class _Audit:
    def __init__(self, state: State, query: plan.Query) -> None:
        self._state = state
        self._nodes = list(_walk(query))
        self._free = [  # each word that is not part of a name
            token.lower if place not in state.at or token.lower in _NEGATIONS else "_"
            for place, token in enumerate(state.tokens)
        ]
        self._text = " ".join(self._free)

    def demands(self) -> Iterator[tuple[str, bool]]:
        """What the words demand, and whether the plan does it."""
        words = set(self._free)
        aggregates = {node.function for node in self._nodes if isinstance(node, plan.Aggregate)}
        selects = [node for node in self._nodes if isinstance(node, plan.Select)]
        limited = any(s.limit is not None and s.order_by for s in selects)
        inner = any(isinstance(node, plan.ScalarQuery) for node in self._nodes)
        if words & _MEANS:
            yield "aggregate", bool(aggregates & {"avg", "median"})
        elif _COUNTING.search(self._text):
            yield "aggregate", bool(aggregates) or self._counts()
        if (words & _RANKING and " to " not in self._text) or re.search(r"(?<!at )\bmost\b(?! of\b)", self._text):
            sorted_ = bool(words & {"ordered", "sorted", "ranked", "order", "sort"}) and any(
                s.order_by for s in selects
            )
            yield "best", limited or sorted_ or inner or bool(aggregates & {"max", "min"})
        if re.search(r"\b(?:first|last)\W*$", self._text):
            yield "best", limited
        if (last := re.search(r"\b(?:last|past|previous) (\d+)\b", self._text)) is not None:
            shifted = any(isinstance(node, plan.DateShift) for node in self._nodes)
            yield "time", shifted or any(s.limit == int(last[1]) for s in selects)
        yield "answer", self._tells(selects)
        if words & _NEGATIONS and not re.search(r"\bno (?:more|less|fewer|later) than\b|\bnot only\b", self._text):
            yield "negation", any(_negates(node) for node in self._nodes)
        if self._compares():
            yield "comparison", any(_bounds(node) for node in self._nodes)
        if re.search(r"\bsame\b.{1,40}\bas\b", self._text):
            yield "comparison", inner or any(isinstance(node, plan.Exists | plan.In) for node in self._nodes)
        yield "condition", not any(_contradicts(node) for node in self._nodes)
        yield from self._groups(words, selects, bool(aggregates), limited)
        if self._tells_time(words):
            yield "time", any(self._is_time(node) for node in self._nodes)
        yield "number", all(self._has(n) for w, n in lexicon.ORDINALS.items() if n > 1 and w in words)
        yield "number", all(self._has(each) for each in self._numbers())
        yield from self._nouns()

    def _groups(
        self, words: set[str], selects: list[plan.Select], aggregates: bool, limited: bool
    ) -> Iterator[tuple[str, bool]]:
        grouped = any(s.group_by for s in selects)
        within = any(isinstance(n, plan.ScalarQuery) and _correlated(n.query) for n in self._nodes)
        if any(word == "per" and not self._is_rate(place) for place, word in enumerate(self._free)):
            divided = any(isinstance(n, plan.Arithmetic) and n.operator == "/" for n in self._nodes)
            yield "group", grouped or divided or within
        each = bool(words & {"each", "every"})
        if each and not grouped and re.search(r"\b(?:total|average)\b", " ".join(self._state.lower)):
            yield "group", not self._adds_up(selects)
        if each and (aggregates or limited):
            yield "group", within or (grouped and not (words & _RANKING and any(s.limit == 1 for s in selects)))

    def _tells(self, selects: list[plan.Select]) -> bool:
        """Whether the answer tells more than what the question says itself; of people more than a number."""
        outer = selects[:1]
        shown = {i.value for s in outer for i in s.items}
        said = {
            n.left
            for n in self._nodes
            if isinstance(n, plan.Comparison) and n.operator == "=" and isinstance(n.right, plan.Value)
        }
        if shown and shown <= said and not any(isinstance(n, plan.AnyOf) for n in self._nodes):
            return False
        if self._state.word(0) != "who":
            return True
        facts = self._state.index.facts
        return not all(
            isinstance(v, plan.Column) and facts.known(v.source) and facts[v.source].is_id(v.column) for v in shown
        )

    def _adds_up(self, selects: list[plan.Select]) -> bool:
        """Whether a number of one table is listed beside a column of another, with many rows for each of that."""
        shown = [i.value for s in selects for i in s.items if isinstance(i.value, plan.Column)]
        numbers = [c for c in shown if self._is_number(c)]
        return any(
            self._state.index.joins.to_many(other.source, column.source)
            for column in numbers
            for other in shown
            if other.source != column.source and self._state.index.facts.known(other.source)
        )

    def _is_number(self, column: plan.Column) -> bool:
        if not self._state.index.facts.known(column.source):
            return False
        facts = self._state.index.facts[column.source]
        return column.column in facts.columns and facts.numeric(column.column) and not facts.is_id(column.column)

    def _is_rate(self, place: int) -> bool:
        """Whether it is a price or a speed: "$200 per night"."""
        return any(self._state.tokens[p].kind == "number" for p in range(max(0, place - 3), place))

    def _counts(self) -> bool:
        """Whether a column that holds a number of things is listed: "number of seats" for `num_seats`."""
        return any(isinstance(node, plan.Column) and self._is_number(node) for node in self._nodes)

    def _compares(self) -> bool:
        free = self._free
        for place, word in enumerate(free):
            if word == "than" and free[place - 1 : place] != ["other"] and free[place - 1 : place] != ["rather"]:
                return True
            if word in _BEFORE_NUMBER and any(
                self._state.tokens[p].kind == "number" for p in range(place + 1, min(place + 3, len(free)))
            ):
                return True
        return bool(re.search(r"\b(?:above|below|over|under) (?:the )?(?:average|mean|median)\b", self._text))

    def _tells_time(self, words: set[str]) -> bool:
        months = words & frozenset(lexicon.MONTHS) - {"may", "march"}
        units = any(
            word in _UNITS and not (self._free[place - 1 : place] == ["per"] and self._is_rate(place - 1))
            for place, word in enumerate(self._free)
        )
        return bool(months) or units or bool(words & {"today", "yesterday", "tomorrow"})

    def _is_time(self, node: BaseModel) -> bool:
        if isinstance(node, plan.DatePart | plan.DateTruncate | plan.DateShift | plan.DateDifference | plan.Now):
            return True
        if isinstance(node, plan.Value):
            return isinstance(node.value, str) and re.match(r"\d{4}-\d{2}-\d{2}", node.value) is not None
        if isinstance(node, plan.Column):
            return re.search(r"year|month|week|day|quarter|date|time|age|duration", node.column.lower()) is not None
        return False

    def _numbers(self) -> Iterable[float | int | str]:
        for place, token in enumerate(self._state.tokens):
            if place not in self._state.at and token.kind in {"number", "date"} and token.value is not None:
                yield token.value

    def _has(self, wanted: float | int | str) -> bool:
        for node in self._nodes:
            if isinstance(node, plan.Select | plan.Compound) and node.limit == wanted:
                return True
            if isinstance(node, plan.DateShift) and abs(node.amount) == wanted:
                return True
            values = (
                (node.value,) if isinstance(node, plan.Value)
                else node.values if isinstance(node, plan.In)
                else (node.text,) if isinstance(node, plan.Like)
                else ()
            )  # fmt: skip
            if any(_says(value, wanted) for value in values):
                return True
        return False

    def _nouns(self) -> Iterator[tuple[str, bool]]:
        """Whether what is asked for has a meaning here, and what is said last."""
        tokens, at = self._state.tokens, self._state.at
        heavy = [p for p, t in enumerate(tokens) if p in at or word_weight(t) >= 0.5]
        missing = set(self._state.linked.unlinked)
        if heavy:
            yield "head", heavy[0] not in missing or heavy[0] in self._state.used or heavy[0] + 1 in at
            yield "tail", heavy[-1] not in missing or heavy[-1] in self._state.used


def _says(value: plan.Scalar, wanted: float | int | str) -> bool:
    """Whether a constant is a number or date of the question, or the day after it: the end of a span is left out."""
    if isinstance(value, str):
        with contextlib.suppress(ValueError):
            eve = (dt.date.fromisoformat(value) - dt.timedelta(days=1)).isoformat()
            return str(wanted) in value or str(wanted) in eve
        return str(wanted) in value or number(value) == wanted
    return value == wanted or (isinstance(wanted, str) and str(value) == wanted[:4])  # a month may have its own column


def _walk(node: object) -> Iterator[BaseModel]:
    """All parts of a plan."""
    if isinstance(node, BaseModel):
        yield node
        for name in type(node).model_fields:
            yield from _walk(getattr(node, name))
    elif isinstance(node, tuple):
        for each in node:
            yield from _walk(each)


def _correlated(query: plan.Query) -> bool:
    return isinstance(query, plan.Select) and query.where is not None


def _negates(node: BaseModel) -> bool:
    match node:
        case plan.In() | plan.Like() | plan.Exists():
            return node.negated
        case plan.Not():
            return True
        case plan.IsNull():
            return True
        case plan.Comparison(operator="!="):
            return True
        case plan.Comparison(operator="=", right=plan.Value(value=False)):
            return True
        case plan.Comparison(operator="=", right=plan.Value(value=0)):
            return True
        case plan.Compound(operator="except"):
            return True
    return False


def _contradicts(node: BaseModel) -> bool:
    """Whether one column is to have two values at once."""
    if not isinstance(node, plan.All):
        return False
    parts = [each for part in node.parts for each in (part.parts if isinstance(part, plan.All) else (part,))]
    wanted: dict[plan.Expression, set[plan.Scalar]] = {}
    for each in parts:
        if isinstance(each, plan.Comparison) and each.operator == "=" and isinstance(each.right, plan.Value):
            wanted.setdefault(each.left, set()).add(each.right.value)
    return any(len(values) > 1 for values in wanted.values())


def _bounds(node: BaseModel) -> bool:
    return isinstance(node, plan.Between) or (isinstance(node, plan.Comparison) and node.operator not in {"=", "!="})
