"""Reads conditions that values, quotes, flags and negations make."""

from __future__ import annotations

from spyne.ask import lexicon
from spyne.ask.frame import AnyFilter, Condition, Filter, Operator
from spyne.ask.index import Link
from spyne.ask.linking import Mention
from spyne.ask.near import column_near, display_before, negated
from spyne.ask.state import State


def read_values(state: State, start: int, end: int) -> list[Condition]:
    """The conditions that known values, quoted text, flags and words of lack make between two places."""
    return [*_values(state, start, end), *_weekends(state, start, end), *_flags_and_missing(state, start, end)]


def _values(state: State, start: int, end: int) -> list[Condition]:
    found: list[Filter] = []
    for mention in state.mentions(start, end):
        link = state.link(mention)
        if link.kind != "value":
            continue
        denied = negated(state, mention.start)
        operator: Operator = (
            "!=" if denied else "=" if link.match == "equals" else "starts" if link.match == "starts" else "like"
        )
        text = link.value if link.match == "equals" else state.text(mention)
        found.append(Filter(link.table, link.column, operator, text, place=mention.start))
        state.use(mention.start, mention.end)
        _use_its_column(state, mention, link)
    state.repeated |= len({(f.table, f.column, f.value) for f in found}) < len(found)
    return [*_alternatives(found), *_quoted(state, start, end)]


def _alternatives(found: list[Filter]) -> list[Condition]:
    """Several values of one column are alternatives, for a column has one value."""
    by_column: dict[tuple[str, str, str], list[Filter]] = {}
    for one in found:
        same = by_column.setdefault((one.table, one.column, one.operator), [])
        if one.value not in {s.value for s in same}:
            same.append(one)
    joined: list[Condition] = []
    for (_, _, operator), same in by_column.items():
        joined += [AnyFilter(tuple(same))] if len(same) > 1 and operator in {"=", "starts", "like"} else same
    return joined


def _weekends(state: State, start: int, end: int) -> list[Condition]:
    """Weekends and weekdays, where a column has the days by name."""
    found: list[Condition] = []
    for place in range(start, end):
        days = {"weekend": lexicon.WEEKDAYS[5:], "weekday": lexicon.WEEKDAYS[:5]}.get(state.word(place).rstrip("s"))
        ref = _day_column(state) if days and place not in state.used else None
        if days is not None and ref is not None:
            found.append(AnyFilter(tuple(Filter(*ref, "=", day.capitalize(), place=place) for day in days)))
            state.use(place, place + 1)
    return found


def _day_column(state: State) -> tuple[str, str] | None:
    for table in state.context():
        for column in state.index.facts[table].table.columns:
            known = [v for v in column.values or () if isinstance(v, str)]
            if known and all(v.lower() in lexicon.WEEKDAYS for v in known):
                return table, column.name
    return None


def _use_its_column(state: State, mention: Mention, link: Link) -> None:
    """A column beside its own value only says which column: "city of New York", "AutoCAD software"."""
    behind = state.at.get(mention.end)
    if (
        behind is not None
        and behind.start not in state.used
        and any(each.kind == "column" and each.ref == link.ref and each.score >= 0.55 for each in behind.links)
    ) and state.link(behind).kind == "column":
        state.use(behind.start, behind.end)
        return
    for near in (mention.start - 1, mention.start - 2, mention.start - 3):
        other = state.at.get(near)
        if other is None or other.start in state.used or other is mention:
            if state.word(near) not in {
                "of",
                "the",
                "is",
                "are",
                "named",
                "called",
                "was",
                "=",
                "a",
                "in",
                "with",
                "titled",
            }:
                break
            continue
        if any(each.kind == "column" and each.ref == link.ref and each.score >= 0.6 for each in other.links):
            state.use(other.start, other.end)
        break


def _quoted(state: State, start: int, end: int) -> list[Condition]:
    """Quoted text that is no known value: compared with the text column beside it."""
    found: list[Condition] = []
    for place in range(start, end):
        token = state.tokens[place]
        if token.kind != "quoted" or place in state.used or place in state.at:
            continue
        mention = column_near(state, place, "text", reach=5)
        ref = state.link(mention).ref if mention else display_before(state, place)
        if ref is not None:
            found.append(Filter(*ref, "!=" if negated(state, place) else "=", token.text, place=place))
            state.penalty += 0.15
            state.use(place, place + 1)
            if mention:
                state.use(mention.start, mention.end)
    return found


def _flags_and_missing(state: State, start: int, end: int) -> list[Condition]:
    found: list[Condition] = []
    for mention in state.mentions(start, end):
        link = state.link(mention)
        denied = negated(state, mention.start)
        if link.kind == "column" and state.index.facts[link.table].flag(link.column):
            value = not denied and not any(
                t.lower in lexicon.ANTONYMS for t in state.tokens[mention.start : mention.end]
            )
            found.append(Filter(link.table, link.column, "=", value, place=mention.start))
            state.use(mention.start, mention.end)
        elif denied and state.word(mention.start - 1) != "no" and link.kind == "column":
            found.append(Filter(link.table, link.column, "null", place=mention.start))
            state.use(mention.start, mention.end)
        elif denied and link.kind == "table" and mention.start > 0 and link.table != state.frame.focus:
            found.append(Filter(link.table, "", "lacks", place=mention.start))
            state.use(mention.start, mention.end)
        elif link.kind == "column" and _declared(state, mention):
            found.append(Filter(link.table, link.column, "not_null", place=mention.start))
            state.use(mention.start, mention.end)
    return found


def _declared(state: State, mention: Mention) -> bool:
    """Whether, as in "students who have declared a minor", it is asked that the column holds something."""
    window = [state.word(p) for p in range(max(0, mention.start - 4), mention.start)]
    return (
        bool(window)
        and window[-1] in {"a", "an"}
        and bool({"have", "has"} & set(window))
        and "declared" in window + state.lower[mention.start : mention.end]
    )
