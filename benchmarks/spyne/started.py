"""What the benchmarks of the whole service share: the tests' Spyne in a process of its own, and their real servers.

with server("PostgreSQL") as postgresql, spyne(RCA_WORKERS="2") as running:
    running.ask("how many customers are there?")
"""

import importlib
import sys
import tempfile
import types
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

_TESTS = Path(__file__).parents[2] / "services" / "spyne" / "tests"
_package = types.ModuleType("spyne_tests")
_package.__path__ = [str(_TESTS)]
sys.modules[_package.__name__] = _package
fixtures: Any = importlib.import_module("spyne_tests.conftest")
scripted: Any = importlib.import_module("spyne_tests.scripted")


@contextmanager
def spyne(**settings: str) -> Iterator[Any]:
    """Start Spyne with these settings in a folder of its own; it is ready, and stopped at the end."""
    with tempfile.TemporaryDirectory(prefix="spyne-") as folder:
        made = fixtures.Spyne(Path(folder), settings)
        try:
            made.until(made.is_ready)
            yield made
        finally:
            made.close()


@contextmanager
def server(kind: str) -> Iterator[Any]:
    """Start a server of the tests: "PostgreSQL" or "Valkey". It can be killed, and started again on its port."""
    running = fixtures.servers._running(getattr(fixtures.servers, kind))
    made = next(running)
    try:
        yield made
    finally:
        with suppress(StopIteration):
            next(running)


def samples(text: str) -> dict[str, float]:
    """Read metrics in Prometheus' text format: by series, its value."""
    lines = (line.rpartition(" ") for line in text.splitlines() if line and not line.startswith("#"))
    return {series: float(value) for series, _, value in lines}


def percentile(values: list[float], share: float) -> float:
    """Return the value that this share of the values does not exceed, by nearest rank."""
    ranked = sorted(values)
    return ranked[max(0, min(len(ranked) - 1, round(share * len(ranked) + 0.5) - 1))]
