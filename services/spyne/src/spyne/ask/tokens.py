"""A question as tokens: words, numbers, dates and quoted text, each with its place in the question."""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import snowballstemmer  # type: ignore[import-untyped]  # it has no types

from spyne.ask import lexicon

TokenKind = Literal["word", "number", "quoted", "date", "punctuation"]
DateUnit = Literal["year", "month", "day"]

_STEMMER = snowballstemmer.stemmer("english")
_ONE_AT_A_TIME = threading.Lock()  # a stemmer keeps its word: two threads would mix theirs
_MONTH = "|".join(sorted((*lexicon.MONTHS, *(m[:3] for m in lexicon.MONTHS), "sept"), key=len, reverse=True))
_PATTERN = re.compile(
    rf"""
    (?P<quoted>(?<!\w)"[^"]+"|“[^”]+”|`[^`]+`|(?<!\w)'[^']+?'(?!\w)|(?<!\w)‘[^’]+’(?!\w))
  | (?P<iso>\b\d{{4}}-\d{{2}}-\d{{2}}\b)
  | (?P<raw>\b\d{{1,2}}[./]\d{{1,2}}[./]\d{{4}}\b)
  | (?P<long>\b(?:{_MONTH})\.?\s+\d{{1,2}}(?:st|nd|rd|th)?,?\s+\d{{4}}\b)
  | (?P<long2>\b\d{{1,2}}(?:st|nd|rd|th)?\s+(?:{_MONTH})\.?,?\s+\d{{4}}\b)
  | (?P<month>\b(?:{_MONTH})\.?,?\s+(?:of\s+)?\d{{4}}\b)
  | (?P<number>(?<![\w.])-?[$€£]?\s?\d+(?:,\d{{3}})*(?:\.\d+)?(?:\s?(?:k|m|bn|b|million|billion|thousand|%))?(?![\w]))
  | (?P<word>[^\W_][\w]*(?:['’](?!s\b)[^\W_]+)?|_\w+)
  | (?P<possessive>['’]s?\b)
  | (?P<punctuation>[,;:.?!()&/<>=%+-]+)
    """,  # noqa: RUF001 - typographic quotes are what people paste
    re.VERBOSE | re.IGNORECASE,
)  # fmt: skip
_SCALE = {"k": 1e3, "thousand": 1e3, "m": 1e6, "million": 1e6, "b": 1e9, "bn": 1e9, "billion": 1e9, "%": 1.0, "": 1.0}


@dataclass(frozen=True)
class Token:
    """One token. `value` is the number, the quoted text, or the date as ISO text, cut to its `unit`."""

    text: str
    stem: str
    kind: TokenKind
    value: float | int | str | None = None
    unit: DateUnit | None = None
    capital: bool = False
    start: int = 0
    end: int = 0

    @property
    def lower(self) -> str:
        """The text in small letters."""
        return self.text.lower()


@lru_cache(maxsize=50_000)
def stem(word: str) -> str:
    """The stem of a word: small letters, British spelling made American, ending cut off."""
    word = word.lower()
    word = lexicon.SPELLING.get(word, word)
    if len(word) > 5 and "our" in word[2:]:
        word = word.replace("our", "or")
    with _ONE_AT_A_TIME:
        return str(_STEMMER.stemWord(word))


def number(text: str) -> float | int | None:
    """The number that a text begins with, such as "$20M", "60,000 per year" or "20 million USD"; None without one."""
    found = re.match(
        r"\s*[$€£]?\s*(-?\d[\d,]*(?:\.\d+)?)\s*(k|m|bn|b|million|billion|thousand|%)?\b", text, re.IGNORECASE
    )
    if found is None:
        return None
    value = float(found[1].replace(",", "")) * _SCALE[(found[2] or "").lower()]
    return int(value) if value == int(value) else value


def _month(text: str) -> int:
    head = text[:3].lower()
    return next(n for n, name in enumerate(lexicon.MONTHS, 1) if name.startswith(head))


def _date(kind: str, text: str) -> tuple[str, DateUnit]:
    if kind == "iso":
        return text, "day"
    digits = re.findall(r"\d+", text)
    word = re.search(r"[a-z]+", re.sub(r"\d+(?:st|nd|rd|th)", "", text, flags=re.IGNORECASE), re.IGNORECASE)
    month = _month(word[0]) if word else 1
    if kind == "month":
        return f"{digits[0]}-{month:02d}", "month"
    return f"{digits[1]}-{month:02d}-{int(digits[0]):02d}", "day"


def _token(found: re.Match[str]) -> Token | None:
    kind, text = found.lastgroup or "", found[0]
    start, end = found.span()
    if kind == "possessive":
        return None
    if kind == "quoted":
        inner = text[1:-1].strip().rstrip(",.")
        return Token(inner, inner.lower(), "quoted", inner, None, True, start, end)
    if kind in {"iso", "long", "long2", "month"}:
        value, unit = _date(kind, text)
        return Token(text, text.lower(), "date", value, unit, True, start, end)
    if kind == "raw":
        return Token(text, text.lower(), "quoted", text, None, True, start, end)
    if kind == "number":
        return Token(text.strip(), text.strip().lower(), "number", number(text.lstrip()), None, False, start, end)
    if kind == "punctuation":
        return Token(text, text, "punctuation", None, None, False, start, end)
    spelled = lexicon.NUMBERS.get(text.lower())
    if spelled is not None:
        return Token(text, str(spelled), "number", spelled, None, False, start, end)
    return Token(text, stem(text), "word", None, None, text[0].isupper(), start, end)


def tokenize(question: str) -> tuple[Token, ...]:
    """The tokens of a question, in its order. Hyphens part words; a possessive 's is left out."""
    return tuple(token for found in _PATTERN.finditer(question) if (token := _token(found)) is not None)
