"""Reads conditions: parts of text, comparisons with numbers, dates, values."""

from __future__ import annotations

from spyne.ask import dates, lexicon
from spyne.ask.frame import Condition, Filter, Operator, Term
from spyne.ask.index import Link
from spyne.ask.near import column_near, display_before, has_numbers
from spyne.ask.state import State
from spyne.ask.tokens import number
from spyne.ask.values import read_values

_TEXT_MATCH: tuple[tuple[str, Operator], ...] = (
    ("starting with the letter", "starts"), ("start with the letter", "starts"), ("starts with the letter", "starts"),
    ("starting with", "starts"), ("start with", "starts"), ("starts with", "starts"), ("begin with", "starts"),
    ("begins with", "starts"), ("beginning with", "starts"), ("ending with", "ends"), ("end with", "ends"),
    ("ends with", "ends"), ("ending in", "ends"), ("containing", "like"), ("contains", "like"), ("contain", "like"),
    ("includes", "like"), ("like", "like"),
)  # fmt: skip

_MEASURED = lexicon.words(
    """
    minute minutes hour hours second seconds km kilometers kilometres miles meters metres cm kg kilograms grams tons
    euro euros dollar dollars usd eur percent
    """
)
_MEANS = frozenset({"average", "mean"})
_ABOVE: dict[str, Operator] = {"above": ">", "over": ">", "exceeding": ">", "exceeds": ">", "below": "<", "under": "<"}
_MORE: dict[str, Operator] = {
    "more": ">", "higher": ">", "greater": ">", "larger": ">", "bigger": ">", "longer": ">", "heavier": ">",
    "taller": ">", "faster": ">", "better": ">", "less": "<", "lower": "<", "fewer": "<", "smaller": "<",
    "shorter": "<", "cheaper": "<", "lighter": "<", "slower": "<", "worse": "<",
}  # fmt: skip


def read_filters(state: State, start: int = 0, end: int | None = None) -> list[Condition]:
    """The conditions between two places. What they account for is used."""
    end = len(state.tokens) if end is None else end
    found: list[Condition] = []
    found += _text_matches(state, start, end)
    found += _with_average(state, start, end)
    found += _out_of(state, start, end)
    found += _ordinals(state, start, end)
    found += _comparisons(state, start, end)
    found += dates.read_dates(state, start, end)
    found += read_values(state, start, end)
    return found


def _text_matches(state: State, start: int, end: int) -> list[Condition]:
    found: list[Condition] = []
    for place in range(start, end):
        for words, operator in _TEXT_MATCH:
            after = state.phrase(place, words)
            if after is None or after >= end:
                continue
            after = state.skip(after, {"the", "a", "letter", "letters", "word", "string", "text"})
            if (
                after >= end
                or state.tokens[after].kind not in {"quoted", "word"}
                or (operator == "like" and state.tokens[after].kind != "quoted")
            ):
                continue
            if state.tokens[after].kind == "word" and not (len(state.word(after)) == 1 or state.tokens[after].capital):
                continue
            mention = column_near(state, place, "text", reach=5)
            ref = state.link(mention).ref if mention else display_before(state, place)
            if ref is None:
                continue
            found.append(Filter(*ref, operator, state.tokens[after].text, place=place))
            state.use(place, after + 1)
            if mention is not None and place - mention.end <= 2:
                state.use(mention.start, mention.end)
            break
    return found


