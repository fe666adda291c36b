"""What do logs, metrics, redaction and imports cost?

    python benchmarks/chassis/observe.py [--quick] [--rounds N] [--slot-ms MS]

CPU time, in one run with the peers that are installed. Log lines go to /dev/null, so a system call is in the figure and
a reader is not. Redactors know 3 secrets where nothing else is said, as a small service does. Exit status 1 if a bar
was missed.
"""

import logging
import os
import secrets
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import ModuleType
from typing import Any

from chassis.observe import logs
from chassis.observe.access import AccessLog
from chassis.observe.descriptor import Descriptor
from chassis.observe.golden import GoldenSignals
from chassis.observe.metrics import Metrics
from chassis.observe.process import process_metrics
from chassis.observe.requests import RequestMetrics
from chassis.observe.shared import SharedFolder
from chassis.redaction import Redactor
from chassis.state import ServiceState
from harness import Case, bar, cpu_sync, options, peers, table

ROUTES = 1000
PATH = "/api/v1/notes/0f8fad5b-d9cb-469f-a165-70867728950e"
CORRELATION_ID = "0f8fad5bd9cb469fa16570867728950e"
FIELDS = {"method": "GET", "path": PATH, "status": 200, "duration_ms": 1.23, "client": "127.0.0.1"}
IMPORTS = ("chassis", "chassis.observe.logs", "chassis.settings")


def main() -> int:
    """Measure, print and return the exit status."""
    given = options("What logs, metrics, redaction and imports cost.")
    others = peers(
        "structlog", "pythonjsonlogger", "prometheus_client",
        packages={"pythonjsonlogger": "python-json-logger", "prometheus_client": "prometheus-client"},
    )  # fmt: skip
    measure = {"rounds": given.rounds, "slot_ms": given.slot_ms}
    null = os.open(os.devnull, os.O_WRONLY)

    lines = cpu_sync(log_cases(null, others), **measure)
    table("one log line", lines, base="bare call")
    texts = cpu_sync(redaction_cases(), **measure)
    table("looking through a line of 280 characters for secrets", texts, base="bare call")
    recorders = cpu_sync(recorder_cases(others), **measure)
    table("recording", recorders, base="bare call")
    scrapes = render_ms(others)
    table(f"/metrics with {ROUTES} routes, median of 7", scrapes, unit="ms")
    imports = {f"import {name}": import_ms(name) for name in IMPORTS}
    table("imports, median of 7 processes, over an empty one", imports, unit="ms")

    print()
    met = [
        bar("JSON access line, 3 secrets known", (lines["access line"] - lines["bare call"]) / 1000, 2.0, "us"),
        bar(f"/metrics with {ROUTES} routes", scrapes["ours, 1 worker"], 20.0, "ms"),
        bar("import chassis", imports["import chassis"], 60.0, "ms"),
    ]
    return 0 if all(met) else 1


def log_cases(null: int, others: dict[str, ModuleType]) -> dict[str, Case]:
    """Return ways to write a line: ours by number of secrets, through the standard library, and those of peers."""
    cases: dict[str, Case] = {"bare call": lambda turn: turn}
    for count in (3, 0, 20):
        access = AccessLog()
        access.connect((Descriptor(null),), redactor(count))
        name = "access line" if count == 3 else f"access line, {count} secrets"
        cases[name] = access_case(access, "/api/v1/notes/{id}")
        if count == 3:
            cases["access line, path without parameters"] = access_case(access, PATH)
    handler = logs.JsonHandler((Descriptor(null),), redactor(3))
    ours = logger("ours", handler)
    cases["logger.info, ours"] = lambda _: ours.info("request")
    cases["logger.info, ours, 5 fields"] = lambda _: ours.info("request", extra=FIELDS)
    stream = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115 - as long as the process
    plain = logging.StreamHandler(stream)
    plain.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    standard = logger("standard", plain)
    cases["logger.info, plain text"] = lambda _: standard.info("request")
    if "pythonjsonlogger" in others:
        cases["logger.info, python-json-logger, 5 fields"] = python_json_logger(stream)
    if "structlog" in others:
        cases["structlog with orjson, 5 fields"] = structlog(others["structlog"])
    return cases


def access_case(access: AccessLog, route: str) -> Case:
    """Return the call that the edge makes after each request."""
    return lambda _: access("GET", PATH, 200, 0.00123, CORRELATION_ID, "127.0.0.1", route, 512)


def redactor(count: int) -> Redactor:
    """Return one that knows so many secrets."""
    made = Redactor()
    for number in range(count):
        made.learn(f"SECRET_{number}", secrets.token_urlsafe(32))
    made.clean("compile")
    return made


def logger(name: str, handler: logging.Handler) -> logging.Logger:
    """Return a logger of its own that writes by this handler."""
    made = logging.getLogger(f"benchmark.{name}")
    made.handlers[:] = [handler]
    made.propagate = False
    made.setLevel(logging.INFO)
    return made


