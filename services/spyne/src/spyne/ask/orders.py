"""Reads in what order rows are asked for, superlatives and "top N"."""

from __future__ import annotations

from spyne.ask import lexicon
from spyne.ask.frame import Term
from spyne.ask.linking import Mention
from spyne.ask.measures import read_measure
from spyne.ask.state import State
from spyne.ask.superlatives import done_first, implied

_ORDERED = frozenset({"ordered", "sorted", "ranked", "arranged", "order", "sort", "rank", "arrange"})
_DESCENDING = frozenset({"descending", "desc", "decreasing", "reverse"})
_ASCENDING = frozenset(
    {"ascending", "asc", "increasing", "alphabetical", "alphabetically", "chronological", "chronologically"}
)
_OFTEN = frozenset({"often", "frequent", "frequently", "common", "popular"})
_BY = frozenset({"by", "based", "according", "of", "terms", "in", "on", "to"})


def read_order(state: State) -> None:
    """Explicit orders: "ordered by X in descending order", "from highest to lowest", "in order of X"."""
    for place in range(len(state.tokens)):
        if place in state.used or (place in state.at and state.link(state.at[place]).kind == "table"):
            continue
        word = state.word(place)
        ordered = word in _ORDERED and _leads_to_order(state, place)
        in_order = word == "in" and _order_noun(state, place)
        starting = word == "starting" and state.word(place + 1) in {"from", "with"}
        span = (
            word == "from"
            and state.word(place + 1) in lexicon.HIGH | lexicon.LOW
            and "to" in state.lower[place : place + 5]
        )
        alone = word in {"alphabetically", "chronologically"}
        if ordered or in_order or starting or span or alone:
            _read(state, place)
            return


def _leads_to_order(state: State, place: int) -> bool:
    window = state.lower[place + 1 : place + 5]
    return (
        bool(set(window) & {"by", "alphabetically", "from", "descending", "ascending", "in"})
        and state.word(place + 1) != "id"
    )


def _order_noun(state: State, place: int) -> bool:
    window = state.lower[place + 1 : place + 4]
    return (
        "order" in window
        and (bool(set(window) & (_DESCENDING | _ASCENDING)) or state.phrase(place, "in order of") is not None)
    ) or (window[:1] != [] and window[0] in _DESCENDING | {"ascending"})


def _read(state: State, start: int) -> None:
    end = start
    while end < len(state.tokens) and state.tokens[end].text not in {".", "?", ";", ","} and end not in state.used:
        end += 1
    if end < len(state.tokens) and state.tokens[end].text == "," and not _orders_something(state, start, end):
        end = start + 4
    if state.word(start) == "in" and not any(m.start >= start for m in state.mentions(start, end)):
        end = min(end, start + 4)
    words = set(state.lower[start:end])
    descending = bool(words & _DESCENDING) or _first_is_high(state, start, end)
    measures: list[Term] = []
    place = start
    while place < end:
        if place in state.used or (
            place not in state.at and state.word(place) not in {"number", "total", "average", "count", "how"}
        ):
            place += 1
            continue
        found = read_measure(state, place, end)
        if found is None:
            mention = state.free_mention(place)
            if mention is not None and state.link(mention).kind == "table":
                table = state.link(mention).table
                after = state.word(mention.end)
                if after not in {"with", "by"}:
                    measures.append(Term(table, state.index.facts[table].display[0], place=place))
            place = mention.end if mention else place + 1
            continue
        measures.append(found[0])
        place = max(found[1], place + 1)
    if not measures:
        measures = [Term("", None, place=-1)]  # the first item, or the measure
    state.frame.order += [(measure, descending) for measure in measures]
    state.use(start, end)


def _orders_something(state: State, start: int, end: int) -> bool:
    return bool(state.mentions(start, end)) or state.word(start) in _ORDERED


def _first_is_high(state: State, start: int, end: int) -> bool:
    for place in range(start, end):
        word = state.word(place)
        if word in {"highest", "largest", "most", "best", "latest", "newest", "greatest", "biggest", "longest"}:
            return True
        if word in {"lowest", "smallest", "least", "worst", "earliest", "oldest", "fewest", "shortest", "cheapest"}:
            return False
    return False


def read_superlative(state: State) -> None:
    """Superlatives such as "the highest rating", "most publications", "top 3 by X", "the latest order"."""
    for place, word in enumerate(state.lower):
        if place in state.used or (
            place in state.at and state.at[place].end - state.at[place].start > 1 and state.at[place].best.score > 0.9
        ):
            continue
        if (
            word == "top"
            or (
                word in {"first", "last", "bottom"}
                and state.tokens[min(place + 1, len(state.tokens) - 1)].kind == "number"
                and state.word(place + 2).rstrip("s")
                not in {"day", "week", "month", "year", "hour", "quarter", "minute"}
            )
        ) and _top(state, place):
            return
        if word in {"first", "last"} and done_first(state, place):
            return
        high, low = word in lexicon.HIGH, word in lexicon.LOW
        if (
            (high or low)
            and word not in {"first", "top", "bottom"}
            and _not_comparison(state, place)
            and _superlative(state, place, high)
        ):
            return
        if word in lexicon.IMPLIED and word.endswith("est") and _superlative(state, place, word not in lexicon.LOW):
            return
        if word == "highest" and _superlative(state, place, True):
            return


def _not_comparison(state: State, place: int) -> bool:
    before = state.word(place - 1)
    if before == "at" or (state.word(place) in {"minimum", "maximum", "max", "min"} and state.word(place + 1) == "of"):
        return False
    if state.word(place) in {"maximum", "minimum", "max", "min"}:
        return before in {"the", "with", "has", "have"} and not _numbered(state, place)
    return True


