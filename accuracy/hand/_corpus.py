"""Bad input: what is made of a request that works. Where it is sent is in ``_requests.py``."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

RAW = "@@RAW@@"
DEEP = 20_000

BODIES: dict[str, bytes] = {
    "empty body": b"",
    "truncated object": b'{"a": ',
    "truncated string": b'{"a": "b',
    "trailing comma": b'{"a": 1,}',
    "not JSON": b"<x>&=%00;",
    "array": b"[]",
    "array of null": b"[null]",
    "array of arrays": b"[[[]]]",
    "number": b"5",
    "null": b"null",
    "true": b"true",
    "empty string": b'""',
    "string": b'"abc"',
    "huge number": b"1" + b"0" * 25,
    "1e400": b"1e400",
    "NaN": b"NaN",
    "5000 digits": b"9" * 5000,
    "nested arrays 20,000": b"[" * DEEP + b"]" * DEEP,
    "nested objects 20,000": b'{"a":' * DEEP + b"1" + b"}" * DEEP,
    "unclosed nesting 20,000": b"[" * DEEP,
    "invalid UTF-8": b'{"a": "\xff\xfe"}',
    "raw control characters": b'{"a": "\x00\x01\x1f"}',
    "NUL in a key": b'{"a\\u0000b": 1}',
    "lone surrogate in a key": b'{"\\ud800": 1}',
    "unknown field": b'{"no_such_field_": {"x": [1, 2]}}',
}

VALUES: dict[str, str] = {
    "null": "null",
    "true": "true",
    "0": "0",
    "-1": "-1",
    "1.5": "1.5",
    "2**31": "2147483648",
    "2**63": "9223372036854775808",
    "10**25": "10000000000000000000000000",
    "1e400": "1e400",
    "NaN": "NaN",
    "Infinity": "Infinity",
    "empty string": '""',
    "string": '"x"',
    "array": "[]",
    "array of null": "[null]",
    "object": '{"a": 1}',
    "empty object": "{}",
    "NUL": '"\\u0000"',
    "NUL inside": '"a\\u0000b"',
    "object with NUL": '{"a\\u0000": "b\\u0000"}',
    "array with NUL": '["a\\u0000"]',
    "lone surrogate": '"\\ud800"',
    "object with surrogate": '{"\\ud800": "\\udfff"}',
    "array with surrogate": '["\\ud800"]',
    "control characters": '"\\u0001\\u001f\\u007f"',
    "10 kB": '"' + "x" * 10_000 + '"',
    "nested 20,000": "[" * DEEP + "]" * DEEP,
    "huge date": '"99999-99-99T99:99:99Z"',
}

PATH_VALUES: tuple[str, ...] = (
    "%00",
    "a%00b",
    "%ff",
    "%ed%a0%80",
    "-1",
    "0",
    "9223372036854775808",
    "1" + "0" * 25,
    "x" * 3000,
    "%2e%2e%2f",
    "%01%1f",
    "null",
    "%25",
    "'%22%3b--",
    "00000000-0000-0000-0000-000000000000",
)

QUERY_VALUES: tuple[str, ...] = (
    "",
    "-1",
    "0",
    "abc",
    "1.5",
    "2147483648",
    "9223372036854775808",
    "-9223372036854775809",
    "1" + "0" * 25,
    "1e400",
    "NaN",
    "%00",
    "a%00b",
    "%ff",
    "%ed%a0%80",
    "null",
    "[]",
    "{}",
    quote('"'),
    quote('"-1"'),
    quote('"1' + "0" * 25 + '"'),
    quote("' OR 1=1 --"),
    "eyJ9",
    quote("e30="),
    "x" * 3000,
)


@dataclass(frozen=True)
class Base:
    """A request that is (near) right, to be spoilt; {id} in the path is an existing object."""

    method: str
    path: str
    body: Any = None
    queries: tuple[str, ...] = ()


@dataclass(frozen=True)
class Case:
    """One bad request."""

    method: str
    template: str
    path: str
    body: bytes | None
    what: str
    extra: bool = False  # not of the claim's list; reported apart
    content_type: str = "application/json"


def spoilt(body: Any) -> Iterator[tuple[str, bytes]]:
    """The body with each field, at every depth, replaced by each bad value in turn."""

    def walk(node: Any, trail: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
        items: Any = ()
        if isinstance(node, dict):
            items = node.items()
        elif isinstance(node, list):
            items = enumerate(node)
        for key, child in items:
            yield (*trail, key)
            yield from walk(child, (*trail, key))

    for trail in walk(body, ()):
        changed = copy.deepcopy(body)
        place = changed
        for key in trail[:-1]:
            place = place[key]
        place[trail[-1]] = RAW
        text = json.dumps(changed)
        for what, raw in VALUES.items():
            name = ".".join(map(str, trail))
            yield f"{name} = {what}", text.replace(f'"{RAW}"', raw).encode()


def cases(base: Base, ident: str) -> Iterator[Case]:
    """Every bad request made from one good one."""
    real = base.path.replace("{id}", ident)
    body = json.dumps(base.body).encode() if base.body is not None else None
    if base.body is not None:
        for what, raw in BODIES.items():
            yield Case(base.method, base.path, real, raw, f"body: {what}")
        text = json.loads(json.dumps(base.body).replace("{id}", ident))
        for what, raw in spoilt(text):
            yield Case(base.method, base.path, real, raw, what)
        for kind in ("text/plain", "application/x-www-form-urlencoded", "application/json;charset=no-such"):
            yield Case(base.method, base.path, real, body, f"as {kind}", True, kind)
    if "{" in base.path:
        start = base.path.index("{")
        end = base.path.index("}")
        for value in PATH_VALUES:
            path = base.path[:start] + value + base.path[end + 1 :].replace("{id}", ident)
            yield Case(base.method, base.path, path, body, f"path value {value[:40]}")
    for query in base.queries:
        for value in QUERY_VALUES:
            glue = "&" if "?" in real else "?"
            path = f"{real}{glue}{query}={value}"
            yield Case(base.method, base.path, path, body, f"?{query}={value[:40]}")
    if base.queries:
        for tail in ("%00=1", "%ff=%ff", "a[]=1&a[]=2", "=", "&&&", "%"):
            glue = "&" if "?" in real else "?"
            yield Case(base.method, base.path, f"{real}{glue}{tail}", body, f"?{tail}")
