"""`docs/requirements.toml` says of every row that a service was asked for what proves it, or why nothing does."""

import ast
import re
import tomllib
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from roadworthy.claims.catalogue import catalogue

ROOT = Path(__file__).resolve().parents[1]
ASKED = ROOT.parent / "shared" / "requirements"  # the documents themselves are no part of the repository
ROWS: list[dict[str, Any]] = tomllib.loads((ROOT / "docs" / "requirements.toml").read_text(encoding="utf-8"))["row"]


def names_of_tests(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    return {node.name for node in ast.walk(tree) if isinstance(node, functions) and node.name.startswith("test_")}


def test_every_row_is_there_once_and_says_what_it_asks_for() -> None:
    assert [row for row, times in Counter(row["id"] for row in ROWS).items() if times > 1] == []
    assert [row["id"] for row in ROWS if not row["asks"].strip()] == []
    numbers = sorted(int(row["id"].removeprefix("SPY-")) for row in ROWS)
    assert numbers == list(range(1, 89))


def test_every_row_has_proof_or_the_reason_why_not() -> None:
    without = [row["id"] for row in ROWS if not (row.get("tests") or row.get("claims") or row.get("missing"))]
    assert without == []
    assert [row["id"] for row in ROWS if set(row) - {"id", "asks", "tests", "claims", "missing"}] == []


@pytest.mark.parametrize("row", [row for row in ROWS if row.get("tests")], ids=lambda row: str(row["id"]))
def test_the_tests_that_a_row_names_exist(row: dict[str, Any]) -> None:
    named = [each.partition("::") for each in row["tests"]]
    assert [path for path, _, _ in named if not (ROOT / path).is_file()] == []
    assert [f"{path}::{name}" for path, _, name in named if name not in names_of_tests(ROOT / path)] == []


def test_the_claims_that_rows_name_are_in_the_catalogue() -> None:
    known = {claim.id for claim in catalogue()}
    assert {claim for row in ROWS for claim in row.get("claims", [])} - known == set()


@pytest.mark.skipif(not ASKED.is_dir(), reason="the documents with the rows are not beside this repository")
def test_the_rows_are_those_of_the_documents() -> None:
    asked = re.findall(r"^\| (SPY-\d+) \|", (ASKED / "spyne.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(asked) == sorted(row["id"] for row in ROWS)
