"""How many decisions a second does the limiter make, with 100,000 clients, and how long is its longest pause?

    python benchmarks/chassis/limiter.py [--quick] [--rounds N] [--slot-ms MS]

CPU time, in one run with the peers that are installed (limits, throttled-py, pyrate-limiter, token-bucket). All keep
100,000 live keys. "one key" asks for the same client again and again; "in turn" for each client after the other, so
that the caches of the processor miss as they do with real clients; "new keys" for clients that were never seen, in the
place of others whose time has passed. Peers whose store holds one key, or fewer than that, are asked for one. Exit
status 1 if the bar was missed, or if there is a thread in the background.
"""

import threading
import time
from collections.abc import Callable
from types import ModuleType
from typing import Any

from chassis.limits import Gcra, Limiter, Rule
from harness import Case, bar, cpu_sync, options, peers, table

KEYS = 100_000
CLIENTS = [f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}" for n in range(KEYS)]
NEVER_REACHED = Rule(1_000_000, 1e9)  # and a key lives for a quarter of an hour
PACKAGES = {
    "limits": "limits",
    "throttled": "throttled-py",
    "pyrate_limiter": "pyrate-limiter",
    "token_bucket": "token-bucket",
}


def main() -> int:
    """Measure, print and return the exit status."""
    given = options("What a decision of the limiter costs.")
    others = peers(*PACKAGES, packages=PACKAGES)
    measure = {"rounds": given.rounds, "slot_ms": given.slot_ms}
    before = threading.active_count()
    figures = cpu_sync(cases_of_one_rule(), **measure)  # before others are made: no process has ten limiters
    in_background = threading.active_count() - before
    table(f"one decision, {KEYS:,} live keys", figures)
    more = cpu_sync({**our_other_cases(), **peer_cases(others)}, **measure)
    table(f"other decisions, {KEYS:,} keys, all in one process", more)
    print("\nmillions of decisions a second")
    for name, figure in {**figures, **more}.items():
        print(f"  {name:44}{1000 / figure:8.2f}")
    print(f"\nlongest of {KEYS:,} decisions for new keys: {longest_ms():.2f} ms (wall clock)")

    print()
    met = [
        bar("decisions a second, one key of 100,000", 1e9 / figures["one key"], 2e6, "a second", at_least=True),
        bar("decisions a second, 100,000 keys in turn", 1e9 / figures["in turn"], 2e6, "a second", at_least=True),
        bar("threads in the background", in_background, 0, "threads"),
    ]
    return 0 if all(met) else 1


def cases_of_one_rule() -> dict[str, Case]:
    """Return ours for one rule: the same client again and again, and all in turn."""
    limiter = Gcra(NEVER_REACHED, max_keys=2 * KEYS)
    for client in CLIENTS:
        limiter.hit(client)
    return {
        "one key": lambda _: limiter.hit("10.0.0.7"),
        "in turn": lambda turn: limiter.hit(CLIENTS[turn % KEYS]),
    }


def our_other_cases() -> dict[str, Case]:
    """Return ours for clients that are new, in the place of those whose time has passed, and for two rules at once."""
    passing = Gcra(Rule(1_000_000_000, 1.0), max_keys=KEYS)
    both = Limiter(NEVER_REACHED, NEVER_REACHED, max_keys=2 * KEYS)
    for client in CLIENTS:
        passing.hit(client)
        both.hit(client)
    return {
        "ours, new keys": lambda turn: passing.hit(CLIENTS[turn % KEYS]),
        "ours, two rules, in turn": lambda turn: both.hit(CLIENTS[turn % KEYS]),
    }


def longest_ms() -> float:
    """Return the longest decision while 100,000 keys come in: that in which the dict grows for the last time."""
    limiter = Gcra(NEVER_REACHED, max_keys=KEYS)
    longest = 0
    for client in CLIENTS:
        began = time.perf_counter_ns()
        limiter.hit(client)
        longest = max(longest, time.perf_counter_ns() - began)
    return longest / 1e6


def peer_cases(others: dict[str, ModuleType]) -> dict[str, Case]:
    """Return the peers that are installed, each with as many keys as its store keeps."""
    builders: dict[str, Callable[[], dict[str, Case]]] = {
        "limits": _limits,
        "throttled": _throttled,
        "pyrate_limiter": _pyrate,
        "token_bucket": _token_bucket,
    }
    cases: dict[str, Case] = {}
    for name, build in builders.items():
        if name in others:
            cases.update(build())
    return cases


def _filled(hit: Callable[[str], Any]) -> Callable[[str], Any]:
    for client in CLIENTS:
        hit(client)
    return hit


def _limits() -> dict[str, Case]:
    import limits  # noqa: PLC0415 - a peer
    import limits.strategies  # noqa: PLC0415

    item = limits.RateLimitItemPerHour(10**9)
    cases: dict[str, Case] = {}
    for kind in (limits.strategies.FixedWindowRateLimiter, limits.strategies.SlidingWindowCounterRateLimiter):
        limiter = kind(limits.storage.MemoryStorage())
        hit = _filled(lambda client, limiter=limiter: limiter.hit(item, client))
        cases[f"limits, {kind.__name__}, in turn"] = lambda turn, hit=hit: hit(CLIENTS[turn % KEYS])
    return cases


def _throttled() -> dict[str, Case]:
    import throttled  # noqa: PLC0415 - a peer

    limiter = throttled.Throttled(
        using="gcra",
        quota=throttled.per_hour(10**9, burst=10**9),
        store=throttled.MemoryStore(options={"MAX_SIZE": 2 * KEYS}),
    )
    hit = _filled(limiter.limit)
    return {"throttled-py, gcra, in turn": lambda turn: hit(CLIENTS[turn % KEYS])}


def _pyrate() -> dict[str, Case]:
    import pyrate_limiter as pyrate  # noqa: PLC0415 - a peer

    bucket = pyrate.Limiter(pyrate.InMemoryBucket([pyrate.Rate(1000, pyrate.Duration.SECOND)]))
    return {"pyrate-limiter, one key": lambda _: bucket.try_acquire("client", blocking=False)}


def _token_bucket() -> dict[str, Case]:
    import token_bucket  # noqa: PLC0415 - a peer

    limiter = token_bucket.Limiter(1e6, 1_000_000, token_bucket.MemoryStorage())
    hit = _filled(limiter.consume)
    return {"token-bucket, in turn": lambda turn: hit(CLIENTS[turn % KEYS])}


if __name__ == "__main__":
    raise SystemExit(main())
