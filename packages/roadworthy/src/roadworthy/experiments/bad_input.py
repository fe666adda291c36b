"""Hostile requests to a healthy instance, with a control before and after; what broke is sent again."""

import asyncio
import itertools
import time
from collections import Counter
from collections.abc import Iterator, Sequence

from roadworthy.domain.evidence import Answer, BadAnswer, BadInput, Exchange, Sample
from roadworthy.experiments.bench import Baseline, Bench
from roadworthy.experiments.experiment import Experiment
from roadworthy.target.instance import Instance
from roadworthy.traffic.client import sample
from roadworthy.traffic.corpus import Case, is_excluded, operation_cases, transaction_cases

REQUESTS = 600
PER_OPERATION = 60
TIME_S = 45.0
TIMEOUT_S = 10.0
KEPT = 20
CONTROL_S = 15.0


def plan_for(baseline: Baseline) -> Sequence[Experiment]:
    """It needs a transaction or an OpenAPI document: otherwise nothing says what to send."""
    if baseline.spec.transaction is None and not baseline.operations:
        return []
    return [Experiment("bad-input", "sending hostile input", (BadInput,), run, baseline.ready_s + 10)]


async def run(bench: Bench) -> None:
    """Send the corpus."""
    async with bench.state() as state, bench.serving(state, label="bad input") as instance:
        before = await _control(bench, instance)
        tally: Counter[str] = Counter()
        bad: list[BadAnswer] = []
        seen: set[tuple[str, str]] = set()
        operations: set[str] = set()
        deadline = time.monotonic() + TIME_S
        for case in itertools.islice(_cases(bench, await _existing(bench, instance)), REQUESTS):
            if time.monotonic() > deadline or not instance.running:
                break
            exchange = await _send(instance, case)
            tally[str(exchange.status or exchange.answer.value)] += 1
            operations.add(case.operation)
            kind = (case.operation, f"{exchange.status}{exchange.answer}{exchange.body[:40]}")
            if _broke(exchange) and len(bad) < KEPT and kind not in seen:
                seen.add(kind)
                again = [sample(await _send(instance, case)) for _ in range(2)]
                bad.append(BadAnswer(case.case, case.operation, sample(exchange), tuple(again)))
        after = await _control(bench, instance)
        bench.keep(
            BadInput,
            control_before=before,
            control_after=after,
            requests=sum(tally.values()),
            operations=tuple(sorted(operations)),
            excluded=_excluded(bench),
            statuses=dict(tally),
            bad=tuple(bad),
            process_alive=instance.running,
        )


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


def _excluded(bench: Bench) -> tuple[str, ...]:
    return tuple(o.name for o in bench.baseline.operations if is_excluded(o, bench.spec.exclude))


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
        if last.ok or time.monotonic() > deadline or not instance.running:
            return last
        await asyncio.sleep(0.1)  # polling for health, bounded above
