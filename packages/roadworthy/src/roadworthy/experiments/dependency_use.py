"""Is the dependency really used? Count the bytes of a transaction, cut it, wipe it, restart, and look for old data."""

import asyncio
import time
from collections.abc import Sequence
from functools import partial

from roadworthy.domain.evidence import DependencyUse, ErrorAnswers, Logs, Sample
from roadworthy.domain.target import TransactionSpec
from roadworthy.experiments.bench import Baseline, Bench
from roadworthy.experiments.experiment import Experiment
from roadworthy.faults.refuse import Refuse
from roadworthy.target.instance import DidNotStartError, Instance
from roadworthy.target.state import State
from roadworthy.traffic.transaction import Object, Transactor

CUT_TIMEOUT_S = 12.0


def plan_for(baseline: Baseline) -> Sequence[Experiment]:
    """Each dependency is an experiment of its own; it needs a transaction."""
    if baseline.spec.transaction is None:
        return []
    return [
        Experiment(
            f"dependency-use:{dependency.name}",
            f"whether {dependency.name} is really used",
            (DependencyUse, ErrorAnswers, Logs),
            partial(run, dependency=dependency.name),
            2 * baseline.ready_s + 4,
        )
        for dependency in baseline.spec.dependencies
    ]


async def run(bench: Bench, dependency: str) -> None:
    """Count, cut, restore, wipe, restart, read."""
    async with bench.state() as state:
        wire = state.wires[dependency]
        counts = wire.proxy.counts
        async with bench.serving(state, label="counting and cutting") as instance:
            transactor = Transactor(instance.client, _transaction(bench))
            passed = counts.bytes
            before = await transactor.run(purpose="control")
            used = counts.bytes - passed
            _, target = await transactor.create(purpose="control")
            await wire.proxy.apply(Refuse())
            try:
                while_cut = await transactor.run(CUT_TIMEOUT_S, "while cut")
                read_while_cut = await transactor.read(target, CUT_TIMEOUT_S, "while cut")
            finally:
                await wire.proxy.restore()
            hits, connections = counts.hits, counts.connections
            restored = await _restored(bench, instance, transactor)
        read_after = None
        after: tuple[Sample, ...] = ()
        if not wire.spec.url:  # what is not ours is not wiped
            read_after, after = await _after_wipe(bench, state, dependency, target)
        bench.keep(
            DependencyUse,
            dependency=dependency,
            kind=wire.spec.kind,
            declared=wire.spec.declared,
            found_by=wire.spec.found_by,
            transaction_before=before,
            bytes_in_transaction=used,
            connections=connections,
            hits=hits,
            transaction_while_cut=while_cut,
            read_while_cut=read_while_cut,
            restored=restored,
            read_after_wipe=read_after,
            transaction_after_wipe=after,
        )


def _transaction(bench: Bench) -> TransactionSpec:
    if bench.spec.transaction is None:
        raise LookupError("dependency-use needs a transaction")
    return bench.spec.transaction


async def _restored(bench: Bench, instance: Instance, transactor: Transactor) -> bool:
    deadline = time.monotonic() + bench.bounds.recovery_s
    while time.monotonic() < deadline and instance.running:
        if (await transactor.run(purpose="after the cut"))[-1].ok:
            return True
        await asyncio.sleep(0.1)  # polling, bounded above
    return False


async def _after_wipe(
    bench: Bench, state: State, dependency: str, target: Object
) -> tuple[Sample | None, tuple[Sample, ...]]:
    await state.wipe(dependency)
    state.was_set_up = False
    await state.set_up()
    try:
        async with bench.serving(state, label=f"restarted on an empty {dependency}") as instance:
            transactor = Transactor(instance.client, _transaction(bench))
            read = await transactor.read(target, purpose="after the wipe")
            return read, await transactor.run(purpose="after the wipe")
    except DidNotStartError as failure:
        bench.recorder.event("note", text=f"it did not start on an empty {dependency}: {failure}")
        return None, ()
