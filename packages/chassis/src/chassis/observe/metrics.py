"""Metrics: counters, gauges, histograms and summaries that cost little, and a text for Prometheus that is right.

One :class:`Metrics` per service. With several workers each records into its own numbers, and whichever is scraped
answers for all of them (see :mod:`chassis.observe.store`)::

    metrics = Metrics("notes")
    created = metrics.counter("notes_created_total", "Notes that were created", labels=("kind",))
    created.labels("reminder").inc()

A metric has a bounded number of label sets: more of them are counted as ``other``, and a counter of its own tells.
"""

import logging
import math
import operator
import re
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from chassis.observe.exposition import CONTENT_TYPE, Writer
from chassis.observe.recorders import OTHER, Counter, Gauge, Histogram, Summary, label_of
from chassis.observe.shared import SharedFolder
from chassis.observe.store import FamilyInfo, Kind, Labels, Merge, Snapshot, Store
from chassis.observe.workers import shared_folder
from chassis.operations import OperationalAnswer, OperationalEndpoint

DEFAULT_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper bounds of a histogram's buckets, in seconds."""
_logger = logging.getLogger(__name__)
_MOST_BUCKETS = 60
_PUBLISH_S = 1.0
_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_LABEL = re.compile(r"(?!__)[a-zA-Z_][a-zA-Z0-9_]*")


@dataclass(frozen=True)
class Family:
    """A metric whose numbers are only asked for when somebody looks.

    Args:
        name: of the metric.
        kind: "counter", "gauge", or, only in :meth:`Metrics.derive`, "summary" with a label ``quantile``.
        help: one sentence.
        labels: their names.
        samples: numbers by the labels' values.
        merge: how numbers of several workers become one.
    """

    name: str
    kind: Literal["counter", "gauge", "summary"]
    help: str
    labels: Labels = ()
    samples: Mapping[Labels, float] = field(default_factory=dict)
    merge: Merge = "sum"


Collector = Callable[[], Iterable[Family]]
_MERGES: dict[Merge, Callable[[float, float], float]] = {"sum": operator.add, "max": max, "min": min}


