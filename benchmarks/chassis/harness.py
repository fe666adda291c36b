"""What the benchmarks of the chassis share: medians of CPU time over short interleaved rounds, a table, and a verdict.

A case is a function of one argument, the number of the turn, so that it can walk through keys or messages. All cases
take turns in short slots, so that a change of the machine's speed meets all of them alike. The figure is CPU time of
this process (``time.process_time_ns``), because wall time on a shared machine measures its neighbours.

    figures = cpu_sync({"bare": bare, "guarded": guarded})
    table("one call", figures, base="bare")
    met = bar("guarded call", figures["guarded"] - figures["bare"], 1200, "ns")
"""

import argparse
import gc
import importlib
import platform
import statistics
import time
from collections.abc import Awaitable, Callable, Mapping
from importlib.metadata import PackageNotFoundError, version
from types import ModuleType
from typing import Any

Case = Callable[[int], object]
AsyncCase = Callable[[int], Awaitable[object]]

ROUNDS = 25
SLOT_MS = 6.0
_QUICK = (3, 1.0)
_FEWEST_TURNS = 5


def options(description: str) -> argparse.Namespace:
    """Read the command line: ``rounds`` and ``slot_ms``; ``--quick`` makes both so small that only smoke shows."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--quick", action="store_true", help="a smoke run: the figures mean little")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--slot-ms", type=float, default=SLOT_MS, help="CPU time of one case in one round")
    given = parser.parse_args()
    if given.quick:
        given.rounds, given.slot_ms = _QUICK
    return given


def cpu_sync(cases: Mapping[str, Case], *, rounds: int = ROUNDS, slot_ms: float = SLOT_MS) -> dict[str, float]:
    """Return each case's median CPU time a call, in nanoseconds. The garbage collector runs between rounds only."""
    turns = {name: _turns(min(_slot(case, _FEWEST_TURNS) for _ in range(5)), slot_ms) for name, case in cases.items()}
    samples: dict[str, list[float]] = {name: [] for name in cases}
    gc.collect()
    gc.disable()
    try:
        for _ in range(rounds):
            for name, case in cases.items():
                samples[name].append(_slot(case, turns[name]))
            gc.collect()
    finally:
        gc.enable()
    return {name: statistics.median(each) for name, each in samples.items()}


async def cpu_async(
    cases: Mapping[str, AsyncCase], *, rounds: int = ROUNDS, slot_ms: float = SLOT_MS
) -> dict[str, float]:
    """Return each case's median CPU time an awaited call, in nanoseconds; everything as in :func:`cpu_sync`."""
    turns = {}
    for name, case in cases.items():
        first = [await _async_slot(case, _FEWEST_TURNS) for _ in range(5)]
        turns[name] = _turns(min(first), slot_ms)
    samples: dict[str, list[float]] = {name: [] for name in cases}
    gc.collect()
    gc.disable()
    try:
        for _ in range(rounds):
            for name, case in cases.items():
                samples[name].append(await _async_slot(case, turns[name]))
            gc.collect()
    finally:
        gc.enable()
    return {name: statistics.median(each) for name, each in samples.items()}


def _turns(nanoseconds: float, slot_ms: float) -> int:
    return max(_FEWEST_TURNS, int(slot_ms * 1e6 / max(nanoseconds, 1.0)))


def _slot(case: Case, turns: int) -> float:
    began = time.process_time_ns()
    for turn in range(turns):
        case(turn)
    return (time.process_time_ns() - began) / turns


async def _async_slot(case: AsyncCase, turns: int) -> float:
    began = time.process_time_ns()
    for turn in range(turns):
        await case(turn)
    return (time.process_time_ns() - began) / turns


def table(title: str, figures: Mapping[str, float], *, base: str | None = None, unit: str = "ns") -> None:
    """Print the figures, and how much each is over ``base``."""
    width = max(map(len, figures)) + 2
    print(f"\n{title} ({unit}, Python {platform.python_version()})")
    print(f"  {'':{width}}{'median':>12}" + (f"{'over ' + base:>16}" if base else ""))
    for name, figure in figures.items():
        over = "" if base is None else "-" if name == base else f"{figure - figures[base]:,.0f}"
        print(f"  {name:{width}}{figure:>12,.0f}" + (f"{over:>16}" if base else ""))


def bar(name: str, figure: float, limit: float, unit: str, *, at_least: bool = False) -> bool:
    """Print PASS or MISS for one bar and return whether it was met; ``limit`` is a maximum unless ``at_least``."""
    met = figure >= limit if at_least else figure <= limit
    print(f"{'PASS' if met else 'MISS'}  {name}: {figure:,.2f} {unit} ({'>=' if at_least else '<='} {limit:,g})")
    return met


def peers(*modules: str, packages: Mapping[str, str] | None = None) -> dict[str, ModuleType]:
    """Import the peers that are installed, and print which those are and which are missing.

    ``packages`` names the distribution of a module where the two differ. A missing peer is no error: the benchmark
    then says less. ``benchmarks/chassis/requirements.txt`` lists them all, for an environment of their own.
    """
    found: dict[str, ModuleType] = {}
    missing = []
    for module in modules:
        try:
            found[module] = importlib.import_module(module)
        except ImportError:
            missing.append(module)
    shown = ", ".join(f"{name} {_version((packages or {}).get(name, name))}" for name in found)
    print(f"peers: {shown or 'none'}" + (f"; not installed: {', '.join(missing)}" if missing else ""))
    return found


def _version(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return "?"


async def working(cases: Mapping[str, Callable[[int], Any]], *, awaited: bool) -> dict[str, Any]:
    """Return the cases that answer, and print the ones that raise: a peer's change of interface ends no benchmark."""
    kept = {}
    for name, case in cases.items():
        try:
            answer = case(0)
            if awaited:
                await answer
        except Exception as error:  # noqa: BLE001 - whatever a peer raises, it is left out and named
            print(f"left out: {name}: {error!r}")
        else:
            kept[name] = case
    return kept
