"""Hostile requests: a sweep over one instance, then what broke is sent again to a fresh one, between two controls."""

import asyncio
import itertools
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from roadworthy.domain.evidence import Answer, BadAnswer, BadInput, ErrorAnswers, Exchange, Logs, Sample
from roadworthy.experiments.bench import Baseline, Bench
from roadworthy.experiments.experiment import Experiment
from roadworthy.target.instance import Instance
from roadworthy.traffic.client import sample
from roadworthy.traffic.corpus import Case, is_excluded, operation_cases, transaction_cases

REQUESTS = 4_000
PER_OPERATION = 60
TIME_S = 60.0
TIMEOUT_S = 10.0
SUSPECTS = 16
CONTROL_S = 15.0


def plan_for(baseline: Baseline) -> Sequence[Experiment]:
    """It needs a transaction or known operations: otherwise nothing says what to send."""
    if baseline.spec.transaction is None and not baseline.operations:
        return []
    return [
        Experiment("bad-input", "sending hostile input", (BadInput, ErrorAnswers, Logs), run, 2 * baseline.ready_s + 10)
    ]


@dataclass
class Sweep:
    """What the sweep saw. ``suspects`` are broken answers, one of each kind for an operation."""

    statuses: Counter[str] = field(default_factory=Counter)
    operations: set[str] = field(default_factory=set)
    suspects: list[tuple[Case, Exchange]] = field(default_factory=list)
    kinds: set[tuple[str, str]] = field(default_factory=set)
    cut_short: bool = False


async def run(bench: Bench) -> None:
    """Sweep; when something broke, confirm it on a fresh instance."""
    sweep = Sweep()
    async with bench.state() as state, bench.serving(state, label="bad input") as instance:
        before = await _control(bench, instance)
        await _sweep(bench, instance, sweep)
        after = await _control(bench, instance)
        alive = instance.running
    bad: tuple[BadAnswer, ...] = ()
    if sweep.suspects:
        bench.note(f"sending {len(sweep.suspects)} suspects again")
        before, bad, after = await _confirm(bench, sweep.suspects)
    bench.keep(
        BadInput,
        control_before=before,
        control_after=after,
        requests=sum(sweep.statuses.values()),
        operations=tuple(sorted(sweep.operations)),
        excluded=tuple(o.name for o in bench.baseline.operations if is_excluded(o, bench.spec.exclude)),
        statuses=dict(sweep.statuses),
        bad=bad,
        process_alive=alive,
        cut_short=sweep.cut_short,
    )


async def _sweep(bench: Bench, instance: Instance, sweep: Sweep) -> None:
    deadline = time.monotonic() + TIME_S
    for number, case in enumerate(_cases(bench, await _existing(bench, instance))):
        if number >= REQUESTS or time.monotonic() > deadline or not instance.running:
            sweep.cut_short = True
            return
        exchange = await _send(instance, case)
        sweep.statuses[str(exchange.status or exchange.answer.value)] += 1
        sweep.operations.add(case.operation)
        kind = (case.operation, f"{exchange.status}{exchange.answer}{exchange.body[:40]}")
        if _broke(exchange) and len(sweep.suspects) < SUSPECTS and kind not in sweep.kinds:
            sweep.kinds.add(kind)
            sweep.suspects.append((case, exchange))


async def _confirm(
    bench: Bench, suspects: Sequence[tuple[Case, Exchange]]
) -> tuple[Sample | None, tuple[BadAnswer, ...], Sample | None]:
    """Send each suspect twice to an instance that no other hostile input has touched."""
    async with bench.state() as state, bench.serving(state, label="bad input again") as instance:
        before = await _control(bench, instance)
        wanted = {(case.case, case.operation) for case, _ in suspects}
        values = await _existing(bench, instance)
        cases = itertools.islice(_cases(bench, values), REQUESTS)
        fresh = {(c.case, c.operation): c for c in cases if (c.case, c.operation) in wanted}
        bad = []
        for case, exchange in suspects:
            again = [sample(await _send(instance, fresh.get((case.case, case.operation), case))) for _ in range(2)]
            bad.append(BadAnswer(case.case, case.operation, sample(exchange), tuple(again)))
        return before, tuple(bad), await _control(bench, instance)


def _broke(exchange: Exchange) -> bool:
    return (exchange.status is not None and exchange.status >= 500) or exchange.answer is Answer.RESET


async def _existing(bench: Bench, instance: Instance) -> dict[str, object]:
    """Create an object for the hostile requests to name; {} when there is no transaction."""
    transactor = bench.transactor(instance)
    if transactor is None:
        return {}
    created, target = await transactor.create(purpose="control")
    return dict(target.values) if created.ok else {}


def _cases(bench: Bench, values: dict[str, object]) -> Iterator[Case]:
    """Yield the cases, the transaction's first, then those of each operation in turn so that all get a share."""
    if bench.spec.transaction is not None and values:
        yield from transaction_cases(bench.spec.transaction, values)
    queues = [
        itertools.islice(operation_cases(operation, bench.baseline.document), PER_OPERATION)
        for operation in bench.baseline.operations
        if not is_excluded(operation, bench.spec.exclude)
    ]
    yield from itertools.chain.from_iterable(
        (case for case in row if case is not None) for row in itertools.zip_longest(*queues)
    )


async def _send(instance: Instance, case: Case) -> Exchange:
    return await instance.client.send(
        case.method,
        case.path,
        content=case.content,
        headers=case.headers,
        timeout=TIMEOUT_S,
        purpose=f"bad input: {case.case}",
    )


async def _control(bench: Bench, instance: Instance) -> Sample | None:
    """Carry out the transaction (or a plain sign of life); try for a while, since hostile input may keep it busy."""
    transactor = bench.transactor(instance)
    deadline = time.monotonic() + CONTROL_S
    while True:
        if transactor is not None:
            last = (await transactor.run(purpose="control"))[-1]
        else:
            last = await bench.sign_of_life(instance.client, purpose="control")
        client_error = last.status is not None and 400 <= last.status < 500
        if last.ok or client_error or time.monotonic() > deadline or not instance.running:
            return last
        await asyncio.sleep(0.1)  # polling for health, bounded above
