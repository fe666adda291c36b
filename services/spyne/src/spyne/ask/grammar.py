"""Proposes readings of a question from its words and a schema alone: no language model, no rows, no I/O."""

from __future__ import annotations

import itertools
import re
from functools import lru_cache

from spyne.ask import features
from spyne.ask.audit import unmet
from spyne.ask.build import Builder, NotJoinedError
from spyne.ask.index import SchemaIndex
from spyne.ask.linking import Linked, link
from spyne.ask.outcome import Proposal, Reading
from spyne.ask.reading import read
from spyne.ask.state import Decision, State
from spyne.ask.tokens import tokenize
from spyne.plan.words import in_words
from spyne.schema.model import Schema

MOST_READINGS = 8
LONGEST_QUESTION = 1_000
_NOISE = re.compile(
    r"\b(?:show|list|give|put|display)\s+(?:them|it|the results?)\s+(?:all\s+)?in\s+(?:one|a single)\s+table\.?"
    r"|\bin (?:the|this) (?:database|dataset|table)\b|\bmatch [\w ]+ case[- ]insensitive(?:ly)?\.?"
    r"|\bgive the answer as [\w ]+\.?",
    re.IGNORECASE,
)


@lru_cache(maxsize=64)
def _indexed(version: str, dialect: str, identity: int, schema_holder: _Holder) -> SchemaIndex:  # noqa: ARG001 - the key
    return SchemaIndex(schema_holder.schema)


class _Holder:
    """Keeps a schema out of the key of the cache, which its version is enough for."""

    def __init__(self, schema: Schema) -> None:
        self.schema = schema

    def __hash__(self) -> int:
        return 0

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Holder)


def index_of(schema: Schema) -> SchemaIndex:
    """The index over a schema, kept for as long as it is in use."""
    return _indexed(schema.version, schema.dialect, id(schema), _Holder(schema))


def clean(question: str) -> str:
    """The question without phrases that say nothing about its answer."""
    return " ".join(_NOISE.sub(" ", question).split())


def propose(question: str, schema: Schema) -> Proposal:
    """The readings of a question, best first. Never raises for any text."""
    index = index_of(schema)
    linked = link(tokenize(clean(question[:LONGEST_QUESTION])), index)
    if not linked.mentions:
        return Proposal(readings=(), unlinked=_unlinked(linked), coverage=0.0)
    base = read(linked, index, {})
    known = features.accounted(base)
    return Proposal(
        readings=tuple(_readings(linked, index, base, features.of_link(known))), unlinked=_unlinked(known),
        coverage=known.coverage,
        decisions=tuple((d.id, d.words) for d in base.decisions),
    )  # fmt: skip


def _unlinked(linked: Linked) -> tuple[str, ...]:
    return tuple(linked.tokens[place].text for place in linked.unlinked)


def _readings(linked: Linked, index: SchemaIndex, base: State, linking: dict[str, float]) -> list[Reading]:
    options: list[list[tuple[str, str]]] = [_options(decision) for decision in base.decisions[:2]]
    found: list[Reading] = []
    for pins in itertools.islice(itertools.product(*options), MOST_READINGS):
        state = read(linked, index, dict(pins)) if pins else base
        reading = _reading(state, index, tuple(pins), linking, base)
        if reading is not None and reading.plan not in {r.plan for r in found}:
            found.append(reading)
    return found


def _options(decision: Decision) -> list[tuple[str, str]]:
    """Each option by itself, then all together: "city", "hall", or "city and hall"."""
    single = [(decision.id, option) for option, _ in decision.options]
    if decision.id.startswith(("column:", "table:")):
        single.append((decision.id, "+".join(option for option, _ in decision.options)))
    return single


def _reading(
    state: State, index: SchemaIndex, choices: tuple[tuple[str, str], ...], linking: dict[str, float], base: State
) -> Reading | None:
    frame = state.frame
    if not frame.items and not frame.stars:
        return None
    try:
        query = Builder(index).query(frame)
    except NotJoinedError:
        return None
    missed = unmet(state, query)
    found = {**linking, **features.of_reading(state), "decisions": float(len(base.decisions))}
    found |= {f"unmet_{kind}": 1.0 for kind in missed}
    score = max(0.01, state.linked.coverage - state.penalty)
    return Reading(
        plan=query,
        words=in_words(query, index.schema),
        choices=choices,
        score=score,
        features=tuple(sorted(found.items())),
    )
