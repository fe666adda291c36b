"""One dependency is made faulty while the target is healthy: what answers, what readiness says, and what comes back."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

from roadworthy.domain.evidence import ErrorAnswers, FaultWindow, Logs, Sample
from roadworthy.experiments.bench import Baseline, Bench
from roadworthy.experiments.experiment import Experiment
from roadworthy.faults.fault import Fault
from roadworthy.faults.refuse import Refuse
from roadworthy.faults.silence import Silence
from roadworthy.target.instance import Instance
from roadworthy.traffic.client import sample
from roadworthy.traffic.transaction import Object, Transactor

FAULTS: tuple[Fault, ...] = (Refuse(), Silence())
POLL_S = 0.2
PROBE_TIMEOUT_S = 6.0
LASTING_POLLS, LASTING_S = 3, 1.5  # readiness has turned when so many polls in a row say so, or two that far apart
CROWD = 20
GRACE_S = 2.0
ENDPOINTS = 8
KEPT_SAMPLES = 120


def plan_for(baseline: Baseline) -> Sequence[Experiment]:
    """Each fault of each dependency is an experiment of its own."""
    return [
        Experiment(
            f"dependency-fault:{dependency.name}:{fault.name}",
            f"{dependency.name} {fault.name}",
            (FaultWindow, ErrorAnswers, Logs),
            partial(run, dependency=dependency.name, fault=fault),
            baseline.ready_s + (8 if fault.name == "refused" else 15),
        )
        for dependency in baseline.spec.dependencies
        for fault in FAULTS
    ]


@dataclass
class Window:
    """What is observed while the fault lasts."""

    requests: list[Sample] = field(default_factory=list)
    readiness: list[Sample] = field(default_factory=list)
    endpoints: list[Sample] = field(default_factory=list)
    asked: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass
class Scene:
    """Who is asked during the fault, with what patience, and what was seen."""

    bench: Bench
    instance: Instance
    transactor: Transactor | None
    existing: Object | None
    bound_s: float  # within which each request must be answered
    healthy_before: frozenset[str]  # the health endpoints that were good, as samples name them
    window: Window = field(default_factory=Window)

    @property
    def timeout_s(self) -> float:
        """How long a request is waited for: a little over the bound, so that our own limit is not mistaken for it."""
        return self.bound_s + GRACE_S


async def run(bench: Bench, dependency: str, fault: Fault) -> None:
    """Healthy, faulty, restored, healthy again."""
    during = f"{dependency} {fault.name}"
    async with bench.state() as state, bench.serving(state, label=during, during=during) as instance:
        wire = state.wires[dependency]
        proxy = wire.proxy
        transactor = bench.transactor(instance)
        before = [*(await transactor.run(purpose="control") if transactor else ()), *await _ask_health(bench, instance)]
        bound = bench.bounds.refused_s if fault.name == "refused" else bench.bounds.silent_s
        healthy = frozenset(each.what for each in before if each.ok)
        scene = Scene(bench, instance, transactor, await _create(transactor), bound, healthy)
        began = bench.now
        bench.recorder.event("fault", dependency=dependency, fault=fault.name)
        await proxy.apply(fault)
        try:
            await _observe(scene, crowd=fault.name == "silent")
        finally:
            await proxy.restore()
        restored = bench.now
        bench.recorder.event("restored", dependency=dependency, hits=proxy.counts.hits)
        alive = instance.running
        transaction_s, readiness_s, after = await _recovery(scene)
        bench.keep(
            FaultWindow,
            dependency=dependency,
            kind=wire.spec.kind,
            fault=fault.name,
            hits=proxy.counts.hits,
            bytes_swallowed=proxy.counts.held,
            before=tuple(before),
            began_at=began,
            requests=tuple(scene.window.requests),
            readiness=tuple(scene.window.readiness[:KEPT_SAMPLES]),
            endpoints=tuple(scene.window.endpoints),
            liveness_paths=tuple(each.path for each in bench.baseline.health if each.role == "liveness"),
            waited_s=round(restored - began, 3),
            process_alive=alive,
            restored_at=restored,
            transaction_recovered_s=transaction_s,
            readiness_recovered_s=readiness_s,
            recovery_waited_s=round(bench.now - restored, 3),
            after=tuple(after),
            restarted=instance.process.exit is not None,
            answer_bound_s=bound,
            readiness_bound_s=bench.bounds.readiness_s,
        )


async def _create(transactor: Transactor | None) -> Object | None:
    if transactor is None:
        return None
    created, target = await transactor.create(purpose="control")
    return target if created.ok else None


async def _observe(scene: Scene, *, crowd: bool) -> None:
    """Ask the data path and the health endpoints side by side."""
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(_ask_data_path(scene, crowd=crowd))
        tasks.create_task(_watch_health(scene))


async def _ask_data_path(scene: Scene, *, crowd: bool) -> None:
    window = scene.window
    try:
        if scene.transactor is not None:
            await _ask_transaction(scene, scene.transactor, crowd=crowd)
        if not any(each.seconds > scene.bound_s for each in window.requests):
            calls = (_get(scene.instance, path, scene.timeout_s) for path in _readable(scene.bench))
            window.endpoints += await asyncio.gather(*calls)
    finally:
        window.asked.set()


async def _ask_transaction(scene: Scene, transactor: Transactor, *, crowd: bool) -> None:
    """One create first. Then, for silence, a crowd at once; otherwise create and read by turns."""
    requests = scene.window.requests
    first, _ = await transactor.create(scene.timeout_s, "during the fault")
    requests.append(first)
    if not crowd:
        for number in range(4):
            requests.append(await _one(scene, transactor, reads=number % 2 == 0))
            if not scene.instance.running:
                return
    elif first.seconds < scene.timeout_s:
        scene.bench.note(f"{CROWD} requests at once")
        calls = (_one(scene, transactor, reads=number % 2 == 1) for number in range(CROWD))
        requests += await asyncio.gather(*calls)


async def _one(scene: Scene, transactor: Transactor, *, reads: bool) -> Sample:
    if reads and scene.existing is not None:
        return await transactor.read(scene.existing, scene.timeout_s, "during the fault")
    created, _ = await transactor.create(scene.timeout_s, "during the fault")
    return created


async def _watch_health(scene: Scene) -> None:
    """Poll health until a readiness endpoint has flipped, or the time allowed for that has passed."""
    window, bench = scene.window, scene.bench
    telling = {f"GET {each.path}" for each in bench.baseline.health if each.role != "liveness"}
    deadline = time.monotonic() + bench.bounds.readiness_s + 1
    bad: list[float] = []  # when the polls in a row that were not 2xx came
    while bench.baseline.health:
        polled = await _ask_health(bench, scene.instance)
        window.readiness += polled
        turned = any(not each.ok and each.status != 429 and each.what in telling for each in polled)
        bad = [*bad, time.monotonic()] if turned else []
        flipped = len(bad) >= LASTING_POLLS or (len(bad) > 1 and bad[-1] - bad[0] >= LASTING_S)
        harmless = window.asked.is_set() and window.requests and all(each.ok for each in window.requests)
        if time.monotonic() > deadline or flipped or harmless:
            return
        await asyncio.sleep(POLL_S)  # polling, bounded by the deadline


async def _ask_health(bench: Bench, instance: Instance) -> list[Sample]:
    paths = [each.path for each in bench.baseline.health]
    return list(await asyncio.gather(*(_get(instance, path, PROBE_TIMEOUT_S) for path in paths)))


async def _get(instance: Instance, path: str, timeout: float) -> Sample:
    return sample(await instance.client.send("GET", path, timeout=timeout, purpose="during the fault"), f"GET {path}")


def _readable(bench: Bench) -> list[str]:
    """Paths of the OpenAPI document that can be read with nothing filled in."""
    health = {each.path for each in bench.baseline.health}
    return [
        operation.path
        for operation in bench.baseline.operations
        if operation.method == "GET"
        and not operation.path_parameters
        and operation.path not in health
        and not any(parameter.get("required") for parameter in operation.parameters)
    ][:ENDPOINTS]


async def _recovery(scene: Scene) -> tuple[float | None, float | None, list[Sample]]:
    """Poll the transaction and the health endpoints until both are good, at most the bound for recovery."""
    bench, instance = scene.bench, scene.instance
    began = time.monotonic()
    deadline = began + bench.bounds.recovery_s
    transaction_s: float | None = None
    readiness_s: float | None = None
    after: list[Sample] = []
    while time.monotonic() < deadline and (transaction_s is None or readiness_s is None) and instance.running:
        if transaction_s is None:
            done = await _working(scene)
            after = list(done)
            if done[-1].ok:
                transaction_s = round(time.monotonic() - began, 3)
        if readiness_s is None:
            health = await _ask_health(bench, instance)
            if all(each.ok for each in health if each.what in scene.healthy_before):
                readiness_s = round(time.monotonic() - began, 3)
        await asyncio.sleep(POLL_S / 2)  # polling, bounded by the deadline
    return transaction_s, readiness_s, after


async def _working(scene: Scene) -> tuple[Sample, ...]:
    if scene.transactor is not None:
        return await scene.transactor.run(timeout=PROBE_TIMEOUT_S, purpose="after the fault")
    return (await scene.bench.sign_of_life(scene.instance.client, purpose="after the fault"),)