class Metrics:
    """The metrics of one service.

    Args:
        prefix: what the names of the chassis' own metrics begin with, such as ``notes``: ``notes_requests_total``.
        max_label_sets: how many sets of labels one metric has at most.
    """

    def __init__(self, prefix: str = "chassis", *, max_label_sets: int = 2000) -> None:
        """Begin with no metric."""
        self.prefix = _checked(_NAME, prefix, "prefix")
        self.store = Store()
        self._max_label_sets = max_label_sets
        self._collectors: list[Collector] = []
        self._collected: dict[str, set[Labels]] = {}
        self._derived: list[Callable[[Snapshot], Iterable[Family]]] = []
        self._writer = Writer()
        self._stop = threading.Event()
        self._overflow = self.counter(
            f"{prefix}_metrics_overflow_total", "Values counted as other: a metric had too many label sets", ("metric",)
        )

    def counter(self, name: str, help: str, labels: Iterable[str] = ()) -> Counter:  # noqa: A002 - the format's word
        """Return the counter of this name. By custom the name ends with ``_total``."""
        return Counter(self._describe(name, "counter", help, labels), self.store, self._within_bound)

    def gauge(self, name: str, help: str, labels: Iterable[str] = (), *, merge: Merge = "sum") -> Gauge:  # noqa: A002
        """Return the gauge of this name. ``merge`` says how those of several workers become one."""
        return Gauge(self._describe(name, "gauge", help, labels, merge=merge), self.store, self._within_bound)

    def histogram(
        self,
        name: str,
        help: str,  # noqa: A002
        labels: Iterable[str] = (),
        *,
        buckets: Iterable[float] = DEFAULT_BUCKETS,
    ) -> Histogram:
        """Return the histogram of this name. ``buckets`` are upper bounds, rising, without infinity."""
        info = self._describe(name, "histogram", help, labels, bounds=tuple(float(bound) for bound in buckets))
        return Histogram(info, self.store, self._within_bound)

    def summary(self, name: str, help: str, labels: Iterable[str] = ()) -> Summary:  # noqa: A002
        """Return the summary of this name: a count and a sum."""
        return Summary(self._describe(name, "summary", help, labels), self.store, self._within_bound)

    def collect(self, collector: Collector) -> None:
        """Ask this function for metrics of this process whenever somebody looks. Those of all workers are merged."""
        self._collectors.append(collector)

    def derive(self, function: Callable[[Snapshot], Iterable[Family]]) -> None:
        """Ask this function for metrics that follow from the others, those of all workers, whenever somebody looks."""
        self._derived.append(function)

    def start(self, service: str) -> None:
        """Share the numbers with the other workers, if there are any. Call it in each, after it was forked.

        Args:
            service: the name of the service: what its workers have in common.
        """
        folder = shared_folder(service)
        if folder is not None and not self.store.shared:
            self.store.share(SharedFolder(folder))
            self._stop.clear()
            threading.Thread(target=self._publish_on, name="metrics", daemon=True).start()

    def stop(self) -> None:
        """Publish a last time, so that the other workers go on telling what this one counted."""
        self._stop.set()
        if self.store.shared:
            self.publish()

    def publish(self) -> None:
        """Ask the collectors, and keep what they say where the other workers see it."""
        with self.store.publishing:
            for collector in self._collectors:
                try:
                    self._keep(collector())
                except Exception:
                    _logger.exception("metrics could not be collected")

    def read(self) -> Snapshot:
        """Return the numbers of all workers as they are now."""
        self.publish()
        return self.store.snapshot()

    def render(self) -> bytes:
        """Write everything in the text format of Prometheus."""
        snapshot = self.read()
        parts = [
            self._writer.write(info, snapshot.children[name])
            for name, info in snapshot.families.items()
            if info.kind != "window" and snapshot.children.get(name)
        ]
        for function in self._derived:
            try:
                parts += [self._derived_text(family) for family in function(snapshot)]
            except Exception:
                _logger.exception("metrics could not be derived")
        return "".join(parts).encode()

    def _derived_text(self, family: Family) -> str:
        info = FamilyInfo(family.name, family.kind, family.help, family.labels)
        numbers = {labels: [float(value)] for labels, value in family.samples.items()}
        return self._writer.write(info, numbers, single=True)

    def endpoint(self) -> OperationalEndpoint:
        """Return the endpoint that Prometheus asks."""
        return OperationalEndpoint(
            lambda _request: OperationalAnswer(200, self.render(), content_type=CONTENT_TYPE), in_thread=True
        )

    def _keep(self, families: Iterable[Family]) -> None:
        for family in families:
            info = self._describe(family.name, family.kind, family.help, family.labels, merge=family.merge)
            for labels, value in self._bounded(info, family.samples).items():
                self.store.values[self.store.place(info.name, labels, 1)] = value

    def _bounded(self, info: FamilyInfo, samples: Mapping[Labels, float]) -> dict[Labels, float]:
        """Return what a collector said under labels that there is room for; the rest is merged under "other"."""
        known = self._collected.setdefault(info.name, set())
        merge = _MERGES[info.merge]
        bounded: dict[Labels, float] = {}
        for given, value in samples.items():
            labels = tuple(map(label_of, given))
            if len(labels) != len(info.labels):
                raise ValueError(
                    f"{info.name}: expected values of {', '.join(info.labels) or 'no labels'}: got {given}"
                )
            if labels not in known:
                labels = self._within_bound(info, labels, len(known))
                known.add(labels)
            bounded[labels] = merge(bounded[labels], float(value)) if labels in bounded else float(value)
        return bounded

    def _describe(
        self,
        name: str,
        kind: Kind,
        help: str,  # noqa: A002
        labels: Iterable[str],
        *,
        bounds: tuple[float, ...] = (),
        merge: Merge = "sum",
    ) -> FamilyInfo:
        info = FamilyInfo(name, kind, help, tuple(labels), bounds, merge)
        known = self.store.known(info)
        if known is None:
            _check(info)
            known = self.store.describe(info)
        return known

    def _within_bound(self, info: FamilyInfo, values: Labels, known: int) -> Labels:
        """Return the values of labels to count under: their own, unless there are too many label sets already."""
        if known < self._max_label_sets:
            return values
        self._overflow.labels(info.name).inc()
        return (OTHER,) * len(values)

    def _publish_on(self) -> None:
        while not self._stop.wait(_PUBLISH_S):
            self.publish()


def _checked(pattern: re.Pattern[str], name: str, what: str) -> str:
    if not pattern.fullmatch(name):
        raise ValueError(f"{name!r}: expected a {what} of letters, digits and _, such as notes_created")
    return name


def _check(info: FamilyInfo) -> None:
    """Refuse what Prometheus would refuse to read.

    Raises:
        ValueError: saying what.
    """
    _checked(_NAME, info.name, "name")
    for label in info.labels:
        _checked(_LABEL, label, "label")
    if info.kind == "histogram" and "le" in info.labels:
        raise ValueError(f"{info.name}: a histogram has the label le already")
    bounds = info.bounds
    if list(bounds) != sorted(set(bounds)) or len(bounds) > _MOST_BUCKETS or math.inf in bounds:
        raise ValueError(f"{info.name}: expected up to {_MOST_BUCKETS} finite, rising upper bounds of buckets")
