"""The whole of ``roadworthy.toml``, with what must hold between its tables.

These checks look at the document as it was parsed, so that they also speak when a table has other errors. They skip
what is not of the expected type: the models say that.
"""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from types import NoneType
from typing import get_args, get_origin

from pydantic import BaseModel, Field

from roadworthy.domain.target import (
    DEPENDENCY_FIELDS,
    STEP_NAMES,
    PlaceholderError,
    braced,
    is_drawn,
    placeholders,
    request_placeholders,
)
from roadworthy.target import manifest_model as model
from roadworthy.target.manifest_model import Contradiction, wrong
from roadworthy.target.toml_lines import KeyPath

Raw = Mapping[str, object]


class Document(model.Table):
    """The manifest: its tables by name."""

    target: model.TargetTable
    environment: model.Environment = Field(default_factory=dict)
    dependencies: dict[model.Name, model.DependencyTable] = Field(default_factory=dict)
    endpoints: model.EndpointsTable = model.EndpointsTable()
    transaction: model.TransactionTable | None = None
    auth: model.AuthTable | None = None
    slow: model.RequestTable | None = None
    inspection: model.InspectionTable = model.InspectionTable()
    configurations: dict[model.Name, model.ConfigurationTable] = Field(default_factory=dict)
    bounds: model.BoundsTable = model.BoundsTable()
    waivers: list[model.WaiverTable] = Field(default_factory=list)

    @classmethod
    def contradictions(cls, raw: Raw) -> Iterator[Contradiction]:
        """Yield what is wrong between tables."""
        for check in (_port, _variables, _wiring, _configurations, _requests, _waivers):
            yield from check(raw)


def known_keys(path: KeyPath) -> list[str]:
    """Return the keys that the table at this path may have; none where any key may stand."""
    kind: object = Document
    for part in path:
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            fields = {field.alias or name: field.annotation for name, field in kind.model_fields.items()}
            kind = fields.get(str(part))
        elif get_origin(kind) in (dict, list):
            kind = get_args(kind)[-1]
        if NoneType in get_args(kind):
            kind = get_args(kind)[0]
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return [field.alias or name for name, field in kind.model_fields.items()]
    return []


def _port(raw: Raw) -> Iterator[Contradiction]:
    """The target must learn its port, or have a fixed one."""
    target = _table(raw, "target")
    told = target.get("port_variable") != "" or "port" in target or "port" in _asked(_base_templates(raw))
    if not told:
        step = "Set port, or use {port} in the command, or leave port_variable out to use PORT."
        yield ("target", "port_variable"), wrong("a way to tell the target its port", step, found="none")


def _variables(raw: Raw) -> Iterator[Contradiction]:
    """Each environment variable has one source."""
    taken = {str(key): "[environment]" for key in _table(raw, "environment")}
    for name, dependency in _tables(raw, "dependencies").items():
        variable = dependency.get("variable")
        if isinstance(variable, str) and variable:
            if variable in taken:
                step = f"Remove it there, or here: {variable} can have one value."
                found = f"{variable}, which {taken[variable]} sets too"
                yield ("dependencies", name, "variable"), wrong("a variable of its own", step, found=found)
            taken.setdefault(variable, f"[dependencies.{name}]")


def _wiring(raw: Raw) -> Iterator[Contradiction]:
    """The target must learn where each dependency is, and templates may only ask for what is provided."""
    dependencies = _tables(raw, "dependencies")
    templates = {**_base_templates(raw), **_configuration_templates(raw)}
    asked = _asked(templates)
    for name, dependency in dependencies.items():
        if not dependency.get("variable") and not any(each.startswith(f"{name}.") for each in asked):
            step = f'Add variable = "DATABASE_URL" or the like, or use {{{name}.url}} in the command or environment.'
            yield ("dependencies", name), wrong("a way to tell the target where it is", step, found="none")
    known = _known(dependencies)
    for path, text in templates.items():
        unknown = [each for each in _asked({path: text}) if each not in known]
        if unknown:
            typed = [each for each in unknown if get_close_matches(each, known)]  # a secret may have braces too
            found = braced(typed) if typed else "another one"
            yield path, wrong("known placeholders", f"Known are {braced(known)}.", found=found)


