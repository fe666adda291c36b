"""What a new user meets: Spyne from the README alone, on a SQLite file of their own, in five minutes.

    python benchmarks/spyne/new_user.py             # with the Spyne of this environment
    python benchmarks/spyne/new_user.py --install   # in a fresh environment, as the README says; needs a package index

Method. The commands of "Five minutes" in services/spyne/README.md are carried out one by one, by a shell, as they are
written there. What is replaced is what a user would: the file, the questions, the id that Spyne gave, and the port so
that a free one is used. The file is made with a fixed seed: ferries, of which neither the README nor Spyne knows
anything. Each step is timed. Bar: five questions, one of which is asked back about, and a CSV, within 300 seconds.
"""

import argparse
import contextlib
import csv
import json
import os
import random
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
README = ROOT / "services/spyne/README.md"
BOUND_S, COMMAND_S, INSTALL_S, START_S, STOP_S, POLL_S = 300.0, 60.0, 280.0, 60.0, 40.0, 0.1
SEED, CROSSINGS = 0, 300
OWN = {  # what the README says, and what this user says instead
    "shop=/path/to/shop.db": "ferries=ferries.db",
    "how many customers are there?": "how many vessels are there?",
    "number of customers in each country": "number of vessels in each home port",
    "top 3 customers by number of orders": "top 3 vessels by number of crossings",
    "show me kitchen and garden products that cost less than 20": "show catamaran and monohull vessels with 300 seats",
    "SELECT * FROM customers": "SELECT * FROM crossings",
    "customers.csv": "crossings.csv",
}


@dataclass
class Visit:
    """What happened: each command with its seconds, the outcomes, and the rows of the CSV with its head."""

    steps: list[tuple[str, float]] = field(default_factory=list)
    outcomes: list[dict[str, Any]] = field(default_factory=list)
    csv_rows: int = 0

    @property
    def seconds(self) -> float:
        """All of it."""
        return sum(seconds for _, seconds in self.steps)

    @property
    def statuses(self) -> list[str]:
        """How each question ended."""
        return [outcome["status"] for outcome in self.outcomes]


def commands(readme: str) -> list[list[str]]:
    """The commands of "Five minutes", by block; what continues in the next line is one command."""
    section = readme.partition("## Five minutes\n")[2].partition("\n## ")[0]
    blocks = re.findall(r"^```console\n(.*?)^```", section, re.DOTALL | re.MULTILINE)
    joined = [re.sub(r"\\\n\s*", "", block) for block in blocks]
    return [re.findall(r"^\$ (.*)$", block, re.MULTILINE) for block in joined]


def make_file(path: Path) -> None:
    """Make a SQLite file of ferries."""
    chance = random.Random(SEED)
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        connection.executescript(
            "CREATE TABLE vessels (id INTEGER PRIMARY KEY, name TEXT, hull TEXT, home_port TEXT, seats INTEGER);"
            "CREATE TABLE crossings (id INTEGER PRIMARY KEY, vessel_id INTEGER REFERENCES vessels(id), sailed_on DATE,"
            " passengers INTEGER, delay_minutes INTEGER);"
        )
        for number, name in enumerate(("Petrel", "Gannet", "Tern", "Skua", "Fulmar", "Avocet", "Dunlin", "Plover"), 1):
            hull = ("catamaran", "monohull", "hydrofoil")[number % 3]
            port = chance.choice(("Ulvik", "Skagen", "Mandal"))
            row = (number, name, hull, port, (300, 450)[number % 2])
            connection.execute("INSERT INTO vessels VALUES (?, ?, ?, ?, ?)", row)
        for number in range(1, CROSSINGS + 1):
            day = date(2024, 1, 1) + timedelta(days=chance.randrange(360))
            crossing = (number, chance.randint(1, 8), f"{day}", chance.randrange(300), chance.randrange(40))
            connection.execute("INSERT INTO crossings VALUES (?, ?, ?, ?, ?)", crossing)


def visit(folder: Path, replaced: Mapping[str, str], *, install: bool = False, **environment: str) -> Visit:
    """Carry out the README in a folder, with what this user says instead of what is written.

    Raises:
        AssertionError: a command failed, or took too long; or the README does not say what is to be replaced.
    """
    for said in replaced:
        assert said in README.read_text(), f"the README does not say {said!r}"
    first, _, _ = commands(README.read_text())
    if not install:
        first = [each for each in first if "venv" not in each and "pip install" not in each]
    port = str(_free_port())
    own = {**_environment(), "RCA_PORT": port, **environment}
    here = {"./packages": f"{ROOT}/packages", "./services": f"{ROOT}/services"}
    made = Visit()
    try:
        with _serving([_said(each, {**replaced, **here}) for each in first], folder, own, made):
            _until_ready(port, made)
            ask(folder, port, replaced, made)
    finally:
        _tell(made)
    return made


