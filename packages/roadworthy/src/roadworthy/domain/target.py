"""What a target is: how to start it, what it depends on, which requests prove that it works. Frozen data, no I/O.

A :class:`TargetSpec` is the same whether it was read from ``roadworthy.toml`` or inferred. Texts in it may hold
placeholders, which are filled in when they are used: see :func:`fill`, :func:`fill_text` and :func:`fill_json`.
"""

import hashlib
import re
import string
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

DEPENDENCY_KINDS = ("postgresql", "valkey", "tcp")
"""The dependencies that the inspector can provide ("tcp" only stands in front of one that exists)."""

DEFAULT_SCHEMES = {"postgresql": "postgresql", "valkey": "redis", "tcp": "tcp"}
"""The scheme of a dependency's URL, by kind, unless the target asks for another."""

DEPENDENCY_FIELDS = ("url", "host", "port", "user", "password", "name")
"""What a placeholder can ask of a dependency: ``{database.url}`` and so on."""

STEP_NAMES = ("create", "read", "update", "delete")
"""The steps of a transaction, in their order."""


@dataclass(frozen=True)
class DependencySpec:
    """A server that the target talks to, and how it learns where that is.

    Args:
        name: what the manifest and the placeholders call it, such as ``database``.
        kind: one of ``DEPENDENCY_KINDS``.
        variable: the environment variable that gets ``value``; "" when placeholders elsewhere carry it.
        value: a template, ``{<name>.url}`` when it is "".
        scheme: of its URL, such as ``postgresql+asyncpg``; the default of its kind when it is "".
        url: an existing server to use instead of one of our own, or "".
        found_by: how the inspector knows of it.
        declared: whether the service itself is known to ask for it.
    """

    name: str
    kind: str
    variable: str = ""
    value: str = ""
    scheme: str = ""
    url: str = field(default="", repr=False)
    found_by: str = "manifest"
    declared: bool = True

    @property
    def template(self) -> str:
        """What its variable is set to, before the placeholders are filled in."""
        return self.value or f"{{{self.name}.url}}"

    @property
    def url_scheme(self) -> str:
        """The scheme of its URL."""
        return self.scheme or DEFAULT_SCHEMES[self.kind]


@dataclass(frozen=True)
class EndpointsSpec:
    """Paths by role; "" when unknown."""

    readiness: str = ""
    liveness: str = ""
    health: str = ""
    metrics: str = ""
    openapi: str = ""


@dataclass(frozen=True)
class RequestSpec:
    """One request. Its texts are templates: `fill_text` for path, headers and body, `fill_json` for ``json``."""

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    json: object = None  # a JSON value; None for no JSON body
    body: str | None = None  # text, sent as it is; never together with ``json``


@dataclass(frozen=True)
class StepSpec:
    """One step of a transaction.

    Args:
        name: one of ``STEP_NAMES``.
        request: what is sent.
        status: the statuses that mean success; any 2xx when empty.
        capture: names for later steps, each with the JSON pointer to its value in the answer.
        contains: what the answer's body must contain (a template), or "".
    """

    name: str
    request: RequestSpec
    status: tuple[int, ...] = ()
    capture: Mapping[str, str] = field(default_factory=dict)
    contains: str = ""

    def accepts(self, status: int | None) -> bool:
        """Whether this status means that the step succeeded."""
        if status is None:
            return False
        return status in self.status if self.status else 200 <= status < 300


@dataclass(frozen=True)
class TransactionSpec:
    """A create → read → update → delete round trip; update and delete may be missing. ``source`` says whence."""

    steps: tuple[StepSpec, ...]
    source: str = "manifest"  # or "openapi"

    def step(self, name: str) -> StepSpec | None:
        """Return the step of this name, if there is one."""
        return next((step for step in self.steps if step.name == name), None)


@dataclass(frozen=True)
class ConfigurationSpec:
    """A variant of the target to inspect. ``dependencies`` are the names of those it uses; None for all of them."""

    name: str
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    dependencies: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Bounds:
    """How long things may take before a claim is violated, in seconds."""

    start_s: float = 30.0  # from its start to the first successful transaction
    stop_s: float = 30.0  # from SIGTERM to its exit
    readiness_s: float = 15.0  # from the loss of a dependency to a readiness that is not 2xx
    recovery_s: float = 30.0  # from the return of a dependency to transactions that work
    refused_s: float = 10.0  # for an answer while a dependency refuses connections
    silent_s: float = 30.0  # for an answer while a dependency never answers
    withheld_s: float = 15.0  # for a refusal to start without a required setting


