"""What stands beside a place of the question: the column that a value is compared with, a negation."""

from __future__ import annotations

from spyne.ask import lexicon
from spyne.ask.index import Link
from spyne.ask.linking import Mention
from spyne.ask.state import State
from spyne.ask.tokens import number

_NEGATIONS = frozenset(
    [
        "without",
        "not",
        "never",
        "no",
        "except",
        "excluding",
        "isn't",
        "aren't",
        "don't",
        "doesn't",
        "non",
        "didn't",
        "lack",
        "lacking",
    ]
)


def column_near(state: State, place: int, wanted: str, *, reach: int = 4, before_first: bool = True) -> Mention | None:
    """The unused column mention nearest to a place, of numbers ("number") or text ("text")."""
    steps = range(1, reach + 1)
    orders = [[place - s for s in steps], [place + s for s in steps]]
    for order in orders if before_first else reversed(orders):
        for near in order:
            if near < 0 or near >= len(state.tokens) or state.tokens[near].text in {",", ".", "?", ";"}:
                break
            mention = state.at.get(near)
            if mention is None or mention.start in state.used:
                if state.word(near) in {"and", "or"} and mention is None:
                    break
                continue
            link = state.link(mention)
            if link.kind == "column":
                numeric = state.index.facts[link.table].numeric(link.column)
                if wanted == "number" and (numeric or has_numbers(state, link)):
                    return mention
                if wanted == "text" and not numeric:
                    return mention
            if link.kind == "value":
                break
    return None


def has_numbers(state: State, link: Link) -> bool:
    """Whether a column of text holds numbers, such as "20 million USD"."""
    values = state.index.facts[link.table].columns[link.column].values or ()
    return bool(values) and sum(isinstance(v, str) and number(v) is not None for v in values) >= 0.8 * len(values)


def display_before(state: State, place: int) -> tuple[str, str] | None:
    """The name of the table that is named last before a place."""
    for near in range(place - 1, -1, -1):
        mention = state.at.get(near)
        if mention is not None and state.link(mention).kind == "table":
            table = state.link(mention).table
            return table, state.index.facts[table].display[0]
    return None


def negated(state: State, place: int) -> bool:
    """Whether a word such as "not" or "without" stands right before."""
    window = [
        state.word(p)
        for p in range(max(0, place - 4), place)
        if not any(q in state.at and state.word(q) not in lexicon.LIGHT for q in range(p, place))
    ]
    return any(word in _NEGATIONS for word in window) or window[-2:] == ["other", "than"]
