"""The inspector's manifest, from the service's own declarations: nobody writes one by hand."""

import json
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from chassis.dependencies.declaration import Dependency
from chassis.health import METRICS_PATH
from chassis.settings_fields import GENERATE, example_of, is_secret, key_of
from chassis.stopping import CLOSE_S

if TYPE_CHECKING:
    from chassis.service import Service

SERVERS = {"sql": ("postgresql", "postgresql"), "valkey": ("valkey", "redis")}
"""The kinds of servers that an inspector can start by itself, with the scheme of their addresses."""

FOR_INSPECTIONS = "only-for-inspections-Xq7vL2mT9cRw4ZbK8sNd"
"""A secret that is strong enough to start with, and says what it is for."""

READINESS_S = 5.0
RECOVERY_S = 10.0


def render_manifest(service: "Service", command: list[str]) -> str:
    """Write ``roadworthy.toml``.

    Args:
        service: what it is about.
        command: starts it.
    """
    return (
        "\n".join([*_target(service, command), *_dependencies(service), *_endpoints(service), *_bounds(service)]) + "\n"
    )


def _target(service: "Service", command: list[str]) -> Iterator[str]:
    yield "# Made from the service's declarations. What it stores and returns is for you to add: [transaction.create]."
    yield "[target]"
    yield f"name = {_text(service.name)}"
    yield f"command = [{', '.join(_text(part) for part in command)}]"
    environment = dict(_environment(service))
    if environment:
        yield ""
        yield "[environment]"
        for key, value in environment.items():
            yield f"{key} = {_text(value)}"


def _environment(service: "Service") -> Iterator[tuple[str, str]]:
    """Yield what a service needs beside its dependencies: required settings, with examples, and no rate limits."""
    taken = {each.setting for each in service.dependencies}
    for key, name, field in _fields(service):
        if key in taken or not field.is_required():
            continue
        example = example_of(key, name, field).partition("=")[2]
        strong = example_of(key, name, field) == GENERATE
        yield key, FOR_INSPECTIONS if strong or (is_secret(name, field) and example in ("", "...")) else example
    for key, name, _ in _fields(service):
        if name in ("rate_limit_rpm", "rate_limit_rph"):
            yield key, "0"


def _fields(service: "Service") -> Iterator[tuple[str, str, Any]]:
    settings = service.settings_class
    prefix = str(settings.model_config.get("env_prefix", ""))
    for name, field in settings.model_fields.items():
        yield key_of(prefix, name, field), name, field


def _dependencies(service: "Service") -> Iterator[str]:
    servers = [each for each in service.dependencies if each.kind in SERVERS and each.setting]
    for each in servers:
        kind, scheme = SERVERS[each.kind]
        yield ""
        yield f"[dependencies.{_key(each.name)}]"
        yield f"kind = {_text(kind)}"
        yield f"variable = {_text(each.setting)}"
        yield f"scheme = {_text(scheme)}"
    for each in service.dependencies:
        if each not in servers and each.setting:
            yield ""
            yield f"# {each.name} ({each.kind}) is left out: no server for it can be started. To use yours:"
            yield f"# [dependencies.{_key(each.name)}]"
            yield '# kind = "tcp"'
            yield '# url = "tcp://127.0.0.1:PORT"'
            yield f"# variable = {_text(each.setting)}"
    databases = [each for each in servers if each.kind == "sql"]
    if databases:
        yield from _configurations(databases, servers)


def _configurations(databases: list[Dependency], servers: list[Dependency]) -> Iterator[str]:
    """Yield one with servers for all, and one with SQLite files in place of the databases."""
    yield ""
    yield "[configurations.servers]"
    yield ""
    yield "[configurations.sqlite]"
    others = [each.name for each in servers if each not in databases]
    yield f"dependencies = [{', '.join(_text(name) for name in others)}]"
    files = ", ".join(f"{each.setting} = {_text(f'sqlite:///{{data}}/{_key(each.name)}.db')}" for each in databases)
    yield f"environment = {{ {files} }}"


def _endpoints(service: "Service") -> Iterator[str]:
    paths = service.paths
    yield ""
    yield "[endpoints]"
    for name, aliases in (("readiness", paths.ready), ("liveness", paths.live), ("health", paths.health)):
        if aliases:
            yield f"{name} = {_text(aliases[0])}"
    yield f"metrics = {_text(METRICS_PATH)}"


def _bounds(service: "Service") -> Iterator[str]:
    fields = {name: field for _, name, field in _fields(service)}
    stop_s = fields["pre_drain_s"].default + fields["drain_s"].default + CLOSE_S
    yield ""
    yield "[bounds]"
    yield f"stop_s = {stop_s:g}"
    yield f"readiness_s = {READINESS_S:g}"
    yield f"recovery_s = {RECOVERY_S:g}"


def _text(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)  # what TOML calls a basic string is written as JSON writes it


def _key(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9_-]", "_", name)
