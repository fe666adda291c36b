"""What an OpenAPI (3.x) or Swagger (2.0) document tells: operations, an example of a body, likely transactions.

The document is somebody else's: whatever in it is malformed is passed over, and nothing here raises because of it.
"""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from roadworthy.domain.target import (
    RequestSpec,
    StepSpec,
    TransactionSpec,
    fill_text,
    is_drawn,
    request_placeholders,
)
from roadworthy.traffic.patterns import template_of

METHODS = ("get", "post", "put", "patch", "delete")
TOKEN = "{token}"  # noqa: S105 - a placeholder
_TEXT_NAMES = (
    "name",
    "title",
    "label",
    "subject",
    "summary",
    "description",
    "text",
    "content",
    "note",
    "body",
    "message",
)
IDENTITY_NAMES = ("id", "uuid", "key", "slug", "_id")
_DEPTH = 6
_TOKEN_LENGTH = 12
_LONGEST_TEXT, _LONGEST_LIST = 100_000, 100


@dataclass(frozen=True)
class Operation:
    """One operation. ``body`` is the JSON Schema of its JSON body, with references resolved one level; or None."""

    method: str
    path: str
    parameters: tuple[Mapping[str, Any], ...]
    body: Mapping[str, Any] | None
    body_required: bool
    answer: Mapping[str, Any] | None  # the schema of its 2xx answer

    @property
    def name(self) -> str:
        """Such as ``POST /notes``."""
        return f"{self.method} {self.path}"

    @property
    def path_parameters(self) -> tuple[str, ...]:
        """The names in braces in its path."""
        return tuple(re.findall(r"\{([^}]+)\}", self.path))


def operations(document: Mapping[str, Any]) -> tuple[Operation, ...]:
    """List the operations of a document."""
    base = str(document.get("basePath", "")).rstrip("/") or _server_path(document)
    found = []
    for path, item in _object(document.get("paths")).items():
        if not isinstance(path, str) or not isinstance(item, dict):
            continue
        for method in METHODS:
            operation = item.get(method)
            if isinstance(operation, dict):
                found.append(_operation(document, method.upper(), base + path, item, operation))
    return tuple(found)


def transactions(document: Mapping[str, Any]) -> Iterator[TransactionSpec]:
    """Yield likely transactions, the most promising first: a POST to a collection with a GET of one of its members.

    Those whose body refers to other objects (``room_id``) come last, because such an object may not exist.
    """
    all_operations = operations(document)
    candidates = []
    for create in all_operations:
        if create.method != "POST" or create.path_parameters:
            continue
        reads = (each for each in all_operations if each.method == "GET" and _is_member(each.path, create.path))
        candidates += [(_refers_to_others(create), len(create.path), create, read) for read in reads]
    for _, _, create, read in sorted(candidates, key=lambda each: each[:2]):
        spec = _transaction(document, all_operations, create, read)
        if spec is not None:
            yield spec


def example(schema: Any, document: Mapping[str, Any], token: str = TOKEN, name: str = "", depth: int = 0) -> Any:
    """Make a value that a JSON Schema accepts, deterministic; ``token`` goes into the strings that have room for it."""
    schema = resolve(schema, document)
    for keyword in ("const", "default", "example"):
        if keyword in schema and (keyword == "const" or not _free_text(schema)):
            return _json_value(schema[keyword])
    for keyword in ("enum", "examples"):
        if _list(schema.get(keyword)) and (keyword == "enum" or not _free_text(schema)):
            return _json_value(schema[keyword][0])
    if depth > _DEPTH:
        return None
    for keyword in ("anyOf", "oneOf"):
        options = [o for o in _list(schema.get(keyword)) if resolve(o, document).get("type") != "null"]
        if options:
            return example(options[0], document, token, name, depth + 1)
    return _example_of_type(schema, document, token, name, depth)


def resolve(schema: Any, document: Mapping[str, Any], depth: int = 0) -> dict[str, Any]:
    """Follow ``$ref`` and merge ``allOf``; anything that is no object becomes {}."""
    for _ in range(20):
        if not isinstance(schema, dict) or "$ref" not in schema:
            break
        schema = _pointed(document, str(schema["$ref"]))
    if not isinstance(schema, dict):
        return {}
    if "allOf" not in schema or depth > _DEPTH:
        return schema
    merged: dict[str, Any] = {k: v for k, v in schema.items() if k != "allOf"}
    for part in _list(schema["allOf"]):
        resolved = resolve(part, document, depth + 1)
        properties = {**_object(merged.get("properties")), **_object(resolved.get("properties"))}
        required = [*_list(merged.get("required")), *_list(resolved.get("required"))]
        merged = {**resolved, **merged}
        if properties:
            merged |= {"properties": properties, "required": required}
    return merged


def _pointed(document: Mapping[str, Any], reference: str) -> Any:
    value: Any = document
    for part in reference.removeprefix("#/").split("/"):
        value = value.get(part.replace("~1", "/").replace("~0", "~")) if isinstance(value, dict) else None
    return value


