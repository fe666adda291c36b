"""How long the grammar takes to read a question, over schemas of many tables.

    python benchmarks/spyne/speed.py

Method. A schema of n tables is made with a fixed seed: names of two nouns, eight columns each, a foreign key to an
earlier table, and a text column with 20 values. Questions name its tables, columns and values. The index is built once,
as the service does for each version of a schema, and timed by itself; then each question is linked, and proposed for,
once. Bars: p95 of proposing 150 ms or less at 50 tables; p95 of linking 400 ms or less at 1,000 tables.
"""

from __future__ import annotations

import random
import statistics
import time

from spyne.ask.grammar import clean, index_of, propose
from spyne.ask.linking import link
from spyne.ask.tokens import tokenize
from spyne.schema.model import ColumnInfo, ForeignKey, Kind, Schema, TableInfo

SEED, QUESTIONS = 0, 200
NOUNS = tuple(
    """
    order customer product store region driver route parcel invoice payment supplier contract employee project
    task budget campaign device sensor reading patient doctor ward ticket flight hotel room booking author book
    loan member course student teacher grade recipe ingredient farm crop field vehicle engine repair claim policy
    agent branch account
    """.split()  # noqa: SIM905 - data
)
COLUMNS: dict[str, Kind] = {
    "amount": "number",
    "status": "text",
    "city": "text",
    "created_at": "timestamp",
    "score": "number",
}


def schema_of(tables: int) -> Schema:
    """A schema of that many tables, the same each time."""
    chance = random.Random(SEED)
    made: list[TableInfo] = []
    for number in range(tables):
        name = f"{NOUNS[number % len(NOUNS)]}_{chance.choice(NOUNS)}{number if number >= len(NOUNS) else ''}"
        values = tuple(f"{chance.choice(NOUNS)} {chance.choice(NOUNS)} {v}" for v in range(20))
        parent = made[chance.randrange(len(made))] if made else None
        columns = [
            ColumnInfo(name="id", declared_type="INTEGER", kind="integer", distinct=100),
            ColumnInfo(name=f"{name}_name", declared_type="TEXT", kind="text", distinct=20, values=values),
            *(ColumnInfo(name=c, declared_type="", kind=kind) for c, kind in COLUMNS.items()),
        ]
        keys: tuple[ForeignKey, ...] = ()
        if parent is not None:
            columns.append(ColumnInfo(name="parent_id", declared_type="INTEGER", kind="integer"))
            keys = (ForeignKey(columns=("parent_id",), references=parent.name, referenced_columns=("id",)),)
        made.append(TableInfo(name=name, columns=tuple(columns), primary_key=("id",), foreign_keys=keys, rows=100))
    return Schema(dialect="sqlite", tables=tuple(made), version=f"speed-{tables}")


def questions_for(schema: Schema) -> list[str]:
    """Questions about the schema, the same each time."""
    chance = random.Random(SEED)
    forms = (
        "How many {a} are there for each {b}?",
        "What is the average amount of {a} where the city is '{v}' and the score is above 10?",
        "Which {a} has the highest score in the last 30 days?",
        "List the names of the {a} and their {b} ordered by amount from highest to lowest",
        "Give me the {a} that every {b} has with status {v}",
    )
    found = []
    for _ in range(QUESTIONS):
        a, b = (chance.choice(schema.tables) for _ in range(2))
        value = chance.choice(a.columns[1].values or ("x",))
        found.append(chance.choice(forms).format(a=a.name.replace("_", " "), b=b.name.replace("_", " "), v=value))
    return found


def main() -> None:
    """Print the table."""
    print(f"seed {SEED}, {QUESTIONS} questions a row; milliseconds")
    print(f"{'tables':>7} {'index':>8} {'link p50':>9} {'link p95':>9} {'propose p50':>12} {'propose p95':>12}")
    for tables in (50, 1000):
        schema = schema_of(tables)
        start = time.perf_counter()
        index = index_of(schema)
        built = 1000 * (time.perf_counter() - start)
        linking, proposing = [], []
        for question in questions_for(schema):
            start = time.perf_counter()
            link(tokenize(clean(question)), index)
            linking.append(1000 * (time.perf_counter() - start))
            start = time.perf_counter()
            propose(question, schema)
            proposing.append(1000 * (time.perf_counter() - start))
        shown = [f(t) for t in (linking, proposing) for f in (statistics.median, _p95)]
        print(f"{tables:7} {built:8.1f} {shown[0]:9.1f} {shown[1]:9.1f} {shown[2]:12.1f} {shown[3]:12.1f}", flush=True)


def _p95(times: list[float]) -> float:
    return statistics.quantiles(times, n=20)[-1]


if __name__ == "__main__":
    main()
