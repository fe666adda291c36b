"""Is any answer wrong, any write lost, or Spyne long away, when its parts are killed under load?

    python benchmarks/spyne/kills.py [--users 30]

The users, the data and the servers of load.py. While they work, kill -9 hits one worker of gunicorn, all processes for
queries, PostgreSQL (which holds the state of Spyne and one of the databases asked) and Valkey; the two servers are
started again 3 s later. After each, somebody saves a query, reads it, and runs new SQL on both databases, ten times a
second, until all of that succeeds. At the end every acknowledged saved query and session is read. Returns 1 unless

- no answer is wrong, and nothing that was acknowledged is lost;
- everything works 10 s after the kill, or after the server was started again, at the latest, and no request of a user
  fails after that;
- requests fail as they should: with 503, or, when a worker of gunicorn was killed, with its connections; none because
  of Valkey.

PostgreSQL commits without fsync, which kill -9 does not need. Times are wall time.
"""

import argparse
import asyncio
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import psutil
import users
from load import production

BACK_S = 10.0
DOWN_S = 3.0
CALM_S = 8.0
CONNECTION = {"ConnectError", "ReadError", "RemoteProtocolError", "WriteError"}


@dataclass(frozen=True)
class Kill:
    """What is killed, how it is started again, and how requests may fail because of it."""

    name: str
    kill: Callable[[], None]
    restart: Callable[[], None] | None
    failures: frozenset[str]


def main() -> int:
    """Print the figures; return 1 when a bar is missed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--users", type=int, default=30)
    number = parser.parse_args().users
    with production() as (running, postgresql, valkey, data):
        unavailable = frozenset({"503"})
        kills = [
            Kill("worker of gunicorn", lambda: _kill(_workers(running)[0]), None, unavailable | CONNECTION),
            Kill("all query processes", lambda: _kill(*_query_processes(running)), None, unavailable),
            Kill("PostgreSQL", postgresql.kill, postgresql.start, unavailable),
            Kill("Valkey", valkey.kill, valkey.start, frozenset()),
        ]
        return int(not asyncio.run(_measured(running, data, number, kills)))


async def _measured(running: Any, data: users.Data, number: int, kills: list[Kill]) -> bool:
    everyone, prober = users.Users(running.port, data, number), users.Users(running.port, data)
    print(f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}; {number} users, seed {users.SEED}")
    work = asyncio.ensure_future(everyone.run(3600))
    await _until(lambda: _all_works(prober))
    await asyncio.sleep(CALM_S)
    met = True
    for each in kills:
        met &= await _killed(everyone, prober, each)
    work.cancel()
    await asyncio.wait({work})
    lost = [*await everyone.lost(), *await prober.lost()]
    wrong = [*everyone.seen.wrong, *prober.seen.wrong]
    for what in (*wrong[:10], *lost[:10]):
        print(f"    wrong or lost: {what}")
    done = sum(map(len, everyone.seen.took.values()))
    kept = len(everyone.seen.kept) + len(prober.seen.kept)
    print(f"{done} requests of users succeeded, {len(everyone.seen.failed)} failed; {len(wrong)} wrong answers, "
          f"{len(lost)} of {kept} acknowledged writes lost (bar 0) {_verdict(not wrong and not lost)}")  # fmt: skip
    for each in (everyone, prober):
        await each.client.aclose()
    return met and not wrong and not lost


async def _killed(everyone: users.Users, prober: users.Users, kill: Kill) -> bool:
    seen = everyone.seen
    failed_before, began = len(seen.failed), time.monotonic()
    await asyncio.to_thread(kill.kill)
    if kill.restart is not None:
        await asyncio.sleep(DOWN_S)
        await asyncio.to_thread(kill.restart)
    again = time.monotonic()
    back_s = await _until(lambda: _all_works(prober))
    await asyncio.sleep(BACK_S + CALM_S - back_s)
    failed = seen.failed[failed_before:]
    last_s = max((at - (again - everyone.began) for at, _, _ in failed), default=0.0)
    kinds = Counter(what for _, _, what in failed)
    fitting = all(what.split()[0] in kill.failures for what in kinds)
    met = back_s <= BACK_S and last_s <= BACK_S and fitting
    how = ", ".join(f"{count} x {what}" for what, count in kinds.items()) or "none"
    print(f"{kill.name:20} all works {back_s:.1f} s after it is back, the last failure {max(last_s, 0.0):.1f} s after "
          f"(bar {BACK_S:g} s); {again - began:.1f} s down; failed: {how} {_verdict(met)}")  # fmt: skip
    return met


async def _all_works(prober: users.Users) -> bool:
    """Do once all that a user may want: save, read, run SQL on both databases. Its failures do not count."""
    number = int(time.monotonic() * 1000)
    saved = await prober.save(users.DATABASES[0], f"{number:x}")
    return (
        saved
        and not await prober.lost()
        and all([await prober.execute(each, number % 900) for each in users.DATABASES])
    )


async def _until(condition: Callable[[], Awaitable[bool]]) -> float:
    began = time.monotonic()
    while not await condition():
        assert time.monotonic() - began < 60, "it does not come back"
        await asyncio.sleep(0.1)
    return time.monotonic() - began


def _workers(running: Any) -> list[psutil.Process]:
    return [each for each in psutil.Process(running.process.pid).children() if "serve" in each.cmdline()]


def _query_processes(running: Any) -> list[psutil.Process]:
    children = psutil.Process(running.process.pid).children(recursive=True)
    return [each for each in children if "spyne.engine.worker" in each.cmdline()]


def _kill(*processes: psutil.Process) -> None:
    assert processes, "there is nothing to kill"
    for each in processes:
        each.send_signal(signal.SIGKILL)
    psutil.wait_procs(processes, 5)


def _verdict(met: bool) -> str:
    return "met" if met else "MISSED"


if __name__ == "__main__":
    sys.exit(main())
