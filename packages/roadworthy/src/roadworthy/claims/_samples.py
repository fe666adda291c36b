"""What single attempts show: transaction steps, refusals that say nothing, and how an attempt reads in a report."""

from collections.abc import Iterable

from roadworthy.domain.evidence import Answer, Sample
from roadworthy.domain.target import STEP_NAMES
from roadworthy.domain.verdict import Exhibit

_NOT_ABOUT_THE_DATA = frozenset({401, 403, 407, 408, 421, 425, 429})
"""Statuses that refuse the caller or the moment, and so say nothing about whether an object exists."""


def transaction_steps(samples: Iterable[Sample]) -> tuple[Sample, ...]:
    """Return the steps of transactions, without those that a rate limiter turned away: these tried nothing."""
    return tuple(sample for sample in samples if sample.what in STEP_NAMES and sample.status != 429)


def says_gone(read: Sample) -> bool:
    """Tell whether a read that failed says that the object is not there, or not as it was written.

    A 5xx, a broken connection or a refused caller says nothing about the object.
    """
    if read.ok or read.answer is not Answer.ANSWERED or read.status is None:
        return False
    return read.status < 500 and not 300 <= read.status < 400 and read.status not in _NOT_ABOUT_THE_DATA


def shown(sample: Sample) -> str:
    """Return an attempt in a few words, such as ``create 500 after 0.2 s``."""
    words = f"{sample.what} {sample.shown} after {sample.seconds:.1f} s"
    return f"{words} ({sample.note})" if sample.note else words


def exhibit(sample: Sample, text: str = "") -> Exhibit:
    """Return the exchange of an attempt as an exhibit."""
    return Exhibit("exchange", text or shown(sample), sample.exchange)


def exhibits(samples: Iterable[Sample], limit: int = 5) -> tuple[Exhibit, ...]:
    """Return the first few attempts as exhibits."""
    return tuple(exhibit(sample) for sample in tuple(samples)[:limit])
