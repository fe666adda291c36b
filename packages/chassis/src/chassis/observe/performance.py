"""How long operations take: ``@timed``, ``with timer(...)``, and a summary of both. Slow ones are logged.

::

    @timed(operation_name="database_query", log_threshold=1.0)
    async def query_database(): ...

    with timer("complex_operation"):
        perform_operation()

    get_performance_metrics().get_summary()["database_query"]["p95"]
"""

import functools
import inspect
import logging
import threading
from collections.abc import Callable
from time import perf_counter
from types import TracebackType
from typing import Any, ParamSpec, TypeVar, cast

from chassis.observe import sketch

P = ParamSpec("P")
R = TypeVar("R")

OTHER = "other"
_QUANTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
_logger = logging.getLogger("chassis.performance")


class _Operation:
    """What is known about one operation; its durations as a sketch, which does not grow with their number."""

    __slots__ = ("count", "counts", "failed", "maximum", "minimum", "total")

    def __init__(self) -> None:
        self.count = self.failed = 0
        self.total = self.maximum = 0.0
        self.minimum = float("inf")
        self.counts: dict[int, float] = {}

    def add(self, seconds: float, *, failed: bool) -> None:
        self.count += 1
        self.failed += failed
        self.total += seconds
        self.minimum = min(self.minimum, seconds)
        self.maximum = max(self.maximum, seconds)
        bucket = sketch.bucket_of(seconds)
        self.counts[bucket] = self.counts.get(bucket, 0.0) + 1.0

    def summary(self) -> dict[str, float]:
        found = sketch.quantiles(sorted(self.counts.items()), tuple(_QUANTILES.values())) or []
        within = (min(max(value, self.minimum), self.maximum) for value in found)
        return {
            "count": self.count,
            "failed": self.failed,
            "mean": self.total / self.count,
            "min": self.minimum,
            "max": self.maximum,
            **dict(zip(_QUANTILES, within, strict=True)),
        }


class PerformanceMetrics:
    """How long operations took, by name. Safe to use from several threads.

    Args:
        max_operations: how many names there may be; further ones count as ``other``.
    """

    def __init__(self, max_operations: int = 1000) -> None:
        """Begin with no operation."""
        self._max_operations = max_operations
        self._operations: dict[str, _Operation] = {}
        self._lock = threading.Lock()

    def record(self, operation: str, seconds: float, *, failed: bool = False) -> None:
        """Record that an operation took so long, and whether it raised."""
        with self._lock:
            known = self._operations.get(operation)
            if known is None:
                name = operation if len(self._operations) < self._max_operations else OTHER
                known = self._operations.setdefault(name, _Operation())
            known.add(seconds, failed=failed)

    def get_summary(self) -> dict[str, dict[str, float]]:
        """Return, by operation: count, failed, and mean, min, max, p50, p95 and p99 in seconds.

        The quantiles are within 1 %.
        """
        with self._lock:
            return {name: operation.summary() for name, operation in self._operations.items()}

    def reset(self) -> None:
        """Forget everything."""
        with self._lock:
            self._operations.clear()


_metrics = PerformanceMetrics()


def get_performance_metrics() -> PerformanceMetrics:
    """Return those of this process."""
    return _metrics


class timer:  # noqa: N801 - reads as what it does: with timer("load")
    """Measure a block: ``with timer("load"):``. What it took is in ``seconds`` afterwards.

    Args:
        name: of the operation.
        log_threshold: seconds above which it is logged as slow; None for never.
        metrics: where it is recorded.
    """

    __slots__ = ("_began", "_metrics", "_name", "_threshold", "seconds")

    def __init__(
        self, name: str, log_threshold: float | None = None, *, metrics: PerformanceMetrics | None = None
    ) -> None:
        """Begin nothing yet."""
        self._name = name
        self._threshold = log_threshold
        self._metrics = metrics if metrics is not None else _metrics
        self._began = 0.0
        self.seconds = 0.0

    def __enter__(self) -> "timer":
        """Begin."""
        self._began = perf_counter()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Record what it took, whether or not it raised."""
        seconds = self.seconds = perf_counter() - self._began
        self._metrics.record(self._name, seconds, failed=kind is not None)
        if self._threshold is not None and seconds > self._threshold:
            context = {"operation": self._name, "duration_s": round(seconds, 6), "threshold_s": self._threshold}
            _logger.warning("slow operation", extra={"context": context})


def timed(
    operation_name: str = "", log_threshold: float | None = None, *, metrics: PerformanceMetrics | None = None
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Measure each call of a function, or of a coroutine function until it returns.

    Args:
        operation_name: under which it is recorded; by default the function's own.
        log_threshold: seconds above which a call is logged as slow; None for never.
        metrics: where it is recorded.
    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        name = operation_name or f"{function.__module__}.{function.__qualname__}"

        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def measured_coroutine(*args: P.args, **kwargs: P.kwargs) -> Any:
                with timer(name, log_threshold, metrics=metrics):
                    return await function(*args, **kwargs)

            return cast("Callable[P, R]", measured_coroutine)

        @functools.wraps(function)
        def measured(*args: P.args, **kwargs: P.kwargs) -> R:
            with timer(name, log_threshold, metrics=metrics):
                return function(*args, **kwargs)

        return measured

    return decorate