def _server_path(document: Mapping[str, Any]) -> str:
    servers = document.get("servers")
    if isinstance(servers, list) and servers and isinstance(servers[0], dict):
        match = re.match(r"(?:\w+://[^/]+)?(/.*)?$", str(servers[0].get("url", "")))
        return (match[1] or "").rstrip("/") if match else ""
    return ""


def _operation(
    document: Mapping[str, Any], method: str, path: str, item: Mapping[str, Any], operation: Mapping[str, Any]
) -> Operation:
    given = [*_list(item.get("parameters")), *_list(operation.get("parameters"))]
    parameters = [resolve(parameter, document) for parameter in given]
    request = resolve(operation.get("requestBody", {}), document)
    body = _json_schema(request.get("content"))
    for parameter in parameters:
        if parameter.get("in") == "body":  # Swagger 2.0
            body = parameter.get("schema")
    return Operation(
        method=method,
        path=path,
        parameters=tuple(p for p in parameters if p.get("in") in ("path", "query")),
        body=resolve(body, document) if body is not None else None,
        body_required=bool(request.get("required", body is not None)),
        answer=_answer_schema(document, operation),
    )


def _answer_schema(document: Mapping[str, Any], operation: Mapping[str, Any]) -> Mapping[str, Any] | None:
    answers = _object(operation.get("responses"))
    for status in sorted(answers, key=str):
        if str(status).startswith("2"):
            answer = resolve(answers[status], document)
            schema = _json_schema(answer.get("content")) or answer.get("schema")
            if schema is not None:
                return resolve(schema, document)
    return None


def _json_schema(content: Any) -> Any:
    for media, value in _object(content).items():
        if "json" in str(media) and isinstance(value, dict):
            return value.get("schema", {})
    return None


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _object(value: Any) -> dict[Any, Any]:
    return value if isinstance(value, dict) else {}


def _number(value: Any) -> int | float | None:
    """Return a number that can be reckoned with; None for anything else."""
    usable = isinstance(value, int | float) and not isinstance(value, bool)
    return value if usable and abs(value) < 1e18 else None


def _count(value: Any, most: int) -> int:
    return max(0, min(int(_number(value) or 0), most))


