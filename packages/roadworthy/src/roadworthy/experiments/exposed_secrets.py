"""Requests that carry secrets, healthy and with the dependencies gone; then a search for these and for its own."""

import asyncio
import signal
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from urllib.parse import unquote, urlsplit

from roadworthy.domain.evidence import ErrorAnswers, Exchange, Logs, Sample, SecretSeen, SecretsSearch
from roadworthy.experiments._canaries import Canaries, Conversation, Request, health_paths, metrics_paths, requests
from roadworthy.experiments.bench import Baseline, Bench
from roadworthy.experiments.experiment import Experiment
from roadworthy.faults.refuse import Refuse
from roadworthy.recording.redaction import SECRET_NAME
from roadworthy.target.instance import Instance
from roadworthy.target.log_files import log_files, text_of
from roadworthy.traffic.canaries import Finder, Secret, is_telling

LOGGED_S = 3.0
RECOVERY_S = 15.0
OUTPUT_S = 5.0
DURING_OUTAGE = 20
SHOWN = 40


def plan_for(baseline: Baseline) -> Sequence[Experiment]:
    """It applies to every target."""
    makes = (SecretsSearch, ErrorAnswers, Logs)
    return [Experiment("exposed-secrets", "looking for secrets", makes, run, baseline.ready_s + 6)]


async def run(bench: Bench) -> None:
    """Send, cut the dependencies and send again, stop it; then look through everything that it said."""
    canaries = Canaries()
    for secret in canaries.all:
        for value in (secret.value, *secret.parts):  # the recording must not hold them either
            bench.recorder.redactor.learn("canary", value)
    async with bench.state() as state, AsyncExitStack() as stack:
        copied = log_files(state.folder)
        instance = await stack.enter_async_context(bench.serving(state, label="looking for secrets"))
        own, plain = own_secrets(bench, instance)
        finder = Finder((*canaries.all, *own))
        talk = Conversation(bench, instance, canaries)
        before = await bench.sign_of_life(instance.client, purpose="control")
        output = instance.process.output
        counted = output.count
        values = await _existing(bench, instance)
        for request in requests(bench, canaries, values):
            await talk.ask(request)
        outages = await _outage(talk, values)
        after = await _control(bench, instance)
        for path in (*health_paths(bench), *metrics_paths(bench)):
            await talk.ask(Request("GET", path), secretly=False)
        await _until_logged(instance, canaries.mark)
        alive, during = instance.running, output.count - counted  # what it says when it is stopped is no answer to them
        await _stop(bench, instance)
        lines = output.lines()
        files = tuple(path for path, written in log_files(state.folder).items() if copied.get(path) != written)
        texts = [("log", f"line {number}", line.text, "") for number, line in enumerate(lines, 1)]
        texts += [("log file", str(each.relative_to(state.folder)), text_of(each), "") for each in files]
        answers = [(_place(bench, path, each), path, each) for path, each in talk.exchanges]
        texts += [(place, _named(path, each), _said(each), each.id) for place, path, each in answers if place]
        bench.keep(
            SecretsSearch,
            planted=tuple(each.name for each in (*canaries.all, *own)),
            too_plain=plain,
            requests=sum(talk.statuses.values()),
            endpoints=talk.endpoints,
            statuses=dict(talk.statuses),
            outages=outages,
            log_lines=during,
            marker_lines=sum(canaries.mark in line.text for line in lines),
            lines_not_kept=output.count - len(lines) + sum(line.cut for line in lines),
            log_files=tuple(str(each.relative_to(state.folder)) for each in files),
            error_answers=sum(place == "error answer" for place, _, _ in answers),
            health=health_paths(bench),
            metrics=bench.baseline.discovery.metrics,
            seen=found_in(finder, texts),
            control_before=before,
            control_after=after,
            process_alive=alive,
        )


