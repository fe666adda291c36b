"""How many gold queries the guard accepts, how long it takes, and what it does with attacks.

    python benchmarks/spyne/guard.py [FOLDER]      FOLDER: the question sets; else SPYNE_QUESTION_SETS

Acceptance is over every gold query of AMBROSIA's validation split (SQLite) and of Defog's sets (SQLite, PostgreSQL),
against the schema of its own database. A gold query with `{a, b}` counts once for each choice of columns, and each of
several alternatives counts. Times are of the processor, one call each, after one call that warms up.
What the guard writes is run beside the gold query itself on SQLite, and has to give the same rows.
"""

import csv
import json
import os
import re
import sqlite3
import sys
import time
from collections import Counter
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from statistics import median, quantiles

import sqlglot
from question_sets import DEFAULT_FOLDER, FOLDER_VARIABLE, expanded, load
from scoring import run, same
from spyne.schema.model import ColumnInfo, Dialect, Schema, TableInfo
from spyne.schema.sqlite import read_sqlite
from spyne.sql.errors import Refused
from spyne.sql.guard import MAX_ROWS, check
from sqlglot import exp

ACCEPTANCE = 0.995
P95_MS = 5.0
TESTS = Path(__file__).parents[2] / "services" / "spyne" / "tests"
POSTGRES = ("questions_gen_postgres", "instruct_basic_postgres", "instruct_advanced_postgres")


def main() -> int:
    """Print the figures; return 1 when a bar is missed."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else os.environ.get(FOLDER_VARIABLE) or DEFAULT_FOLDER)
    accepted: Counter[str] = Counter()
    total: Counter[str] = Counter()
    times: list[float] = []
    same_rows: Counter[bool] = Counter()
    for name, sql, schema, path in golds(folder):
        refused, elapsed = checked(sql, schema)
        if path is not None and refused is None and (agree := same_as_before(path, sql, schema)) is not None:
            same_rows[agree] += 1
        total[name] += 1
        accepted[name] += refused is None
        times.append(elapsed)
        if refused is not None:
            print(f"refused  {name}  {refused.rule}: {refused.message}\n         {' '.join(sql.split())[:300]}")
    for name, count in total.items():
        print(f"{name:28} {accepted[name]:5} of {count:5} accepted, {accepted[name] / count:.2%}")
    share = sum(accepted.values()) / sum(total.values())
    p95 = quantiles(times, n=100)[94]
    print(f"all gold queries             {share:.2%} accepted (bar {ACCEPTANCE:.1%})")
    print(f"guard: p50 {median(times):.2f} ms, p95 {p95:.2f} ms, max {max(times):.2f} ms CPU (bar p95 < {P95_MS} ms)")
    print(f"written anew, {same_rows[True]} of {same_rows.total()} SQLite queries give the same rows")
    attacks()
    return int(share < ACCEPTANCE or p95 >= P95_MS or same_rows[False] > 0)


def same_as_before(path: Path, sql: str, schema: Schema) -> bool | None:
    """Whether the guard's SQL gives the rows of the SQL itself; None where that fails, or gives too many."""
    try:
        before = run(path, sql)
    except sqlite3.Error:
        return None
    return same(run(path, check(sql, schema)), before, sql) if len(before) <= MAX_ROWS else None


def checked(sql: str, schema: Schema) -> tuple[Refused | None, float]:
    """The refusal, if any, and the milliseconds of processor that the second call took."""
    refused: Refused | None = None
    elapsed = 0.0
    for _ in range(2):
        started = time.process_time()
        try:
            check(sql, schema)
        except Refused as error:
            refused = error
        elapsed = (time.process_time() - started) * 1_000
    return refused, elapsed


def golds(folder: Path) -> Iterator[tuple[str, str, Schema, Path | None]]:
    """Every gold query with the name of its set, and the schema and the file of its database."""
    cases = load(folder)  # it makes the databases; those with a damaged dump have no case
    paths = {case.path.stem: case.path for case in cases}
    made = {name: read_sqlite(path) for name, path in paths.items()}
    for line in (folder / "ambrosia_validation.jsonl").read_text().splitlines():
        entry = json.loads(line)
        for gold in entry["gold"]:
            if entry["database"] in made:
                yield "ambrosia (sqlite)", gold, made[entry["database"]], paths[entry["database"]]
    for name in ("questions_gen_sqlite", *POSTGRES):
        with (folder / "defog" / f"{name}.csv").open(newline="") as file:
            for row in csv.DictReader(file):
                lite = name not in POSTGRES
                database = row["db_name"]
                schema = made[f"defog-{database}"] if lite else postgres_schema(folder / "defog" / f"{database}.sql")
                for query in row["query"].split(";"):
                    for gold in choices(query) if query.strip() else ():
                        yield f"defog {name}", gold, schema, paths[f"defog-{database}"] if lite else None


def choices(gold: str) -> list[str]:
    """The queries that a gold query stands for; `{}` repeats the choice of the braces before it."""
    groups = re.findall(r"\{([^{}]+)\}", gold)
    return expanded(gold.replace("{}", "{" + groups[0] + "}") if groups else gold)


_schemas: dict[Path, Schema] = {}


def postgres_schema(dump: Path) -> Schema:
    """The schema that PostgreSQL has after a dump: names without quotes are in small letters."""
    if dump not in _schemas:
        tables = []
        for create in re.findall(r"CREATE TABLE.*?\n\s*\);", dump.read_text(), re.DOTALL | re.IGNORECASE):
            made = sqlglot.parse_one(create, read="postgres").this
            table, columns = made.this, [each for each in made.expressions if isinstance(each, exp.ColumnDef)]
            infos = tuple(ColumnInfo(name=folded(each.this), declared_type="", kind="other") for each in columns)
            place = folded(table.args["db"]) if table.args.get("db") else "public"
            tables.append(TableInfo(name=folded(table.this), table_schema=place, columns=infos))
        _schemas[dump] = Schema(dialect="postgres", tables=tuple(tables), version="1")
    return _schemas[dump]


def folded(name: exp.Identifier) -> str:
    """A name as PostgreSQL keeps it."""
    return str(name.this) if name.args.get("quoted") else str(name.this).lower()


def attacks() -> None:
    """Print what became of the attacks; that none takes effect is for `tests/sql/test_attacks.py` to show."""
    sys.path.insert(0, str(TESTS))
    module = import_module("sql.attacks")
    stopped: Counter[Dialect] = Counter()
    total: Counter[Dialect] = Counter()
    slowest = 0.0
    for dialect, _, sql in module.attacks():
        refused, elapsed = checked(sql, module.victim(dialect))
        slowest = max(slowest, elapsed)
        total[dialect] += 1
        stopped[dialect] += refused is not None
    for dialect, count in total.items():
        left = count - stopped[dialect]
        print(f"attacks on {dialect:10} {count:4}, {stopped[dialect]} refused by the guard, {left} left to the engine")
    print(f"attacks: {sum(total.values())}; the slowest took the guard {slowest:.1f} ms CPU")


if __name__ == "__main__":
    sys.exit(main())
