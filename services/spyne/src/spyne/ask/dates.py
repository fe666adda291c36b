"""Reads conditions on dates: years, months, days, ranges, and "the last 30 days"."""

from __future__ import annotations

import calendar
import datetime as dt

from spyne.ask import lexicon
from spyne.ask.frame import AllFilter, Condition, Filter, Operator
from spyne.ask.state import State
from spyne.plan.model import TimeUnit

_UNITS: dict[str, TimeUnit] = {
    "day": "day", "days": "day", "week": "week", "weeks": "week", "month": "month", "months": "month", "year": "year",
    "years": "year", "quarter": "quarter", "quarters": "quarter", "hour": "hour", "hours": "hour",
}  # fmt: skip
_OPERATORS: dict[str, Operator] = {
    "since": ">=",
    "from": ">=",
    "after": ">",
    "before": "<",
    "until": "<=",
    "by": "<=",
    "over": ">",
    "under": "<",
}


def read_dates(state: State, start: int, end: int) -> list[Condition]:
    """The conditions on dates between two places."""
    found: list[Condition] = []
    for place in range(start, end):
        if place in state.used:
            continue
        read = (
            _relative(state, place, end)
            or _quarter(state, place)
            or _range(state, place, end)
            or _absolute(state, place)
        )
        if read is not None:
            condition, first, after = read
            state.use(first, after)
            found.append(condition)
    return found


def _moment(state: State, place: int) -> tuple[str, str] | None:
    """The column of dates that is nearest: named before the place, else the first of the tables that are named."""
    for near in range(place - 1, max(-1, place - 7), -1):
        mention = state.at.get(near)
        if mention is None:
            continue
        link = state.link(mention)
        if (
            link.kind == "column"
            and state.index.facts[link.table].moment(link.column)
            and mention.start not in state.used
        ):
            state.use(mention.start, mention.end)
            return link.ref
    if state.moment is not None:
        return state.moment
    nearest = [
        state.link(m).table for m in reversed(state.linked.mentions) if m.end <= place and state.link(m).kind == "table"
    ]
    for table in (*nearest, *state.context()):
        facts = state.index.facts[table]
        moments = [c for c in facts.columns if facts.moment(c) and facts.columns[c].kind != "time"]
        if moments:
            state.guesses += 0.5 + 0.5 * (len(moments) > 1)
            return table, moments[0]
    return None


def _quarter(state: State, place: int) -> tuple[Condition, int, int] | None:
    """A quarter of a year, such as "the 1st quarter of 2023"."""
    which = lexicon.ORDINALS.get(state.word(place)) or {"q1": 1, "q2": 2, "q3": 3, "q4": 4}.get(state.word(place))
    if which is None or which > 4:
        return None
    after = place + 1 if state.word(place).startswith("q") else state.phrase(place + 1, "quarter")
    if after is None:
        return None
    after = state.skip(after, {"of", "the", "year"})
    span = _value(state, after)
    ref = _moment(state, place) if span else None
    if span is None or ref is None:
        return None
    year = int(span[0][:4])
    last = calendar.monthrange(year, 3 * which)[1]
    return _within(ref, f"{year}-{3 * which - 2:02d}-01", f"{year}-{3 * which:02d}-{last:02d}", place), place, after + 1


def _part(state: State, unit: str, place: int) -> tuple[str, str] | None:
    """A column that holds this part of a date by itself, such as `year`; no other where a verb names the date."""
    for near in (place - 1, place - 2, place - 3):
        mention = state.at.get(near)
        if mention is not None and state.link(mention).kind == "column" and mention.start not in state.used:
            link = state.link(mention)
            if unit in link.column.lower() and state.index.facts[link.table].numeric(link.column):
                state.use(mention.start, mention.end)
                return link.ref
    context = state.context()
    way = [t for e in state.index.joins.tree(context) or () for t in (e.child, e.parent)] if context else []
    for exact in (True,) if state.moment is not None else (True, False):
        for table in dict.fromkeys([*context, *way]):
            facts = state.index.facts[table]
            for column in facts.columns:
                if facts.bare(column) == (unit,) if exact else unit in column.lower() and facts.numeric(column):
                    return table, column
    return None


def _relative(state: State, place: int, end: int) -> tuple[Condition, int, int] | None:
    word = state.word(place)
    if word in {"today", "yesterday"} and (ref := _moment(state, place)):
        amount = 0 if word == "today" else -1
        return Filter(*ref, ">=", relative=(amount, "day"), place=place), place, place + 1
    if word not in {"last", "past", "previous"} or place + 1 >= end:
        return None
    after, amount = place + 1, 1
    token = state.tokens[after]
    if token.kind == "number" and isinstance(token.value, int):
        amount, after = token.value, after + 1
    unit = _UNITS.get(state.word(after))
    ref = _moment(state, place) if unit else None
    if unit is None or ref is None:
        return None
    return Filter(*ref, ">=", relative=(-amount, unit), place=place), place, after + 1


