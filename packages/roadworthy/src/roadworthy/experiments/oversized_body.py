"""A body far above any sensible limit, once with its length told and once in chunks, while memory is watched."""

import asyncio
import itertools
import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import psutil

from roadworthy.domain.evidence import ErrorAnswers, Exchange, Logs, OversizedBodies, Poured, Sample
from roadworthy.domain.target import fill_text
from roadworthy.experiments.bench import Baseline, Bench
from roadworthy.experiments.experiment import Experiment
from roadworthy.target.instance import Instance
from roadworthy.target.processes import Process
from roadworthy.traffic.client import sample
from roadworthy.traffic.corpus import is_excluded
from roadworthy.traffic.held import json_body
from roadworthy.traffic.openapi import example
from roadworthy.traffic.pouring import LargeBody, pour
from roadworthy.traffic.tokens import new_token

BODY_BYTES = 256 * 2**20
GROWTH_BYTES = BODY_BYTES // 2
NORMAL_PADDING = 1024
ANSWER_S = 30.0
CONTROL_S = 15.0
SETTLED_S = 15.0
POLL_S = 0.05
CANDIDATES = 8
WRITING = ("POST", "PUT", "PATCH")
_numbers = itertools.count(1)


def plan_for(baseline: Baseline) -> Sequence[Experiment]:
    """It applies to every target; one where no endpoint takes a body yields evidence of that."""
    makes = (OversizedBodies, ErrorAnswers, Logs)
    return [Experiment("oversized-body", "sending bodies of 256 MiB", makes, run, baseline.ready_s + 8)]


@dataclass(frozen=True)
class Taker:
    """A request with a body, which an endpoint accepts at a normal size."""

    operation: str
    method: str
    path: str
    headers: dict[str, str]
    text: bytes
    leading: bool = True  # JSON allows white space before it; of other formats nothing is known, so it comes last


@dataclass
class Memory:
    """How much anonymous memory a process tree has gained: what it holds, without files and shared libraries."""

    process: Process
    before: int = 0
    most: int = 0
    pids: set[int] = field(default_factory=set)

    def begin(self) -> None:
        """Take what it has now as the beginning."""
        self.pids = {each.pid for each in self.process.tree()}
        self.before, self.most = _anonymous(self.process), 0

    async def enough(self) -> None:
        """Return when it has grown by the bound; until then, look again and again."""
        while self.look() < GROWTH_BYTES:
            await asyncio.sleep(POLL_S)  # the interval at which memory is measured; whoever waits for this has a bound

    def look(self) -> int:
        """Measure now, and return the growth."""
        growth = _anonymous(self.process) - self.before
        self.most = max(self.most, growth)
        return growth

    def ended(self) -> int:
        """Count the processes that were there at the beginning and are gone."""
        return len(self.pids - {each.pid for each in self.process.tree()})


def _anonymous(process: Process) -> int:
    return sum(_anonymous_of(each) for each in process.tree())


def _anonymous_of(process: psutil.Process) -> int:
    """Read RssAnon: 0 for a process that has ended meanwhile."""
    try:
        with open(f"/proc/{process.pid}/status", encoding="utf-8", errors="replace") as status:  # noqa: PTH123 - as short
            found = re.search(r"^RssAnon:\s+(\d+) kB", status.read(), re.MULTILINE)
    except OSError:
        return 0
    return int(found[1]) * 1024 if found else 0


async def run(bench: Bench) -> None:
    """Find an endpoint that takes a body; pour into it with a length and in chunks, with a control before and after."""
    takers = list(_takers(bench))[:CANDIDATES]
    taker: Taker | None = None
    before = after = None
    poured: list[Poured] = []
    alive = True
    if takers:
        async with bench.state() as state, bench.serving(state, label="oversized bodies") as instance:
            for taker in takers:
                before = await _control(bench, instance, taker, patient=False)
                if before.ok:
                    break
            if taker is not None and before is not None and before.ok:
                after = before
                for chunked in (False, True):
                    if not (instance.running and after.ok):
                        break
                    bench.note("in chunks" if chunked else "with its length told")
                    poured.append(await _pour(bench, instance, taker, chunked=chunked))
                    after = await _control(bench, instance, taker, patient=True)
            alive = instance.running
    known = bench.baseline.operations
    bench.keep(
        OversizedBodies,
        operation=taker.operation if taker else "",
        operations=len(known),
        takers=sum(each.method in WRITING or each.body is not None for each in known),
        body_bytes=BODY_BYTES,
        growth_bound_bytes=GROWTH_BYTES,
        answer_bound_s=ANSWER_S,
        control_before=before,
        poured=tuple(poured),
        control_after=after,
        process_alive=alive,
    )


