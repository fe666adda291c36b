"""Metrics: what is recorded is what Prometheus reads, under any number of threads, and labels have a bound."""

import logging
import math
import sys
import threading
from pathlib import Path

import pytest
from chassis.observe.exposition import CONTENT_TYPE
from chassis.observe.metrics import Family, Metrics
from chassis.observe.process import process_metrics
from chassis.observe.requests import RequestMetrics
from chassis.operations import OperationalRequest
from chassis.state import ServiceState
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

pytestmark = pytest.mark.needs("prometheus-client")


def samples(metrics: Metrics) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """Read what is rendered with the parser of another implementation."""
    families = list(text_string_to_metric_families(metrics.render().decode()))
    assert len({family.name for family in families}) == len(families)
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
    }


def test_each_kind_of_metric_is_read_as_it_was_recorded() -> None:
    metrics = Metrics("notes")
    counter = metrics.counter("notes_created_total", "Notes", ["kind"])
    counter.labels("reminder").inc()
    counter.labels("reminder").inc(2.5)
    gauge = metrics.gauge("notes_open", "Open ones")
    gauge.set(5)
    gauge.inc()
    gauge.dec(2)
    histogram = metrics.histogram("notes_size_bytes", "Sizes", buckets=[10, 100])
    for value in (1, 10, 11, 1000):
        histogram.observe(value)
    summary = metrics.summary("notes_score", "Scores", ["model"])
    summary.labels("a").observe(0.25)
    summary.labels("a").observe(0.5)
    assert samples(metrics) == {
        ("notes_created_total", (("kind", "reminder"),)): 3.5,
        ("notes_open", ()): 4.0,
        ("notes_size_bytes_bucket", (("le", "10"),)): 2.0,
        ("notes_size_bytes_bucket", (("le", "100"),)): 3.0,
        ("notes_size_bytes_bucket", (("le", "+Inf"),)): 4.0,
        ("notes_size_bytes_count", ()): 4.0,
        ("notes_size_bytes_sum", ()): 1022.0,
        ("notes_score_count", (("model", "a"),)): 2.0,
        ("notes_score_sum", (("model", "a"),)): 0.75,
    }


def test_types_and_help_are_told() -> None:
    metrics = Metrics("notes")
    metrics.counter("a_total", "Back\\slash and\nline").inc()
    metrics.histogram("b_seconds", "B").observe(1)
    text = metrics.render().decode()
    assert "# HELP a_total Back\\\\slash and\\nline\n# TYPE a_total counter\na_total 1\n" in text
    assert "# TYPE b_seconds histogram\n" in text


@given(value=st.text(max_size=80), number=st.floats())
def test_any_text_is_a_label_and_any_number_a_value(value: str, number: float) -> None:
    metrics = Metrics("notes")
    metrics.gauge("g", "G", ["label"]).labels(value).set(number)
    ((_, labels), read), *rest = samples(metrics).items()
    assert not rest
    assert labels == (("label", value.encode("utf-8", "backslashreplace").decode()),)
    assert read == number or (math.isnan(read) and math.isnan(number))


def test_a_long_label_is_cut() -> None:
    metrics = Metrics("notes")
    metrics.counter("c_total", "C", ["x"]).labels("y" * 10_000).inc()
    assert len(metrics.render()) < 1000


@given(values=st.lists(st.floats(0, 100), min_size=1, max_size=50))
def test_buckets_agree_with_a_count_by_hand(values: list[float]) -> None:
    bounds = (0.005, 0.5, 1.0, 10.0)
    metrics = Metrics("notes")
    histogram = metrics.histogram("h", "H", buckets=bounds)
    for value in values:
        histogram.observe(value)
    read = samples(metrics)
    for bound in bounds:
        key = ("h_bucket", (("le", str(int(bound) if bound.is_integer() else bound)),))
        assert read[key] == sum(value <= bound for value in values)
    assert read["h_count", ()] == len(values)


