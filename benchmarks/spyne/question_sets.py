"""The question sets that Spyne is measured on, as SQLite databases in a temporary folder.

    cases = load()                          # of the folder in SPYNE_QUESTION_SETS, or of an argument
    right = matches(answer_rows, cases[0])  # does a gold query give the same rows?

Sets: `ambrosia` (Saparina and Lapata, CC BY 4.0), `defog` (generated questions of sql-eval, Apache-2.0) and `idk` (its
questions that the database cannot answer). Gold queries that give no row, or fail, are left out; so are questions that
have none left, and databases whose dump is damaged. All that is left out is counted.

    python benchmarks/spyne/question_sets.py [FOLDER]      prints what is there
"""

import csv
import itertools
import json
import os
import re
import sqlite3
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from held_out.databases import make
from postgres_dump import load_dump
from scoring import Row, run, same

FOLDER_VARIABLE = "SPYNE_QUESTION_SETS"
DEFAULT_FOLDER = Path(__file__).parents[3] / "shared" / "data" / "spyne"

SetName = Literal["ambrosia", "defog", "idk", "held-out"]


@dataclass(frozen=True)
class Case:
    """A question. `golds` are alternatives for an unambiguous one, and its readings for an ambiguous one."""

    id: str
    set: SetName
    database: str
    path: Path
    question: str
    golds: tuple[str, ...]
    ambiguous: bool
    kind: str
    answerable: bool


@dataclass
class Sets:
    """The cases, and how much was left out and why; `folder` holds the databases for as long as this object lives."""

    cases: list[Case]
    left_out: Counter[str] = field(default_factory=Counter)
    folder: tempfile.TemporaryDirectory[str] | None = None


_kept: list[Sets] = []


def load(folder: str | Path | None = None) -> list[Case]:
    """All cases that can be scored. Their databases last until the process ends. Raises FileNotFoundError."""
    _kept.append(load_sets(folder))
    return _kept[-1].cases


def load_sets(folder: str | Path | None = None) -> Sets:
    """All cases, with the count of what was left out. Raises FileNotFoundError where the sets are not."""
    source = Path(folder or os.environ.get(FOLDER_VARIABLE) or DEFAULT_FOLDER)
    if not (source / "ambrosia_validation.jsonl").is_file():
        raise FileNotFoundError(f"no question sets in {source}: name their folder, or set {FOLDER_VARIABLE}")
    made = tempfile.TemporaryDirectory(prefix="spyne-question-sets-")
    sets = Sets([], folder=made)
    for case in itertools.chain(
        _ambrosia(source, Path(made.name), sets.left_out), _defog(source / "defog", Path(made.name))
    ):
        if case.answerable:
            golds = tuple(gold for gold in case.golds if _gives_rows(case.path, gold, sets.left_out))
            if not golds or (case.ambiguous and len(golds) < len(case.golds)):
                sets.left_out["questions whose gold query gives no rows"] += 1
                continue
            case = Case(**{**case.__dict__, "golds": golds})  # noqa: PLW2901 - the same case, with what is left
        sets.cases.append(case)
    return sets


def load_held_out(databases: Sequence[str] = ()) -> Sets:
    """The questions of `held_out/`, about some of its databases or, where none is named, about all."""
    made = tempfile.TemporaryDirectory(prefix="spyne-held-out-")
    sets = Sets([], folder=made)
    paths = make(Path(made.name))
    for number, line in enumerate((Path(__file__).parent / "held_out" / "questions.jsonl").read_text().splitlines()):
        entry = json.loads(line)
        name, kind = entry["database"], entry["kind"]
        if not databases or name in databases:
            sets.cases.append(Case(
                id=f"held-out-{number}", set="held-out", database=name, path=paths[name], question=entry["question"],
                golds=tuple(each for gold in entry["gold"] for each in expanded(gold)),
                ambiguous=kind in {"scope", "attachment", "vague"}, kind=kind, answerable=kind != "unanswerable",
            ))  # fmt: skip
    return sets


def matches(rows: Sequence[Sequence[object]], case: Case) -> bool:
    """Whether the rows are those of one of the gold queries."""
    return matched_gold(rows, case) is not None