def _value(state: State, place: int) -> tuple[str, str] | None:
    """The first and the last day that a token means, as ISO text."""
    if not 0 <= place < len(state.tokens):
        return None
    token = state.tokens[place]
    if token.kind == "date" and isinstance(token.value, str):
        if token.unit == "day":
            return token.value, token.value
        year, month = int(token.value[:4]), int(token.value[5:7])
        return f"{token.value}-01", f"{token.value}-{calendar.monthrange(year, month)[1]:02d}"
    if token.kind == "number" and isinstance(token.value, int) and 1800 <= token.value <= 2100 and token.text.isdigit():
        return f"{token.value}-01-01", f"{token.value}-12-31"
    return None


def _same_year(state: State, place: int) -> tuple[str, str] | None:
    """A month whose year is said behind the next: March in "between March and May 2023"."""
    end = state.tokens[place + 2] if place + 2 < len(state.tokens) else None
    if state.word(place) not in lexicon.MONTHS or end is None or end.kind != "date":
        return None
    year, month = str(end.value)[:4], lexicon.MONTHS.index(state.word(place)) + 1
    return f"{year}-{month:02d}-01", f"{year}-{month:02d}-{calendar.monthrange(int(year), month)[1]:02d}"


def next_day(day: str) -> str:
    """The day after an ISO date."""
    return (dt.date.fromisoformat(day) + dt.timedelta(days=1)).isoformat()


def _within(ref: tuple[str, str], low: str, high: str, place: int) -> Condition:
    return AllFilter((Filter(*ref, ">=", low, place=place), Filter(*ref, "<", next_day(high), place=place)))


def _range(state: State, place: int, end: int) -> tuple[Condition, int, int] | None:
    if state.word(place) not in {"between", "from"}:
        return None
    low = _value(state, place + 1) or _same_year(state, place + 1)
    if low is None or state.word(place + 2) not in {"and", "to", "until", "through"}:
        return None
    high = _value(state, place + 3)
    if high is None or place + 3 >= end:
        return None
    if state.tokens[place + 1].kind == "number" and (ref := _part(state, "year", place)):
        return (
            Filter(*ref, "between", state.tokens[place + 1].value, state.tokens[place + 3].value, place=place),
            place,
            place + 4,
        )
    ref = _moment(state, place)
    return (_within(ref, low[0], high[1], place), place, place + 4) if ref else None


def _absolute(state: State, place: int) -> tuple[Condition, int, int] | None:  # noqa: C901 - one rule a line
    token = state.tokens[place]
    span = _value(state, place)
    if span is None or place in state.at:
        return _month_name(state, place)
    operator: Operator = "="
    first = place
    before = [state.word(place - 1), state.word(place - 2)]
    for word in before:
        if word in _OPERATORS and (word != "by" or token.kind == "date"):
            operator, first = _OPERATORS[word], place - 1
            break
        if word not in {"the", "year", "month", "of"}:
            break
    if token.kind == "number":
        if (
            before[0]
            not in {"in", "year", "of", "during", "since", "after", "before", "until", "for", "from", "is", "than"}
            and operator == "="
        ) and not (set(before) & {"in", "year", "released", "established"}):
            return None
        ref = _part(state, "year", place)
        if ref is not None:
            return Filter(*ref, operator, token.value, place=place), first, place + 1
    elif token.unit == "month" and (year := _part(state, "year", place)) and (month := _part(state, "month", place)):
        name = lexicon.MONTHS[int(str(token.value)[5:7]) - 1].capitalize()
        numeric = state.index.facts[month[0]].numeric(month[1])
        which = int(str(token.value)[5:7]) if numeric else name
        return AllFilter((Filter(*year, "=", int(str(token.value)[:4])), Filter(*month, "=", which))), first, place + 1
    ref = _moment(state, place)
    if ref is None:
        return None
    if operator == "=":
        return _within(ref, span[0], span[1], place), first, place + 1
    edge = {">": next_day(span[1]), ">=": span[0], "<": span[0], "<=": next_day(span[1])}[operator]
    return Filter(*ref, ">=" if operator in {">", ">="} else "<", edge, place=place), first, place + 1


def _month_name(state: State, place: int) -> tuple[Condition, int, int] | None:
    word = state.word(place)
    if word not in lexicon.MONTHS or state.word(place - 1) not in {"in", "of", "during"} or place in state.at:
        return None
    ref = _moment(state, place)
    if ref is None:
        return None
    return Filter(*ref, "=", lexicon.MONTHS.index(word) + 1, part="month", place=place), place, place + 1
