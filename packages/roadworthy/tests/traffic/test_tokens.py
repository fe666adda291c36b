"""Tokens: words that nothing else contains, and the same again from the same seed."""

import re
import secrets

from roadworthy.traffic.tokens import new_token, seed_tokens


def test_tokens_are_words_of_their_own() -> None:
    tokens = {new_token() for _ in range(1_000)}
    assert len(tokens) == 1_000
    assert all(re.fullmatch(r"[a-z][a-z0-9]{11}", token) for token in tokens)


def test_the_same_seed_gives_the_same_tokens_and_another_gives_others() -> None:
    try:
        seed_tokens(7)
        first = [new_token() for _ in range(5)]
        seed_tokens(7)
        assert [new_token() for _ in range(5)] == first
        seed_tokens(8)
        assert new_token() not in first
    finally:
        seed_tokens(secrets.randbits(64))  # the tests after this one must not share a sequence
