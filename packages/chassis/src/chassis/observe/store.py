"""The numbers behind metrics: 64-bit floats in one block of memory. Workers share them: :mod:`chassis.observe.shared`.

A recorder holds the place of its numbers. A change is an addition in the block; nothing else happens until somebody
looks.
"""

import mmap
import os
import threading
import weakref
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, Protocol, cast

Kind = Literal["counter", "gauge", "histogram", "summary", "window"]
Merge = Literal["sum", "max", "min"]
Labels = tuple[str, ...]
Children = dict[Labels, list[float]]

CAPACITY = 2**20
NUMBER = 8
_SCRAP = 64


@dataclass(frozen=True)
class FamilyInfo:
    """What is known about a metric.

    Args:
        name: of the metric.
        kind: of its numbers.
        help: one sentence.
        labels: their names.
        bounds: upper bounds of a histogram's buckets, without infinity.
        merge: how numbers of several workers become one.
    """

    name: str
    kind: Kind
    help: str = ""
    labels: Labels = ()
    bounds: tuple[float, ...] = ()
    merge: Merge = "sum"


@dataclass
class Snapshot:
    """All metrics at one moment, of all workers: descriptions by name, and numbers by name and labels.

    ``workers`` is how many processes are alive.
    """

    families: dict[str, FamilyInfo]
    children: dict[str, Children]
    workers: int = 1

    def add(self, info: FamilyInfo, labels: Labels, numbers: list[float]) -> None:
        """Merge numbers in. Those of a metric that is described in another way, as during an upgrade, are left out."""
        known = self.families.setdefault(info.name, info)
        if (known.kind, known.labels, known.bounds) != (info.kind, info.labels, info.bounds):
            return
        children = self.children.setdefault(info.name, {})
        there = children.get(labels)
        if there is None:
            children[labels] = numbers
        elif known.kind == "window":
            there += numbers  # one after the other: only their reader knows how to merge them
        elif known.merge == "sum":
            children[labels] = [one + other for one, other in zip(there, numbers, strict=True)]
        else:
            choose = max if known.merge == "max" else min
            children[labels] = [choose(one, other) for one, other in zip(there, numbers, strict=True)]


Entry = tuple[FamilyInfo, Labels, list[float]]


class Share(Protocol):
    """A block of numbers that other processes see, and their blocks."""

    values: "memoryview[float]"

    def describe(self, info: FamilyInfo) -> None:
        """Write down a metric."""

    def place(self, name: str, labels: Labels, at: int, size: int) -> None:
        """Write down where numbers are."""

    def others(self) -> tuple[int, Iterator[Entry]]:
        """Return how many other workers live, and the numbers of the living and of the dead."""

    def let_go(self) -> None:
        """Leave the block to the parent of a forked process."""


class Store:
    """The block of numbers of this process. Take ``lock`` to change ``values``, and read ``values`` anew each time.

    It begins private. :meth:`share` moves it into a folder. In a forked child it begins anew, private and at zero.

    Attributes:
        values: the numbers.
        lock: held while numbers change.
        publishing: held while numbers that were asked for are written down.
        full: how often there was no room for more.
    """

    def __init__(self) -> None:
        """Begin private and empty."""
        self.lock = threading.Lock()
        self.publishing = threading.Lock()
        self.full = 0
        self.values = _private()
        self._families: dict[str, FamilyInfo] = {}
        self._places: dict[tuple[str, Labels], tuple[int, int]] = {}
        self._used = _SCRAP
        self._share: Share | None = None
        this = weakref.ref(self)
        os.register_at_fork(after_in_child=lambda: _begin_anew(this()))

    @property
    def shared(self) -> bool:
        """Whether other workers see these numbers."""
        return self._share is not None

    def known(self, info: FamilyInfo) -> FamilyInfo | None:
        """Find the metric of this name.

        Raises:
            ValueError: it is described in another way.
        """
        known = self._families.get(info.name)
        if known is not None and known != info:
            raise ValueError(f"the metric {info.name} is already described in another way: {known}")
        return known

    def describe(self, info: FamilyInfo) -> FamilyInfo:
        """Add a metric, or find the one that is the same.

        Raises:
            ValueError: there is another one of this name.
        """
        with self.lock:
            if (known := self.known(info)) is not None:
                return known
            self._families[info.name] = info
            if self._share is not None:
                self._share.describe(info)
            return info

    def place(self, name: str, labels: Labels, size: int) -> int:
        """Return where the numbers of a metric and label set begin; make room for them the first time.

        When all room is used, they go where nobody reads, and ``full`` counts it.
        """
        with self.lock:
            if (known := self._places.get((name, labels))) is not None:
                return known[0]
            if self._used + size > CAPACITY:
                self.full += 1
                return 0
            at = self._used
            self._used += size
            self._places[name, labels] = (at, size)
            if self._share is not None:
                self._share.place(name, labels, at, size)
            return at

    def share(self, share: Share) -> None:
        """Move the numbers to where the other workers of the service see them."""
        with self.lock:
            share.values[: self._used] = self.values[: self._used]
            self._share, self.values = share, share.values
            for info in self._families.values():
                share.describe(info)
            for (name, labels), (at, size) in self._places.items():
                share.place(name, labels, at, size)

    def snapshot(self) -> Snapshot:
        """Return the numbers of all workers, merged."""
        with self.lock:
            numbers = cast("list[float]", self.values[: self._used].tolist())
            places = list(self._places.items())
            families = dict(self._families)
        snapshot = Snapshot(families, {name: {} for name in families})
        for (name, labels), (at, size) in places:
            snapshot.children[name][labels] = numbers[at : at + size]
        if self._share is not None:
            living, entries = self._share.others()
            snapshot.workers += living
            for entry in entries:
                snapshot.add(*entry)
        return snapshot

    def begin_anew(self) -> None:
        """Start from zero in a forked child: the counts so far are its parent's."""
        self.lock = threading.Lock()
        self.publishing = threading.Lock()
        if self._share is not None:
            self._share.let_go()
            self._share = None
        self.values = _private()


def _private() -> "memoryview[float]":
    """Return a block that takes up memory only where it is written."""
    return memoryview(mmap.mmap(-1, CAPACITY * NUMBER)).cast("d")


def _begin_anew(store: Store | None) -> None:
    if store is not None:
        store.begin_anew()
