"""Quantiles within 1 %, of values in buckets whose bounds grow by 2 %.

The method is that of DDSketch (Masson, Rim and Lee, VLDB 2019), with a fixed range: from 10 µs to 10,000 s. Sketches of
several processes are merged by adding their counts.
"""

from collections.abc import Iterable, Sequence
from math import log

_GROWTH = 1.02
_LOWEST = 1e-5
_HIGHEST = 1e4
_PER_LOG = 1.0 / log(_GROWTH)
SIZE = int(log(_HIGHEST / _LOWEST) * _PER_LOG) + 2
"""How many buckets there are. The first is for what is below the range, the last for what is above."""


def bucket_of(value: float) -> int:
    """Return the bucket that a value, in seconds, is counted in."""
    if value <= _LOWEST:
        return 0
    bucket = int(log(value / _LOWEST) * _PER_LOG) + 1
    return bucket if bucket < SIZE else SIZE - 1


def quantiles(counts: Iterable[tuple[int, float]], wanted: Sequence[float]) -> list[float] | None:
    """Return quantiles of the values that were counted; None when there were none.

    Args:
        counts: buckets, rising, and how many values each has.
        wanted: such as 0.5 and 0.99, rising.
    """
    filled = [(bucket, count) for bucket, count in counts if count > 0]
    total = sum(count for _, count in filled)
    if not total:
        return None
    found: list[float] = []
    seen = 0.0
    for bucket, count in filled:
        seen += count
        while len(found) < len(wanted) and seen >= wanted[len(found)] * total:
            found.append(_LOWEST * _GROWTH ** (bucket - 0.5))
    return found