def test_label_sets_beyond_the_bound_count_as_other_and_are_told(caplog) -> None:
    metrics = Metrics("notes", max_label_sets=3)
    counter = metrics.counter("c_total", "C", ["user", "x"])
    for number in range(10):
        counter.labels(f"u{number}", "x").inc()
    counter.labels("u1", "x").inc()
    read = {key: value for key, value in samples(metrics).items() if key[0] == "c_total"}
    assert read["c_total", (("user", "other"), ("x", "other"))] == 7.0
    assert read["c_total", (("user", "u1"), ("x", "x"))] == 2.0
    assert len(read) == 4
    assert samples(metrics)["notes_metrics_overflow_total", (("metric", "c_total"),)] == 7.0


def test_no_increment_is_lost_between_threads() -> None:
    metrics = Metrics("notes")
    counter, histogram = metrics.counter("c_total", "C"), metrics.histogram("h", "H")
    requests = RequestMetrics(metrics, ServiceState())

    def record() -> None:
        for _ in range(20_000):
            counter.inc()
            histogram.observe(0.01)
            requests.observe("GET", "/x", 200, 0.01)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threads = [threading.Thread(target=record) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    finally:
        sys.setswitchinterval(interval)
    read = samples(metrics)
    assert read["c_total", ()] == read["h_count", ()] == 80_000
    assert read["notes_requests_total", (("method", "GET"), ("route", "/x"), ("status", "200"))] == 80_000


def test_requests_are_counted_by_route_and_never_by_what_clients_invent() -> None:
    metrics = Metrics("rca_engine")
    state = ServiceState()
    state.in_flight = 3
    requests = RequestMetrics(metrics, state, max_in_flight=10)
    requests.observe("GET", "/notes/{id}", 200, 0.02)
    requests.observe("GET", "/notes/{id}", 404, 0.02)
    requests.observe("BREW", "", 404, 0.001)
    read = samples(metrics)
    assert read["rca_engine_requests_total", (("method", "GET"), ("route", "/notes/{id}"), ("status", "404"))] == 1
    assert read["rca_engine_requests_total", (("method", "other"), ("route", ""), ("status", "404"))] == 1
    assert read["rca_engine_request_duration_seconds_count", (("method", "GET"), ("route", "/notes/{id}"))] == 2
    assert (read["rca_engine_requests_in_flight", ()], read["rca_engine_requests_in_flight_limit", ()]) == (3, 10)


def test_what_is_asked_for_at_a_scrape_is_in_it() -> None:
    metrics = Metrics("notes")
    calls = {"quotes": 0}
    metrics.collect(
        lambda: [
            Family("notes_calls_total", "counter", "Calls", ("dependency",), {(name,): n for name, n in calls.items()})
        ]
    )
    metrics.derive(
        lambda snapshot: [
            Family("notes_latency_ms", "summary", "Latency", ("quantile",), {("0.5",): 3.0, ("0.99",): 9.5}),
            Family("notes_families", "gauge", "Families", samples={(): len(snapshot.families)}),
        ]
    )
    calls["quotes"] = 7
    read = samples(metrics)
    assert read["notes_calls_total", (("dependency", "quotes"),)] == 7
    assert read["notes_latency_ms", (("quantile", "0.99"),)] == 9.5
    assert read["notes_families", ()] >= 2


def test_a_collector_that_fails_takes_nothing_else_away(caplog) -> None:
    metrics = Metrics("notes")
    metrics.collect(lambda: 1 / 0)  # type: ignore[arg-type, return-value]
    metrics.collect(lambda: [Family("fine", "gauge", "Fine", samples={(): 1})])
    with caplog.at_level(logging.ERROR):
        assert samples(metrics) == {("fine", ()): 1.0}
    assert "metrics could not be collected" in caplog.text


def test_label_sets_of_collectors_have_a_bound_too(caplog) -> None:
    metrics = Metrics("notes", max_label_sets=3)
    clients = [f"client-{number}" for number in range(3)]

    def collect() -> list[Family]:
        samples = {(client,): 1.0 for client in clients}
        oldest = {(client,): float(number) for number, client in enumerate(clients, 1)}
        return [
            Family("notes_queued", "gauge", "Waiting", ("client",), samples),
            Family("notes_oldest", "gauge", "Age", ("client",), oldest, merge="max"),
        ]

    metrics.collect(collect)
    metrics.render()
    clients += [f"client-{number}" for number in range(3, 100)]
    for _ in range(2):
        text = metrics.render().decode()
    queued = [line for line in text.splitlines() if line.startswith("notes_queued{")]
    assert sorted(queued) == [
        *(f'notes_queued{{client="client-{number}"}} 1' for number in range(3)),
        'notes_queued{client="other"} 97',
    ]
    assert 'notes_oldest{client="other"} 100' in text
    assert 'notes_metrics_overflow_total{metric="notes_queued"}' in text


def test_a_collector_or_derivation_with_wrong_labels_takes_nothing_else_away(caplog) -> None:
    metrics = Metrics("notes")
    metrics.counter("notes_made_total", "Made").inc()
    metrics.collect(lambda: [Family("notes_queued", "gauge", "Waiting", ("client",), {("a", "b"): 1.0})])
    metrics.derive(lambda _: [Family("notes_share", "gauge", "Share", ("client",), {(): 1.0})])
    text = metrics.render().decode()
    assert "notes_made_total 1" in text
    assert "notes_queued{" not in text
    assert {record.message for record in caplog.records} == {
        "metrics could not be collected",
        "metrics could not be derived",
    }


def test_metrics_of_the_process_have_the_usual_names() -> None:
    metrics = Metrics("notes")
    metrics.collect(process_metrics)
    read = samples(metrics)
    assert read["process_resident_memory_bytes", ()] > 1_000_000
    assert read["process_cpu_seconds_total", ()] > 0
    assert read["process_open_fds", ()] >= 3
    started = Path("/proc/self").stat().st_ctime
    assert abs(read["process_start_time_seconds", ()] - started) < 3600


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda m: m.counter("bad-name", "x"), "expected a name of letters"),
        (lambda m: m.counter("a_total", "x", ["bad-label"]), "expected a label of letters"),
        (lambda m: m.counter("a_total", "x", ["__name"]), "expected a label of letters"),
        (lambda m: m.histogram("h", "x", ["le"]), "has the label le already"),
        (lambda m: m.histogram("h", "x", buckets=[2, 1]), "rising upper bounds"),
        (lambda m: m.histogram("h", "x", buckets=[1, math.inf]), "rising upper bounds"),
        (lambda m: (m.counter("a", "x"), m.gauge("a", "x")), "already described in another way"),
        (lambda m: m.counter("a_total", "x", ["l"]).labels(), "expected l; got 0 values"),
        (lambda m: m.counter("a_total", "x").labels("v"), "expected no labels; got 1 values"),
        (lambda m: m.counter("a_total", "x", ["l"]).inc(), r"has labels: use \.labels\(l\)"),
        (lambda m: m.counter("a_total", "x").inc(-1), "a counter only goes up"),
        (lambda _: Metrics("bad prefix"), "expected a prefix of letters"),
    ],
)
def test_a_metric_that_prometheus_would_refuse_is_refused(make, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        make(Metrics("notes"))


def test_the_same_metric_can_be_asked_for_twice() -> None:
    metrics = Metrics("notes")
    metrics.counter("a_total", "A").inc()
    metrics.counter("a_total", "A").inc()
    assert samples(metrics) == {("a_total", ()): 2.0}


def test_the_time_of_a_block_is_recorded_also_when_it_fails() -> None:
    metrics = Metrics("notes")
    histogram = metrics.histogram("h_seconds", "H")
    with pytest.raises(KeyError), histogram.time():
        raise KeyError
    assert samples(metrics)["h_seconds_count", ()] == 1


def test_the_endpoint_answers_as_prometheus_expects() -> None:
    metrics = Metrics("notes")
    metrics.counter("a_total", "A").inc()
    answer = metrics.endpoint().answer(OperationalRequest("GET", "/metrics"))
    assert (answer.status, answer.content_type) == (200, CONTENT_TYPE)
    assert answer.body.endswith(b"a_total 1\n")


def test_recording_goes_on_when_all_room_is_used() -> None:
    metrics = Metrics("notes", max_label_sets=10**9)
    histogram = metrics.histogram("h", "H", ["n"], buckets=range(60))
    for number in range(20_000):
        histogram.labels(number).observe(1)
    assert metrics.store.full > 0
    assert len(metrics.store.snapshot().children["h"]) < 20_000
