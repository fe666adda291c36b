"""A transaction, carried out: create, read, update, delete. The positive control of half the catalogue."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from roadworthy.domain.evidence import Exchange, Sample
from roadworthy.domain.target import RequestSpec, StepSpec, TransactionSpec, fill_json, fill_text
from roadworthy.traffic.client import DEFAULT_TIMEOUT_S, Client, sample
from roadworthy.traffic.openapi import IDENTITY_NAMES
from roadworthy.traffic.tokens import new_token


@dataclass(frozen=True)
class Object:
    """Something that was created: what later steps need to find it again."""

    values: Mapping[str, object] = field(default_factory=dict)


class Transactor:
    """Carries out the steps of one transaction specification against one client."""

    def __init__(self, client: Client, spec: TransactionSpec) -> None:
        """Bind a specification to a client."""
        self.client = client
        self.spec = spec

    async def create(self, timeout: float = DEFAULT_TIMEOUT_S, purpose: str = "transaction") -> tuple[Sample, Object]:
        """Create an object with a token of its own. The object is only worth reading when the sample is ok."""
        step = self.spec.step("create")
        if step is None:
            raise LookupError("a transaction needs a create step")
        values: dict[str, object] = {"token": new_token()}
        exchange = await send(self.client, step.request, values, timeout, purpose)
        accepted = exchange.status is not None and step.accepts(exchange.status) and exchange.answer == "answered"
        captured, missing = _capture(step, exchange) if accepted else ({}, "")
        taken = sample(exchange, "create", ok=accepted and not missing, note=missing)
        return taken, Object({**values, **captured})

    async def read(self, target: Object, timeout: float = DEFAULT_TIMEOUT_S, purpose: str = "transaction") -> Sample:
        """Read the object; ok only when what was written comes back."""
        return await self._step("read", target, timeout, purpose)

    async def run(self, timeout: float = DEFAULT_TIMEOUT_S, purpose: str = "transaction") -> tuple[Sample, ...]:
        """Carry out every step in turn, and stop at the first that fails."""
        created, target = await self.create(timeout, purpose)
        samples = [created]
        for name in ("read", "update", "delete"):
            if not samples[-1].ok:
                break
            if self.spec.step(name) is not None:
                if name == "update":
                    target = replace(target, values={**target.values, "token": new_token()})
                samples.append(await self._step(name, target, timeout, purpose))
        return tuple(samples)

    async def _step(self, name: str, target: Object, timeout: float, purpose: str) -> Sample:
        step = self.spec.step(name)
        if step is None:
            raise LookupError(f"the transaction has no {name} step")
        exchange = await send(self.client, step.request, target.values, timeout, purpose)
        accepted = step.accepts(exchange.status) and exchange.answer == "answered"
        wanted = fill_text(step.contains, target.values)
        note = ""
        if accepted and wanted and wanted not in exchange.body:
            accepted, note = False, f"the answer does not contain {wanted!r}, which was written"
        return sample(exchange, name, ok=accepted, note=note)


async def send(
    client: Client, request: RequestSpec, values: Mapping[str, object], timeout: float, purpose: str
) -> Exchange:
    """Fill in a request template and send it."""
    path = fill_text(request.path, values)
    headers = {key: fill_text(value, values) for key, value in request.headers.items()}
    if request.json is not None:
        return await client.send(
            request.method,
            path,
            json=fill_json(request.json, values),
            headers=headers,
            timeout=timeout,
            purpose=purpose,
        )
    content = fill_text(request.body, values).encode() if request.body is not None else None
    return await client.send(request.method, path, content=content, headers=headers, timeout=timeout, purpose=purpose)


def pointed(document: object, pointer: str) -> object:
    """Follow a JSON pointer (RFC 6901).

    Raises:
        LookupError: there is nothing there.
    """
    value = document
    for raw in pointer.split("/")[1:]:
        part = raw.replace("~1", "/").replace("~0", "~")
        if isinstance(value, dict):
            value = value[part]
        elif isinstance(value, list):
            try:
                value = value[int(part)]
            except ValueError as error:
                raise LookupError(part) from error
        else:
            raise LookupError(part)  # noqa: TRY004 - nothing there is a look-up that failed
    return value


def captured_from(spec: TransactionSpec, answer: str) -> TransactionSpec | None:
    """Take the new object's identity from where an answer to its create really has it; None when it has none.

    Looked for are the name of the path's parameter and the usual ones (``id``, ``uuid`` ...), in the object that was
    answered and in the objects directly inside it, such as ``{"data": {"id": 7}}``.
    """
    create = spec.step("create")
    try:
        document = json.loads(answer)
    except (ValueError, RecursionError):
        return None
    if create is None or len(create.capture) != 1 or not isinstance(document, dict):
        return None
    (name,) = create.capture
    inner = {f"/{_escaped(key)}": each for key, each in document.items() if isinstance(each, dict)}
    for prefix, place in {"": document, **inner}.items():
        for key in (name, *IDENTITY_NAMES):
            if isinstance(place.get(key), str | int) and not isinstance(place[key], bool):
                again = replace(create, capture={name: f"{prefix}/{_escaped(key)}"})
                return replace(spec, steps=tuple(again if step is create else step for step in spec.steps))
    return None


def _escaped(key: str) -> str:
    """Write a key as a part of a JSON pointer."""
    return key.replace("~", "~0").replace("/", "~1")


def _capture(step: StepSpec, exchange: Exchange) -> tuple[dict[str, object], str]:
    captured: dict[str, object] = {}
    if not step.capture:
        return captured, ""
    try:
        document = json.loads(exchange.body)
        for name, pointer in step.capture.items():
            captured[name] = pointed(document, pointer)
    except (ValueError, LookupError, RecursionError):
        return captured, f"the answer has nothing at {', '.join(step.capture.values())}"
    return captured, ""
