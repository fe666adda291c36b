"""The types of the public names, as a service's own type checker sees them."""

import re
import subprocess
import sys
from pathlib import Path

import chassis
import pytest

API = Path(__file__).parent / "typing_api" / "api.py"
ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.needs("mypy", "sql", "valkey", "http")
def test_every_public_name_is_used_and_has_the_type_that_is_said() -> None:
    used = set(re.findall(r"^    (\w+),$", API.read_text(encoding="utf-8").partition("from pydantic")[0], re.MULTILINE))
    assert used == set(chassis.__all__)
    checked = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--config-file", str(ROOT / "pyproject.toml"), str(API)],
        cwd=ROOT, capture_output=True, text=True, timeout=150, check=False,
    )  # fmt: skip
    assert checked.returncode == 0, checked.stdout + checked.stderr