def _json_value(value: Any) -> Any:
    """Return a value of the document as JSON can write it: YAML also knows dates, and keys that are no texts."""
    if isinstance(value, dict):
        return {str(key): _json_value(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_json_value(each) for each in value]
    if isinstance(value, date):
        return value.isoformat()
    return value if value is None or isinstance(value, str | int | float) else str(value)


def _is_member(path: str, collection: str) -> bool:
    rest = path.removeprefix(collection.rstrip("/"))
    return rest != path and re.fullmatch(r"/\{[^}]+\}/?", rest) is not None


def _refers_to_others(create: Operation) -> bool:
    return any(re.search(r"(_id|Id|_ids)$", name) for name in _required(create.body or {}))


def _required(schema: Mapping[str, Any]) -> list[str]:
    """List the properties that an object must have, without those that it does not describe."""
    properties = _object(schema.get("properties"))
    return [each for each in _list(schema.get("required")) if isinstance(each, str) and each in properties]


def _transaction(
    document: Mapping[str, Any], all_operations: tuple[Operation, ...], create: Operation, read: Operation
) -> TransactionSpec | None:
    body = example(create.body, document) if create.body is not None else None
    parameter = read.path_parameters[-1]
    captured = _identity(parameter, create)
    name = parameter if parameter.isidentifier() and parameter != "token" else "id"
    member = read.path.replace(f"{{{parameter}}}", f"{{{name}}}")
    steps = [
        StepSpec("create", RequestSpec("POST", _with_query(create, document), json=body), capture={name: captured}),
        StepSpec("read", RequestSpec("GET", member), contains=_telling(body)),
    ]
    for method, name in (("PUT", "update"), ("PATCH", "update"), ("DELETE", "delete")):
        operation = next((o for o in all_operations if o.method == method and o.path == read.path), None)
        if operation is not None and name not in (step.name for step in steps):
            changed = example(operation.body, document) if operation.body is not None else None
            steps.append(StepSpec(name, RequestSpec(method, member, json=changed)))
    return TransactionSpec(tuple(steps), source="openapi")


def _identity(parameter: str, create: Operation) -> str:
    """Guess where the answer to a create holds the new object's identity, as a JSON pointer."""
    answer = create.answer or {}
    properties = _object(answer.get("properties"))
    for name in (parameter, *IDENTITY_NAMES, re.sub(r"^.*_(?=id$)", "", parameter)):
        if name in properties:
            return f"/{name}"
    return "/id"


def _with_query(operation: Operation, document: Mapping[str, Any]) -> str:
    required = [p for p in operation.parameters if p.get("in") == "query" and p.get("required")]
    if not required:
        return operation.path
    pairs = (f"{p.get('name', '')}={example(p.get('schema', p), document, 'x')}" for p in required)
    return operation.path + "?" + "&".join(pairs)


def _telling(body: Any) -> str:
    """Return what of a body tells one object from another, in a read: the token, else a text drawn from it, else ""."""
    asked = request_placeholders(body)
    return TOKEN if "token" in asked else next((f"{{{name}}}" for name in asked if is_drawn(name)), "")


def _free_text(schema: Mapping[str, Any]) -> bool:
    return (
        schema.get("type") == "string"
        and not schema.get("format")
        and not schema.get("pattern")
        and "enum" not in schema
        and (_number(schema.get("maxLength")) or 99) >= 12
    )


_FORMATS = {
    "date-time": "2030-01-15T10:00:00Z",
    "date": "2030-01-15",
    "time": "10:00:00Z",
    "duration": "PT1H",
    "email": "{token}@example.com",
    "uuid": "3fa85f64-5717-4562-b3fc-2c963f66afa6",
    "uri": "https://example.com/{token}",
    "url": "https://example.com/{token}",
    "hostname": "example.com",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "password": "Str0ng-enough-{token}",
    "byte": "aGVsbG8=",
    "binary": "hello",
}

_LATER = re.compile(r"(^|_)(end|ends|until|to|finish|close|expir|check_?out|due|stop)", re.IGNORECASE)
"""Names of dates that must come after another one."""


def _example_of_type(schema: Mapping[str, Any], document: Mapping[str, Any], token: str, name: str, depth: int) -> Any:
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = next((each for each in kind if each != "null"), None)
    if kind == "object" or (kind is None and "properties" in schema):
        return _example_object(schema, document, token, depth)
    if kind == "array":
        count = _count(schema.get("minItems"), _LONGEST_LIST)
        return [example(schema.get("items", {}), document, token, name, depth + 1) for _ in range(count)]
    if kind in ("integer", "number"):
        return _example_number(schema, whole=kind == "integer")
    if kind == "boolean":
        return False
    if kind == "null":
        return None
    if kind == "string":
        return _example_text(schema, token, name)
    return token


def _example_object(schema: Mapping[str, Any], document: Mapping[str, Any], token: str, depth: int) -> dict[str, Any]:
    properties = _object(schema.get("properties"))
    wanted = _required(schema)
    if not any(_free_text(resolve(properties[each], document)) for each in wanted):
        # a field of free text lets the token travel, so that a read can be checked
        extra = [n for n in _TEXT_NAMES if n in properties and n not in wanted]
        extra = [n for n in extra if not resolve(properties[n], document).get("readOnly")]
        wanted += extra[:1]
    return {each: example(properties[each], document, token, each, depth + 1) for each in wanted}


def _example_number(schema: Mapping[str, Any], *, whole: bool) -> int | float:
    low, high = _number(schema.get("minimum")), _number(schema.get("maximum"))
    above = schema.get("exclusiveMinimum")
    if above is True and low is not None:  # as OpenAPI 3.0 writes it
        low += 1
    elif (bound := _number(above)) is not None:
        low = bound + 1
    value = 1 if low is None else max(low, 1)
    if high is not None and value > high:
        value = high if low is None or low > high else low
    step = _number(schema.get("multipleOf"))
    if step is not None and step > 0:
        value = -(-value // step) * step
    return int(value) if whole and math.isfinite(value) else value


def _example_text(schema: Mapping[str, Any], token: str, name: str) -> str:
    kind = schema.get("format")
    if kind in ("date", "date-time") and _LATER.search(name):
        return _FORMATS[kind].replace("15", "16")
    if isinstance(kind, str) and kind in _FORMATS:
        return _FORMATS[kind].replace("{token}", token)
    shortest = _count(schema.get("minLength"), _LONGEST_TEXT)
    longest = _number(schema.get("maxLength"))
    if schema.get("pattern"):
        return _matching(str(schema["pattern"]), token, shortest, None if longest is None else int(longest))
    if "email" in name.lower():
        return f"{token}@example.com"
    if longest is not None and longest < _TOKEN_LENGTH:
        return _drawn(f"{{lower_{_count(longest, _TOKEN_LENGTH)}}}" if longest >= 1 else "", token)
    return token + "x" * max(shortest - _TOKEN_LENGTH, 0)


def _matching(pattern: str, token: str, shortest: int, longest: int | None) -> str:
    """Return a text that a pattern accepts: the token, or one drawn from it; the pattern itself when none is found."""
    plain = "rw0123456789" + "x" * max(shortest - _TOKEN_LENGTH, 0)
    try:
        if (longest is None or len(plain) <= longest) and re.search(pattern, plain):
            return plain.replace("rw0123456789", token)
    except (re.error, OverflowError, RecursionError):
        return token
    template = template_of(pattern, shortest, longest)
    return pattern if template is None else _drawn(template, token)


def _drawn(template: str, token: str) -> str:
    """Leave a template for whoever sends the request, or fill it in where a token is given."""
    return template if token == TOKEN else fill_text(template, {"token": token})
