"""An index over a schema: which words may mean which table, column or value."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from spyne.ask import lexicon, names
from spyne.ask.facts import Facts
from spyne.ask.joins import JoinGraph
from spyne.ask.tokens import stem
from spyne.schema.model import Schema

LinkKind = Literal["table", "column", "value"]
Match = Literal["equals", "starts", "contains"]
GENERIC = lexicon.words(
    """
    id name number type date code text value titl full time level label of is has total info detail record the data
    """
)
_WORD = re.compile(r"[A-Za-z0-9]+(?:['’][A-Za-z]+)?")  # noqa: RUF001 - typographic apostrophes are in data
LONGEST_VALUE_WORDS = 8
MOST_LINKS = 200
_HYPERNYMS = {stem(word): kinds for word, kinds in lexicon.HYPERNYMS.items()}


@dataclass(frozen=True)
class Link:
    """One meaning of some words: a table, a column, or a value of a column."""

    kind: LinkKind
    table: str
    column: str = ""
    value: str | int | float | bool | None = None
    score: float = 1.0
    match: Match = "equals"
    hypernym: bool = False

    @property
    def ref(self) -> tuple[str, str]:
        """Table and column."""
        return self.table, self.column


def value_stems(text: str) -> tuple[str, ...]:
    """A value as stems, possessive endings left out."""
    return tuple(stem(re.sub(r"['’]s?$", "", word)) for word in _WORD.findall(text))  # noqa: RUF001 - typographic apostrophes are in data


def cover(asked: frozenset[str], name: tuple[str, ...]) -> float:
    """How well words say a name, from 0 to 1; 0 when a word is none of the name's."""
    own = frozenset(name)
    if not asked <= own:
        return 0.0
    if asked == own:
        return 1.0
    weights = {s: 0.35 if s in GENERIC else 1.0 for s in own}
    share = sum(weights[s] for s in asked) / sum(weights.values())
    if asked <= GENERIC:
        return 0.3 + 0.2 * share
    return (0.55 if name[-1] in asked or name[-1] in GENERIC else 0.45) + 0.4 * share


