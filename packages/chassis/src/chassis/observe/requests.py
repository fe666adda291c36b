"""What the edge tells about each request: a counter by status, a histogram of durations, and the golden signals."""

from bisect import bisect_left

from chassis.observe.golden import GoldenSignals
from chassis.observe.metrics import DEFAULT_BUCKETS, Family, Metrics
from chassis.state import ServiceState

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE"})


_KEPT = 20_000


class RequestMetrics:
    """Records requests: ``PREFIX_requests_total`` and ``PREFIX_request_duration_seconds``.

    Args:
        metrics: of the service. Their prefix is that of the names.
        state: of the service: tells how many requests are under way.
        golden: counts for the golden signals as well.
        max_in_flight: how many requests are let in at a time; 0 when nothing limits them.
    """

    def __init__(
        self, metrics: Metrics, state: ServiceState, golden: GoldenSignals | None = None, *, max_in_flight: int = 0
    ) -> None:
        """Describe the metrics."""
        prefix = metrics.prefix
        self._state = state
        self._limit = max_in_flight
        self._prefix = prefix
        self._store = metrics.store
        self._count_golden = golden.count if golden is not None else None
        self._requests = metrics.counter(
            f"{prefix}_requests_total", "Requests that were answered", ("method", "route", "status")
        )
        self._durations = metrics.histogram(
            f"{prefix}_request_duration_seconds", "Time from a request to the end of its answer", ("method", "route")
        )
        self._places: dict[tuple[str, str, int], tuple[int, int]] = {}
        metrics.collect(self._in_flight)

    def observe(self, method: str, route: str, status: int, seconds: float) -> None:
        """Record an answered request.

        Args:
            method: of the request; unheard-of ones count as ``other``.
            route: the template that its path fits, such as ``/notes/{id}``, never the path; "" when none does.
            status: of the answer.
            seconds: from the request to the end of the answer.
        """
        try:
            counter, durations = self._places[method, route, status]
        except KeyError:
            counter, durations = self._learn(method, route, status)
        store = self._store
        with store.lock:
            values = store.values
            values[counter] += 1.0
            values[durations + bisect_left(DEFAULT_BUCKETS, seconds)] += 1.0
            values[durations + _SUM] += seconds
            if self._count_golden is not None:
                self._count_golden(status, seconds)

    def _learn(self, method: str, route: str, status: int) -> tuple[int, int]:
        named = method if method in _METHODS else "other"
        counter = self._requests.labels(named, route, status)
        durations = self._durations.labels(named, route)
        places = (counter.place, durations.place)
        if len(self._places) < _KEPT:
            self._places[method, route, status] = places
        return places

    def _in_flight(self) -> list[Family]:
        in_flight = Family(
            f"{self._prefix}_requests_in_flight", "gauge", "Requests under way", samples={(): self._state.in_flight}
        )
        if not self._limit:
            return [in_flight]
        name, about = f"{self._prefix}_requests_in_flight_limit", "Requests that are let in at a time"
        return [in_flight, Family(name, "gauge", about, samples={(): self._limit})]


_SUM = len(DEFAULT_BUCKETS) + 1
