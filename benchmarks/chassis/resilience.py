"""What does a guarded call cost over a bare one, and what do others take for the same?

    python benchmarks/chassis/resilience.py [--quick]

CPU time on the success path, in one run with every peer that is installed. Exit status 1 if one of our bars is missed:
retry + breaker + bulkhead at most 1.2 us a call, and at most 3.5 us with a deadline, for functions and for coroutines.
"""

import asyncio
import threading
from collections.abc import Callable
from types import ModuleType
from typing import Any

from chassis.context import time_limit
from chassis.resilience import Bulkhead, HardTimeout, Pipeline, Policy, Rate, Retry
from harness import bar, cpu_async, cpu_sync, options, peers, table, working

PEERS = ("tenacity", "stamina", "pybreaker", "circuitbreaker", "pyresilience", "nopanic")
GUARDED, WITH_DEADLINE = "chassis: retry, breaker, bulkhead", "chassis: the same, deadline"
BAR_NS, BAR_WITH_DEADLINE_NS = 1200.0, 3500.0

Cases = dict[str, Callable[..., Any]]


def bare(turn: int) -> int:
    """Answer at once."""
    return turn


async def abare(turn: int) -> int:
    """Answer at once."""
    return turn


def pipeline(deadline_s: float | None, **others: Any) -> Pipeline:
    """Return what the bars are about."""
    return Pipeline("benchmark", Policy(deadline_s=deadline_s, retry=Retry(), bulkhead=Bulkhead(10), **others))


def ours(call: Callable[..., Any]) -> Cases:
    """Return the chassis' cases for a function or a coroutine function."""
    return {
        GUARDED: pipeline(None).guard(call),
        WITH_DEADLINE: pipeline(5.0).guard(call),
        "chassis: the same, attempt time-out": pipeline(5.0, attempt_timeout_s=1.0).guard(call),
        "chassis: the same, rate limit": pipeline(5.0, attempt_timeout_s=1.0, rate=Rate(calls=1e9)).guard(call),
    }


def sync_peers(found: dict[str, ModuleType]) -> Cases:
    """Return the peers' nearest to ours, for functions: retry, breaker and bulkhead, or what they have of them."""
    cases: Cases = {}
    if tenacity := found.get("tenacity"):
        cases["tenacity: retry"] = _tenacity(tenacity)(bare)
    if stamina := found.get("stamina"):
        cases["stamina: retry"] = stamina.retry(on=OSError, attempts=3)(bare)
    if circuitbreaker := found.get("circuitbreaker"):
        cases["circuitbreaker: breaker"] = circuitbreaker.circuit(failure_threshold=5)(bare)
    if pybreaker := found.get("pybreaker"):
        cases["pybreaker: breaker"] = pybreaker.CircuitBreaker(fail_max=5)(bare)
        if tenacity:
            places = threading.BoundedSemaphore(10)

            def with_place(turn: int) -> int:
                with places:
                    return bare(turn)

            by_hand = _tenacity(tenacity)(pybreaker.CircuitBreaker(fail_max=5)(with_place))
            cases["by hand: tenacity(pybreaker(semaphore))"] = by_hand
    cases.update(_all_in_one(found, bare))
    return cases


def async_peers(found: dict[str, ModuleType]) -> Cases:
    """Return the same for coroutine functions."""
    cases: Cases = {}

    async def limited(turn: int) -> int:
        async with asyncio.timeout(5.0):
            return await abare(turn)

    cases["asyncio.timeout alone"] = limited
    if tenacity := found.get("tenacity"):
        cases["tenacity: retry"] = _tenacity(tenacity)(abare)
    if stamina := found.get("stamina"):
        cases["stamina: retry"] = stamina.retry(on=OSError, attempts=3)(abare)
    if circuitbreaker := found.get("circuitbreaker"):
        cases["circuitbreaker: breaker"] = circuitbreaker.circuit(failure_threshold=5)(abare)
        if stamina:
            places = asyncio.Semaphore(10)

            @stamina.retry(on=OSError, attempts=3)
            @circuitbreaker.circuit(failure_threshold=5)
            async def by_hand(turn: int) -> int:
                async with places, asyncio.timeout(5.0):
                    return await abare(turn)

            cases["by hand: stamina(circuitbreaker(semaphore(timeout)))"] = by_hand
    cases.update(_all_in_one(found, abare))
    return cases


def _tenacity(tenacity: ModuleType) -> Any:
    return tenacity.retry(
        stop=tenacity.stop_after_attempt(3),
        wait=tenacity.wait_random_exponential(multiplier=0.1, max=5),
        retry=tenacity.retry_if_exception_type(OSError),
        reraise=True,
    )


def _all_in_one(found: dict[str, ModuleType], call: Callable[..., Any]) -> Cases:
    cases: Cases = {}
    if nopanic := found.get("nopanic"):
        parts = (
            nopanic.retry(attempts=3, on=OSError),
            nopanic.circuit_breaker(name="b"),
            nopanic.bulkhead(10, max_wait=0),
        )
        cases["nopanic: retry, breaker, bulkhead"] = nopanic.compose(*parts)(call)
        cases["nopanic: the same, timeout"] = nopanic.compose(*parts, nopanic.timeout(5.0))(call)
    if pyresilience := found.get("pyresilience"):
        three = {
            "retry": pyresilience.RetryConfig(max_attempts=3, retry_on=(OSError,)),
            "circuit_breaker": pyresilience.CircuitBreakerConfig(failure_threshold=5),
            "bulkhead": pyresilience.BulkheadConfig(max_concurrent=10),
        }
        limit = pyresilience.TimeoutConfig(seconds=5)
        cases["pyresilience: retry, breaker, bulkhead"] = pyresilience.resilient(**three)(call)
        cases["pyresilience: the same, timeout"] = pyresilience.resilient(**three, timeout=limit)(call)
    return cases


def main() -> int:
    """Measure, print and return the exit status."""
    given = options("What a guarded call costs.")
    effort = {"rounds": given.rounds, "slot_ms": given.slot_ms}
    found = peers(*PEERS)

    async def asynchronous() -> dict[str, float]:
        cases = await working({**ours(abare), **async_peers(found)}, awaited=True)
        figures = await cpu_async({"bare": abare, **cases}, **effort)
        with time_limit(3.0):
            inside = await cpu_async({"chassis: an earlier deadline outside": pipeline(5.0).guard(abare)}, **effort)
        return {**figures, **inside}

    hard = {"chassis: hard time-out in a thread": pipeline(5.0, hard_timeout=HardTimeout()).guard(bare)}
    sync_cases = asyncio.run(working({**ours(bare), **hard, **sync_peers(found)}, awaited=False))
    of_functions = cpu_sync({"bare": bare, **sync_cases}, **effort)
    of_coroutines = asyncio.run(asynchronous())
    table("a guarded function", of_functions, base="bare")
    table("a guarded coroutine", of_coroutines, base="bare")
    print()
    met = [
        bar(f"{kind}: {name.removeprefix('chassis: ')}", figures[name] - figures["bare"], limit, "ns over a bare call")
        for kind, figures in (("function", of_functions), ("coroutine", of_coroutines))
        for name, limit in ((GUARDED, BAR_NS), (WITH_DEADLINE, BAR_WITH_DEADLINE_NS))
    ]
    return 0 if all(met) else 1


if __name__ == "__main__":
    raise SystemExit(main())
