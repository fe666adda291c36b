"""Performance: what is timed is summarised, slow operations are logged, and names have a bound."""

import asyncio
import logging
import threading

import pytest
from chassis.observe.performance import PerformanceMetrics, get_performance_metrics, timed, timer


def test_a_summary_has_count_mean_min_max_and_quantiles() -> None:
    metrics = PerformanceMetrics()
    for number in range(1, 101):
        metrics.record("load", number / 1000)
    summary = metrics.get_summary()["load"]
    assert (summary["count"], summary["failed"]) == (100, 0)
    assert (summary["min"], summary["max"]) == (0.001, 0.1)
    assert summary["mean"] == pytest.approx(0.0505)
    assert summary["p50"] == pytest.approx(0.050, rel=0.011)
    assert summary["p95"] == pytest.approx(0.095, rel=0.011)
    assert summary["p99"] == pytest.approx(0.099, rel=0.011)


def test_one_value_is_all_of_its_quantiles() -> None:
    metrics = PerformanceMetrics()
    metrics.record("load", 0.0123)
    assert set(metrics.get_summary()["load"].values()) == {1, 0, 0.0123}


def test_functions_and_coroutines_are_timed_and_keep_what_they_are() -> None:
    metrics = PerformanceMetrics()

    @timed(operation_name="sync", metrics=metrics)
    def double(number: int, *, plus: int = 0) -> int:
        """Double it."""
        return 2 * number + plus

    @timed(metrics=metrics)
    async def fetch(number: int) -> int:
        await asyncio.sleep(0.02)
        return number

    assert double(2, plus=1) == 5
    assert asyncio.run(fetch(3)) == 3
    assert (double.__name__, double.__doc__) == ("double", "Double it.")
    assert asyncio.iscoroutinefunction(fetch)
    summary = metrics.get_summary()
    assert summary["sync"]["count"] == 1
    (name,) = set(summary) - {"sync"}
    assert name.endswith("fetch")
    assert summary[name]["min"] >= 0.02


def test_a_failure_is_timed_counted_and_passed_on() -> None:
    metrics = PerformanceMetrics()

    @timed("fails", metrics=metrics)
    def fails() -> None:
        raise KeyError("x")

    with pytest.raises(KeyError):
        fails()
    assert metrics.get_summary()["fails"]["failed"] == 1


def test_only_operations_over_their_threshold_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    metrics = PerformanceMetrics()
    with caplog.at_level(logging.WARNING):
        with timer("quick", log_threshold=60.0, metrics=metrics) as quick:
            pass
        with timer("slow", log_threshold=0.0, metrics=metrics):
            sum(range(1000))
        with timer("never", metrics=metrics):
            sum(range(1000))
    assert [record.getMessage() for record in caplog.records] == ["slow operation"]
    context = caplog.records[0].context  # type: ignore[attr-defined]
    assert (context["operation"], context["threshold_s"]) == ("slow", 0.0)
    assert quick.seconds > 0


def test_names_beyond_the_bound_count_as_other() -> None:
    metrics = PerformanceMetrics(max_operations=2)
    for name in ("a", "b", "c", "d", "a"):
        metrics.record(name, 1.0)
    assert {name: each["count"] for name, each in metrics.get_summary().items()} == {"a": 2, "b": 1, "other": 2}


def test_several_threads_lose_nothing() -> None:
    metrics = PerformanceMetrics()
    threads = [threading.Thread(target=lambda: [metrics.record("x", 0.001) for _ in range(5000)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert metrics.get_summary()["x"]["count"] == 20_000


def test_there_is_one_for_the_process() -> None:
    with timer("tests.of.the.process"):
        pass
    assert get_performance_metrics().get_summary()["tests.of.the.process"]["count"] >= 1
