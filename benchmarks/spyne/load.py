"""Do 50 users get their answers, all of them right and in time?

    python benchmarks/spyne/load.py [--users 50] [--seconds 60] [--think 1 5]

Spyne as in production: gunicorn with 2 workers and 2 query processes each, its state in PostgreSQL, results in Valkey,
rate limits off, no language model. It is asked about a SQLite file and a database in PostgreSQL (600 customers,
200 products, 20,000 orders). The users are a closed loop in one process: each waits for its answer, thinks for 1 to
5 s (uniform, seed 20) and goes on: 80 % simple questions (41 of them on each database, at random), 10 % SQL, 5 % saved
queries, 5 % sessions. Servers, Spyne and users share the machine. Returns 1 unless

- every request is answered 2xx, and every answer to a question has exactly the right rows;
- the 95th percentile of simple questions is below 1 s.

Times are wall time, as a user sees it, connections kept open.
"""

import argparse
import asyncio
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import users
from started import percentile, samples, server, spyne

P95_S = 1.0
WORKERS = 2


@contextmanager
def production(**more: str) -> Iterator[tuple[Any, Any, Any, users.Data]]:
    """Start the servers and Spyne; yields Spyne, PostgreSQL, Valkey and the data."""
    data = users.made_data()
    with (
        tempfile.TemporaryDirectory(prefix="spyne-load-") as folder,
        server("PostgreSQL") as postgresql,
        server("Valkey") as valkey,
    ):
        users.put_into_sqlite(Path(folder) / "files.db", data)
        asked, state = postgresql.create_database(), postgresql.create_database()
        users.put_into_postgresql(postgresql.url(asked), data)
        postgresql.execute("CHECKPOINT")
        sources = f"files={folder}/files.db,server={postgresql.url(asked)}"
        with spyne(RCA_WORKERS=str(WORKERS), RCA_QUERY_PROCESSES="2", RCA_DATABASE_URL=postgresql.url(state),
                   RCA_REDIS_URL=valkey.url(), SPYNE_DATABASES=sources, **more) as running:  # fmt: skip
            yield running, postgresql, valkey, data


def main() -> int:
    """Print the figures; return 1 when a bar is missed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--users", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--think", type=float, nargs=2, default=(1.0, 5.0), metavar="S", help="0 0: not at all")
    given = parser.parse_args()
    with production() as (running, _, _, data):
        return int(not asyncio.run(_measured(running, data, given)))


async def _measured(running: Any, data: users.Data, given: argparse.Namespace) -> bool:
    number, seconds = given.users, given.seconds
    everyone = users.Users(running.port, data, number, given.think)
    print(f"{os.cpu_count()} processors, load before {os.getloadavg()[0]:.1f}; {number} users for {seconds:g} s, "
          f"who think {given.think[0]:g} to {given.think[1]:g} s; {len(everyone.questions)} questions, "
          f"{WORKERS} workers, seed {users.SEED}")  # fmt: skip
    own = os.times()
    await everyone.run(seconds)
    used = os.times()
    seen = everyone.seen
    lost = await everyone.lost()
    await everyone.client.aclose()
    counted = samples(running.client.get("/metrics").text)
    hits, misses = (counted.get(f'spyne_result_cache_total{{result="{each}"}}', 0) for each in ("hit", "miss"))

    total = sum(map(len, seen.took.values())) + len(seen.failed)
    took_s = used.user + used.system - own.user - own.system
    cached = hits / max(hits + misses, 1)
    print(f"load after {os.getloadavg()[0]:.1f}; the users took {took_s:.1f} s of processor time")
    print(f"{total} requests, {total / seconds:.1f} a second; {cached:.0%} of queries from the cache")
    for kind, took in sorted(seen.took.items()):
        shares = ", ".join(f"p{share * 100:.0f} {percentile(took, share) * 1000:.0f}" for share in (0.5, 0.95, 0.99))
        print(f"    {kind:8} {len(took):5} x  {shares}, max {max(took) * 1000:.0f} ms")
    for (kind, what), count in Counter((kind, what) for _, kind, what in seen.failed).items():
        print(f"    {count} x {kind} failed: {what}")
    for each in (*seen.wrong[:10], *lost[:10]):
        print(f"    wrong or lost: {each}")
    p95 = percentile(seen.took["ask"], 0.95)
    right = not seen.failed and not seen.wrong and not lost
    print(f"{len(seen.failed)} errors, {len(seen.wrong)} wrong answers, {len(lost)} of {len(seen.kept)} writes lost "
          f"(bar 0) {_verdict(right)}")  # fmt: skip
    print(f"P95 of simple questions {p95 * 1000:.0f} ms (bar {P95_S * 1000:.0f} ms) {_verdict(p95 < P95_S)}")
    return right and p95 < P95_S


def _verdict(met: bool) -> str:
    return "met" if met else "MISSED"


if __name__ == "__main__":
    sys.exit(main())
