"""Reads conditions: comparisons, values, dates, flags, missing values, parts of text."""

from __future__ import annotations

from spyne.ask import dates, lexicon
from spyne.ask.frame import AnyFilter, Condition, Filter, Operator, Term
from spyne.ask.index import Link
from spyne.ask.linking import Mention
from spyne.ask.state import State
from spyne.ask.tokens import number

_NEGATIONS = frozenset(
    {
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
        "haven't",
    }
)
_TEXT_MATCH: tuple[tuple[str, Operator], ...] = (
    ("starting with the letter", "starts"), ("start with the letter", "starts"), ("starts with the letter", "starts"),
    ("starting with", "starts"), ("start with", "starts"), ("starts with", "starts"), ("begin with", "starts"),
    ("begins with", "starts"), ("beginning with", "starts"), ("ending with", "ends"), ("end with", "ends"),
    ("ends with", "ends"), ("ending in", "ends"), ("containing", "like"), ("contains", "like"), ("contain", "like"),
    ("includes", "like"), ("like", "like"),
)  # fmt: skip


def read_filters(state: State, start: int = 0, end: int | None = None) -> list[Condition]:
    """The conditions between two places. What they account for is used."""
    end = len(state.tokens) if end is None else end
    found: list[Condition] = []
    found += _text_matches(state, start, end)
    found += _comparisons(state, start, end)
    found += dates.read_dates(state, start, end)
    found += _values(state, start, end)
    found += _weekends(state, start, end)
    found += _flags_and_missing(state, start, end)
    return found


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
                if wanted == "number" and (numeric or _has_numbers(state, link)):
                    return mention
                if wanted == "text" and not numeric:
                    return mention
            if link.kind == "value":
                break
    return None


def _has_numbers(state: State, link: Link) -> bool:
    values = state.index.facts[link.table].columns[link.column].values or ()
    return bool(values) and sum(isinstance(v, str) and number(v) is not None for v in values) >= 0.8 * len(values)


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
            ref = state.link(mention).ref if mention else _display_before(state, place)
            if ref is None:
                continue
            found.append(Filter(*ref, operator, state.tokens[after].text, place=place))
            state.use(place, after + 1)
            if mention is not None and place - mention.end <= 2:
                state.use(mention.start, mention.end)
            break
    return found


def _display_before(state: State, place: int) -> tuple[str, str] | None:
    for near in range(place - 1, -1, -1):
        mention = state.at.get(near)
        if mention is not None and state.link(mention).kind == "table":
            table = state.link(mention).table
            return table, state.index.facts[table].display[0]
    return None


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
        found += _number(state, place, start, end)
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


def _number(state: State, place: int, start: int, end: int) -> list[Condition]:
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
                    and (facts.numeric(column) or _has_numbers(state, Link("column", table, column)))
                ):
                    return table, column
    return None


def _values(state: State, start: int, end: int) -> list[Condition]:
    found: list[Filter] = []
    for mention in state.mentions(start, end):
        link = state.link(mention)
        if link.kind != "value":
            continue
        negated = _negated(state, mention.start)
        operator: Operator = (
            "!=" if negated else "=" if link.match == "equals" else "starts" if link.match == "starts" else "like"
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
        and any(l.kind == "column" and l.ref == link.ref and l.score >= 0.55 for l in behind.links)
    ):
        if state.link(behind).kind == "column":
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
        if any(l.kind == "column" and l.ref == link.ref and l.score >= 0.6 for l in other.links):
            state.use(other.start, other.end)
        break


def _negated(state: State, place: int) -> bool:
    window = [state.word(p) for p in range(max(0, place - 4), place) if not any(q in state.at for q in range(p, place))]
    return any(word in _NEGATIONS for word in window) or window[-2:] == ["other", "than"]


def _quoted(state: State, start: int, end: int) -> list[Condition]:
    """Quoted text that is no known value: compared with the text column beside it."""
    found: list[Condition] = []
    for place in range(start, end):
        token = state.tokens[place]
        if token.kind != "quoted" or place in state.used or place in state.at:
            continue
        mention = column_near(state, place, "text", reach=5)
        ref = state.link(mention).ref if mention else _display_before(state, place)
        if ref is not None:
            found.append(Filter(*ref, "!=" if _negated(state, place) else "=", token.text, place=place))
            state.penalty += 0.15
            state.use(place, place + 1)
            if mention:
                state.use(mention.start, mention.end)
    return found


def _flags_and_missing(state: State, start: int, end: int) -> list[Condition]:
    found: list[Condition] = []
    for mention in state.mentions(start, end):
        link = state.link(mention)
        negated = _negated(state, mention.start)
        if link.kind == "column" and state.index.facts[link.table].flag(link.column):
            value = not negated and not any(
                t.lower in lexicon.ANTONYMS for t in state.tokens[mention.start : mention.end]
            )
            found.append(Filter(link.table, link.column, "=", value, place=mention.start))
            state.use(mention.start, mention.end)
        elif negated and state.word(mention.start - 1) not in {"no"} and link.kind == "column":
            found.append(Filter(link.table, link.column, "null", place=mention.start))
            state.use(mention.start, mention.end)
        elif negated and link.kind == "table" and mention.start > 0 and link.table != state.frame.focus:
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
