"""What is measured about dependencies, as metrics: how they are, and what came of calling them."""

from collections.abc import Callable, Iterable, Sequence

from chassis.dependencies.declaration import Dependency
from chassis.observe.metrics import Collector, Family

Labels = tuple[str, ...]
ONE = ("dependency",)


def measures(prefix: str, dependencies: Sequence[Dependency], ready: Callable[[], bool]) -> Collector:
    """Return a collector for :meth:`chassis.observe.metrics.Metrics.collect`.

    Args:
        prefix: what the names begin with.
        dependencies: what is measured.
        ready: tells whether the service may get traffic.
    """

    def collected() -> Iterable[Family]:
        yield Family(f"{prefix}_ready", "gauge", "1 when the service may get traffic.", (), {(): float(ready())}, "min")
        used = [each for each in dependencies if each.configured]
        yield Family(
            f"{prefix}_dependency_up",
            "gauge",
            "1 when the dependency is known to be up.",
            ("dependency", "kind", "required"),
            {(each.name, each.kind, str(each.required).lower()): float(each.up) for each in used},
            "min",
        )
        yield Family(
            f"{prefix}_dependency_check_seconds",
            "gauge",
            "How long the last successful check took.",
            ONE,
            {(each.name,): each.condition.latency_s for each in used},
            "max",
        )
        yield from _of_calls(prefix, used)
        yield from _of_kinds(prefix, used)

    return collected


def _of_calls(prefix: str, used: Sequence[Dependency]) -> Iterable[Family]:
    counts = {each.name: each.pipeline.snapshot() for each in used}
    attempts: dict[Labels, float] = {}
    rejected: dict[Labels, float] = {}
    for name, count in counts.items():
        attempts[name, "succeeded"] = count.succeeded
        attempts[name, "failed"] = count.failed - count.timed_out
        attempts[name, "timed_out"] = count.timed_out
        attempts[name, "cancelled"] = count.cancelled
        for cause, number in count.rejected.items():
            rejected[name, str(cause)] = number
    yield Family(
        f"{prefix}_dependency_attempts_total",
        "counter",
        "Attempts to call the dependency, by what came of them.",
        ("dependency", "outcome"),
        attempts,
    )
    yield Family(
        f"{prefix}_dependency_rejected_total",
        "counter",
        "Attempts that were not made, by cause.",
        ("dependency", "cause"),
        rejected,
    )
    totals = (
        (
            "seconds_total",
            "How long attempts took, in all.",
            {name: each.seconds_total for name, each in counts.items()},
        ),
        ("retries_total", "Attempts that were a retry.", {name: each.retried for name, each in counts.items()}),
        (
            "retry_budget_exhausted_total",
            "Retries that the budget forbade.",
            {name: each.budget_exhausted for name, each in counts.items()},
        ),
        (
            "fallbacks_total",
            "Calls that the fallback answered.",
            {name: each.fallbacks for name, each in counts.items()},
        ),
        ("circuit_opened_total", "How often the breaker opened.", {name: each.opened for name, each in counts.items()}),
    )
    for end, text, numbers in totals:
        yield Family(f"{prefix}_dependency_{end}", "counter", text, ONE, {(name,): n for name, n in numbers.items()})
    yield Family(
        f"{prefix}_dependency_in_flight",
        "gauge",
        "Attempts under way.",
        ONE,
        {(each,): float(count.in_flight) for each, count in counts.items()},
    )
    yield Family(
        f"{prefix}_dependency_circuit_open",
        "gauge",
        "1 while the circuit breaker lets no call through.",
        ONE,
        {(each.name,): float(each.refusing()) for each in used},
        "max",
    )


def _of_kinds(prefix: str, used: Sequence[Dependency]) -> Iterable[Family]:
    by_name: dict[str, dict[Labels, float]] = {}
    for each in used:
        for name, value in each.gauges().items():
            by_name.setdefault(name, {})[each.name,] = value
    for name, samples in by_name.items():
        text = {"connections_in_use": "Connections in use.", "connections_max": "Connections at most."}.get(name, name)
        yield Family(f"{prefix}_dependency_{name}", "gauge", text, ONE, samples)