@dataclass(frozen=True)
class TargetSpec:
    """How to start a service and which requests prove that it works.

    Args:
        name: what reports call it.
        directory: where its commands run; absolute.
        command: starts it in the foreground.
        setup: commands that run once on every fresh state, before the start.
        port: the port it listens on, when that cannot be chosen; otherwise None.
        port_variable: the environment variable that gets the chosen port; "" for none.
        environment: further environment variables; values are templates and may be secrets.
        dependencies: the servers that it talks to.
        endpoints: known paths.
        transaction: known transaction.
        stateless: it is said to store nothing.
        auth_headers: sent with every request; values are secrets.
        slow: a request that is slow by nature.
        exclude: operations whose purpose is to return errors, such as ``GET /status/{code}``.
        operations: further operations to send hostile input to, such as ``POST /import``, that OpenAPI does not list.
        configurations: variants to inspect; none means one, named "default", with everything.
        bounds: time limits.
        origins: where each value that was inferred comes from, by its key in the manifest.
    """

    name: str
    directory: Path
    command: tuple[str, ...]
    setup: tuple[tuple[str, ...], ...] = ()
    port: int | None = None
    port_variable: str = "PORT"
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    dependencies: tuple[DependencySpec, ...] = ()
    endpoints: EndpointsSpec = EndpointsSpec()
    transaction: TransactionSpec | None = None
    stateless: bool = False
    auth_headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    slow: RequestSpec | None = None
    exclude: tuple[str, ...] = ()
    operations: tuple[str, ...] = ()
    configurations: tuple[ConfigurationSpec, ...] = ()
    bounds: Bounds = Bounds()
    origins: Mapping[str, str] = field(default_factory=dict)

    def dependency(self, name: str) -> DependencySpec | None:
        """Return the dependency of this name, if there is one."""
        return next((dependency for dependency in self.dependencies if dependency.name == name), None)

    def configured(self, configuration: ConfigurationSpec) -> "TargetSpec":
        """Return this target as it is in one configuration: its environment merged, unused dependencies left out."""
        used = configuration.dependencies
        return replace(
            self,
            environment={**self.environment, **configuration.environment},
            dependencies=tuple(d for d in self.dependencies if used is None or d.name in used),
            configurations=(),
        )


_PLACEHOLDER = re.compile(r"\{\{|\}\}|\{([A-Za-z_][\w.-]*)\}|[{}]")
_REQUEST_PLACEHOLDER = re.compile(r"\{([A-Za-z_]\w*)\}")
_DRAWN = re.compile(r"(digits|upper|lower)_([1-9]\d?)")
_ALPHABETS = {"digits": string.digits, "upper": string.ascii_uppercase, "lower": string.ascii_lowercase}


class PlaceholderError(ValueError):
    """A template asks for something that nobody provides, or has a lone brace."""


def known_placeholders(dependencies: Iterable[DependencySpec]) -> tuple[str, ...]:
    """Return the names that commands, environment and dependency values may use."""
    return ("port", "data", *(f"{each.name}.{part}" for each in dependencies for part in DEPENDENCY_FIELDS))


def placeholders(text: str) -> tuple[str, ...]:
    """Return the names that a template asks for, in their order.

    Raises:
        PlaceholderError: it has a brace that is neither doubled nor part of a placeholder.
    """
    return tuple(match[1] for match in _PLACEHOLDER.finditer(text) if not _brace(match))


def fill(text: str, values: Mapping[str, str]) -> str:
    """Fill in a template of a command, an environment variable or a dependency; ``{{`` and ``}}`` are braces.

    Raises:
        PlaceholderError: it asks for something that is not in ``values``, or has a lone brace.
    """

    def part(match: re.Match[str]) -> str:
        if brace := _brace(match):
            return brace
        if match[1] not in values:
            raise PlaceholderError(f"nothing provides {{{match[1]}}}; known are {braced(values)}")
        return values[match[1]]

    return _PLACEHOLDER.sub(part, text)


def _brace(match: re.Match[str]) -> str:
    """Return the brace that a doubled one stands for; "" for a placeholder."""
    if match[0] in ("{{", "}}"):
        return match[0][0]
    if match[1] is None:
        raise PlaceholderError(f'a lone "{match[0]}"; write "{match[0] * 2}" for a brace')
    return ""


def request_placeholders(value: object) -> tuple[str, ...]:
    """Return the names that a request template (a text, or a JSON value with texts in it) asks for."""
    if isinstance(value, str):
        return tuple(_REQUEST_PLACEHOLDER.findall(value))
    if isinstance(value, Mapping):
        return tuple(name for pair in value.items() for part in pair for name in request_placeholders(part))
    if isinstance(value, list | tuple):
        return tuple(name for each in value for name in request_placeholders(each))
    return ()


def fill_text(text: str, values: Mapping[str, object]) -> str:
    """Fill in a path, a header or a text body: ``{token}``, ``{id}`` and so on. Every other brace stays as it is.

    ``{digits_4}``, ``{upper_3}`` and ``{lower_8}`` become so many characters of that kind, which the token decides: for
    codes that must look in a certain way and differ from object to object.
    """

    def part(match: re.Match[str]) -> str:
        name = match[1]
        if name in values:
            return str(values[name])
        drawn = _DRAWN.fullmatch(name) if "token" in values else None
        return _draw(drawn[1], int(drawn[2]), str(values["token"])) if drawn else match[0]

    return _REQUEST_PLACEHOLDER.sub(part, text)


def is_drawn(name: str) -> bool:
    """Tell whether a placeholder stands for characters that the token decides, such as ``digits_4``."""
    return _DRAWN.fullmatch(name) is not None


def _draw(kind: str, count: int, token: str) -> str:
    characters = _ALPHABETS[kind]
    number = int.from_bytes(hashlib.sha512(token.encode()).digest(), "big")
    drawn = []
    for _ in range(count):
        number, index = divmod(number, len(characters))
        drawn.append(characters[index])
    return "".join(drawn)


def fill_json(value: object, values: Mapping[str, object]) -> object:
    """Fill in every text of a JSON value.

    A text that is nothing but one placeholder becomes the captured value itself, so that numbers stay numbers.
    """
    if isinstance(value, str):
        whole = _REQUEST_PLACEHOLDER.fullmatch(value)
        return values[whole[1]] if whole and whole[1] in values else fill_text(value, values)
    if isinstance(value, Mapping):
        return {fill_text(str(key), values): fill_json(each, values) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [fill_json(each, values) for each in value]
    return value


def braced(names: Iterable[str]) -> str:
    """List the names of placeholders for people, such as ``{data}, {port}``."""
    return ", ".join(f"{{{name}}}" for name in sorted(names)) or "none"
