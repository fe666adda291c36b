"""Words that nothing else contains: they mark what was written, and name paths that do not exist."""

import random

_source = random.Random()


def seed_tokens(seed: int) -> None:
    """Begin the sequence of tokens anew from this seed, which the recording keeps."""
    _source.seed(seed)


def new_token() -> str:
    """Return 12 lower-case letters and digits, a letter first."""
    return f"rw{_source.getrandbits(40):010x}"