def own_secrets(bench: Bench, instance: Instance) -> tuple[tuple[Secret, ...], tuple[str, ...]]:
    """Return the secrets that the target was given, and the names of those that are too plain to be searched for."""
    given: list[tuple[str, str]] = []
    for name, value in instance.settings.items():
        password = _password_in(value)
        if password:
            given.append((f"the password in {name}", password))
        elif "://" not in value and SECRET_NAME.search(name):
            given.append((f"the setting {name}", value))
    given += [(f"the password of {name}", wire.address.password) for name, wire in instance.state.wires.items()]
    given += [(f"the credential in {n}", v.partition(" ")[2] or v) for n, v in bench.spec.auth_headers.items()]
    named: dict[str, str] = {}
    for name, value in given:
        if value:
            named.setdefault(value, name)
    own = tuple(Secret(name, value) for value, name in named.items() if is_telling(value))
    return own, tuple(name for value, name in named.items() if not is_telling(value))


def _password_in(url: str) -> str:
    try:
        return unquote(urlsplit(url).password or "") if "://" in url else ""
    except ValueError:
        return ""


def found_in(finder: Finder, texts: Iterable[tuple[str, str, str, str]]) -> tuple[SecretSeen, ...]:
    """Look through texts, each with its place, where in it, and its exchange. One entry for a secret at a place."""
    first: dict[tuple[str, str, str], SecretSeen] = {}
    counts: Counter[tuple[str, str, str]] = Counter()
    for place, where, text, exchange in texts:
        for hit in finder.find(text):
            key = (hit.secret.name, place, "" if place == "log" else where)
            counts[key] += 1
            if key not in first:
                excerpt = finder.excerpt(text, hit.offset)
                first[key] = SecretSeen(hit.secret.name, place, where, hit.form, 0, hit.offset, excerpt, exchange)
    return tuple(replace(seen, count=counts[key]) for key, seen in list(first.items())[:SHOWN])


def _place(bench: Bench, path: str, exchange: Exchange) -> str:
    """Say what an answer is; "" for one that is not searched: it may well return what was stored."""
    if path in health_paths(bench):
        return "health"
    if path in metrics_paths(bench):
        return "metrics"
    return "error answer" if exchange.status is not None and exchange.status >= 400 else ""


def _named(path: str, exchange: Exchange) -> str:
    return f"{exchange.method} {path} {exchange.status or exchange.answer.value}"


def _said(exchange: Exchange) -> str:
    return "\n".join((*(f"{name}: {value}" for name, value in exchange.headers.items()), "", exchange.body))


async def _existing(bench: Bench, instance: Instance) -> dict[str, object]:
    transactor = bench.transactor(instance)
    if transactor is None:
        return {}
    created, target = await transactor.create(purpose="control")
    return dict(target.values) if created.ok else {}


async def _outage(talk: Conversation, values: dict[str, object]) -> tuple[str, ...]:
    """Refuse every dependency, and ask again: errors are where connection strings come to light."""
    wires = talk.instance.state.wires
    async with AsyncExitStack() as stack:
        for name, wire in wires.items():
            talk.bench.recorder.event("fault", dependency=name, fault=Refuse.name)
            stack.push_async_callback(wire.proxy.restore)
            await wire.proxy.apply(Refuse())
        for number, request in enumerate(requests(talk.bench, talk.canaries, values) if wires else ()):
            if number >= DURING_OUTAGE or not talk.instance.running:
                break
            await talk.ask(request)
    return tuple(wires)


async def _control(bench: Bench, instance: Instance) -> Sample:
    """Ask for a sign of life until it is well again; a breaker may stay open for a while."""

    async def asked() -> Sample:
        return await bench.sign_of_life(instance.client, purpose="control")

    deadline = time.monotonic() + max(RECOVERY_S, bench.bounds.recovery_s)
    while not (last := await asked()).ok and time.monotonic() < deadline and instance.running:
        await asyncio.sleep(0.2)  # polling for health, bounded above
    return last


async def _until_logged(instance: Instance, mark: str) -> None:
    """Wait until the log shows the mark, for a while: some write late, and some never show a path."""
    deadline = time.monotonic() + LOGGED_S
    while not any(mark in line.text for line in instance.process.output.lines()) and time.monotonic() < deadline:
        await asyncio.sleep(0.1)  # polling the log, bounded above


async def _stop(bench: Bench, instance: Instance) -> None:
    """Stop it as a supervisor would, so that what it had not yet written is written; and read all of it."""
    instance.process.signal(signal.SIGTERM)
    await instance.process.wait(bench.bounds.stop_s)
    await instance.end()
    await instance.process.wait_for_output(OUTPUT_S)