async def _pour(bench: Bench, instance: Instance, taker: Taker, *, chunked: bool) -> Poured:
    framing = "chunked" if chunked else "content-length"
    await instance.until_idle(SETTLED_S)  # what it still does with an earlier body must not be counted to this one
    memory = Memory(instance.process)
    memory.begin()
    exchange, sent, hung_up = await _send(
        bench, instance, taker, BODY_BYTES, f"oversized body, {framing}", memory=memory, chunked=chunked
    )
    memory.look()
    return Poured(framing, sample(exchange), sent, memory.most, hung_up, memory.ended())


async def _control(bench: Bench, instance: Instance, taker: Taker, *, patient: bool) -> Sample:
    """Send the same body at a normal size; afterwards for a while, since the oversized one may keep it busy."""
    deadline = time.monotonic() + (CONTROL_S if patient else 0.0)
    while True:
        exchange, _, _ = await _send(bench, instance, taker, NORMAL_PADDING, "control")
        if exchange.ok or time.monotonic() > deadline or not instance.running:
            return sample(exchange)
        await asyncio.sleep(0.1)  # polling for health, bounded above


async def _send(
    bench: Bench,
    instance: Instance,
    taker: Taker,
    padding: int,
    purpose: str,
    *,
    memory: Memory | None = None,
    chunked: bool = False,
) -> tuple[Exchange, int, bool]:
    values = {"token": new_token()}
    body = LargeBody(fill_text(taker.text.decode(), values).encode(), padding, leading=taker.leading)
    path, at = fill_text(taker.path, values), bench.now
    headers = {key: fill_text(value, values) for key, value in taker.headers.items()}
    poured = await pour(
        instance.port, taker.method, path, headers, body,
        chunked=chunked, timeout=ANSWER_S, enough=memory.enough if memory else None,
    )  # fmt: skip
    exchange = Exchange(
        id=f"o{next(_numbers):05d}", at=round(at, 4), method=taker.method, path=path, request_headers=headers,
        request_body=f"{body.text.decode()} with {padding:,} spaces {'before' if taker.leading else 'after'} it",
        answer=poured.answer, status=poured.status, headers=poured.headers,
        body=poured.body.decode("utf-8", "backslashreplace"), seconds=poured.seconds, purpose=purpose,
        error=poured.error,
    )  # fmt: skip
    bench.keep_exchange(exchange)
    return exchange, poured.sent, poured.hung_up


def _takers(bench: Bench) -> Iterator[Taker]:
    """Yield the create of the transaction, then what the document or the manifest says takes a JSON body."""
    spec = bench.spec
    create = spec.transaction.step("create") if spec.transaction is not None else None
    if create is not None and (create.request.json is not None or create.request.body is not None):
        request = create.request
        kind = {"Content-Type": "application/json"} if request.json is not None else {}
        text = json_body(request.json) if request.json is not None else (request.body or "").encode()
        name = f"{request.method} {request.path}"
        headers = {**spec.auth_headers, **kind, **request.headers}
        yield Taker(name, request.method, request.path, headers, text, leading=request.json is not None)
    for each in bench.baseline.operations:
        if each.method not in WRITING or each.body is None or each.path_parameters or is_excluded(each, spec.exclude):
            continue
        text = json_body(example(each.body, bench.baseline.document))
        headers = {**spec.auth_headers, "Content-Type": "application/json"}
        yield Taker(each.name, each.method, each.path, headers, text)
