"""Hostile input: the values and the requests. Deterministic, so that a counterexample can be sent again."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from roadworthy.domain.target import TransactionSpec, fill_json, fill_text
from roadworthy.traffic.openapi import Operation, example

DEEP = 20_000
PURPOSE_IS_STATUS = re.compile(
    r"\{(code|codes|status|status_code|statuscode|n_status)\}|/(error|fail|crash|boom)s?(/|$)", re.IGNORECASE
)
DESTRUCTIVE = re.compile(r"shutdown|terminate|/kill|clear|/drop|reset|wipe|purge", re.IGNORECASE)

VALUES: dict[str, str] = {
    "null": "null",
    "a number": "5",
    "a boolean": "true",
    "a list": "[]",
    "an object": "{}",
    "a text": '"abc"',
    "an empty text": '""',
    "a negative number": "-1",
    "2^63": str(2**63),
    "10^25": str(10**25),
    "1e400": "1e400",
    "NaN": "NaN",
    "a NUL character": '"a\\u0000b"',
    "a lone surrogate": '"\\ud800"',
    "control characters": '"\\u0001\\u0008\\u001f\\u007f"',
    "a quote": '"\' OR 1=1 --"',
    "right-to-left and astral characters": '"\\u202e\\ud83d\\ude00"',
    "a text of 10,000 characters": '"' + "A" * 10_000 + '"',
}
"""Field values by name, as raw JSON text: some of them no serialiser would write."""

BODIES: dict[str, bytes] = {
    "an empty body": b"",
    "a broken JSON body": b'{"a": ',
    "a body of two brackets": b"[]",
    "a body that is a number": b"5",
    "a body that is null": b"null",
    "a body that is a text": b'"abc"',
    "an empty object": b"{}",
    "a body that is not UTF-8": b'{"a": "\xff\xfe"}',
    "a body nested 20,000 deep": b"[" * DEEP + b"]" * DEEP,
}
IDENTITIES: dict[str, str] = {
    "a NUL": "%00",
    "a byte that is not UTF-8": "%ff",
    "-1": "-1",
    "2^63": str(2**63),
    "10^25": str(10**25),
    "a word": "no-such-thing",
    "2,000 characters": "a" * 2_000,
    "a climb out of the folder": "..%2f..%2fetc%2fpasswd",
    "an astral character": "%F0%9F%92%A9",
    "a quote": "%27",
}
QUERIES: dict[str, str] = {
    "empty": "",
    "a word": "abc",
    "-1": "-1",
    "2^63": str(2**63),
    "10^25": str(10**25),
    "1e400": "1e400",
    "a NUL": "%00",
    "a byte that is not UTF-8": "%ff",
    "a quote": "%27",
}
JSON_TYPE = {"Content-Type": "application/json"}


@dataclass(frozen=True)
class Case:
    """One hostile request. ``case`` says what is hostile, ``operation`` to what."""

    case: str
    operation: str
    method: str
    path: str
    content: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


def is_excluded(operation: Operation, excluded: tuple[str, ...]) -> bool:
    """Whether an operation is left out: its purpose is a status or an end, or the manifest says so."""
    if operation.name in excluded or PURPOSE_IS_STATUS.search(operation.path):
        return True
    if operation.method == "DELETE" and not operation.path_parameters:
        return True  # it empties a collection: the data that the controls need would be gone
    return operation.method != "GET" and DESTRUCTIVE.search(operation.path) is not None


def transaction_cases(spec: TransactionSpec, values: Mapping[str, object]) -> Iterator[Case]:
    """Yield hostile variants of a transaction's steps; ``values`` are those of an object that exists."""
    for step in spec.steps:
        request = step.request
        path = fill_text(request.path, values)
        name = f"{request.method} {request.path}"
        headers = {key: fill_text(value, values) for key, value in request.headers.items()}
        if isinstance(request.json, Mapping):
            body = fill_json(request.json, values)
            yield from _body_cases(request.method, name, path, body if isinstance(body, dict) else {}, headers)
        for captured in (each for each in values if each != "token" and f"{{{each}}}" in request.path):
            for label, identity in IDENTITIES.items():
                hostile = fill_text(request.path, {**values, captured: identity})
                content = json.dumps(fill_json(request.json, values)).encode() if request.json is not None else None
                kind = JSON_TYPE if content is not None else {}
                yield Case(f"{label} as {captured}", name, request.method, hostile, content, {**headers, **kind})


def operation_cases(operation: Operation, document: Mapping[str, Any]) -> Iterator[Case]:
    """Yield hostile requests to one operation of an OpenAPI document."""
    plain = re.sub(r"\{[^}]+\}", "1", operation.path)
    for parameter in operation.path_parameters:
        for label, identity in IDENTITIES.items():
            path = re.sub(r"\{[^}]+\}", "1", operation.path.replace(f"{{{parameter}}}", identity))
            yield Case(f"{label} as {parameter}", operation.name, operation.method, path)
    for parameter_object in operation.parameters:
        if parameter_object.get("in") != "query":
            continue
        for label, value in QUERIES.items():
            name = parameter_object.get("name", "")
            yield Case(f"{label} as ?{name}", operation.name, operation.method, f"{plain}?{name}={value}")
    if operation.body is not None:
        body = example(operation.body, document, "rwexample")
        yield from _body_cases(
            operation.method, operation.name, plain, body if isinstance(body, dict) else {}, {}, brief=True
        )


def _body_cases(
    method: str, name: str, path: str, body: dict[str, Any], headers: Mapping[str, str], *, brief: bool = False
) -> Iterator[Case]:
    for label, content in BODIES.items():
        yield Case(label, name, method, path, content, {**headers, **JSON_TYPE})
    yield Case(
        "a wrong content type", name, method, path, json.dumps(body).encode(), {**headers, "Content-Type": "text/plain"}
    )
    chosen = (
        ("null", "a list", "an object", "10^25", "1e400", "a NUL character", "a lone surrogate") if brief else VALUES
    )
    for key in _fields(body):
        for label in chosen:
            yield Case(f"{label} as {'.'.join(key)}", name, method, path, _with_raw(body, key, VALUES[label]),
                {**headers, **JSON_TYPE})  # fmt: skip


def _fields(body: Mapping[str, Any], depth: int = 2) -> list[tuple[str, ...]]:
    """List the paths to the fields of a body, two levels deep."""
    found: list[tuple[str, ...]] = []
    for key, value in body.items():
        found.append((key,))
        if isinstance(value, dict) and depth > 1:
            found += [(key, *rest) for rest in _fields(value, depth - 1)]
    return found


def _with_raw(body: Mapping[str, Any], path: tuple[str, ...], raw: str) -> bytes:
    """Write the body with one field replaced by raw JSON text."""
    marker = "@@hostile@@"

    def replaced(value: Mapping[str, Any], rest: tuple[str, ...]) -> dict[str, Any]:
        key, *more = rest
        return {**value, key: replaced(value[key], tuple(more)) if more else marker}

    return json.dumps(replaced(body, path)).replace(f'"{marker}"', raw).encode()