def _with_average(state: State, start: int, end: int) -> list[Condition]:
    """Comparisons with the average: "more pages than average", "priced above the average price"."""
    for place in range(start, end):
        if state.word(place) not in _MEANS or place in state.used or place in state.at:
            continue
        before = place - 1 if state.word(place - 1) != "the" else place - 2
        operator, first = _ABOVE.get(state.word(before)), before
        if state.word(before) == "than":
            first = next((p for p in range(before - 1, max(start, before - 5) - 1, -1) if state.word(p) in _MORE), -1)
            operator = _MORE.get(state.word(first))
        if operator is None:
            continue
        mention = column_near(state, place, "number", reach=5)
        ref = state.link(mention).ref if mention is not None else _implied_column(state, place, first)
        if ref is None or not state.index.facts[ref[0]].numeric(ref[1]):
            continue
        state.use(first, place + 1)
        for near in state.mentions(max(start, first - 3), min(end, place + 4)):
            if state.link(near).ref == ref:
                state.use(near.start, near.end)
        return [Filter(*ref, operator, average=True, place=place)]
    return []


def _out_of(state: State, start: int, end: int) -> list[Condition]:
    """What is used up: "out of stock" is a stock of 0."""
    for place in range(start, end):
        mention = state.free_mention(place + 2) if state.phrase(place, "out of") is not None else None
        if mention is not None and state.link(mention).kind == "column":
            ref = state.link(mention).ref
            if state.index.facts[ref[0]].numeric(ref[1]):
                state.use(place, mention.end)
                return [Filter(*ref, "=", 0, place=place)]
    return []


def _ordinals(state: State, start: int, end: int) -> list[Condition]:
    """Numbers that are said as places: the "second floor" is floor 2."""
    for place in range(start, end):
        mention = state.free_mention(place + 1)
        which = lexicon.ORDINALS.get(state.word(place))
        if which is None or mention is None or place in state.used or place in state.at:
            continue
        link = state.link(mention)
        facts = state.index.facts[link.table]
        counts = link.kind == "column" and facts.numeric(link.column) and not facts.is_id(link.column)
        if counts and which in (facts.columns[link.column].values or (which,)):
            state.use(place, mention.end)
            return [Filter(*link.ref, "=", which, place=place)]
    return []


def _operator_at(state: State, place: int) -> tuple[Operator, int] | None:
    for words, operator in lexicon.COMPARISONS:
        after = state.phrase(place, words)
        if after is not None:
            return operator, after  # type: ignore[return-value]
    return None


def _comparisons(state: State, start: int, end: int) -> list[Condition]:
    found: list[Condition] = []
    for place in range(start, end):
        if place in state.used:
            continue
        if state.word(place) == "between" and place + 3 < end + 1:
            found += _between(state, place, end)
            continue
        if state.tokens[place].kind != "number" or place in state.at:
            continue
        found += _number(state, place, start)
    return found


def _between(state: State, place: int, end: int) -> list[Condition]:
    low = place + 1
    high = next((p for p in range(low + 1, min(low + 4, end)) if state.tokens[p].kind == "number"), None)
    if high is None or state.tokens[low].kind != "number":
        return []
    mention = column_near(state, place, "number", reach=5) or column_near(state, high, "number", before_first=False)
    if mention is None:
        return []
    ref = state.link(mention).ref
    values = sorted((state.tokens[low].value, state.tokens[high].value), key=float)  # type: ignore[arg-type]
    state.use(place, high + 1)
    state.use(mention.start, mention.end)
    return [Filter(*ref, "between", values[0], values[1], place=place)]


