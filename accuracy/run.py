"""Inspect four real services and compare every verdict with labels that were made by hand.

    python accuracy/run.py [--only SERVICE ...] [--folder DIR] [--no-replay] [--reuse]

Each service gets an environment of its own, from targets/<service>/requirements.txt. The labels (labels.toml) were made
with the scripts in hand/, which share no code with the inspector; transcripts/ keeps what those scripts saw.
"""

import argparse
import json
import os
import re
import shlex
import subprocess
import sys
import time
import tomllib
import venv
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
SERVICES = ("httpbin", "kinto", "prefect", "mlflow")
INSPECTION_BOUND_S = 2400
REPLAY_BOUND_S = 900
DECIDED = {"PROVEN": "holds", "REFUTED": "violated", "NOT_APPLICABLE": "not-applicable"}


@dataclass(frozen=True)
class Cell:
    service: str
    configuration: str
    claim: str
    label: str
    verdict: str
    reason: str
    summary: str

    @property
    def decidable(self) -> bool:
        return self.label not in ("undecidable", "not-labelled")

    @property
    def agrees(self) -> bool:
        return DECIDED.get(self.verdict) == self.label


def environment_of(service: str, folder: Path) -> Path:
    """Return the environment of a service; make it when it is not there yet."""
    home = folder / "environments" / service
    marker = home / "installed"
    requirements = HERE / "targets" / service / "requirements.txt"
    if marker.is_file() and marker.read_text() == requirements.read_text():
        return home
    print(f"{service}: installing {requirements.name} into an environment of its own", flush=True)
    venv.create(home, with_pip=True, clear=True)
    subprocess.run(
        [home / "bin" / "python", "-m", "pip", "install", "-q", "-r", requirements], check=True, timeout=1800
    )
    marker.write_text(requirements.read_text())
    return home


def path_with(home: Path) -> dict[str, str]:
    return {**os.environ, "PATH": f"{home / 'bin'}{os.pathsep}{os.environ['PATH']}"}


def inspect(service: str, home: Path, out: Path) -> None:
    print(f"{service}: inspecting", flush=True)
    began = time.monotonic()
    command = [sys.executable, "-m", "roadworthy", "inspect", str(HERE / "targets" / service), "--out", str(out),
               "--budget", "1800"]  # fmt: skip
    with (out.parent / f"{service}.log").open("w") as log:
        status = subprocess.run(
            command, env=path_with(home), stdout=log, stderr=log, timeout=INSPECTION_BOUND_S, check=False
        ).returncode
    print(f"{service}: exit status {status} after {time.monotonic() - began:.0f} s", flush=True)


def cells(service: str, report: Path, labels: dict[tuple[str, str, str], str]) -> list[Cell]:
    document = json.loads(report.read_text())
    found = []
    for claim in document["claims"]:
        for configuration, judged in claim["configurations"].items():
            label = labels.get((service, configuration, claim["id"]))
            if label is None:
                raise SystemExit(f"labels.toml has no label for {service}, {configuration}, {claim['id']}")
            found.append(
                Cell(
                    service,
                    configuration,
                    claim["id"],
                    label,
                    judged["verdict"],
                    judged["reason"] or "",
                    judged["summary"],
                )
            )
    return found


def replay(service: str, home: Path, report: Path) -> list[tuple[str, int]]:
    """Run every printed replay command; return the claims with the exit statuses."""
    results = []
    for claim in json.loads(report.read_text())["claims"]:
        if not claim["replay"]:
            continue
        _, *arguments = shlex.split(claim["replay"])
        command = [
            sys.executable,
            "-m",
            "roadworthy",
            *arguments,
            "--out",
            str(report.parent / "replays" / claim["id"]),
        ]
        done = subprocess.run(
            command, env=path_with(home), capture_output=True, text=True, timeout=REPLAY_BOUND_S, check=False
        )
        print(f"{service}: replay of {claim['id']}: exit status {done.returncode}", flush=True)
        if done.returncode != 1:
            print(done.stdout[-1500:], done.stderr[-1500:], flush=True)
        results.append((f"{service} {claim['id']}", done.returncode))
    return results


