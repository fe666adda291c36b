"""Does every question end in time, with an answer, whatever the language model's API does?

    python benchmarks/spyne/model_faults.py [--calls 200]

Spyne runs in a process of its own, with a fake of an OpenAI-compatible API: a real HTTP server that does as it is told.
For each fault, that many questions are asked over HTTP, 4 at a time: once with the circuit breaker switched off, so
that every call meets the fault, and once as shipped. The model has 1 s for a call, a request 10 s. Returns 1 unless,
for each fault,

- every request ends within its deadline, with status success, the right rows, and the grammar as their source;
- Spyne counts one failure of the model for each call, by a reason that fits the fault (or because time was up, or the
  breaker open), and the fake saw a request for each failure that takes one;
- the model answers again within 15 s after the fault is over.

Nothing is random. Times are wall time, as the caller sees it.
"""

import argparse
import contextlib
import json
import os
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from started import percentile, samples, scripted, spyne

AT_ONCE = 4
MODEL_S = 1.0
REQUEST_S = 10.0
BACK_S = 15.0
TABLES = {"boats": 7, "piers": 3, "captains": 5}
Script = scripted.Script


@dataclass(frozen=True)
class Fault:
    """What the API does, and by which reason Spyne has to count it. `reaches` is False where no request gets there."""

    step: Any
    reason: str
    reaches: bool = True


FAULTS = {
    "refused": Fault(None, "unavailable", reaches=False),
    "silent": Fault("silent", "timeout"),
    "slow stream": Fault("slow", "timeout"),
    "429, Retry-After: 30": Fault((429, {"Retry-After": "30"}), "unavailable"),
    "429, Retry-After: 0": Fault((429, {"Retry-After": "0"}), "unavailable"),
    "500": Fault((500, {}), "unavailable"),
    "body cut off": Fault("broken", "unavailable"),
    "truncated JSON": Fault(Script.completion('{"readings": [{"words": "how'), "not_json"),
    "wrong schema": Fault(
        Script.completion(json.dumps({"readings": [{"words": "x", "query": {"kind": "drop", "table": "boats"}}]})),
        "wrong_plan",
    ),
    "refusal": Fault(Script.completion("", message={"refusal": "I cannot help with that."}), "refusal"),
}


