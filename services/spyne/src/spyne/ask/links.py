"""Which of several foreign keys joins two tables: the home team of a game, or the one that is away."""

from __future__ import annotations

from spyne.ask import names
from spyne.ask.build import Builder
from spyne.ask.joins import Edge
from spyne.ask.state import Decision, State

SHORTEST = 3
_FROM = frozenset({"start", "origin", "depart", "source", "sender", "home", "begin", "pickup"})
_TO = frozenset({"end", "destination", "arrive", "target", "receiver", "away", "delivery", "drop"})


def choose_links(state: State) -> None:
    """Choose among keys between the same two tables: by its words, by an answer, else the question is open."""
    frame, joins = state.frame, state.index.joins
    for part in frame.branches or [frame]:
        tables = list(dict.fromkeys(t for t in Builder(state.index).tables(part) if t))
        for edge in (joins.tree(tables) if tables else None) or ():
            rivals = joins.parallel(edge)
            if len(rivals) > 1:
                part.links[edge.child, edge.parent] = _chosen(state, rivals)


def _chosen(state: State, rivals: tuple[Edge, ...]) -> Edge:
    key = f"link:{rivals[0].child}.{rivals[0].parent}"
    options = {",".join(rival.child_columns): rival for rival in rivals}
    if key in state.pins:
        return options[state.pins[key]]
    words = {token.lower for token in state.tokens if len(token.lower) >= SHORTEST}
    words |= _directions(state, rivals[0].parent)
    own = {option: set(names.stems(option)) for option in options}
    shared = set.intersection(*own.values())
    said = [option for option, stems in own.items() if any(_says(words, stem) for stem in stems - shared)]
    if len(said) == 1:
        return options[said[0]]
    if key not in {decision.id for decision in state.decisions}:
        state.decisions.append(Decision(key, names.words(rivals[0].parent), tuple((o, o) for o in list(options)[:3])))
    return rivals[0]


def _says(words: set[str], stem: str) -> bool:
    """Whether a word begins as the column is called, or the column as the word: "departing" for `dep_airport`."""
    return len(stem) >= SHORTEST and any(word.startswith(stem) or stem.startswith(word) for word in words)


def _directions(state: State, parent: str) -> frozenset[str]:
    """What "from" and "to" before a value of the table mean."""
    before = {state.word(m.start - 1) for m in state.linked.mentions if state.link(m).table == parent}
    return (_FROM if "from" in before else frozenset()) | (_TO if "to" in before else frozenset())
