"""The recorders that code holds: a counter, a gauge, a histogram, a summary. A change takes a fraction of a µs."""

from bisect import bisect_left
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import NoReturn, Self

from chassis.observe.store import FamilyInfo, Labels, Store

OTHER = "other"
_LONGEST_LABEL = 200


class Recorder:
    """One metric, or its numbers for one set of labels.

    Args:
        info: what is known about the metric.
        store: where the numbers are.
        bound: tells which of the values of labels to use, given those that there are: others when there are too many.
        at: where the numbers for one set of labels begin; -1 for the metric itself.
    """

    __slots__ = ("_at", "_bound", "_info", "_known", "_store")

    def __init__(
        self, info: FamilyInfo, store: Store, bound: Callable[[FamilyInfo, Labels, int], Labels], at: int = -1
    ) -> None:
        """Make room at once when there are no labels."""
        self._info = info
        self._bound = bound
        self._known: dict[tuple[object, ...], Self] = {}
        self._store: Store = store
        self._at = at
        if at < 0 and not info.labels:
            self._at = store.place(info.name, (), size_of(info))
        elif at < 0:
            self._store = _NeedsLabels(info, store)  # so that recorders themselves need not look

    @property
    def place(self) -> int:
        """Where its numbers begin in the store, for recorders that change several of them at once."""
        return self._at

    def labels(self, *values: object) -> Self:
        """Return the recorder for these values of the labels, in their order. Keep it where it is used often.

        Raises:
            ValueError: there are more or fewer labels.
        """
        known = self._known.get(values)
        return known if known is not None else self._learn(tuple(map(label_of, values)))

    def _learn(self, values: Labels) -> Self:
        if len(values) != len(self._info.labels):
            expected = ", ".join(self._info.labels) or "no labels"
            raise ValueError(f"{self._info.name}: expected {expected}; got {len(values)} values")
        if values not in self._known:
            values = self._bound(self._info, values, len(self._known))
        known = self._known.get(values)
        if known is None:
            store = self._store.real if isinstance(self._store, _NeedsLabels) else self._store
            at = store.place(self._info.name, values, size_of(self._info))
            known = self._known[values] = type(self)(self._info, store, self._bound, at)
        return known


class Counter(Recorder):
    """Counts up."""

    __slots__ = ()

    def inc(self, amount: float = 1.0) -> None:
        """Count ``amount`` more.

        Raises:
            ValueError: it is negative.
        """
        if amount < 0:
            raise ValueError(f"{self._info.name}: a counter only goes up, not by {amount}")
        store = self._store
        with store.lock:
            store.values[self._at] += amount


class Gauge(Recorder):
    """Goes up and down."""

    __slots__ = ()

    def set(self, value: float) -> None:
        """Put it at ``value``."""
        store = self._store
        with store.lock:
            store.values[self._at] = value

    def inc(self, amount: float = 1.0) -> None:
        """Put it ``amount`` higher."""
        store = self._store
        with store.lock:
            store.values[self._at] += amount

    def dec(self, amount: float = 1.0) -> None:
        """Put it ``amount`` lower."""
        self.inc(-amount)


class Histogram(Recorder):
    """Counts how many values are in each bucket, and adds them up."""

    __slots__ = ()

    def observe(self, value: float) -> None:
        """Count one value."""
        store, at, bounds = self._store, self._at, self._info.bounds
        bucket = at + bisect_left(bounds, value)
        with store.lock:
            values = store.values
            values[bucket] += 1.0
            values[at + len(bounds) + 1] += value

    @contextmanager
    def time(self) -> Iterator[None]:
        """Count how many seconds the block takes, whether or not it raises."""
        began = perf_counter()
        try:
            yield
        finally:
            self.observe(perf_counter() - began)


class Summary(Recorder):
    """Counts values and adds them up, without buckets."""

    __slots__ = ()

    def observe(self, value: float) -> None:
        """Count one value."""
        store, at = self._store, self._at
        with store.lock:
            values = store.values
            values[at] += 1.0
            values[at + 1] += value


def label_of(value: object) -> str:
    """Write the value of a label: valid text of at most 200 characters."""
    return str(value)[:_LONGEST_LABEL].encode("utf-8", "backslashreplace").decode()


def size_of(info: FamilyInfo) -> int:
    """Return how many numbers a metric has for one set of labels."""
    return {"histogram": len(info.bounds) + 2, "summary": 2}.get(info.kind, 1)


class _NeedsLabels(Store):
    """Stands where a store would be in a metric that has labels, and says so when it is used without."""

    def __init__(self, info: FamilyInfo, real: Store) -> None:  # it keeps no numbers
        self.real = real
        self._info = info

    def __getattr__(self, name: str) -> NoReturn:
        raise ValueError(f"{self._info.name} has labels: use .labels({', '.join(self._info.labels)})")
