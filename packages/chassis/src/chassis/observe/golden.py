"""The golden signals of the last minute: latency, traffic, errors, saturation, and throughput. As JSON, for people.

Alerts and graphs have the same in :mod:`chassis.observe.requests`, as Prometheus wants it. The four signals are those
of "Site Reliability Engineering" (Beyer et al., O'Reilly 2016), chapter 6.
"""

from typing import Any

import orjson

from chassis.clock import SYSTEM_CLOCK, Clock
from chassis.observe import sketch
from chassis.observe.metrics import Metrics
from chassis.observe.store import Children, FamilyInfo
from chassis.operations import OperationalAnswer, OperationalEndpoint

WINDOW_S = 60
_SLOT_S = 10
_SLOTS = WINDOW_S // _SLOT_S + 1  # one of them is being filled
_NUMBER, _COUNT, _ERRORS, _SUM, _MAX, _SKETCH = range(6)
_SLOT = _SKETCH + sketch.SIZE
_TOTAL = _SLOTS * _SLOT
_SIZE = _TOTAL + _SLOT
_QUANTILES = (0.5, 0.95, 0.99)
_FAILED = 500


class GoldenSignals:
    """Counts requests for the golden signals, those of all workers together.

    Args:
        metrics: where the numbers are kept, and where saturation is read.
        clock: what time it is.
    """

    def __init__(self, metrics: Metrics, clock: Clock = SYSTEM_CLOCK) -> None:
        """Begin with no request."""
        self._metrics = metrics
        self._time = clock.time
        self._name = f"{metrics.prefix}_golden_signals"
        self._store = metrics.store
        self._store.describe(FamilyInfo(self._name, "window"))
        self._at = self._store.place(self._name, (), _SIZE)
        self._began = self._time()

    def count(self, status: int, seconds: float) -> None:
        """Count an answered request. The caller holds the store's lock."""
        values = self._store.values
        number = int(self._time() / _SLOT_S)
        slot = self._at + number % _SLOTS * _SLOT
        if values[slot] != number:
            self._begin(slot, number)
        values[slot + _COUNT] += 1.0
        values[slot + _SUM] += seconds
        if status >= _FAILED:
            values[slot + _ERRORS] += 1.0
        if seconds > values[slot + _MAX]:  # noqa: PLR1730 - max() takes twice as long
            values[slot + _MAX] = seconds
        values[slot + _SKETCH + sketch.bucket_of(seconds)] += 1.0

    def read(self) -> dict[str, Any]:
        """Return the signals. Those that nothing can be said about are None."""
        snapshot = self._metrics.read()
        prefix = self._metrics.prefix
        now = self._time()
        oldest = int(now / _SLOT_S) - _SLOTS + 1
        window, total, began = self._merged(snapshot.children[self._name][()], oldest)
        covered = min(now - oldest * _SLOT_S, max(now - began, 1.0))
        count, errors = window[_COUNT], window[_ERRORS]
        answered = snapshot.children.get(f"{prefix}_requests_total", {})
        in_flight = _sum(snapshot.children.get(f"{prefix}_requests_in_flight"))
        limit = _sum(snapshot.children.get(f"{prefix}_requests_in_flight_limit"))
        return {
            "window_s": WINDOW_S,
            "workers": snapshot.workers,
            "uptime_s": round(now - began, 1),
            "latency": _latency(window),
            "traffic": {"requests_per_s": round(count / covered, 3), "requests_total": int(_sum(answered))},
            "errors": {
                "percent": round(100.0 * errors / count, 3) if count else None,
                "per_minute": round(60.0 * errors / covered, 3),
                "total": int(_sum({labels: each for labels, each in answered.items() if labels[-1].startswith("5")})),
            },
            "saturation": {
                "in_flight": int(in_flight),
                "limit": int(limit) or None,
                "percent": round(100.0 * in_flight / limit, 3) if limit else None,
            },
            "throughput": {"successful_per_minute": round(60.0 * (count - errors) / covered, 3)},
            "since_start": {"latency": _latency(total)},
        }

    def _merged(self, blocks: list[float], oldest: int) -> tuple[list[float], list[float], float]:
        """Merge what all workers counted: in the last minute, since they started, and since when."""
        window, total, began = [0.0] * _SLOT, [0.0] * _SLOT, self._began
        for start in range(0, len(blocks), _SLOT):
            slot = blocks[start : start + _SLOT]
            _add(total, slot)
            if start % _SIZE == _TOTAL:
                began = min(began, slot[_NUMBER] or began)
            elif slot[_NUMBER] >= oldest:
                _add(window, slot)
        return window, total, began

    def endpoint(self) -> OperationalEndpoint:
        """Return the endpoint that shows the signals."""
        return OperationalEndpoint(lambda _request: OperationalAnswer(200, orjson.dumps(self.read())), in_thread=True)

    def _begin(self, slot: int, number: int) -> None:
        """Begin to fill a slot anew: what it held goes to the total."""
        values = self._store.values
        old = values[slot : slot + _SLOT].tolist()
        total = self._at + _TOTAL
        values[total] = self._began
        if old[_COUNT]:
            for index in range(_COUNT, _SLOT):
                if index != _MAX:
                    values[total + index] += old[index]
            values[total + _MAX] = max(values[total + _MAX], old[_MAX])
        values[slot : slot + _SLOT] = memoryview(_EMPTY).cast("d")
        values[slot] = number


_EMPTY = bytes(8 * _SLOT)


def _add(total: list[float], slot: list[float]) -> None:
    if not slot[_COUNT]:
        return
    largest = max(total[_MAX], slot[_MAX])
    total[:] = [one + other for one, other in zip(total, slot, strict=True)]
    total[_MAX] = largest


def _latency(slot: list[float]) -> dict[str, float | None]:
    found = sketch.quantiles(enumerate(slot[_SKETCH:]), _QUANTILES)
    if found is None:
        return dict.fromkeys(("p50_ms", "p95_ms", "p99_ms", "mean_ms", "max_ms"))
    names = ("p50_ms", "p95_ms", "p99_ms")
    shown = {name: round(1000.0 * min(value, slot[_MAX]), 3) for name, value in zip(names, found, strict=True)}
    return {**shown, "mean_ms": round(1000.0 * slot[_SUM] / slot[_COUNT], 3), "max_ms": round(1000.0 * slot[_MAX], 3)}


def _sum(children: Children | None) -> float:
    return sum(numbers[0] for numbers in (children or {}).values())
