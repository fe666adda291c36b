"""The first start: which port, which endpoints, which transaction, and whether traffic goes through the proxies."""

import asyncio
import json
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import yaml

from roadworthy.domain.evidence import Answer, DependencyFacts, Discovery, Exchange, HealthEndpoint, Sample
from roadworthy.domain.target import EndpointsSpec, TargetSpec, TransactionSpec
from roadworthy.experiments.bench import Baseline, Bench
from roadworthy.target.instance import DidNotStartError, Instance, TargetError
from roadworthy.target.sockets import LOOPBACK
from roadworthy.traffic.client import Client, sample
from roadworthy.traffic.openapi import Operation, operations, transactions
from roadworthy.traffic.tokens import new_token
from roadworthy.traffic.transaction import Transactor, captured_from

HEALTH_PATHS = (
    "/readyz", "/health/ready", "/ready", "/readiness", "/api/ready", "/api/health/ready", "/-/ready", "/__heartbeat__",
    "/healthz", "/health", "/health/", "/api/health", "/api/healthz", "/api/v1/health", "/v1/health", "/heartbeat",
    "/healthcheck", "/health-check", "/_health", "/status", "/api/status", "/_status", "/actuator/health", "/-/healthy",
    "/ping", "/api/ping", "/livez", "/health/live", "/live", "/liveness", "/api/health/live", "/__lbheartbeat__", "/up",
)  # fmt: skip
READINESS = re.compile(r"ready|readi|(?<!lb)heartbeat", re.IGNORECASE)
LIVENESS = re.compile(r"live|alive|lbheartbeat|ping", re.IGNORECASE)
HEALTH_NAME = re.compile(r"/(_|-|__)?(health|ready|live|status|heartbeat|lbheartbeat|ping|alive|up)", re.IGNORECASE)
OPENAPI_PATHS = (
    "/openapi.json", "/api/openapi.json", "/openapi.yaml", "/swagger.json", "/api/swagger.json", "/v1/openapi.json",
    "/api/v1/openapi.json", "/docs/openapi.json", "/schema", "/api/schema/", "/spec.json", "/apispec.json",
    "/apispec_1.json", "/v3/api-docs", "/api-docs", "/__api__", "/swagger/v1/swagger.json", "/api-docs.json",
)  # fmt: skip
METRICS_PATHS = ("/metrics", "/actuator/prometheus", "/api/metrics", "/prometheus")
PROBE_S = 10.0
CANDIDATES = 8
WARM_UP_S = 10.0
DOCUMENT_LIMIT = 8 * 1024 * 1024


def blank_discovery(configuration: str) -> Discovery:
    """Stand in for what discovery will find."""
    return Discovery(
        experiment="discovery", trial=1, configuration=configuration, address="", owns_port=False, nothing_here="",
        health=(), health_paths_tried=0, openapi="", metrics="", operations=0, transaction=(), transaction_source="",
        stateless=False, dependencies=(), other_connections=(), settings=(),
    )  # fmt: skip


@dataclass(frozen=True)
class Found:
    """What the endpoints told."""

    nothing_here: str
    health: tuple[HealthEndpoint, ...]
    tried: int
    openapi: str
    document: Mapping[str, Any]
    metrics: str


class LookAgainError(Exception):
    """The target's start-up showed more about it: ``spec`` is the target to look at instead."""

    def __init__(self, spec: TargetSpec) -> None:
        """Carry the completed target."""
        super().__init__("the start-up showed more settings")
        self.spec = spec


async def discover(
    bench: Bench, complete: Callable[[TargetSpec, Sequence[str]], TargetSpec] = lambda spec, _: spec
) -> Baseline:
    """Start the target once, learn what it offers, and return the baseline for all experiments after it.

    ``complete`` adds to the target what its start-up showed: the names of the variables that its code read.

    Raises:
        TargetError: it does not start, or another process answers on its port.
        LookAgainError: ``complete`` added something.
    """
    async with bench.state() as state:
        instance = await bench.start(state, label="discovery", watch=True)
        try:
            await bench.until_answering(instance, 2 * bench.bounds.start_s)
            if not instance.owns_port():
                raise TargetError(
                    f"what answers on port {instance.port} is not the process that was started: stop the other one"
                )
            await _until_started(instance, bench.bounds.start_s)
            completed = complete(bench.spec, state.reads())
            if completed != bench.spec:
                raise LookAgainError(completed)
            started = time.monotonic() - instance.started_at
            found = await _endpoints(bench, instance)
            spec, steps, used = await _transaction(bench, instance, found)
            ready = max(started, 0.2)
            baseline = _baseline(bench, instance, found, spec, steps, used, ready)
            bench.keep_logs(instance, "discovery")
            return baseline
        except DidNotStartError as failure:
            raise TargetError(f"the target did not start: {failure}") from failure
        finally:
            await instance.end()


