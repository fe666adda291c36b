"""Fresh starts, timed to the first success; each is then sent SIGTERM while idle."""

import signal
import time
from collections.abc import Sequence

from roadworthy.domain.evidence import ErrorAnswers, Logs, Start, StartsAndStops, Stop
from roadworthy.experiments.bench import Baseline, Bench
from roadworthy.experiments.experiment import Experiment
from roadworthy.target.instance import DidNotStartError, Instance

TIMES = 3
IDLE_BOUND_S = 30.0


def plan_for(baseline: Baseline) -> Sequence[Experiment]:
    """It applies to every target."""
    expected = TIMES * (baseline.ready_s + 1)
    return [
        Experiment(
            "start-and-stop",
            "timing fresh starts and idle SIGTERM",
            (StartsAndStops, ErrorAnswers, Logs),
            run,
            expected,
            alone=True,
        )
    ]


async def run(bench: Bench) -> None:
    """Start and stop the target three times, each on a fresh state. Once ignored, SIGTERM is not sent again."""
    starts: list[Start] = []
    stops: list[Stop] = []
    for number in range(1, TIMES + 1):
        bench.note(f"start {number} of {TIMES}")
        async with bench.state() as state:
            instance = await bench.start(state, label=f"fresh start {number}")
            try:
                start = await _timed_start(bench, instance)
                starts.append(start)
                if start.ready_s is not None and all(stop.exited_s is not None for stop in stops):
                    stops += await _stop(bench, instance)
                    bench.keep_logs(instance, "start and stop")
            finally:
                await instance.end()
    bench.keep(
        StartsAndStops,
        starts=tuple(starts),
        stops=tuple(stops),
        start_bound_s=bench.bounds.start_s,
        stop_bound_s=bench.bounds.stop_s,
    )


async def _timed_start(bench: Bench, instance: Instance) -> Start:
    try:
        await bench.until_serving(instance, 1.5 * bench.bounds.start_s)
    except DidNotStartError as failure:
        return Start(
            _since(instance.listening_at, instance),
            None,
            _ready_by(bench),
            failure.exit.status if failure.exit else None,
            failure.tail,
        )
    return Start(
        _since(instance.listening_at, instance),
        _since(instance.ready_at, instance),
        _ready_by(bench),
        None,
        instance.process.output.tail(5),
    )


async def _stop(bench: Bench, instance: Instance) -> list[Stop]:
    """Send SIGTERM to the idle instance. One that ended by itself before that gives no evidence."""
    await instance.until_idle(IDLE_BOUND_S)
    if not instance.running:
        return []
    sent = time.monotonic()
    instance.process.signal(signal.SIGTERM)
    ended = await instance.process.wait(bench.bounds.stop_s + 2)
    waited = time.monotonic() - sent
    if ended is None:
        return [Stop(None, waited, None, _names(instance))]
    left = _names(instance) if ended.left else ()
    return [Stop(max(ended.at - sent, 0.0), waited, ended.status, left)]


def _names(instance: Instance) -> tuple[str, ...]:
    return tuple(f"{process.pid}" for process in instance.process.tree())


def _since(moment: float | None, instance: Instance) -> float | None:
    return None if moment is None else round(moment - instance.started_at, 3)


def _ready_by(bench: Bench) -> str:
    if bench.spec.transaction is not None:
        return "transaction"
    return "health" if bench.baseline.health else "any answer"