def matched_gold(rows: Sequence[Sequence[object]], case: Case) -> int | None:
    """The place of the first gold query with these rows, or None: which reading of an ambiguous question it is."""
    for place, gold in enumerate(case.golds):
        if same(rows, run(case.path, gold), gold):
            return place
    return None


def gold_rows(case: Case) -> list[tuple[Row, ...]]:
    """The rows of each gold query."""
    return [run(case.path, gold) for gold in case.golds]


def _gives_rows(path: Path, gold: str, left_out: Counter[str]) -> bool:
    try:
        if run(path, gold):
            return True
        left_out["gold queries without rows"] += 1
    except sqlite3.Error:
        left_out["gold queries that fail"] += 1
    return False


def _ambrosia(source: Path, target: Path, left_out: Counter[str]) -> Iterator[Case]:
    paths: dict[str, Path] = {}
    for line in (source / "ambrosia_databases.jsonl").read_text().splitlines():
        entry = json.loads(line)
        path = target / f"{entry['database']}.sqlite"
        try:
            with closing(sqlite3.connect(path)) as connection:
                connection.executescript("PRAGMA synchronous = OFF; PRAGMA journal_mode = OFF;" + entry["dump"])
        except sqlite3.Error:
            left_out["databases with a damaged dump"] += 1
        else:
            paths[entry["database"]] = path
    for line in (source / "ambrosia_validation.jsonl").read_text().splitlines():
        entry = json.loads(line)
        if entry["database"] not in paths:
            left_out["questions about a database with a damaged dump"] += 1
            continue
        yield Case(
            id=f"ambrosia-{entry['id']}", set="ambrosia", database=entry["database"], path=paths[entry["database"]],
            question=entry["question"], golds=tuple(entry["gold"]), ambiguous=entry["ambiguous"], kind=entry["kind"],
            answerable=True,
        )  # fmt: skip


def _defog(source: Path, target: Path) -> Iterator[Case]:
    paths: dict[str, Path] = {}

    def path(name: str) -> Path:
        if name not in paths:
            paths[name] = target / f"defog-{name}.sqlite"
            load_dump(source / f"{name}.sql", paths[name])
        return paths[name]

    for number, row in enumerate(_rows(source / "questions_gen_sqlite.csv")):
        golds = [each for gold in row["query"].split(";") if gold.strip() for each in expanded(gold.strip())]
        yield Case(
            id=f"defog-{number}", set="defog", database=row["db_name"], path=path(row["db_name"]),
            question=row["question"], golds=tuple(golds), ambiguous=False, kind=row["query_category"], answerable=True,
        )  # fmt: skip
    for number, row in enumerate(_rows(source / "idk.csv")):
        yield Case(
            id=f"idk-{number}", set="idk", database=row["db_name"], path=path(row["db_name"]),
            question=row["question"], golds=(), ambiguous=False, kind=row["query_category"], answerable=False,
        )  # fmt: skip


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def expanded(gold: str) -> list[str]:
    """The queries that a gold query with `{a, b}` stands for: every choice of one or more of the columns.

    Braces with the same content, as in SELECT and GROUP BY, take the same choice.
    """
    groups = list(dict.fromkeys(re.findall(r"\{([^{}]*)\}", gold)))
    choices = [
        [", ".join(chosen) for size in range(1, len(columns) + 1) for chosen in itertools.combinations(columns, size)]
        for columns in ([column.strip() for column in group.split(",")] for group in groups)
    ]
    queries = []
    for chosen in itertools.product(*choices):
        query = gold
        for group, columns in zip(groups, chosen, strict=True):
            query = query.replace("{" + group + "}", columns)
        queries.append(query)
    return queries


def main() -> None:
    """Print how many cases there are of each set and kind, and what was left out."""
    sets = load_sets(sys.argv[1] if len(sys.argv) > 1 else None)
    for (name, kind, ambiguous), count in sorted(Counter((c.set, c.kind, c.ambiguous) for c in sets.cases).items()):
        print(f"{name:10} {kind:20} {'ambiguous' if ambiguous else '':10} {count:4}")
    for reason, count in sorted(sets.left_out.items()):
        print(f"left out: {count} {reason}")


if __name__ == "__main__":
    main()
