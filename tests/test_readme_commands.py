"""The commands of the README do what it says. Those that take minutes are narrowed to one claim."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from roadworthy.claims.catalogue import catalogue

ROOT = Path(__file__).resolve().parents[1]
BLOCKS = [
    re.findall(r"^\$ (.+)$", block, re.MULTILINE)
    for block in re.findall(r"^```console\n(.*?)^```", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL)
]
MAKE = [command for block in BLOCKS for command in block if command.startswith("make ")]
TYPED = [command for block in BLOCKS for command in block if not command.startswith("make ")]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])
ENVIRONMENT = {key: value for key, value in os.environ.items() if not key.startswith("MAKE")} | {
    "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    "COLUMNS": "120",
}

NARROWED = {
    "roadworthy inspect --": "roadworthy inspect --only health-exists --",
    "roadworthy inspect .": "roadworthy inspect . --only error-no-5xx-on-bad-input",
}


def run(command: str, folder: Path, environment: Mapping[str, str] = ENVIRONMENT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", "-c", command], cwd=folder, env=environment, capture_output=True, text=True, timeout=150, check=False
    )


def narrowed(command: str) -> str:
    for short, long in NARROWED.items():
        if command.startswith(short):
            return command.replace(short, long, 1)
    return command


def test_the_readme_shows_every_command_of_the_command_line() -> None:
    shown = {command.split()[1] for command in TYPED if command.startswith("roadworthy ")}
    assert shown == {"inspect", "init", "judge", "replay", "claims", "--help"}
    assert MAKE == ["make inspect", "make test"]


@pytest.mark.timeout(600)  # seven commands that start the example; on an idle machine they take half a minute
def test_what_the_readme_types_works_from_top_to_bottom(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    folder, status, output = tmp_path, {}, {}
    for typed in TYPED:
        if typed.startswith("cd "):
            folder = folder / typed.removeprefix("cd ")
            continue
        ran = run(narrowed(typed), folder)
        status[typed], output[typed] = ran.returncode, ran.stdout
        assert ran.returncode in (0, 1), f"{typed}\n{ran.stdout}\n{ran.stderr}"
        assert "Traceback" not in ran.stderr, f"{typed}\n{ran.stderr}"
        if typed.startswith("roadworthy inspect"):
            assert {"report.html", "report.json", "junit.xml", "results.sarif", "recording"} == {
                path.name for path in (folder / "roadworthy-report").iterdir()
            }
        if typed.startswith("roadworthy init"):
            keep_only_sqlite(folder / "roadworthy.toml")

    assert status == {
        "roadworthy inspect -- python -m uvicorn bookings.app:app": 0,
        "roadworthy init -- python -m uvicorn bookings.app:app": 0,
        "roadworthy inspect .": 1,  # the example answers 5xx to bad input
        "roadworthy judge roadworthy-report/recording": 1,  # the same verdict, from the recording
        "roadworthy replay roadworthy-report#error-no-5xx-on-bad-input": 1,  # seen again
        "roadworthy claims": 0,
        "roadworthy claims sigterm-drains": 0,
        "roadworthy --help": 0,
    }
    assert [claim.id for claim in catalogue() if claim.id not in output["roadworthy claims"]] == []
    assert "Remedy for FastAPI" in output["roadworthy claims sigterm-drains"]
    assert "violated" in output["roadworthy replay roadworthy-report#error-no-5xx-on-bad-input"]


def keep_only_sqlite(manifest: Path) -> None:
    """Correct the manifest, as init asks for: one configuration is enough here, and the one with no server is quick."""
    written = manifest.read_text()
    assert "\n[configurations.postgresql]\n" in written
    assert "\n[configurations.sqlite]\n" in written
    manifest.write_text(written.replace("\n[configurations.postgresql]\n", "\n"))


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_make_target_that_a_document_names_exists(document: Path) -> None:
    for target in sorted(set(re.findall(r"(?:`|\$ )make ([a-z]+)", document.read_text()))):
        ran = run(f"make -n {target}", ROOT)
        assert ran.returncode == 0, f"make {target}: {ran.stderr}"


def test_make_alone_lists_every_target() -> None:
    declared = re.search(r"^\.PHONY: (.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert declared is not None
    assert re.findall(r"^(\w+) ", run("make", ROOT).stdout, re.MULTILINE) == declared[1].split()
    for target in declared[1].split():
        assert run(f"make -n {target}", ROOT).returncode == 0


@pytest.mark.parametrize(("status", "passes"), [(0, True), (1, False), (2, False), (3, True)])
def test_make_inspect_passes_unless_a_claim_is_refuted_or_nothing_could_run(
    status: int, passes: bool, tmp_path: Path
) -> None:
    """With an inspector that only says how it was called, and exits."""
    inspector = tmp_path / "roadworthy"
    inspector.write_text(f'#!/bin/sh\necho "$@ ${{PYTHONDONTWRITEBYTECODE-compiled once}}"\nexit {status}\n')
    inspector.chmod(0o755)
    as_set_up = "--old-file=.venv/.installed"
    ran = run(f"make {as_set_up} inspect BIN={tmp_path}", ROOT, {**ENVIRONMENT, "PYTHONDONTWRITEBYTECODE": "1"})
    assert (ran.returncode == 0) is passes, ran.stderr
    assert ran.stdout.splitlines()[0].endswith("services/spyne compiled once")


def test_setup_says_what_it_needs_when_python_is_too_old(tmp_path: Path) -> None:
    """With only an old python3 on PATH, and a checkout without an environment."""
    for name in ("Makefile", "requirements.lock", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    tools = tmp_path / "bin"
    tools.mkdir()
    for tool in ("sh", "touch"):
        (tools / tool).symlink_to(str(shutil.which(tool)))
    old = tools / "python3"
    old.write_text('#!/bin/sh\ntest "$1" = --version && echo Python 3.9.2 && exit 0\nexit 1\n')
    old.chmod(0o755)
    ran = run(f"{shutil.which('make')} setup", tmp_path, {"PATH": str(tools)})
    assert ran.returncode != 0
    assert "expected Python 3.11 or newer with venv and ensurepip, found Python 3.9.2" in ran.stderr
    assert "make setup PYTHON=/path/to/python3.11" in ran.stderr
    assert not (tmp_path / ".venv").exists()
