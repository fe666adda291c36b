"""Does the same target get the same verdicts every time?

    python benchmarks/stability.py [--times 10] [--folder DIR]

Inspects each of three targets again and again: a specimen that keeps everything, a specimen that breaks one claim, and
examples/bookings. Prints how often each claim got each verdict. Exit status 1 if any claim was both PROVEN and REFUTED.
"""

import argparse
import asyncio
import sys
import time
from collections import Counter
from pathlib import Path

from rich.console import Console
from roadworthy import configuration
from roadworthy.report.progress import Progress
from roadworthy.selftest import target_of

ROOT = Path(__file__).resolve().parents[1]


def targets() -> dict[str, configuration.Target]:
    """Each target by name."""
    command = [sys.executable, "-m", "uvicorn", "bookings.app:app"]
    return {
        "specimen that keeps its claims": target_of("health-exists", "keeps"),
        "specimen that breaks one": target_of("error-no-5xx-on-bad-input", "breaks"),
        "examples/bookings": configuration.target_from_command(command, ROOT / "examples" / "bookings"),
    }


def inspect(target: configuration.Target, out: Path) -> dict[str, str]:
    """Inspect once and return the verdicts."""
    configuration.make_room(out)
    with Progress(Console(quiet=True)) as silent:
        inspection = asyncio.run(configuration.inspect(target, out, silent))
    if inspection.error:
        raise SystemExit(f"could not run: {inspection.error}")
    return {
        f"{result.claim.id} ({name})": judgement.verdict.value
        for result in inspection.results
        for name, judgement in result.configurations.items()
    }


def main() -> int:
    """Inspect, print and return the exit status."""
    parser = argparse.ArgumentParser(description="Inspect three targets again and again.")
    parser.add_argument("--times", type=int, default=10)
    parser.add_argument("--folder", type=Path, default=ROOT / "build" / "stability")
    given = parser.parse_args()
    flips = 0
    for number, (name, target) in enumerate(targets().items()):
        tally: dict[str, Counter[str]] = {}
        seconds = []
        for _ in range(given.times):
            began = time.monotonic()
            for claim, verdict in inspect(target, given.folder.resolve() / str(number)).items():
                tally.setdefault(claim, Counter())[verdict] += 1
            seconds.append(time.monotonic() - began)
        print(f"\n{name}: {given.times} inspections, {min(seconds):.0f} to {max(seconds):.0f} s each")
        for claim, verdicts in tally.items():
            flipped = verdicts["PROVEN"] > 0 and verdicts["REFUTED"] > 0
            flips += flipped
            shown = ", ".join(f"{verdict} {count}" for verdict, count in verdicts.most_common())
            print(f"  {claim:52} {shown}{'  <-- FLIPPED' if flipped else ''}", flush=True)
    print(f"\nclaims that flipped between PROVEN and REFUTED: {flips}")
    return 1 if flips else 0


if __name__ == "__main__":
    raise SystemExit(main())