async def _until_started(instance: Instance, bound_s: float) -> None:
    """Wait while everything is answered 5xx, at most ``bound_s``: some listen before their start is complete."""
    deadline = time.monotonic() + bound_s
    while instance.running and time.monotonic() < deadline:
        exchange = await instance.client.send("GET", f"/{new_token()}", timeout=PROBE_S, purpose="still starting?")
        if exchange.status is not None and exchange.status < 500:
            return
        await asyncio.sleep(0.2)  # polling for a complete start, bounded above


def _baseline(
    bench: Bench,
    instance: Instance,
    found: Found,
    spec: TargetSpec,
    steps: tuple[Sample, ...],
    used: Mapping[str, int],
    ready: float,
) -> Baseline:
    instance.sockets()
    all_operations = _operations(spec, found)
    others = tuple(sorted(f"{ip}:{port}" for ip, port in instance.other_remotes))
    facts = tuple(
        DependencyFacts(
            name=name,
            kind=wire.spec.kind,
            variable=wire.spec.variable,
            found_by=wire.spec.found_by,
            declared=wire.spec.declared,
            connections=wire.proxy.counts.connections,
            bytes_in_transaction=used.get(name, 0),
            bypassed=tuple(each for each in others if each.endswith(f":{wire.address.port}")),
        )
        for name, wire in instance.state.wires.items()
    )
    silent_wires = [each for each in facts if each.connections == 0]
    notes = tuple(f"{each.name}: nothing connected through its proxy" for each in silent_wires)
    stateless = spec.stateless and spec.transaction is None
    values = {
        "address": f"127.0.0.1:{instance.port}",
        "owns_port": True,
        "nothing_here": found.nothing_here,
        "health": found.health,
        "health_paths_tried": found.tried,
        "openapi": found.openapi,
        "metrics": found.metrics,
        "operations": len(all_operations),
        "transaction": steps,
        "transaction_source": spec.transaction.source if spec.transaction is not None else "",
        "stateless": stateless,
        "dependencies": facts,
        "other_connections": tuple(each for each in others if not _is_own_loopback(each, instance)),
        "settings": tuple(sorted(instance.settings)),
        "notes": notes,
    }
    bench.keep(Discovery, **values)
    kept = bench.recorder.evidence[-1]
    if not isinstance(kept, Discovery):
        raise TypeError("the recorder returned something else than was kept")
    fixed = instance.port if spec.port is None and instance.port != instance.offered_port else spec.port
    return replace(
        bench.baseline,
        spec=replace(spec, port=fixed),
        discovery=kept,
        operations=all_operations,
        document=found.document,
        ready_s=ready,
        reads=instance.state.reads(),
    )


def _operations(spec: TargetSpec, found: Found) -> tuple[Operation, ...]:
    """Join the operations of the document and those that the manifest names."""
    known = operations(found.document)
    names = {each.name for each in known}
    named = [each.split(maxsplit=1) for each in spec.operations if each not in names]
    declared = tuple(
        Operation(method, path, (), {} if method in ("POST", "PUT", "PATCH") else None, False, None)
        for method, path in named
    )
    return (*known, *declared)


def _is_own_loopback(address: str, instance: Instance) -> bool:
    """Whether a remote address is another socket of the target itself, such as a worker talking to its master."""
    host, _, port = address.rpartition(":")
    return host.startswith(LOOPBACK) and int(port) in instance.sockets().ports


async def _endpoints(bench: Bench, instance: Instance) -> Found:
    client = instance.client
    nothing = await _fingerprints(client)
    given = bench.spec.endpoints
    openapi, document = await _openapi(client, given.openapi)
    paths = _health_candidates(given, document)
    health = []
    for path, source in paths.items():
        endpoint = await _health_endpoint(client, path, source, given, nothing)
        if endpoint is not None:
            health.append(endpoint)
    metrics = ""
    for path in (given.metrics,) if given.metrics else METRICS_PATHS:
        exchange = await client.send("GET", path, timeout=PROBE_S, purpose="metrics?")
        if exchange.ok and re.search(r"^# (TYPE|HELP) ", exchange.body, re.MULTILINE):
            metrics = path
            break
    return Found(nothing[0], _distinct(health), len(paths), openapi, document, metrics)


async def _fingerprints(client: Client) -> tuple[str, ...]:
    """Learn how the target answers for paths that do not exist: status and the shape of the body."""
    random = new_token()
    prints = []
    for path in (f"/{random}", f"/{random}/{random}", f"/api/{random}"):
        exchange = await client.send("GET", path, timeout=PROBE_S, purpose="nothing here")
        prints.append(_fingerprint(exchange, random, path))
    return tuple(prints)