def _configurations(raw: Raw) -> Iterator[Contradiction]:
    """A configuration uses known dependencies, all that its templates ask for, and does not set their variables."""
    dependencies = _tables(raw, "dependencies")
    environment = {str(key): value for key, value in _table(raw, "environment").items()}
    for name, configuration in _tables(raw, "configurations").items():
        path = ("configurations", name)
        used = configuration.get("dependencies")
        names = [each for each in used if isinstance(each, str)] if isinstance(used, list) else list(dependencies)
        for unknown in (each for each in names if each not in dependencies):
            step = f"Known are {', '.join(dependencies) or 'none'}."
            yield (*path, "dependencies"), wrong("names of [dependencies]", step, found=repr(unknown))
        own = {str(key): value for key, value in _table(configuration, "environment").items()}
        for each in names:
            variable = dependencies.get(each, {}).get("variable")
            if variable and variable in own:
                step = f'Leave "{each}" out of dependencies = [...] here, or leave out {variable}.'
                found = f"{variable}, which [dependencies.{each}] sets"
                yield (*path, "environment", str(variable)), wrong("a variable of its own", step, found=found)
        used_tables = {each: dependencies[each] for each in names if each in dependencies}
        merged = _base_templates({**raw, "environment": {**environment, **own}, "dependencies": used_tables})
        for asked in sorted({each.partition(".")[0] for each in _asked(merged)} & (dependencies.keys() - set(names))):
            step = "Override the variable that asks for it, or add it to dependencies."
            found = f"a template that asks for {asked}"
            yield (*path, "dependencies"), wrong("every dependency that is asked for", step, found=found)


def _requests(raw: Raw) -> Iterator[Contradiction]:
    """Requests may only ask for the token and captured names, and what is read must be tellable."""
    transaction = _table(raw, "transaction")
    create, read = _table(transaction, "create"), _table(transaction, "read")
    captured = ["token", *_table(create, "capture")]
    for name in STEP_NAMES:
        known = ["token"] if name == "create" else captured
        yield from _unknown_in_request(_table(transaction, name), ("transaction", name), known)
    yield from _unknown_in_request(_table(raw, "slow"), ("slow",), ["token"])
    sent = request_placeholders([create.get(key) for key in ("path", "json", "body", "headers")])
    if create and read and "contains" not in read and "token" not in sent:
        step = 'Put {token} in a text that the service keeps, or say what the read returns: contains = "...".'
        yield ("transaction", "create"), wrong("a {token} in the create", step, found="none")


def _unknown_in_request(request: Raw, path: KeyPath, known: list[str]) -> Iterator[Contradiction]:
    for key in ("path", "headers", "json", "contains"):  # in a body, other braces stand for themselves
        asked = request_placeholders(request.get(key))
        unknown = [each for each in asked if each not in known and not is_drawn(each)]
        if unknown:
            yield (*path, key), wrong("known placeholders", f"Known are {braced(known)}.", found=braced(unknown))


def _waivers(raw: Raw) -> Iterator[Contradiction]:
    """One waiver a claim."""
    waivers = raw.get("waivers")
    seen: set[object] = set()
    for index, waiver in enumerate(waivers if isinstance(waivers, list) else []):
        claim = waiver.get("claim") if isinstance(waiver, Mapping) else None
        if isinstance(claim, str) and claim in seen:
            yield ("waivers", index, "claim"), wrong("one waiver a claim", "Remove one.", found=f"a second for {claim}")
        seen.add(claim)


def _table(raw: Raw, key: str) -> Raw:
    value = raw.get(key)
    return value if isinstance(value, Mapping) else {}


def _tables(raw: Raw, key: str) -> dict[str, Raw]:
    return {name: table for name, table in _table(raw, key).items() if isinstance(table, Mapping)}


def _base_templates(raw: Raw) -> dict[KeyPath, object]:
    """Every template outside [configurations], by its path."""
    target = _table(raw, "target")
    return {
        ("target", "command"): target.get("command"),
        ("target", "setup"): target.get("setup"),
        **{("environment", key): value for key, value in _table(raw, "environment").items()},
        **{("dependencies", name, "value"): each.get("value") for name, each in _tables(raw, "dependencies").items()},
    }


def _configuration_templates(raw: Raw) -> dict[KeyPath, object]:
    return {
        ("configurations", name, "environment", key): value
        for name, configuration in _tables(raw, "configurations").items()
        for key, value in _table(configuration, "environment").items()
    }


def _asked(templates: Mapping[KeyPath, object]) -> list[str]:
    return [name for value in templates.values() for text in _texts(value) for name in _placeholders(text)]


def _placeholders(text: str) -> tuple[str, ...]:
    try:
        return placeholders(text)
    except PlaceholderError:
        return ()


def _texts(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    return [text for each in value for text in _texts(each)] if isinstance(value, list) else []


def _known(dependencies: Mapping[str, Raw]) -> list[str]:
    return ["port", "data", *(f"{name}.{part}" for name in dependencies for part in DEPENDENCY_FIELDS)]
