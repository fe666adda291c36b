"""Do the examples of the chassis pass inspection?

    python benchmarks/chassis/examples.py [--folder DIR]

Inspects packages/chassis/examples/notes (FastAPI) and pads (Flask) with the manifests that they make themselves, on
PostgreSQL and Valkey, and on SQLite. Exit status 1 if a claim is refuted, or fewer than 16 of the 18 are proven.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "packages" / "chassis" / "examples"
ENOUGH = 16
INSPECTION_BOUND_S = 600
FURTHER = {
    "notes": "",  # its OpenAPI document tells the transaction
    "pads": """
[transaction.create]
path = "/pads"
json = { text = "{token}" }
capture = { id = "/id" }

[transaction.read]
path = "/pads/{id}"
""",
}


def inspect(name: str, folder: Path) -> dict[str, str]:
    """Inspect one example and return its verdicts by claim."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    shutil.copy(EXAMPLES / name / f"{name}.py", folder)
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    manifest = subprocess.run(
        [sys.executable, "-m", "chassis", f"{name}:application", "describe", "manifest"],
        cwd=folder, env=environment, capture_output=True, text=True, check=True, timeout=60,
    ).stdout  # fmt: skip
    (folder / "roadworthy.toml").write_text(manifest + FURTHER[name])
    with (folder / "log").open("w") as log:
        subprocess.run(
            [sys.executable, "-m", "roadworthy", "inspect", str(folder), "--out", str(folder / "out")],
            env=environment, stdout=log, stderr=log, check=False, timeout=INSPECTION_BOUND_S,
        )  # fmt: skip
    report = json.loads((folder / "out" / "report.json").read_text())
    return {each["id"]: each["verdict"] for each in report["claims"]}


def main() -> int:
    """Inspect both examples, print what was found and return the exit status."""
    parser = argparse.ArgumentParser(description="Inspect the examples of the chassis.")
    parser.add_argument("--folder", type=Path, default=ROOT / "build" / "examples")
    given = parser.parse_args()
    failed = False
    for name in FURTHER:
        verdicts = inspect(name, given.folder.resolve() / name)
        count = Counter(verdicts.values())
        met = count["REFUTED"] == 0 and count["PROVEN"] >= ENOUGH
        failed = failed or not met
        print(f"{'PASS' if met else 'MISS'}  {name}: {', '.join(f'{n} {verdict}' for verdict, n in count.items())}")
        for claim, verdict in verdicts.items():
            if verdict != "PROVEN":
                print(f"      {claim}: {verdict}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