def _number(state: State, place: int, start: int) -> list[Condition]:  # noqa: C901 - one rule a line
    value = state.tokens[place].value
    operator: Operator = "="
    first = place
    for back in range(max(start, place - 6), place):
        at = _operator_at(state, back)
        if at is not None and at[1] == place:
            operator, first = at[0], back
            break
    after = place + 1
    for words, op in (
        ("or more", ">="),
        ("or higher", ">="),
        ("or above", ">="),
        ("or less", "<="),
        ("or fewer", "<="),
        ("or lower", "<="),
    ):
        if (past := state.phrase(after, words)) is not None:
            operator, after = op, past  # type: ignore[assignment]
    is_year = isinstance(value, int) and 1800 <= value <= 2100 and state.tokens[place].text.isdigit()
    if is_year and (
        state.word(first - 1) in {"in", "year", "since", "of", "during"}
        or operator != "="
        or state.word(place - 1) in {"in", "year"}
    ):
        return []  # a year: dates.py reads it
    if state.word(after) in _MEASURED and after not in state.at:
        state.use(after, after + 1)
    if operator == "=" and (first, after) == (place, place + 1) and (key := _key_before(state, place)):
        state.use(place, after)
        return [Filter(*key, "=", value, place=place)]
    following = state.free_mention(state.skip(after))
    if (
        operator in {">", ">=", "<", "<=", "="}
        and following is not None
        and state.link(following).kind == "table"
        and first < place
    ):
        table = state.link(following).table
        state.frame.having.append((Term(table, None, "count", place=place), operator, value))
        state.use(first, following.end)
        return []
    mention = (
        column_near(state, first, "number", reach=6)
        if first < place or state.word(place - 1) in {"of", "is", "=", "with", "was"}
        else None
    )
    mention = (
        mention
        or column_near(state, after - 1, "number", reach=3, before_first=False)
        or column_near(state, first, "number", reach=4)
    )
    if mention is not None:
        ref = state.link(mention).ref
        state.use(first, after)
        state.use(mention.start, mention.end)
        return [_typed(state, ref, operator, value, place)]
    implied = _implied_column(state, place, first)
    if implied is not None:
        state.use(first, after)
        return [_typed(state, implied, operator, value, place)]
    return []


def _key_before(state: State, place: int) -> tuple[str, str] | None:
    """The key of the table that is named right before a whole number: "booking 12"."""
    owner = state.at.get(place - 1)
    if owner is None or state.link(owner).kind != "table" or not isinstance(state.tokens[place].value, int):
        return None
    facts = state.index.facts[state.link(owner).table]
    return (facts.name, facts.key[0]) if len(facts.key) == 1 and facts.numeric(facts.key[0]) else None


def _count_column(state: State, place: int) -> tuple[str, str] | None:
    """The column that counts what the word behind a number says: "500 employees" for `number_of_employees`."""
    if place >= len(state.tokens) or place in state.used:
        return None
    for table in state.context():
        facts = state.index.facts[table]
        for column in facts.columns:
            if facts.counts(column) == (state.tokens[place].stem,):
                return table, column
    return None


def _typed(state: State, ref: tuple[str, str], operator: Operator, value: object, place: int) -> Condition:
    """A number in a column of text is the value that begins with it, such as "20 million USD"."""
    info = state.index.facts[ref[0]].columns[ref[1]]
    if info.kind == "text" and operator == "=":
        for known in info.values or ():
            if isinstance(known, str) and number(known) == value:
                return Filter(*ref, "=", known, place=place)
    return Filter(*ref, operator, value, place=place)  # type: ignore[arg-type]


def _implied_column(state: State, place: int, first: int) -> tuple[str, str] | None:
    """The column that a word near the number means: "lasting 60 minutes" a duration, "$200" a price."""
    around = [state.word(p) for p in range(max(0, first - 3), min(len(state.tokens), place + 4))]
    kinds = [kind for word in around for kind in lexicon.IMPLIED.get(word, ())]
    if state.tokens[place].text[:1] in "$€£":
        kinds += ["price", "cost", "fee", "amount", "salary", "budget", "funding"]
    if "minutes" in around or "hours" in around:
        kinds += ["duration", "length", "runtime"]
    if "employees" in around or "people" in around or "persons" in around:
        kinds += ["capacity"]
    for kind in kinds:
        for table in state.context():
            facts = state.index.facts[table]
            for column in facts.columns:
                lowered = column.lower()
                if (
                    kind in lowered
                    and not facts.is_id(column)
                    and (facts.numeric(column) or has_numbers(state, Link("column", table, column)))
                ):
                    state.guesses += 1
                    return table, column
    return None
