"""Does anything outlive an inspection that is interrupted or killed?

    python benchmarks/interruption.py [--times 20] [--seed 1] [--within 25]

Starts an inspection of a specimen on PostgreSQL again and again, and sends the inspector SIGINT or SIGKILL at a random
moment. Prints what is still there 5 s later: processes (told apart by a mark in their environment, their folder or
their arguments), ports that were theirs and that still listen, and scratch folders. Exit status 1 if there is any.
"""

import argparse
import contextlib
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[1]
SPECIMENS = ROOT / "packages" / "roadworthy" / "specimens"
PATIENCE_S = 5.0
MANIFEST = f"""\
[target]
name = "interrupted"
directory = "{SPECIMENS}"
command = ["{sys.executable}", "error_no_stack_trace/keeps.py"]
[environment]
SIGNING_KEY = "a key that signs"
[dependencies.database]
kind = "postgresql"
variable = "DATABASE_URL"
"""


def processes(folder: Path, mark: str) -> list[psutil.Process]:
    """Find what an inspection started: guards and servers have no environment of ours, but its folders."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            environment = Path(f"/proc/{process.pid}/environ").read_bytes()
            places = [process.cwd(), *process.cmdline()]
            ours = mark.encode() in environment or any(str(folder) in place for place in places)
            if ours and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


def listening(among: list[psutil.Process]) -> set[int]:
    """Return the ports on which these processes listen."""
    ports = set()
    for process in among:
        with contextlib.suppress(psutil.Error):
            ports |= {c.laddr.port for c in process.net_connections("tcp") if c.status == psutil.CONN_LISTEN}
    return ports


def interrupt(seed: int, within: float) -> bool:
    """Interrupt one inspection and print a line. Return whether nothing was left."""
    chance = random.Random(seed)
    number = chance.choice([signal.SIGINT, signal.SIGKILL])
    moment = chance.uniform(0, within)
    mark = uuid.uuid4().hex
    folder = Path(tempfile.mkdtemp(prefix="interruption-"))
    scratch = folder / "scratch"
    scratch.mkdir()
    for each in (folder, scratch):
        each.chmod(0o755)  # the account that PostgreSQL runs as must be able to pass
    (folder / "roadworthy.toml").write_text(MANIFEST)
    inspector = subprocess.Popen(
        [sys.executable, "-m", "roadworthy", "inspect", ".", "--out", "out"],
        cwd=folder,
        env={**os.environ, "TMPDIR": str(scratch), "INTERRUPTION_MARK": mark},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    time.sleep(moment)
    before = processes(folder, mark)
    ports = listening(before)
    ended_by_itself = inspector.poll() is not None
    inspector.send_signal(number)
    signalled = time.monotonic()
    with contextlib.suppress(subprocess.TimeoutExpired):
        inspector.wait(PATIENCE_S)
    took = time.monotonic() - signalled
    time.sleep(max(0.0, PATIENCE_S - took))
    survivors = processes(folder, mark)
    still = {c.laddr.port for c in psutil.net_connections("tcp") if c.status == psutil.CONN_LISTEN} & ports
    folders = [each.name for each in scratch.iterdir()]
    note = " (it had ended by itself)" if ended_by_itself else ""
    print(
        f"{seed:>5} {moment:>8.2f} {number.name:8} {len(before):>7} {len(ports):>6} {took:>8.2f} "
        f"{len(survivors):>10} {len(still):>10} {len(folders):>8}{note}",
        flush=True,
    )
    for each in survivors:
        with contextlib.suppress(psutil.Error):
            print(f"      survivor {each.pid}: {' '.join(each.cmdline())}")
            each.kill()
    shutil.rmtree(folder, ignore_errors=True)
    return not (survivors or still or folders)


def main() -> int:
    """Interrupt as often as asked for."""
    parser = argparse.ArgumentParser(description="Interrupt inspections at random moments.")
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1, help="of the first; the others follow")
    parser.add_argument("--within", type=float, default=25.0, help="seconds after the start")
    given = parser.parse_args()
    # Shells have background jobs ignore SIGINT, and what they start inherits that. With a handler here, it does not.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    print("                         before the signal   ended   still there 5 s after it")
    print(" seed  moment/s signal   processes  ports   after/s  processes      ports  folders")
    clean = [interrupt(seed, given.within) for seed in range(given.seed, given.seed + given.times)]
    print(f"{sum(clean)} of {len(clean)} left nothing behind")
    return 0 if all(clean) else 1


if __name__ == "__main__":
    sys.exit(main())