def _numbered(state: State, place: int) -> bool:
    return any(token.kind == "number" for token in state.tokens[place : place + 6])


def _limit(state: State, place: int) -> int | None:
    """A number before or after the word: "3 most recent", "top 3"."""
    for near in (place + 1, place - 1):
        if 0 <= near < len(state.tokens) and state.tokens[near].kind == "number" and near not in state.used:
            value = state.tokens[near].value
            if isinstance(value, int) and 0 < value <= 1000:
                state.use(near, near + 1)
                return value
    return None


def _top(state: State, place: int) -> bool:
    limit = _limit(state, place)
    descending = state.word(place) != "bottom"
    state.use(place, place + 1)
    state.frame.limit = limit or 1
    measure, sign = _measure_of_top(state, place + 1)
    if measure is not None:
        state.frame.order.insert(0, (measure, descending if sign is None else sign))
    return True


def _measure_of_top(state: State, start: int) -> tuple[Term | None, bool | None]:
    place = start
    while place < len(state.tokens) and state.tokens[place].text not in {".", "?", ";"}:
        word = state.word(place)
        by = (
            word == "by"
            or state.phrase(place, "in terms of")
            or state.phrase(place, "based on")
            or state.phrase(place, "according to")
        )
        if by:
            first = place + 1 if word == "by" else (by if isinstance(by, int) else place + 1)
            found = read_measure(state, first, len(state.tokens))
            if found:
                state.use(place, found[1])
                return found[0], None
        if word in lexicon.HIGH | lexicon.LOW and place not in state.at:
            first = place + 1
            found = read_measure(state, first, len(state.tokens))
            if found:
                state.use(place, found[1])
                return found[0], word in lexicon.HIGH
            if word == "most" and (table := _table_after(state, place + 1)):
                state.use(place, table.end)
                return Term(state.link(table).table, None, "count", place=place), True
        place += 1
    return None, None


def _table_after(state: State, place: int) -> Mention | None:
    place = state.skip(place)
    while place < len(state.tokens) and (mention := state.free_mention(place)) is not None:
        if state.link(mention).kind == "table":
            return mention
        place = mention.end
    return None


def _superlative(state: State, place: int, high: bool) -> bool:  # noqa: C901 - one rule a line
    word = state.word(place)
    first = state.skip(place + 1)
    limit = _limit(state, place) or 1
    if word in {"most", "least"} and state.word(first) in _OFTEN and _how_often(state, place, first, high, limit):
        return True
    if word == "most" and state.word(first) in {"recent", "recently", "expensive", "popular", "valuable"}:
        return implied(state, place, first + 1, state.word(first), True, limit)
    if word in lexicon.TIME_SUPERLATIVES or word == "recent":
        return implied(state, place, place + 1, word, lexicon.TIME_SUPERLATIVES.get(word, True), limit)
    if word in {"first", "last"}:
        return False
    found = read_measure(state, first, min(first + 7, len(state.tokens)))
    mention = state.free_mention(first)
    if (
        found is None
        and word in {"most", "fewest", "least", "largest", "greatest", "highest"}
        and mention
        and state.link(mention).kind in {"table", "value"}
    ):
        table = _table_after(state, first)
        if table is not None and word in {"most", "fewest", "least"}:
            found = Term(state.link(table).table, None, "count", place=table.start), table.end
            for value in state.mentions(first, table.start):
                if state.link(value).kind == "value":
                    found = found[0], value.start if value.start == first else found[1]
    if found is not None and found[0].function is None and found[0].column and not _orderable(state, found[0]):
        if word != "most":
            return False
        found = Term(found[0].table, found[0].column, "count", distinct=True, place=found[0].place), found[1]
    if found is not None:
        if _is_aggregate_of_all(state, place, found[0]):
            return False
        state.frame.order.insert(0, (found[0], high))
        state.frame.limit = limit
        _use_measure(state, place, found[1])
        return True
    return implied(state, place, place + 1, word, high, limit)


def _how_often(state: State, place: int, end: int, high: bool, limit: int) -> bool:
    """What occurs most often: the rows that have it are counted."""
    columns = [m for m in state.linked.mentions if state.link(m).kind == "column" and m.start not in state.used]
    if not columns or implied(state, place, end + 1, state.word(end), high, limit):
        return bool(columns)
    table = state.link(columns[0]).table
    state.frame.order.insert(0, (Term(table, None, "count", place=place), high))
    state.frame.limit = limit
    state.guesses += float(state.word(end) == "popular")
    state.use(place, end + 1)
    return True


def _use_measure(state: State, start: int, end: int) -> None:
    """Account for the words of a measure, but leave the values in it: they are conditions."""
    for place in range(start, end):
        mention = state.at.get(place)
        if mention is None or state.link(mention).kind != "value":
            state.used.add(place)


def _orderable(state: State, term: Term) -> bool:
    facts = state.index.facts[term.table]
    return term.column is not None and (facts.numeric(term.column) or facts.moment(term.column))


def _is_aggregate_of_all(state: State, place: int, term: Term) -> bool:
    """Whether the number itself is asked for, as in "what is the highest price of X"."""
    if term.function is not None or any(m.start < place for m in state.linked.mentions):
        return False
    return state.word(
        state.skip(0, {"what", "is", "are", "was", "the", "show", "give", "me", "find", "what's", "s", "list"})
    ) == state.word(place)
