"""Write a target down as a ``roadworthy.toml`` that a person can read, correct and keep."""

import json
import math
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, fields
from pathlib import Path

from roadworthy.domain.target import Bounds, RequestSpec, StepSpec, TargetSpec
from roadworthy.target.manifest_problems import ManifestError

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


def write_manifest(spec: TargetSpec, path: Path) -> None:
    """Write a target to a new file, with a comment on each value that says where it came from.

    Raises:
        ManifestError: the file is there already, or cannot be written.
    """
    text = render_manifest(spec, path.parent)
    try:
        with path.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except FileExistsError:
        raise ManifestError([f"{path}: exists already, and is left as it is. Remove it first."]) from None
    except OSError as error:
        raise ManifestError([f"{path}: cannot be written: {error.strerror}. Choose another folder."]) from None


def render_manifest(spec: TargetSpec, folder: Path) -> str:
    """Return the manifest of a target as it would stand in this folder."""
    lines = [
        "# How to start this service and which requests show that it works.",
        "# The comments say where a value came from. Correct what is wrong: this file belongs to you.",
    ]
    for header, values in _tables(spec, folder):
        if values or header.startswith(("dependencies.", "configurations.")):
            lines += ["", *_origin(spec, header), f"[{header}]"]
        for key, value in values.items():
            lines += [*_origin(spec, f"{header}.{key}"), f"{_key(key)} = {_value(value)}"]
    return "\n".join(lines) + "\n"


def _tables(spec: TargetSpec, folder: Path) -> Iterator[tuple[str, dict[str, object]]]:
    yield "target", _target(spec, folder)
    yield "environment", dict(spec.environment)
    for dependency in spec.dependencies:
        keys = ("kind", "variable", "value", "scheme", "url")
        values = {key: getattr(dependency, key) for key in keys}
        yield f"dependencies.{_key(dependency.name)}", {key: value for key, value in values.items() if value}
    yield "endpoints", {key: value for key, value in asdict(spec.endpoints).items() if value}
    yield "transaction", {"stateless": True} if spec.stateless else {}
    for step in spec.transaction.steps if spec.transaction else ():
        yield f"transaction.{step.name}", _step(step)
    yield "auth", {"headers": spec.auth_headers} if spec.auth_headers else {}
    yield "slow", _request(spec.slow) if spec.slow else {}
    listed = {"exclude": spec.exclude, "operations": spec.operations}
    yield "inspection", {key: value for key, value in listed.items() if value}
    for configuration in spec.configurations:
        values = {"environment": configuration.environment} if configuration.environment else {}
        if configuration.dependencies is not None:
            values["dependencies"] = configuration.dependencies
        yield f"configurations.{_key(configuration.name)}", values
    values = {each.name: getattr(spec.bounds, each.name) for each in fields(Bounds)}
    yield "bounds", {key: value for key, value in values.items() if value != getattr(Bounds, key)}


def _target(spec: TargetSpec, folder: Path) -> dict[str, object]:
    directory = os.path.relpath(spec.directory, folder.resolve())
    values = {
        "name": spec.name,
        "command": spec.command,
        "directory": directory if directory != "." else None,
        "port": spec.port,
        "port_variable": spec.port_variable if spec.port_variable != "PORT" else None,
        "setup": spec.setup or None,
    }
    return {key: value for key, value in values.items() if value is not None}


def _step(step: StepSpec) -> dict[str, object]:
    values = _request(step.request)
    if step.status:
        values["status"] = step.status
    if step.capture:
        values["capture"] = step.capture
    if step.name == "read":
        values["contains"] = step.contains
    return values


def _request(request: RequestSpec) -> dict[str, object]:
    values: dict[str, object] = {"method": request.method, "path": request.path}
    headers = dict(request.headers)
    body = request.body
    if body is None and _has_null(request.json):  # TOML has no null
        body = json.dumps(request.json)
        headers.setdefault("Content-Type", "application/json")
    elif request.json is not None:
        values["json"] = request.json
    if headers:
        values["headers"] = headers
    if body is not None:
        values["body"] = body
    return values


def _has_null(value: object) -> bool:
    if isinstance(value, Mapping):
        return any(each is None or _has_null(each) for each in value.values())
    return isinstance(value, list | tuple) and any(each is None or _has_null(each) for each in value)


def _origin(spec: TargetSpec, key: str) -> list[str]:
    text = " ".join(spec.origins.get(key, "").split())
    return [f"# {''.join(c for c in text if c.isprintable())}"] if text else []


def _key(key: str) -> str:
    return key if _BARE_KEY.fullmatch(key) else _value(key)


def _value(value: object) -> str:
    match value:
        case bool():
            return str(value).lower()
        case int():
            return str(value)
        case float():
            if not math.isfinite(value):
                raise TypeError(f"{value} is no JSON value")
            return repr(value)
        case str():
            return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
        case Mapping():
            return "{ " + ", ".join(f"{_key(str(key))} = {_value(each)}" for key, each in value.items()) + " }"
        case list() | tuple():
            return "[" + ", ".join(_value(each) for each in value) + "]"
        case _:
            raise TypeError(f"a {type(value).__name__} cannot stand in a manifest")
