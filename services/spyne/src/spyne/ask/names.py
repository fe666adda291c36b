"""Names of tables and columns as words: split by case, underscores and digits, abbreviations written out, stemmed."""

from __future__ import annotations

import re
from functools import lru_cache

from spyne.ask import lexicon
from spyne.ask.tokens import stem

_PARTS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


@lru_cache(maxsize=50_000)
def split(name: str) -> tuple[str, ...]:
    """The words of a name in small letters: `sbCustName` gives sb, cust, name."""
    return tuple(part.lower() for part in _PARTS.findall(name))


@lru_cache(maxsize=50_000)
def stems(name: str) -> tuple[str, ...]:
    """The stems of a name's words, abbreviations written out."""
    found: list[str] = []
    for word in split(name):
        if word in lexicon.NUMBERS:
            found.append(str(lexicon.NUMBERS[word]))
            continue
        found += [stem(whole) for whole in lexicon.ABBREVIATIONS.get(word, word).split()]
    return tuple(found)


def words(name: str) -> str:
    """A name as people write it: `concertHall` gives "concert hall"."""
    return " ".join(whole for word in split(name) for whole in lexicon.ABBREVIATIONS.get(word, word).split())