def share(part: int, whole: int) -> str:
    return f"{part / whole:.3f} ({part} of {whole})" if whole else "none to judge"


def print_table(found: list[Cell]) -> None:
    mark = {True: "", False: "  <-- "}
    for cell in found:
        verdict = cell.verdict + (f"({cell.reason})" if cell.reason else "")
        wrong = cell.decidable and not cell.agrees
        print(f"{cell.service:8} {cell.configuration:10} {cell.claim:38} {cell.label:15} {verdict:28}{mark[not wrong]}"
              f"{cell.summary[:110] if wrong else ''}")  # fmt: skip


def print_measures(found: list[Cell]) -> bool:
    """Print precision, recall and abstention; return whether the bars are met."""
    decidable = [cell for cell in found if cell.decidable]
    said = Counter(cell.verdict for cell in decidable)
    right = Counter(cell.verdict for cell in decidable if cell.agrees)
    violated = [cell for cell in decidable if cell.label == "violated"]
    holds = [cell for cell in decidable if cell.label == "holds"]
    recall = sum(cell.agrees for cell in (*violated, *holds))
    unlabelled = sum(cell.label == "not-labelled" for cell in found)
    print(f"cells: {len(found)}, not labelled yet: {unlabelled}, decidable by hand: {len(decidable)}")
    print(f"precision of REFUTED: {share(right['REFUTED'], said['REFUTED'])}")
    print(f"precision of PROVEN:  {share(right['PROVEN'], said['PROVEN'])}")
    print(f"recall of violated:   {share(sum(c.agrees for c in violated), len(violated))}")
    print(f"recall of holds:      {share(sum(c.agrees for c in holds), len(holds))}")
    print(f"recall of both:       {share(recall, len(violated) + len(holds))}")
    print(f"abstention:           {share(said['UNPROVEN'], len(decidable))}")

    def ratio(part: int, whole: int, empty: float) -> float:
        return part / whole if whole else empty

    return (
        ratio(right["REFUTED"], said["REFUTED"], 1) >= 0.95
        and ratio(right["PROVEN"], said["PROVEN"], 1) >= 0.98
        and ratio(recall, len(violated) + len(holds), 0) >= 0.8
        and ratio(said["UNPROVEN"], len(decidable), 1) <= 0.25
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=re.sub(r"\s+", " ", (__doc__ or "").partition("\n\n")[0]))
    parser.add_argument("--only", nargs="+", choices=SERVICES, default=SERVICES)
    parser.add_argument("--folder", type=Path, default=HERE.parent / "build" / "accuracy")
    parser.add_argument("--no-replay", action="store_true")
    parser.add_argument("--reuse", action="store_true", help="use the reports that are there")
    given = parser.parse_args()
    folder = given.folder.resolve()
    labels = {
        (each["service"], each["configuration"], each["claim"]): each["value"]
        for each in tomllib.loads((HERE / "labels.toml").read_text())["label"]
    }
    found: list[Cell] = []
    replays: list[tuple[str, int]] = []
    for service in given.only:
        out = folder / "reports" / service
        out.mkdir(parents=True, exist_ok=True)
        home = environment_of(service, folder)
        if not given.reuse:
            inspect(service, home, out)
        if not given.no_replay:
            replays += replay(service, home, out / "report.json")
        found += cells(service, out / "report.json", labels)
    print_table(found)
    met = print_measures(found)
    if replays:
        reproduced = sum(status == 1 for _, status in replays)
        print(f"replays that showed the counterexample again: {share(reproduced, len(replays))}")
        met = met and reproduced == len(replays)
    print("bars met" if met else "bars NOT met")
    return 0 if met else 1


if __name__ == "__main__":
    raise SystemExit(main())
