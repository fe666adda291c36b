"""How much each word of a question counts when it finds no link."""

from __future__ import annotations

from spyne.ask import lexicon
from spyne.ask.tokens import Token


def word_weight(token: Token) -> float:
    """How much it counts when a word finds no link: nothing for function words, most for names and quotes."""
    if token.kind == "quoted":
        return 2.0
    if token.kind != "word" or token.lower in lexicon.STOP or len(token.lower) == 1:
        return 0.0
    if (
        token.lower in lexicon.LIGHT
        or token.lower in lexicon.IMPLIED
        or token.lower in lexicon.WEEKDAYS
        or token.lower in lexicon.MONTHS
    ):
        return 0.1
    return 1.5 if token.capital and token.start > 0 else 1.0
