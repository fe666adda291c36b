"""Whether words say a name of the schema literally, where their stems alone would say too much."""

from __future__ import annotations

import re

from spyne.ask import lexicon, names
from spyne.ask.index import Link, SchemaIndex
from spyne.ask.tokens import Token, stem

_ENDINGS = re.compile(r"(?:ers?|ors?|ing)$")


def said_literally(link: Link, inside: tuple[Token, ...], index: SchemaIndex) -> bool:
    """Words such as "offered" are said of anything: they mean a name only where it has that very word."""
    facts = index.facts[link.table]
    if len(inside) > 1:
        inside = tuple(t for t in inside if t.lower not in {"number", "numbers", "count", "amount"})
    if link.kind == "column" and (facts.flag(link.column) or link.score >= 0.97):
        parts = names.words(link.column).split()
        return facts.flag(link.column) or all(_same_word(t.lower, parts) for t in inside if t.lower in lexicon.LIGHT)
    parts = names.words(link.column if link.kind == "column" else link.table).split()
    light = [t.lower for t in inside if t.lower in lexicon.LIGHT]
    if len(inside) == 1 and light:
        return link.score >= 0.97 and _same_word(light[0], parts)
    return all(_same_word(word, parts) for word in light)


def same_ending(link: Link, inside: tuple[Token, ...]) -> bool:
    """Whether no doer or doing is taken for what is done: a publisher is no `PublishedYear`."""
    done = {stem(p) for p in names.split(link.column or link.table) if p.endswith("ed")}
    return not any(t.stem in done and _ENDINGS.search(t.lower) for t in inside)


def _same_word(word: str, parts: list[str]) -> bool:
    alike = {
        word,
        word.rstrip("s"),
        word + "s",
        "number" if word in {"count", "total"} else word,
        word.removesuffix("ies") + "y",
    }
    return bool(alike & set(parts))
