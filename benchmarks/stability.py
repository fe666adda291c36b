"""Does the same target get the same verdicts every time?

    python benchmarks/stability.py [--times 10] [--folder DIR]

Inspects each of three targets again and again: a specimen that keeps everything, a specimen that breaks one claim, and
examples/bookings. Prints how often each claim got each verdict. Exit status 1 if any claim was both PROVEN and REFUTED.
"""

import argparse
import json
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BOUND_S = 600


def targets() -> dict[str, tuple[Path, list[str]]]:
    """Each target's folder and what follows `inspect`."""
    specimens = ROOT / "packages" / "roadworthy" / "specimens"
    command = [sys.executable, "-m", "uvicorn", "bookings.app:app"]
    return {
        "specimen that keeps its claims": (specimens, [sys.executable, "health_exists/keeps.py"]),
        "specimen that breaks one": (specimens, [sys.executable, "error_no_5xx_on_bad_input/breaks.py"]),
        "examples/bookings": (ROOT / "examples" / "bookings", command),
    }


def inspect(folder: Path, command: list[str], out: Path) -> dict[str, str]:
    """Inspect once and return the verdicts."""
    argv = [sys.executable, "-m", "roadworthy", "inspect", "--out", str(out), "--", *command]
    done = subprocess.run(argv, cwd=folder, capture_output=True, text=True, timeout=BOUND_S, check=False)
    if done.returncode == 2:
        raise SystemExit(f"could not run: {done.stdout[-2000:]}{done.stderr[-2000:]}")
    return {claim["id"]: claim["verdict"] for claim in json.loads((out / "report.json").read_text())["claims"]}


def main() -> int:
    """Inspect, print and return the exit status."""
    parser = argparse.ArgumentParser(description="Inspect three targets again and again.")
    parser.add_argument("--times", type=int, default=10)
    parser.add_argument("--folder", type=Path, default=ROOT / "build" / "stability")
    given = parser.parse_args()
    flips = 0
    for number, (name, (folder, command)) in enumerate(targets().items()):
        tally: dict[str, Counter[str]] = {}
        seconds = []
        for _ in range(given.times):
            began = time.monotonic()
            for claim, verdict in inspect(folder, command, given.folder.resolve() / str(number)).items():
                tally.setdefault(claim, Counter())[verdict] += 1
            seconds.append(time.monotonic() - began)
        print(f"\n{name}: {given.times} inspections, {min(seconds):.0f} to {max(seconds):.0f} s each")
        for claim, verdicts in tally.items():
            flipped = verdicts["PROVEN"] > 0 and verdicts["REFUTED"] > 0
            flips += flipped
            shown = ", ".join(f"{verdict} {count}" for verdict, count in verdicts.most_common())
            print(f"  {claim:38} {shown}{'  <-- FLIPPED' if flipped else ''}", flush=True)
    print(f"\nclaims that flipped between PROVEN and REFUTED: {flips}")
    return 1 if flips else 0


if __name__ == "__main__":
    raise SystemExit(main())