def python_json_logger(stream: Any) -> Case:
    """Return a line of python-json-logger."""
    from pythonjsonlogger.json import JsonFormatter  # noqa: PLC0415 - a peer

    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonFormatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    made = logger("peer", handler)
    return lambda _: made.info("request", extra=FIELDS)


def structlog(module: Any) -> Case:
    """Return a line of structlog, as its documentation configures it for speed."""
    import orjson  # noqa: PLC0415 - next to the peer that uses it

    module.configure(
        processors=[
            module.contextvars.merge_contextvars,
            module.processors.add_log_level,
            module.processors.TimeStamper(fmt="iso"),
            module.processors.JSONRenderer(serializer=orjson.dumps),
        ],
        wrapper_class=module.make_filtering_bound_logger(logging.INFO),
        logger_factory=module.BytesLoggerFactory(file=open(os.devnull, "wb")),  # noqa: PTH123, SIM115
        cache_logger_on_first_use=True,
    )
    made = module.get_logger()
    return lambda _: made.info("request", **FIELDS)


def redaction_cases() -> dict[str, Case]:
    """Return looks at a log line without secrets, and at one with."""
    text = str({"timestamp": "2026-11-25T17:08:20.123456Z", "correlation_id": CORRELATION_ID, **FIELDS})
    text += " Query generated successfully for the notebook of anna in 3 steps"
    cases: dict[str, Case] = {"bare call": lambda turn: turn}
    for count in (0, 3, 20):
        made = redactor(count)
        cases[f"none in it, {count} known"] = lambda _, made=made: made.may_hold_secret(text)
    made = redactor(3)
    cases["one to hide, 3 known"] = lambda _: made.clean(f"{text} password=hunter2")
    return cases


def recorder_cases(others: dict[str, ModuleType]) -> dict[str, Case]:
    """Return what code does to count and time something."""
    metrics = Metrics("notes")
    requests = RequestMetrics(metrics, ServiceState(), GoldenSignals(metrics))
    counter = metrics.counter("c_total", "C", ["kind"])
    child, histogram = counter.labels("x"), metrics.histogram("h_seconds", "H")
    cases: dict[str, Case] = {
        "bare call": lambda turn: turn,
        "request: counter, histogram, golden signals": lambda _: requests.observe("GET", "/notes/{id}", 200, 0.0123),
        "counter": lambda _: child.inc(),
        "counter with labels": lambda _: counter.labels("x").inc(),
        "histogram": lambda _: histogram.observe(0.0123),
    }
    if "prometheus_client" in others:
        peer = others["prometheus_client"]
        registry = peer.CollectorRegistry()
        theirs = peer.Counter("c", "C", ["kind"], registry=registry)
        kept = theirs.labels("x")
        timed = peer.Histogram("h", "H", registry=registry)
        cases["prometheus_client counter"] = lambda _: kept.inc()
        cases["prometheus_client counter with labels"] = lambda _: theirs.labels("x").inc()
        cases["prometheus_client histogram"] = lambda _: timed.observe(0.0123)
    return cases


def render_ms(others: dict[str, ModuleType]) -> dict[str, float]:
    """Return what a scrape takes: by us alone, by one of 5 and of 17 workers, and by prometheus_client alone."""
    figures = {"ours, 1 worker": median_ms(filled(Metrics("notes")).render)}
    for count in (5, 17):
        with tempfile.TemporaryDirectory() as folder:
            workers = [Metrics("notes") for _ in range(count)]
            for each in workers:
                each.store.share(SharedFolder(Path(folder)))
                filled(each)
            figures[f"ours, {count} workers"] = median_ms(workers[0].render)
    if "prometheus_client" in others:
        peer = others["prometheus_client"]
        registry = peer.CollectorRegistry()
        histogram = peer.Histogram("h", "H", ["method", "route"], registry=registry)
        counter = peer.Counter("c", "C", ["method", "route", "status"], registry=registry)
        for number in range(ROUTES):
            histogram.labels("GET", f"/route/{number}").observe(0.1)
            counter.labels("GET", f"/route/{number}", "200").inc()
        figures["prometheus_client, 1 worker"] = median_ms(lambda: peer.generate_latest(registry))
    return figures


def filled(metrics: Metrics) -> Metrics:
    """Record a request on each of the routes."""
    requests = RequestMetrics(metrics, ServiceState(), GoldenSignals(metrics), max_in_flight=1000)
    metrics.collect(process_metrics)
    for number in range(ROUTES):
        requests.observe("GET", f"/route/{number}", 200, 0.1)
    return metrics


def median_ms(call: Any) -> float:
    """Return the median CPU time of seven calls."""
    taken = []
    for _ in range(7):
        began = time.process_time_ns()
        call()
        taken.append((time.process_time_ns() - began) / 1e6)
    return statistics.median(taken)


def import_ms(name: str) -> float:
    """Return the median CPU time that an import adds to a process."""

    def cpu(code: str) -> float:
        program = f"import time\n{code}\nprint(time.process_time_ns())"
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
        return int(done.stdout) / 1e6

    return statistics.median(cpu(f"import {name}") for _ in range(7)) - statistics.median(cpu("") for _ in range(7))


if __name__ == "__main__":
    sys.exit(main())