def main() -> int:
    """Print the figures; return 1 when a bar is missed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--calls", type=int, default=200, help="questions for each fault")
    calls = parser.parse_args().calls
    print(f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}; {calls} questions a fault, {AT_ONCE} at a time;"
          f" the model has {MODEL_S:g} s, a request {REQUEST_S:g} s")  # fmt: skip
    met = True
    with tempfile.TemporaryDirectory(prefix="spyne-faults-") as folder:
        database = _database(Path(folder))
        for title, more in (("every call meets the fault: breaker off", {"RCA_DEPENDENCY_LLM_BREAKER": "off"}),
                            ("as shipped", {})):  # fmt: skip
            print(f"\n{title}\n{'':22}{'in time':>9}{'right':>7}{'p50 ms':>8}{'p95 ms':>8}{'max ms':>8}{'opened':>8}"
                  f"{'seen':>6}{'back s':>8}  counted by Spyne")  # fmt: skip
            with scripted.serving() as model:
                model.steps = [Script.answer("boats")]
                settings = {
                    "OPENAI_API_KEY": "sk-of-a-fake", "OPENAI_BASE_URL": model.url, "RCA_LLM_TIMEOUT": str(MODEL_S),
                    "RCA_TIMEOUT": str(REQUEST_S), "SPYNE_DATABASES": f"harbour={database}", **more,
                }  # fmt: skip
                with spyne(**settings) as running:
                    _until_back(running, model)
                    for name, fault in FAULTS.items():
                        met &= _measured(running, model, name, fault, calls)
    print(f"\nevery bar {'met' if met else 'MISSED'}")
    return int(not met)


def _measured(running: Any, model: Any, name: str, fault: Fault, calls: int) -> bool:
    before, seen_before = _counted(running), len(model.requests)
    model.steps = [fault.step]
    if not fault.reaches:
        model.refuse()
    tables = list(TABLES)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        ended = list(pool.map(lambda turn: _asked(running, tables[turn % len(tables)]), range(calls)))
    seen = len(model.requests) - seen_before
    failures = Counter(_counted(running))
    failures.subtract(before)
    opened = failures.pop("opened")
    if not fault.reaches:
        model.listen()
    back_s = _until_back(running, model)

    took = [seconds for seconds, _ in ended]
    in_time, right = sum(each <= REQUEST_S for each in took), sum(kind == "right" for _, kind in ended)
    counted = {reason: int(count) for reason, count in failures.items() if count}
    through = counted.get(fault.reason, 0)
    faults = [
        *(["late"] if in_time < calls else []),
        *(["wrong"] if right < calls else []),
        *(["miscounted"] if sum(counted.values()) != calls else []),
        *(["reasons"] if not set(counted) <= {fault.reason, "timeout", "circuit_open"} or not through else []),
        *(["seen"] if (seen < (through if fault.reason != "timeout" else 1) if fault.reaches else seen) else []),
        *(["not back"] if back_s > BACK_S else []),
    ]
    print(f"{name:22}{in_time:>5}/{calls:<3}{right:>7}{median(took) * 1000:>8.0f}{percentile(took, 0.95) * 1000:>8.0f}"
          f"{max(took) * 1000:>8.0f}{opened:>8.0f}{seen:>6}{back_s:>8.1f}  {_shown(counted)}"
          f"  {'MISSED: ' + ', '.join(faults) if faults else 'met'}")  # fmt: skip
    for kind, count in Counter(kind for _, kind in ended if kind != "right").items():
        print(f"    {count} x {kind}")
    return not faults


def _asked(running: Any, table: str) -> tuple[float, str]:
    """Ask how many rows a table has; return the seconds that it took, and "right" or what came instead."""
    began = time.monotonic()
    try:
        answer = running.client.post("/api/agent/run", json={"query": f"how many {table} are there?"})
    except Exception as error:  # noqa: BLE001 - whatever it is, it is shown
        return time.monotonic() - began, type(error).__name__
    took, said = time.monotonic() - began, answer.json()
    if answer.status_code != 200 or said.get("status") != "success":
        return took, f"{answer.status_code} {said.get('status')} {said.get('detail', '')[:60]}"
    found = (said["source"], said["data"]["rows"])
    return took, "right" if found == ("grammar", [[TABLES[table]]]) else str(found)


def _until_back(running: Any, model: Any) -> float:
    """Let the model answer well, and wait until answers come from it; return the seconds that it took."""
    model.steps = [Script.answer("boats")]
    question = "how many boats are there?"
    source: Callable[[], str] = lambda: running.ask(question)["source"]  # noqa: E731
    seconds: float = running.until(lambda: source() == "llm", within=4 * BACK_S)
    return seconds


def _counted(running: Any) -> Counter[str]:
    """Failures of the model by reason, and how often its breaker opened, since the start."""
    found = samples(running.client.get("/metrics").text)
    begin = "spyne_llm_failures_total{reason="
    counted = Counter({
        series[len(begin):].strip('"}'): value for series, value in found.items() if series.startswith(begin)
    })  # fmt: skip
    counted["opened"] = found.get('spyne_dependency_circuit_opened_total{dependency="llm"}', 0)
    return counted


def _shown(counted: dict[str, int]) -> str:
    return ", ".join(f"{count} {reason}" for reason, count in counted.items())


def _database(folder: Path) -> Path:
    path = folder / "harbour.db"
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        for table, rows in TABLES.items():
            connection.execute(f"CREATE TABLE {table} (id INTEGER PRIMARY KEY, name TEXT)")
            connection.executemany(f"INSERT INTO {table}(name) VALUES (?)", [(f"{table} {n}",) for n in range(rows)])  # noqa: S608
    return path


if __name__ == "__main__":
    sys.exit(main())
