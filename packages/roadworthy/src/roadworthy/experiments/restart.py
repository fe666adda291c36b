"""An object is written; the target is stopped and killed, each time started on the same state; the object is read."""

import signal
from collections.abc import Sequence

from roadworthy.domain.evidence import ErrorAnswers, Logs, Restart, Restarts, Sample
from roadworthy.experiments.bench import Baseline, Bench
from roadworthy.experiments.experiment import Experiment
from roadworthy.target.instance import DidNotStartError, Instance
from roadworthy.target.state import State
from roadworthy.traffic.transaction import Object


def plan_for(baseline: Baseline) -> Sequence[Experiment]:
    """It applies to every target; without a transaction only the starts are observed."""
    return [
        Experiment(
            "restart", "stopping, killing and restarting", (Restarts, ErrorAnswers, Logs), run, 3 * baseline.ready_s + 2
        )
    ]


async def run(bench: Bench) -> None:
    """Write, then restart after SIGTERM and again after SIGKILL."""
    async with bench.state() as state:
        written, read, target = await _write(bench, state)
        restarts = []
        for how in ("sigterm", "sigkill"):
            restart = await _restart(bench, state, how, target)
            restarts.append(restart)
            if not restart.started:
                break
        bench.keep(Restarts, written=written, read_before=read, restarts=tuple(restarts))


async def _write(bench: Bench, state: State) -> tuple[Sample | None, Sample | None, Object | None]:
    """Start, write one object and read it back, and stop with SIGTERM."""
    written = read = target = None
    async with bench.serving(state, label="before the restarts") as instance:
        transactor = bench.transactor(instance)
        if transactor is not None:
            written, target = await transactor.create()
            read = await transactor.read(target) if written.ok else None
        await _stop(bench, instance)
    return written, read, target if written is not None and written.ok else None


async def _stop(bench: Bench, instance: Instance) -> None:
    instance.process.signal(signal.SIGTERM)
    if await instance.process.wait(bench.bounds.stop_s) is None:
        bench.recorder.event("note", text="did not end on SIGTERM and was killed before the restart")
        await instance.process.kill()


async def _restart(bench: Bench, state: State, how: str, target: Object | None) -> Restart:
    """Start on the state that a stopped (``sigterm``) or killed (``sigkill``) process left, and read the object.

    The instance that is started after the SIGTERM stop is the one that is killed for the second restart.
    """
    instance = await bench.start(state, label=f"restart after {how}")
    try:
        try:
            await bench.until_serving(instance)
        except DidNotStartError as failure:
            return Restart(
                how,
                started=False,
                seconds=failure.seconds,
                read_back=None,
                log_tail=failure.tail,
                exit_status=failure.exit.status if failure.exit else None,
            )
        transactor = bench.transactor(instance)
        read = await transactor.read(target) if transactor is not None and target is not None else None
        seconds = (instance.ready_at or 0.0) - instance.started_at
        bench.keep_logs(instance, f"restart after {how}")
        await instance.process.kill()
        return Restart(how, started=True, seconds=round(seconds, 3), read_back=read)
    finally:
        await instance.end()
