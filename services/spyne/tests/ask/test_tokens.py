"""Words of a question."""

import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from spyne.ask.tokens import stem

WORDS = [a + b for a in ("relation", "hop", "general") for b in ("al", "ing", "ization", "ed")]


@pytest.fixture
def often():
    """Threads take turns far more often than usual."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def test_threads_do_not_mix_the_words_that_they_stem(often):
    plain = getattr(stem, "__wrapped__", stem)
    wanted = [plain(word) for word in WORDS]
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda _: [plain(word) for word in WORDS], range(60)))
    assert found == [wanted] * 60
