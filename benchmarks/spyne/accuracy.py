"""How right Spyne is without a language model.

    python benchmarks/spyne/accuracy.py [FOLDER]          prints every bar with its figure, n and 95 % interval
    python benchmarks/spyne/accuracy.py [FOLDER] --fit    prints weights for `spyne/ask/calibration.py` as well
    python benchmarks/spyne/accuracy.py --held-out        the same bars on the questions of `held_out/`

Method. Each question goes through `spyne.ask.pipeline.ask` with the grammar as the only proposer; SQL runs directly on
the SQLite files, read-only and with a limit on its steps. An answer is right when its rows are those of a gold query
(`scoring.py`); for an ambiguous question, of any of its readings. The simulated user picks the option that leads to the
reading that was meant, if there is one. The weights of the confidence are judged on databases they were not fitted on:
for each of Defog's databases, and for each of eight groups of AMBROSIA's, they are fitted on all others. The seed (0)
only orders AMBROSIA's databases into groups.

What this cannot show. These are development sets: the rules and words of the grammar, the features, the penalties and
the limits of the confidence were chosen by people who had read failures on all of these databases. Only the weights are
held out. On databases that nobody has looked at, expect less.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
from dataclasses import dataclass, replace
from pathlib import Path

import chassis
from database import Database
from fitting import Sample, auroc, fit, wilson
from question_sets import Case, load_held_out, load_sets, matched_gold
from spyne.ask import confidence
from spyne.ask.calibration import FITTED
from spyne.ask.cluster import clusters
from spyne.ask.confidence import Model
from spyne.ask.grammar import propose
from spyne.ask.outcome import Answer, Clarification, Outcome, Proposal, Refusal, Rows
from spyne.ask.pipeline import ask
from spyne.sql.errors import PlanError
from spyne.sql.render import render

LOOKED_AT = (
    "ward",
    "library",
    "shop",
    "staff",
    "hotels",
    "league",
)  # the databases of held_out/ whose failures were read; the others stay unread
SEED, GROUPS = 0, 8


@dataclass
class Record:
    """What happened to one question."""

    case: Case
    database: Database
    fold: str
    proposal: Proposal
    sample: Sample | None
    model: Model = FITTED
    answerable: float = 0.0
    outcome: Outcome | None = None
    right: bool = False


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", nargs="?")
    parser.add_argument("--fit", action="store_true")
    parser.add_argument("--failures", type=Path, help="write what was not right to this file, as JSON lines")
    parser.add_argument("--held-out", nargs="*", metavar="DATABASE", help="the questions of held_out/ instead")
    options = parser.parse_args()
    sets = load_sets(options.folder) if options.held_out is None else load_held_out(options.held_out)
    records = asyncio.run(_records(sets.cases))
    looked_at = load_held_out(LOOKED_AT)
    seen = asyncio.run(_records(looked_at.cases)) if options.held_out is None else []
    for fold in sorted({record.fold for record in records}):
        others = [record for record in records if record.fold != fold]
        model = FITTED if options.held_out is not None else fitted([*others, *seen])
        asyncio.run(_ask([record for record in records if record.fold == fold], model))
    asyncio.run(_report(records))
    if options.fit:
        model = fitted([*records, *seen])
        for name, weights in (("right", model.right), ("answerable", model.answerable)):
            print(f"{name}={json.dumps({key: round(value, 3) for key, value in sorted(weights.items())})}")
    if options.failures:
        _write_failures(records, options.failures)


async def _records(cases: list[Case]) -> list[Record]:
    databases: dict[Path, Database] = {}
    names = sorted({case.database for case in cases if case.set == "ambrosia"})
    random.Random(SEED).shuffle(names)
    group = {name: f"ambrosia-{place % GROUPS}" for place, name in enumerate(names)}
    records = []
    for case in cases:
        database = databases.get(case.path) or databases.setdefault(case.path, Database(case.path))
        proposal = propose(case.question, database.schema)
        fold = group.get(case.database, case.database)
        records.append(Record(case, database, fold, proposal, await _sample(case, database, proposal)))
    return records


async def _sample(case: Case, database: Database, proposal: Proposal) -> Sample | None:
    """The features of the best reading, and whether it is right."""
    results = []
    for reading in proposal.readings:
        try:
            results.append((reading, await database.run(render(reading.plan, database.schema))))
        except (PlanError, chassis.ProblemError):
            continue
    if not results:
        return None
    found = clusters(results)
    best = max(found, key=lambda cluster: cluster.best.score)
    features = confidence.seen(best.best, rows=len(best.rows.rows), clusters=len(found))
    return features, case.answerable and matched_gold(best.rows.rows, case) is not None


def fitted(records: list[Record]) -> Model:
    """Both models, fitted on these questions."""
    samples = [record.sample for record in records if record.sample is not None]
    linked = [(dict(r.proposal.readings[0].features), r.case.answerable) for r in records if r.proposal.readings]
    return replace(FITTED, right=fit(samples, penalty=20.0), answerable=fit(linked, penalty=3.0))


async def _ask(records: list[Record], model: Model) -> None:
    for record in records:
        record.model = model
        readings = record.proposal.readings
        known = bool(readings) and not confidence.is_about_nothing(readings[0])
        record.answerable = confidence.answerable(readings[0], model) if known else 0.0
        try:
            record.outcome = await ask(
                record.case.question, record.database.schema, [propose], record.database.run, model=model
            )
        except chassis.ProblemError:
            record.outcome = Refusal(reason="the query failed")
        record.right = (
            isinstance(record.outcome, Answer)
            and record.case.answerable
            and matched_gold(record.outcome.rows.rows, record.case) is not None
        )


async def _report(records: list[Record]) -> None:  # noqa: PLR0915 - one line of the table each
    answerable = [r for r in records if r.case.answerable]
    ambiguous = [r for r in answerable if r.case.ambiguous]
    unambiguous = [r for r in answerable if not r.case.ambiguous]
    both = {r.case.set for r in ambiguous}  # the sets that have questions of both kinds
    unanswerable = [r for r in records if not r.case.answerable]
    print(f"{'bar':62} {'wanted':>8} {'is':>6} {'n':>5}  95 % interval")

    def line(name: str, wanted: str, hits: int, total: int) -> None:
        low, high = wilson(hits, total)
        print(f"{name:62} {wanted:>8} {hits / max(1, total):6.3f} {total:5}  {low:.3f} to {high:.3f}")

    def best(some: list[Record]) -> int:
        return sum(r.sample is not None and r.sample[1] for r in some)

    for name, wanted in (("defog", ">= .50"), ("ambrosia", ">= .40"), ("held-out", ">= .50")):
        some = [r for r in unambiguous if r.case.set == name]
        if some:
            line(f"execution accuracy, {name} unambiguous", wanted, sum(r.right for r in some), len(some))
            line("  best reading right, whatever came of it", "", best(some), len(some))
    wrong = [r for r in records if isinstance(r.outcome, Answer) and not r.right]
    line("silently wrong, all questions", "<= .15", len(wrong), len(records))
    for name in sorted({r.case.set for r in records}):
        some = [r for r in records if r.case.set == name]
        line(f"  of {name}", "", sum(r in wrong for r in some), len(some))
    high = [r for r in records if isinstance(r.outcome, Answer) and r.outcome.confidence == "high"]
    line("answers marked high that are right", ">= .90", sum(r.right for r in high), len(high))
    line("  coverage: marked high, of all answerable", ">= .40", sum(r.case.answerable for r in high), len(answerable))
    answered = [r for r in records if isinstance(r.outcome, Answer)]
    line("  coverage: marked high, of all answers", "", len(high), len(answered))
    asked = [r for r in answerable if isinstance(r.outcome, Clarification)]
    hits = sum(r.case.ambiguous for r in asked)
    sets = [r for r in asked if r.case.set in both]
    f1 = 2 * hits / max(1, len(sets) + len(ambiguous))
    share = f"P {hits / max(1, len(sets)):.3f} R {hits / max(1, len(ambiguous)):.3f}"
    total = sum(r.case.set in both for r in answerable)
    print(f"{'ambiguity F1, on the sets that have ambiguous questions':62} {'>= .75':>8} {f1:6.3f} {total:5}  {share}")
    line("needless questions, of the unambiguous", "<= .15", sum(not r.case.ambiguous for r in asked), len(unambiguous))
    for kind in ("attachment", "scope", "vague"):
        some = [r for r in ambiguous if r.case.kind == kind]
        line(f"  recall, {kind}", "", sum(isinstance(r.outcome, Clarification) for r in some), len(some))
    complete = picked = twice = golds = 0
    for record in ambiguous:
        first, second = await _options(record)
        for gold in record.case.golds:
            golds += 1
            picked += _among(first, record.case, gold)
            twice += _among([*first, *second], record.case, gold)
        complete += all(_among(first, record.case, gold) for gold in record.case.golds)
    line("all readings within 4 options, of the ambiguous", ">= .45", complete, len(ambiguous))
    line("accuracy after a simulated user's one pick", ">= .45", picked, golds)
    line("  after a second pick, where asked back again", "", twice, golds)
    near = {r.case.database for r in unanswerable}
    same_databases = [r for r in answerable if r.case.database in near]
    scores = [[1 - r.answerable for r in some] for some in (unanswerable, answerable, same_databases)]
    whole, same = auroc(scores[0], scores[1]), auroc(scores[0], scores[2])
    print(f"{'unanswerable: AUROC against all answerable':62} {'>= .95':>8} {whole:6.3f} {len(records):5}")
    print(
        f"{'  against those of the same databases':62} {'':>8} {same:6.3f} {len(unanswerable) + len(same_databases):5}"
    )
    line(
        "unanswerable that are refused",
        ">= .85",
        sum(isinstance(r.outcome, Refusal) for r in unanswerable),
        len(unanswerable),
    )
    line(
        "  answerable that are refused as unanswerable",
        "<= .05",
        sum(r.answerable < FITTED.answerable_from for r in answerable),
        len(answerable),
    )
    line(
        "  answerable that are refused for any reason",
        "",
        sum(isinstance(r.outcome, Refusal) for r in answerable),
        len(answerable),
    )


def _among(results: list[Rows], case: Case, gold: str) -> bool:
    """Whether one of the results is that of a gold query."""
    return any(matched_gold(rows.rows, replace(case, golds=(gold,))) is not None for rows in results)


async def _options(record: Record) -> tuple[list[Rows], list[Rows]]:
    """What the options of the question back lead to, at once and after a second question; of an answer, its rows."""
    outcome = record.outcome
    if isinstance(outcome, Answer):
        return [outcome.rows], []
    first: list[Rows] = []
    second: list[Rows] = []
    if isinstance(outcome, Clarification):
        for option in outcome.question.options:
            answers = {outcome.question.id: option.id}
            then = await _again(record, answers)
            if isinstance(then, Answer):
                first.append(then.rows)
            elif isinstance(then, Clarification):
                for inner in then.question.options:
                    last = await _again(record, {**answers, then.question.id: inner.id})
                    second += [last.rows] if isinstance(last, Answer) else []
    return first, second


async def _again(record: Record, answers: dict[str, str]) -> Outcome:
    database = record.database
    return await ask(
        record.case.question, database.schema, [propose], database.run, answers=answers, model=record.model
    )


def _write_failures(records: list[Record], path: Path) -> None:
    with path.open("w") as file:
        for record in records:
            outcome = record.outcome
            if not record.right and outcome is not None:
                entry = {
                    "id": record.case.id,
                    "question": record.case.question,
                    "status": outcome.status,
                    "gold": record.case.golds[:1],
                    "sql": outcome.sql if isinstance(outcome, Answer) else None,
                    "answerable": record.answerable,
                }
                file.write(json.dumps(entry) + "\n")


if __name__ == "__main__":
    main()