def ask(folder: Path, port: str, replaced: Mapping[str, str], made: Visit) -> None:
    """Carry out what the README says for the second terminal, where Spyne serves at a port.

    Raises:
        AssertionError: a command failed, or took too long.
    """
    _, (function, *questions), (go_on, export) = commands(README.read_text())
    said = {**replaced, "8080": port}
    for question in questions:
        command = _said(question, said)
        made.outcomes.append(json.loads(_done(f"{_said(function, said)}\n{command}", folder, made, shown=command)))
    back = next(each for each in made.outcomes if each["status"] == "needs_clarification")["clarification"]
    (asked,) = back["questions"]
    said |= {"CLARIFICATION_ID": back["id"], '"attachment": "both"': f'"{asked["id"]}": "{asked["options"][0]["id"]}"'}
    made.outcomes.append(json.loads(_done(_said(go_on, said), folder, made)))
    _done(_said(export, said), folder, made)
    (file,) = folder.glob("*.csv")
    with file.open(newline="") as lines:
        made.csv_rows = len(list(csv.reader(lines)))


@contextlib.contextmanager
def _serving(setup: list[str], folder: Path, environment: dict[str, str], made: Visit) -> Iterator[None]:
    """The first terminal: all of its commands in one shell, of which the last one keeps it."""
    *before, last = setup
    script = "set -e\n" + "\n".join(before) + "\necho PREPARED\nexec " + last
    began = time.monotonic()
    log = folder / "terminal"
    with log.open("wb") as output:
        shell = subprocess.Popen(["bash", "-c", script], cwd=folder, env=environment, stdout=output, stderr=output)
    try:
        while b"PREPARED\n" not in log.read_bytes():
            assert shell.poll() is None, f"it ended: {log.read_text()[-2000:]}"
            assert time.monotonic() - began < INSTALL_S, f"not set up after {INSTALL_S:g} s: {log.read_text()[-2000:]}"
            time.sleep(POLL_S)  # polling a condition, bounded above
        made.steps.append(("; ".join(before), time.monotonic() - began))
        assert "settings: right" in log.read_text()
        yield
    finally:
        if shell.poll() is None:
            shell.send_signal(signal.SIGTERM)
            shell.wait(STOP_S)


def _until_ready(port: str, made: Visit) -> None:
    began = time.monotonic()
    while time.monotonic() - began < START_S:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", int(port)), 1):
            made.steps.append(("spyne serve", time.monotonic() - began))
            return
        time.sleep(POLL_S)  # polling a condition, bounded above
    raise AssertionError(f"nothing listens after {START_S:g} s")


def _done(command: str, folder: Path, made: Visit, shown: str = "") -> str:
    """One command in the second terminal, and what it said."""
    began = time.monotonic()
    ended = subprocess.run(
        ["bash", "-c", command], cwd=folder, capture_output=True, text=True, timeout=COMMAND_S, check=False
    )
    made.steps.append((shown or command, time.monotonic() - began))
    assert ended.returncode == 0, f"{command}: {ended.stdout}{ended.stderr}"
    return ended.stdout


def _said(command: str, replaced: Mapping[str, str]) -> str:
    for said, own in replaced.items():
        command = command.replace(said, own)
    return command


def _environment() -> dict[str, str]:
    """This one, with the commands of this interpreter first, and without settings of Spyne."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("RCA_", "SPYNE_", "OPENAI_")) and k != "PORT"}
    return {**kept, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{kept['PATH']}"}


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


def _tell(made: Visit) -> None:
    for command, seconds in made.steps:
        sys.stdout.write(f"{seconds:7.2f} s  {command[:150]}\n")
    ended = ", ".join(made.statuses)
    sys.stdout.write(f"{made.seconds:7.2f} s  in all; questions: {ended}; CSV: {made.csv_rows} lines\n")


def main() -> int:
    """Print each step with its seconds, and say whether the bar is kept."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--install", action="store_true", help="in a fresh environment, as the README says")
    install = parser.parse_args().install
    with tempfile.TemporaryDirectory(prefix="spyne-new-user-") as name:
        folder = Path(name)
        make_file(folder / "ferries.db")
        made = visit(folder, OWN, install=install)
    kept = made.seconds <= BOUND_S and made.csv_rows == CROSSINGS + 1
    kept = kept and made.statuses == ["success"] * 4 + ["needs_clarification", "success"]
    verdict = "kept" if kept else "MISSED"
    sys.stdout.write(f"bar: five questions, one asked back, a CSV, within {BOUND_S:g} s: {verdict}\n")
    return 0 if kept else 1


if __name__ == "__main__":
    raise SystemExit(main())