def _fingerprint(exchange: Exchange, *unique: str) -> str:
    body = exchange.body
    for each in unique:
        body = body.replace(each, "*")
    kind = exchange.headers.get("content-type", "").partition(";")[0]
    return f"{exchange.status or exchange.answer.value} {kind} {len(body) // 50}"


def _health_candidates(given: EndpointsSpec, document: Mapping[str, Any]) -> dict[str, str]:
    """List paths to try, each with where it comes from: the manifest first, then the document, then the usual ones."""
    paths = {path: "manifest" for path in (given.readiness, given.health, given.liveness) if path}
    for operation in operations(document):
        if operation.method == "GET" and not operation.path_parameters and HEALTH_NAME.search(operation.path):
            paths.setdefault(operation.path, "openapi")
    for path in HEALTH_PATHS:
        paths.setdefault(path, "usual path")
    return paths


async def _health_endpoint(
    client: Client, path: str, source: str, given: EndpointsSpec, nothing: tuple[str, ...]
) -> HealthEndpoint | None:
    exchange = await client.send("GET", path, timeout=PROBE_S, purpose="health?")
    there = exchange.ok or (exchange.status == 503 and source != "usual path")
    if not there or _fingerprint(exchange, path) in nothing:
        return None
    kind = exchange.headers.get("content-type", "").partition(";")[0]
    if source != "manifest" and "html" in kind:
        return None
    return HealthEndpoint(path, _role(path, given), source, sample(exchange), kind, exchange.body[:200])


def _role(path: str, given: EndpointsSpec) -> str:
    if path == given.readiness:
        return "readiness"
    if path == given.liveness:
        return "liveness"
    if path == given.health:
        return "health"
    if READINESS.search(path):
        return "readiness"
    return "liveness" if LIVENESS.search(path) else "health"


def _distinct(found: list[HealthEndpoint]) -> tuple[HealthEndpoint, ...]:
    """Drop the twin of an endpoint with and without a slash at the end; readiness first."""
    kept: dict[str, HealthEndpoint] = {}
    for each in found:
        kept.setdefault(each.path.rstrip("/"), each)
    order = {"readiness": 0, "health": 1, "liveness": 2}
    return tuple(sorted(kept.values(), key=lambda each: order[each.role]))


async def _openapi(client: Client, given: str) -> tuple[str, dict[str, Any]]:
    for path in (given,) if given else OPENAPI_PATHS:
        text = await client.fetch(path, DOCUMENT_LIMIT, timeout=2 * PROBE_S)
        document = _parsed(text)
        if isinstance(document, dict) and ("openapi" in document or "swagger" in document) and "paths" in document:
            return path, document
    return "", {}


def _parsed(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        pass
    if not re.search(r"^(openapi|swagger):", text, re.MULTILINE):
        return None
    try:
        return yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError):
        return None


async def _transaction(
    bench: Bench, instance: Instance, found: Found
) -> tuple[TargetSpec, tuple[Sample, ...], dict[str, int]]:
    """Find a transaction that works; count what passes through each proxy during it."""
    if bench.spec.stateless:
        return bench.spec, (), {}
    given = bench.spec.transaction
    candidates = [given] if given is not None else list(transactions(found.document))[:CANDIDATES]
    for candidate in candidates:
        spec, steps, used = await _tried(bench, instance, candidate)
        if steps and all(step.ok for step in steps):
            return replace(bench.spec, transaction=spec), steps, used
        if given is not None:
            return bench.spec, steps, used
    return bench.spec, (), {}


async def _tried(
    bench: Bench, instance: Instance, candidate: TransactionSpec
) -> tuple[TransactionSpec, tuple[Sample, ...], dict[str, int]]:
    """Carry out a candidate; while it answers 5xx it may still be warming up. Optional steps that fail are left out.

    Where the document did not lead to the new object's identity, the answer itself may.
    """
    deadline = time.monotonic() + WARM_UP_S
    spec = candidate
    while True:
        before = {name: wire.proxy.counts.bytes for name, wire in instance.state.wires.items()}
        steps = await Transactor(instance.client, spec).run(purpose="transaction?")
        used = {name: wire.proxy.counts.bytes - before[name] for name, wire in instance.state.wires.items()}
        last = steps[-1]
        if last.ok:
            return spec, steps, used
        if spec.source == "openapi" and last.what == "create" and last.status is not None and last.status < 300:
            found = captured_from(spec, bench.recorder.exchanges[last.exchange].body)
            if found is not None and found != spec:
                spec = found
                continue
        if spec.source == "openapi" and last.what in ("update", "delete"):
            spec = replace(spec, steps=tuple(step for step in spec.steps if step.name != last.what))
            continue
        warming = last.answer is not Answer.ANSWERED or (last.status or 0) >= 500
        if not warming or time.monotonic() > deadline or not instance.running:
            return spec, steps, used
        await asyncio.sleep(0.2)  # polling for a warm target, bounded above
