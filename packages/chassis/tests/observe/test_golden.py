"""Golden signals: what they say about the last minute is what happened in it, and quantiles are within 1 %."""

import random
import statistics

import orjson
import pytest
from chassis.observe import sketch
from chassis.observe.golden import GoldenSignals
from chassis.observe.metrics import Metrics
from chassis.observe.requests import RequestMetrics
from chassis.operations import OperationalRequest
from chassis.state import ServiceState
from hypothesis import given
from hypothesis import strategies as st


class HeldClock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def time(self) -> float:
        return self.now

    monotonic = time

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    async def asleep(self, seconds: float) -> None:
        self.now += seconds


class Service:
    def __init__(self, *, max_in_flight: int = 0) -> None:
        self.clock = HeldClock()
        self.state = ServiceState()
        metrics = Metrics("notes")
        self.golden = GoldenSignals(metrics, self.clock)
        self.requests = RequestMetrics(metrics, self.state, self.golden, max_in_flight=max_in_flight)

    def answer(self, seconds: float = 0.01, status: int = 200, times: int = 1) -> None:
        for _ in range(times):
            self.requests.observe("GET", "/notes", status, seconds)


@given(values=st.lists(st.floats(1e-5, 1e4), min_size=1, max_size=300), wanted=st.floats(0.01, 1.0))
def test_a_quantile_is_within_one_percent_of_the_true_one(values: list[float], wanted: float) -> None:
    counts: dict[int, int] = {}
    for value in values:
        bucket = sketch.bucket_of(value)
        counts[bucket] = counts.get(bucket, 0) + 1
    (found,) = sketch.quantiles(sorted(counts.items()), [wanted]) or ()
    rank = next(rank for rank in range(1, len(values) + 1) if rank >= wanted * len(values))
    assert found == pytest.approx(sorted(values)[rank - 1], rel=0.011)


def test_values_out_of_range_are_counted_at_its_ends() -> None:
    assert sketch.bucket_of(0.0) == sketch.bucket_of(-1.0) == 0
    assert sketch.bucket_of(1e9) == sketch.SIZE - 1
    assert sketch.quantiles([], [0.5]) is None


def test_nothing_is_said_about_no_requests() -> None:
    service = Service()
    read = service.golden.read()
    assert read["latency"] == {"p50_ms": None, "p95_ms": None, "p99_ms": None, "mean_ms": None, "max_ms": None}
    assert read["errors"] == {"percent": None, "per_minute": 0.0, "total": 0}
    assert read["saturation"] == {"in_flight": 0, "limit": None, "percent": None}


def test_latency_traffic_errors_and_throughput_of_the_last_minute() -> None:
    service = Service(max_in_flight=200)
    service.clock.now += 600
    values = [random.Random(1).lognormvariate(-4, 1) for _ in range(1000)]
    for value in values:
        service.answer(value)
    service.answer(0.02, 503, times=50)
    service.answer(0.02, 404, times=10)
    service.state.in_flight = 5
    read = service.golden.read()
    everything = sorted([*values, *[0.02] * 60])
    assert read["latency"]["p50_ms"] == pytest.approx(1000 * statistics.median(everything), rel=0.02)
    assert read["latency"]["p99_ms"] == pytest.approx(1000 * everything[int(0.99 * len(everything))], rel=0.03)
    assert read["latency"]["max_ms"] == pytest.approx(1000 * max(values), abs=0.001)
    assert read["latency"]["mean_ms"] == pytest.approx(1000 * statistics.mean(everything), rel=0.001)
    assert read["errors"]["percent"] == pytest.approx(100 * 50 / 1060, abs=0.001)
    assert (read["errors"]["total"], read["traffic"]["requests_total"]) == (50, 1060)
    assert 1060 / 71 <= read["traffic"]["requests_per_s"] <= 1060 / 59
    assert read["throughput"]["successful_per_minute"] == pytest.approx(
        60 * read["traffic"]["requests_per_s"] * 1010 / 1060, rel=0.001
    )
    assert read["saturation"] == {"in_flight": 5, "limit": 200, "percent": 2.5}


def test_a_steady_rate_is_told_as_it_is_at_any_moment() -> None:
    service = Service()
    for second in range(300):
        service.clock.now += 1
        service.answer(times=20)
        if second > 30:
            assert service.golden.read()["traffic"]["requests_per_s"] == pytest.approx(20, rel=0.05)


def test_what_is_older_than_a_minute_is_gone_and_stays_in_what_is_told_since_the_start() -> None:
    service = Service()
    service.answer(2.0, 500, times=10)
    service.clock.now += 75
    read = service.golden.read()
    assert read["latency"]["p99_ms"] is None
    assert read["traffic"] == {"requests_per_s": 0.0, "requests_total": 10}
    for _ in range(30):
        service.clock.now += 10
        service.answer(0.001, times=10)
    latency = service.golden.read()["since_start"]["latency"]
    assert latency["p50_ms"] == pytest.approx(1.0, rel=0.02)
    assert latency["p99_ms"] == pytest.approx(2000.0, rel=0.02)
    assert latency["max_ms"] == 2000.0


def test_a_quantile_is_never_above_the_largest_value() -> None:
    service = Service()
    service.answer(0.0123)
    assert service.golden.read()["latency"]["p99_ms"] == 12.3


def test_the_endpoint_answers_json() -> None:
    service = Service()
    service.answer()
    answer = service.golden.endpoint().answer(OperationalRequest("GET", "/metrics.json"))
    assert (answer.status, answer.content_type) == (200, "application/json")
    assert orjson.loads(answer.body)["traffic"]["requests_total"] == 1