class SchemaIndex:
    """The index over one schema. It is built once for each version of it."""

    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        self.columns = lru_cache(maxsize=4_096)(self._columns)
        self.hypernyms = lru_cache(maxsize=1_024)(self._hypernyms_of)
        self.facts = Facts(schema)
        self.joins = JoinGraph(self.facts)
        self.table_shapes: dict[tuple[str, ...], list[str]] = defaultdict(list)
        self.column_shapes: dict[tuple[str, ...], list[tuple[str, str]]] = defaultdict(list)
        self.values: dict[tuple[str, ...], list[tuple[str, str, str]]] = defaultdict(list)
        self.value_words: dict[str, list[tuple[tuple[str, ...], str, str, str]]] = defaultdict(list)
        self._table_words: dict[str, set[tuple[str, ...]]] = defaultdict(set)
        self._column_words: dict[str, set[tuple[str, ...]]] = defaultdict(set)
        self._joined: dict[str, list[tuple[LinkKind, tuple[str, ...]]]] = defaultdict(list)
        for table in self.facts.tables.values():
            self._add_table(table.name)
            for column in table.columns:
                self._add_column(table.name, column)

    def _add_table(self, table: str) -> None:
        facts = self.facts[table]
        for shape in dict.fromkeys(
            (facts.stems, *facts.key_stems, *(tuple(map(stem, s.split())) for s in facts.table.synonyms))
        ):
            self.table_shapes[shape].append(table)
            for word in shape:
                self._table_words[word].add(shape)
            self._joined["".join(shape)].append(("table", shape))

    def _add_column(self, table: str, column: str) -> None:
        facts, info = self.facts[table], self.facts[table].columns[column]
        shapes = (names.stems(column), facts.bare(column), *(tuple(map(stem, s.split())) for s in info.synonyms))
        if column in facts.names:
            shapes = (*shapes, ("name",))
        for shape in dict.fromkeys(shapes):
            self.column_shapes[shape].append((table, column))
            for word in shape:
                self._column_words[word].add(shape)
            self._joined["".join(shape)].append(("column", shape))
        if (
            info.values is None
            or info.kind in {"date", "timestamp", "time", "boolean"}
            or (facts.is_id(column) and info.kind != "text")
        ):
            return
        for value in info.values:
            if isinstance(value, str) and (shape := value_stems(value)) and len(shape) <= LONGEST_VALUE_WORDS:
                self.values[shape].append((table, column, value))
                if len(shape) > 1:
                    self.values[("".join(shape),)].append((table, column, value))
                    for word in set(shape):
                        if len(word) > 2:
                            self.value_words[word].append((shape, table, column, value))

    def tables(self, asked: tuple[str, ...]) -> list[Link]:
        """Tables that these words may mean."""
        found: dict[str, Link] = {}
        own = frozenset(asked)
        for shape in set.intersection(*(self._table_words.get(word, set()) for word in own)) if own else ():
            for table in self.table_shapes[shape]:
                score = cover(own, shape)
                if score < 1.0 and self.facts[table].is_bridge:
                    score *= 0.55
                if score > found.get(table, Link("table", table, score=0.0)).score:
                    found[table] = Link("table", table, score=score)
        for kind, shape in self._joined.get("".join(asked), ()):
            if kind == "table":
                for table in self.table_shapes[shape]:
                    found.setdefault(table, Link("table", table, score=0.97))
        return sorted(found.values(), key=lambda link: -link.score)

    def _columns(self, asked: tuple[str, ...]) -> list[Link]:
        """Columns that these words may mean."""
        found: dict[tuple[str, str], Link] = {}
        own = frozenset(asked)
        shapes = set.intersection(*(self._column_words.get(word, set()) for word in own)) if own else set()
        for kind, shape in self._joined.get("".join(asked), ()):
            if kind == "column":
                shapes = shapes | {shape}
        for shape in shapes:
            score = cover(own, shape) or 0.97
            for table, column in self.column_shapes[shape]:
                if score > found.get((table, column), Link("column", "", score=0.0)).score:
                    found[table, column] = Link("column", table, column, score=score)
        return sorted(found.values(), key=lambda link: -link.score)[:MOST_LINKS]

    def _hypernyms_of(self, word: str) -> list[Link]:
        """Columns which a general word such as "location" may mean."""
        narrow = _HYPERNYMS.get(word)
        if narrow is None:
            return []
        found: dict[tuple[str, str], Link] = {}
        for place, kind in enumerate(narrow.split()):
            kind_stem = stem(kind)
            for shape in self._column_words.get(kind_stem, ()):
                bare_head = (
                    shape[-1] == kind_stem
                    or shape[:2] == (kind_stem, "per")
                    or (shape[0] == kind_stem and shape[-1] in GENERIC)
                    or len(shape) == 1
                )
                if not bare_head:
                    continue
                for table, column in self.column_shapes[shape]:
                    if not self.facts[table].is_id(column):
                        score = 0.6 - 0.002 * place
                        if score > found.get((table, column), Link("column", "", score=0.0)).score:
                            found[table, column] = Link("column", table, column, score=score, hypernym=True)
        for ref in self._moments() if word == "date" else ():
            found.setdefault(ref, Link("column", *ref, score=0.59, hypernym=True))
        return sorted(found.values(), key=lambda link: -link.score)

    def _moments(self) -> list[tuple[str, str]]:
        """All columns of dates and times."""
        return [(f.name, column) for f in self.facts.tables.values() for column in f.columns if f.moment(column)]

    def exact_values(self, asked: tuple[str, ...]) -> list[Link]:
        """Values that these words are."""
        return [Link("value", t, c, v) for t, c, v in self.values.get(asked, ())]

    def partial_values(self, asked: tuple[str, ...]) -> list[Link]:
        """Values which hold these words, next to each other."""
        found: list[Link] = []
        size = len(asked)
        for shape, table, column, value in self.value_words.get(asked[0], ())[:400]:
            for start in range(len(shape) - size + 1):
                if shape[start : start + size] == asked:
                    score = 0.6 + 0.3 * size / len(shape)
                    match: Match = "starts" if start == 0 else "contains"
                    found.append(Link("value", table, column, value, score, match))
                    break
        return sorted(found, key=lambda link: -link.score)[:40]
