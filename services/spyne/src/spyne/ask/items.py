"""Reads which columns are asked for: what is listed, and what only says of which rows."""

from __future__ import annotations

from spyne.ask import lexicon
from spyne.ask.frame import Measure, Term
from spyne.ask.index import Link
from spyne.ask.linking import Mention
from spyne.ask.measures import read_measure
from spyne.ask.state import State

_MEASURE_WORDS = frozenset(
    {
        "average",
        "mean",
        "median",
        "total",
        "sum",
        "number",
        "count",
        "how",
        "maximum",
        "minimum",
        "highest",
        "lowest",
        "combined",
    }
)
_BACK = (
    "and their",
    "and its",
    "and his",
    "and her",
    "along with",
    "as well as",
    "including",
    "together with",
    "alongside",
    "and how many",
    "and what",
    "and the number",
    "and the total",
    "and the average",
    "and the corresponding",
    "and also",
    "and who",
    "and where",
    "and show",
    "and can you provide their",
    "their",
    "and for each",
)
_OUT = lexicon.RELATIVE - {"of", "for", "named", "called"}


def read_measures(state: State) -> list[tuple[Measure, int]]:
    """The aggregates that are asked for, with their places."""
    found: list[tuple[Measure, int]] = []
    place = 0
    while place < len(state.tokens):
        word, mention = state.word(place), state.free_mention(place)
        counting = (
            mention is not None and state.link(mention).kind == "column" and word in {"number", "count", "amount"}
        )
        if place not in state.used and (counting or (mention is None and word in _MEASURE_WORDS)):
            read = read_measure(state, place, len(state.tokens), plain=False)
            if read is not None:
                found.append((read[0], place))
                for inside in range(place, read[1]):
                    other = state.at.get(inside)
                    if (
                        other is None
                        or state.link(other).kind == "table"
                        or other.end == read[1]
                        or other.start == place
                    ):
                        state.used.add(inside)
                place = read[1]
                continue
        place += 1
    return found


def read_items(state: State, *, has_measure: bool) -> list[tuple[Measure, int]]:
    """The columns and tables that are listed, with their places."""
    found: list[tuple[Measure, int]] = []
    head = True
    previous_end = 0
    last: Link | None = None
    carried: list[str] = []
    for mention in state.linked.mentions:
        link = state.link(mention)
        between = state.lower[previous_end : mention.start]
        if not between and last is not None and last.kind == "value":
            between = carried  # "for successful transactions": the value stands between
        carried = between
        if previous_end == 0:
            between = [w for w in between if w not in {"which", "what", "who", "whose"}]
        head = _head_after(between, head, first=not found and not has_measure)
        used = mention.start in state.used
        previous_end = mention.end
        if used or link.kind == "value":
            last = link
            continue
        if not head:
            state.frame.touched.append(link.table)
            last = link
            continue
        if link.kind == "table":
            behind = has_measure and bool(set(between) & {"of", "for", "in", "from", "on", "with", "at"})
            if behind or _only_owner(state, mention, between, found, last):
                state.frame.touched.append(link.table)
            else:
                found += [(term, mention.start) for term in _of_table(state, mention, link)]
        else:
            found += [
                (Term(each.table, each.column, place=mention.start), mention.start)
                for each in state.several.get(mention.start, (link,))
            ]
        last = link
    return found


def _head_after(between: list[str], head: bool, first: bool) -> bool:
    text = " ".join(between)
    for words in _BACK:
        if text.endswith(words) or f"{words} the" in text or f"{words} " in f"{text} ":
            return True
    if first and not set(between) & (
        _OUT
        - {
            "in",
            "at",
            "on",
            "from",
            "by",
            "have",
            "has",
            "which",
            "who",
            "where",
            "with",
            "using",
            "had",
            "before",
            "after",
        }
    ):
        return True
    if set(between) & _OUT:
        return bool(first and set(between) <= {"in", "on", "from", "which", "what", "the", "at", "by", "who"})
    return head


def _only_owner(
    state: State, mention: Mention, between: list[str], found: list[tuple[Measure, int]], last: Link | None
) -> bool:
    """Whether a table only says whose columns are meant: "names of customers", "customer names"."""
    table = state.link(mention).table
    following = next((m for m in state.linked.mentions if m.start >= mention.end), None)
    if following is not None and following.start == mention.end:
        after = state.link(following)
        if after.kind == "column" and following.start not in state.used:
            return True
    if found and "of" in between and last is not None and last.kind in {"column", "table"}:
        return True
    if found and {"for", "in", "on"} & set(between):
        return True
    columns = [m for m, _ in found if isinstance(m, Term) and m.table == table and m.column]
    return bool(columns) and not set(between) & {"and", ","}


def _of_table(state: State, mention: Mention, link: Link) -> list[Term]:
    facts = state.index.facts[link.table]
    if state.word(mention.end) in {"id", "ids"} and facts.key:
        return [Term(link.table, facts.key[0], place=mention.start)]
    tables = [each.table for each in state.several.get(mention.start, (link,))]
    return [Term(t, c, place=mention.start) for t in tables for c in state.index.facts[t].display]


def read_sentence(state: State, start: int, end: int) -> list[tuple[Measure, int]]:
    """The items of a sentence of its own, such as "Return the name, the id and the number of orders"."""
    found: list[tuple[Measure, int]] = []
    place = start
    while place < end:
        if place in state.used:
            place += 1
            continue
        mention = state.free_mention(place)
        if mention is None and state.word(place) not in _MEASURE_WORDS:
            place += 1
            continue
        read = read_measure(state, place, end)
        if read is not None:
            found.append((read[0], place))
            state.use(place, read[1])
            place = max(read[1], place + 1)
            continue
        if mention is not None and state.link(mention).kind == "table":
            if state.word(mention.start - 1) not in {"of", "for"}:
                found += [(term, place) for term in _of_table(state, mention, state.link(mention))]
            state.use(mention.start, mention.end)
        place = mention.end if mention else place + 1
    return found
