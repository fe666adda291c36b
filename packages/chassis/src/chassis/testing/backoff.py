"""Retries without their waits."""

from collections.abc import Iterator
from contextlib import contextmanager

from chassis.resilience import waits


@contextmanager
def instant_backoff() -> Iterator[list[float]]:
    """Let waits between attempts take no time, in all pipelines and threads of this process.

    Yields:
        The waits that would have been, in seconds, in the order of their beginnings.
    """
    made: list[float] = []
    record = made.append
    waits.taken_over.append(record)
    try:
        yield made
    finally:
        waits.taken_over.remove(record)
