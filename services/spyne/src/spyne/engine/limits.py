"""What a query may take."""

from __future__ import annotations

from dataclasses import dataclass

MIB = 1024 * 1024


@dataclass(frozen=True)
class Limits:
    """What a query may take before it is ended, and how much of its result is kept.

    A query that runs longer than `wall_s` by the clock or `cpu_s` on the processor (in whole seconds, rounded up) is
    ended and raises QueryTimedOut, at most 1.3 times that later; one that takes more than `memory_bytes` of memory
    raises QueryTooLarge. Of a result, the first `rows` rows and the first `bytes` bytes are kept, and `limits_hit` of
    the result says so. `wait_s` is how long a query may wait for its turn, in seconds.
    """

    wall_s: float = 30.0
    cpu_s: float = 30.0
    memory_bytes: int = 512 * MIB
    rows: int = 1_000
    bytes: int = 5_000_000
    wait_s: float = 30.0
