"""A request is in flight, verified, when SIGTERM arrives. Is it answered?"""

import asyncio
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass

import h11

from roadworthy.domain.evidence import Drain, ErrorAnswers, Logs, Sample
from roadworthy.domain.target import RequestSpec, fill_json, fill_text
from roadworthy.experiments.bench import Baseline, Bench
from roadworthy.experiments.experiment import Experiment
from roadworthy.faults.proxy import Proxy
from roadworthy.faults.silence import Silence
from roadworthy.target.instance import Instance
from roadworthy.target.processes import Exit
from roadworthy.traffic.client import sample
from roadworthy.traffic.held import HeldRequest, json_body
from roadworthy.traffic.tokens import new_token

TAKEN_S = 5.0
HELD_AFTER_SIGNAL_S = 1.0
ANSWER_S = 20.0


def plan_for(baseline: Baseline) -> Sequence[Experiment]:
    """It applies to every target; how the request is made slow depends on what the target offers."""
    return [
        Experiment(
            "sigterm-in-flight",
            "SIGTERM with a request in flight",
            (Drain, ErrorAnswers, Logs),
            run,
            baseline.ready_s + 4,
        )
    ]


@dataclass(frozen=True)
class Stimulus:
    """How a request is made slow: by its nature, by holding a dependency's answers, or by sending half of its body."""

    text: str
    request: RequestSpec
    hold: str = ""  # the dependency whose answers are held
    half: bool = False


async def run(bench: Bench) -> None:
    """Once without the signal, as a control, then with it."""
    stimulus = _choose(bench)
    async with bench.state() as state, bench.serving(state, label="SIGTERM in flight") as instance:
        proxy = state.wires[stimulus.hold].proxy if stimulus.hold else None
        control, _, _, _ = await _flight(bench, instance, stimulus, proxy, signalled=False)
        request: Sample | None = None
        in_flight, how, after_s = False, "", 0.0
        if control is not None and control.ok:
            request, in_flight, how, after_s = await _flight(bench, instance, stimulus, proxy, signalled=True)
        ended = await instance.process.wait(bench.bounds.stop_s) if request is not None else None
        noticed = (ended is not None and not ended.left) or instance.port not in instance.sockets().ports
        bench.keep(
            Drain,
            stimulus=stimulus.text,
            control=control,
            in_flight=in_flight,
            verified_by=how,
            request=request,
            signalled_after_s=after_s,
            exited_s=_after_signal(request, after_s, ended, bench),
            exit_status=ended.status if ended else None,
            noticed=noticed,
        )


def _after_signal(request: Sample | None, after_s: float, ended: Exit | None, bench: Bench) -> float | None:
    """How long after the signal the target was gone."""
    if request is None or ended is None:
        return None
    return round(max(ended.at - bench.recorder.epoch - request.at - after_s, 0.0), 3)


def _choose(bench: Bench) -> Stimulus:
    spec = bench.spec
    if spec.slow is not None:
        return Stimulus(f"the naturally slow {spec.slow.method} {spec.slow.path}", spec.slow)
    create = spec.transaction.step("create") if spec.transaction is not None else None
    used = [each.name for each in bench.baseline.discovery.dependencies if each.bytes_in_transaction > 0]
    if create is not None and used:
        return Stimulus(f"a create held up by the answers of {used[0]}", create.request, hold=used[0])
    if create is not None:
        return Stimulus("a create whose body is half sent", create.request, half=True)
    writable = next((o for o in bench.baseline.operations if o.method == "POST" and not o.path_parameters), None)
    path = writable.path if writable is not None else "/"
    return Stimulus(f"a POST to {path} whose body is half sent", RequestSpec("POST", path, json={"a": "b"}), half=True)


async def _flight(
    bench: Bench, instance: Instance, stimulus: Stimulus, proxy: Proxy | None, *, signalled: bool
) -> tuple[Sample | None, bool, str, float]:
    """Send the slow request; when it is surely in flight, send SIGTERM (or not); let it end.

    Returns the answer, whether it was in flight at the signal, how that is known, and when the signal was sent.
    """
    held = _request(bench, instance, stimulus)
    if proxy is not None:
        await proxy.apply(Silence())
    try:
        await held.begin(len(held.body) // 2 if stimulus.half else None)
        in_flight, how = await _in_flight(held, proxy)
        after = time.monotonic() - held.began
        if signalled:
            bench.recorder.event("signal", number=int(signal.SIGTERM), in_flight=in_flight)
            instance.process.signal(signal.SIGTERM)
            await _until_refusing(instance, HELD_AFTER_SIGNAL_S)
    except (OSError, TimeoutError, h11.LocalProtocolError):
        held.close()
        return None, False, "the request could not be sent", 0.0
    finally:
        if proxy is not None:
            await proxy.restore()
    exchange = await held.finish(ANSWER_S, f"h{int(bench.now * 1000):07d}", bench.recorder.epoch, bench.keep_exchange)
    return sample(exchange, "in flight" if signalled else "control"), in_flight, how, round(after, 3)


def _request(bench: Bench, instance: Instance, stimulus: Stimulus) -> HeldRequest:
    values = {"token": new_token()}
    request = stimulus.request
    headers = {**bench.spec.auth_headers, **{k: fill_text(v, values) for k, v in request.headers.items()}}
    body = b""
    if request.json is not None:
        body = json_body(fill_json(request.json, values))
        headers.setdefault("Content-Type", "application/json")
    elif request.body is not None:
        body = fill_text(request.body, values).encode()
    return HeldRequest(instance.port, request.method, fill_text(request.path, values), headers, body)


async def _in_flight(held: HeldRequest, proxy: Proxy | None) -> tuple[bool, str]:
    """Tell whether the server has taken the request and works on it, and how that is known."""
    taken = await held.taken(TAKEN_S)
    if not taken:
        return False, "the server did not read the request, or had already answered"
    if proxy is None:
        return True, "the server had read what was sent and had not answered"
    deadline = time.monotonic() + TAKEN_S
    while proxy.counts.held == 0:
        if time.monotonic() > deadline or held.answered:
            return False, "the request did not make the target ask the dependency"
        await asyncio.sleep(0.01)  # polling a counter, bounded above
    return not held.answered, f"{proxy.counts.held} bytes for the dependency were held at the proxy, no answer yet"


async def _until_refusing(instance: Instance, bound_s: float) -> None:
    """Wait until the target no longer listens: it has seen the signal. Some never stop listening: hence the bound."""
    deadline = time.monotonic() + bound_s
    while time.monotonic() < deadline and instance.port in instance.sockets().ports:
        await asyncio.sleep(0.02)  # polling a condition, bounded above
