"""What a reading looks like, as numbers: the confidence in it is estimated from these."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from spyne.ask import lexicon
from spyne.ask.build import tables_of
from spyne.ask.frame import AnyFilter, Condition, Filter, Ratio, Term
from spyne.ask.linking import Linked
from spyne.ask.state import State
from spyne.ask.weights import word_weight

_TELLING = lexicon.words(
    """
    not without same difference between than ratio percentage before after last first median never except only
    consecutive change growth previous within if when excluding ignore either while as per rate trend most least
    highest lowest duration during long since until ago next both where how
    """
)


def accounted(state: State) -> Linked:
    """The linked question without those of the unlinked words that the reading made use of."""
    linked = state.linked
    left = tuple(place for place in linked.unlinked if place not in state.used)
    if len(left) == len(linked.unlinked):
        return linked
    before, after = (sum(word_weight(linked.tokens[p]) for p in places) for places in (linked.unlinked, left))
    return replace(linked, unlinked=left, coverage=1.0 - (1.0 - linked.coverage) * after / before)


def of_link(linked: Linked) -> dict[str, float]:
    """How well the words were linked."""
    mentions = linked.mentions
    scores = [m.best.score for m in mentions] or [0.0]
    content = sum(1 for t in linked.tokens if word_weight(t) >= 0.5)
    missing = [linked.tokens[p] for p in linked.unlinked]
    return {
        "uncovered": 1.0 - linked.coverage,
        "unlinked": float(min(len(missing), 6)),
        "unlinked_share": len(missing) / max(1, content),
        "named_missing": float(sum(1 for t in missing if t.capital or t.kind == "quoted")),
        "weakest": 1.0 - min(scores),
        "mean_weakness": 1.0 - sum(scores) / len(scores),
        "no_mention": float(not mentions),
        "one_mention": float(len(mentions) == 1),
        "no_table": float(not any(m.best.kind == "table" and m.best.score >= 0.95 for m in mentions)),
        "vague_words": sum(1 for m in mentions if m.best.hypernym) / max(1, len(mentions)),
        "long": min(len(linked.tokens), 40) / 40.0,
    }


def of_reading(state: State) -> dict[str, float]:
    """How simple the reading is, and what of the question it leaves out."""
    frame = state.frame
    frames = frame.branches or [frame]
    filters = [c for f in frames for c in f.filters]
    tables = {t.table for f in frames for m in f.items for t in ((m.over, m.under) if isinstance(m, Ratio) else (m,))}
    tables |= {t for c in filters for t in tables_of(c)} | {g.table for g in frame.groups} | set(frame.touched)
    loose = [p for p, t in enumerate(state.tokens) if p not in state.used and p not in state.at]
    unused = [m for m in state.linked.mentions if m.start not in state.used and state.link(m).kind == "value"]
    return {
        "penalty": state.penalty,
        "guesses": min(state.guesses, 3.0),
        "close": 0.4 - min(state.margins.values(), default=0.4),
        "close_mean": 0.4 - sum(state.margins.values()) / max(1, len(state.margins)),
        "nameless": float(sum(isinstance(m, Term) and not state.index.facts[m.table].has_name for m in frame.items)),
        "partial": float(sum(isinstance(c, Filter) and c.operator in {"like", "starts"} for c in filters)),
        "unused_mentions": float(
            sum(m.start not in state.used and state.link(m).kind == "column" for m in state.linked.mentions)
            - len(frame.items)
        ),
        "loose_numbers": float(sum(state.tokens[p].kind in {"number", "date", "quoted"} for p in loose)),
        "loose_words": float(min(3, sum(state.word(p) in _TELLING for p in loose))),
        "unused_values": float(len(unused)),
        "touched": float(len(frame.touched)),
        "tables": float(min(len(tables), 5)),
        "filters": float(len(filters)),
        "alternatives": float(any(isinstance(c, AnyFilter) for c in filters)),
        "grouped": float(bool(frame.groups)),
        "ordered": float(bool(frame.order)),
        "limited": float(frame.limit is not None),
        "ratio": float(any(isinstance(m, Ratio) for m in frame.items)),
        "aggregate": float(any(isinstance(m, Term) and m.function for m in frame.items)),
        "items": float(min(len(frame.items), 6)),
        "date": float(any(isinstance(c, Filter) and c.relative for c in filters)),
        "shared": float(frame.shared_by is not None),
        "union": float(bool(frame.branches)),
        "having": float(bool(frame.having)),
        "distinct": float(frame.distinct),
        "star": float(bool(frame.stars)),
        "decisions": float(len(state.decisions)),
        "unknown_values": float(sum(_is_unknown(state, each) for c in filters for each in _parts(c))),
        "joins": float(min(6, _joins(state, tables))),
        "sentence_wh": float(state.word(0) in lexicon.WH),
    }


def _parts(condition: Condition) -> Iterator[Filter]:
    if isinstance(condition, Filter):
        yield condition
    else:
        for part in condition.parts:
            yield from _parts(part)


def _is_unknown(state: State, condition: Filter) -> bool:
    """Whether text is looked for in a column of which all values are known, and it is none of them."""
    if condition.operator != "=" or not isinstance(condition.value, str):
        return False
    known = state.index.facts[condition.table].columns[condition.column].values
    return known is not None and condition.value.lower() not in {str(value).lower() for value in known}


def _joins(state: State, tables: set[str]) -> int:
    """How many joins connect the tables."""
    return len(state.index.joins.tree(sorted(tables)) or ()) if tables else 0
