"""Fresh starts, each with one of the target's settings taken away."""

import asyncio
import time
from collections.abc import Sequence

from roadworthy.domain.evidence import Answer, ErrorAnswers, Logs, Sample, Withheld, WithheldOutcome, WithheldSettings
from roadworthy.experiments.bench import Baseline, Bench
from roadworthy.experiments.experiment import Experiment
from roadworthy.target.instance import DidNotStartError, Instance

OUTPUT_LIMIT = 16_384
BROKEN_GRACE_S = 5.0


def plan_for(baseline: Baseline) -> Sequence[Experiment]:
    """It applies to every target; one without settings yields evidence of that."""
    count = len(keys_of(baseline))
    return [
        Experiment(
            "withheld-settings",
            "withholding each setting in turn",
            (WithheldSettings, ErrorAnswers, Logs),
            run,
            (count + 1) * baseline.ready_s,
        )
    ]


def keys_of(baseline: Baseline) -> tuple[str, ...]:
    """The settings that the target is given, by name."""
    spec = baseline.spec
    given = [*spec.environment, *(each.variable for each in spec.dependencies if each.variable)]
    return tuple(dict.fromkeys(given))


async def run(bench: Bench) -> None:
    """Start once with every setting, then once without each."""
    keys = keys_of(bench.baseline)
    control = False
    withheld = []
    if keys:
        async with bench.state() as state, bench.serving(state, label="with every setting") as instance:
            control = await _transaction_failure(bench, instance) is None
    allowed = max(bench.bounds.withheld_s, 2 * bench.baseline.ready_s)
    for key in keys:
        bench.note(key)
        withheld.append(await _without(bench, key, allowed))
    bench.keep(
        WithheldSettings,
        control=control if keys else True,
        allowed_s=allowed,
        searched=bench.baseline.settings_searched,
        complete=bench.baseline.settings_complete,
        withheld=tuple(withheld),
    )


async def _without(bench: Bench, key: str, allowed: float) -> Withheld:
    async with bench.state() as state:
        instance = await bench.start(state, withhold=key, label=f"without {key}")
        try:
            return await _observe(bench, instance, key, allowed)
        finally:
            await instance.end()


async def _observe(bench: Bench, instance: Instance, key: str, allowed: float) -> Withheld:
    """Wait until it exits, or works, or has served for a while without working."""
    outcome, status, ok = WithheldOutcome.HANGS, None, None
    failed: Sample | None = None
    wait = max(allowed, 3 * bench.baseline.ready_s)
    try:
        await bench.until_answering(instance, wait)
    except DidNotStartError as failure:
        if failure.exit is not None:
            outcome, status = WithheldOutcome.EXITED, failure.exit.status
    else:
        outcome = WithheldOutcome.SERVES
        failed = await _lasting_failure(bench, instance)
        ok = failed is None
        if instance.process.exit is not None and not ok:
            outcome, status, ok = WithheldOutcome.EXITED, instance.process.exit.status, None
    ended = instance.process.exit
    seconds = (ended.at if ended else time.monotonic()) - instance.started_at
    await instance.end()
    await instance.process.wait_for_output(2.0)
    output = "\n".join(instance.process.output.tail(400))[-OUTPUT_LIMIT:]
    return Withheld(key, outcome, round(seconds, 3), status, ok, failed, output)


async def _lasting_failure(bench: Bench, instance: Instance) -> Sample | None:
    """Try the transaction until it works; after a grace for warming up, return the step that failed."""
    deadline = time.monotonic() + max(BROKEN_GRACE_S, 2 * bench.baseline.ready_s)
    while True:
        failed = await _transaction_failure(bench, instance)
        if failed is None or time.monotonic() > deadline or not instance.running:
            return failed
        if failed.answer is Answer.REFUSED:
            await instance.process.wait(0.2)
        await asyncio.sleep(0.1)  # polling for a working transaction, bounded above


async def _transaction_failure(bench: Bench, instance: Instance) -> Sample | None:
    """Carry out the transaction (or a sign of life) and return what failed, if anything did."""
    transactor = bench.transactor(instance)
    if transactor is None:
        last = await bench.sign_of_life(instance.client)
    else:
        last = (await transactor.run())[-1]
    return None if last.ok else last
