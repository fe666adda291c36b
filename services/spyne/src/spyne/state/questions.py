"""When two questions are the same: they differ in case, politeness and punctuation only."""

import hashlib
import json
import re
from collections.abc import Mapping

_QUOTES = re.compile("[\"'`\u2018\u2019\u201c\u201d\u00ab\u00bb]")
_MARKS = re.compile(r"[?!.,;:]+(?=\s|$)")
_BEFORE = re.compile(
    r"^(?:(?:please|can you|could you|would you|i want to see|i would like to see|show me|show|give me|list|tell me"
    r"|what is|what are|the) )+"
)
_BEHIND = re.compile(r"(?: (?:please|thanks|thank you))+$")
_ARTICLE = re.compile(r"\bthe ")


def plain(question: str) -> str:
    """A question without what does not change its meaning. Signs between words stay: they may compare or negate."""
    words = " ".join(_MARKS.sub("", _QUOTES.sub("", question.casefold())).split())
    return _ARTICLE.sub("", _BEFORE.sub("", _BEHIND.sub("", words)))


def key_of(database: str, question: str, answers: Mapping[str, str]) -> str:
    """What a question is found by, with the answers to questions back about it: 64 hexadecimal digits."""
    parts = [database, plain(question), sorted(answers.items())]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()
