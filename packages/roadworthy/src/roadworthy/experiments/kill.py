"""Writers run, the whole tree is killed with SIGKILL, the target is restarted, and each acknowledged write is read."""

import asyncio
from collections.abc import Sequence

from roadworthy.domain.evidence import Answer, Durability, ErrorAnswers, Logs, Sample
from roadworthy.experiments.bench import Baseline, Bench
from roadworthy.experiments.experiment import Experiment
from roadworthy.target.instance import DidNotStartError, Instance
from roadworthy.target.state import State
from roadworthy.traffic.transaction import Object, Transactor

WRITERS = 4
WRITING_S = 2.0
ENOUGH_WRITES = 300
READ_ATTEMPTS = 3


def plan_for(baseline: Baseline) -> Sequence[Experiment]:
    """It needs a transaction."""
    if baseline.spec.transaction is None:
        return []
    return [
        Experiment(
            "kill",
            "killing it while it writes",
            (Durability, ErrorAnswers, Logs),
            run,
            2 * baseline.ready_s + WRITING_S + 2,
        )
    ]


async def run(bench: Bench) -> None:
    """Write, kill, restart, read."""
    async with bench.state() as state:
        control, history, killed = await _write_and_kill(bench, state)
        acknowledged = [target for taken, target in history if taken.ok]
        unknown = sum(1 for taken, _ in history if taken.answer is not Answer.ANSWERED)
        failed = len(history) - len(acknowledged) - unknown
        lost: list[Sample] = []
        found = unreadable = 0
        tail: tuple[str, ...] = ()
        restarted = True
        instance = await bench.start(state, label="after kill -9")
        try:
            await bench.until_serving(instance)
            found, unreadable, lost = await _read_all(bench, instance, acknowledged)
        except DidNotStartError as failure:
            restarted, tail = False, failure.tail
        finally:
            await instance.end()
        bench.keep(
            Durability,
            control=control,
            writers=WRITERS,
            acknowledged=len(acknowledged),
            unknown=unknown,
            failed=failed,
            killed=killed,
            restarted=restarted,
            lost=tuple(lost[:20]),
            found=found,
            unreadable=unreadable,
            log_tail=tail,
        )


async def _write_and_kill(bench: Bench, state: State) -> tuple[Sample | None, list[tuple[Sample, Object]], int]:
    history: list[tuple[Sample, Object]] = []
    async with bench.serving(state, label="writing") as instance:
        transactor = bench.transactor(instance)
        if transactor is None:
            return None, [], 0
        created, target = await transactor.create(purpose="control")
        control = await transactor.read(target, purpose="control") if created.ok else created
        enough = asyncio.Event()

        async def write(writer: Transactor) -> None:
            while True:
                history.append(await writer.create(purpose="durable write"))
                if len(history) >= ENOUGH_WRITES:
                    enough.set()
                if not history[-1][0].ok and history[-1][0].answer is Answer.REFUSED:
                    return

        writers = [asyncio.create_task(write(transactor)) for _ in range(WRITERS)]
        try:
            async with asyncio.timeout(WRITING_S):  # the writers work for all of it: this is no idle wait
                await enough.wait()
        except TimeoutError:
            pass
        killed = await instance.process.kill()
        async with asyncio.timeout(30):
            await asyncio.gather(*writers, return_exceptions=True)
    return control, history, killed


async def _read_all(bench: Bench, instance: Instance, acknowledged: list[Object]) -> tuple[int, int, list[Sample]]:
    """Read each object; what cannot be read is tried again, so that only a clear answer counts as lost."""
    transactor = bench.transactor(instance)
    found = unreadable = 0
    lost: list[Sample] = []
    for target in acknowledged if transactor is not None else ():
        for _ in range(READ_ATTEMPTS):
            read = await transactor.read(target, purpose="read after kill")  # type: ignore[union-attr]  # see the loop
            if read.ok or (read.status is not None and read.status < 500 and read.status != 429):
                break
        if read.ok:
            found += 1
        elif read.status is not None and read.status < 500 and read.status != 429:
            lost.append(read)
        else:
            unreadable += 1
    return found, unreadable, lost
