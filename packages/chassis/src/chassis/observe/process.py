"""Metrics of the process itself, under the names that every Prometheus client uses. Most are read from /proc."""

import os
import time
from collections.abc import Iterable
from pathlib import Path

from chassis.observe.metrics import Family

_PROC = Path("/proc/self")


def process_metrics() -> Iterable[Family]:
    """Return CPU time, memory, open files and start time of this process. Give it to ``Metrics.collect``.

    With several workers they are added up; the start time is that of the first.
    """
    times = os.times()
    yield Family(
        "process_cpu_seconds_total", "counter", "CPU time used, in seconds", samples={(): times.user + times.system}
    )
    try:
        pages = int((_PROC / "statm").read_text().split()[1])
        started = int((_PROC / "stat").read_text().rpartition(")")[2].split()[19]) / os.sysconf("SC_CLK_TCK")
        files = len(os.listdir(_PROC / "fd"))  # noqa: PTH208 - names are all that is needed
    except (OSError, ValueError):
        return
    memory = pages * os.sysconf("SC_PAGE_SIZE")
    yield Family("process_resident_memory_bytes", "gauge", "Memory in use, in bytes", samples={(): memory})
    yield Family("process_open_fds", "gauge", "Open file descriptors", samples={(): files})
    since_boot = time.clock_gettime(time.CLOCK_BOOTTIME) - started
    yield Family(
        "process_start_time_seconds", "gauge", "When it started, in seconds since 1970-01-01 UTC",
        samples={(): round(time.time() - since_boot, 2)}, merge="min",
    )  # fmt: skip
