"""Which environment variables pydantic's settings classes read, by their source."""

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from roadworthy.source.python_module import Module, keyword, literal
from roadworthy.source.setting import Read

_CONFIGURATIONS = {"SettingsConfigDict", "ConfigDict", "dict"}


@dataclass(frozen=True)
class _Options:
    """What a settings class says of itself; None where it leaves that to its bases."""

    prefix: str | None = None
    case_sensitive: bool | None = None
    nested: bool | None = None
    computed: bool = False  # the prefix is not a literal


@dataclass(frozen=True)
class _Class:
    module: Module
    node: ast.ClassDef

    @property
    def bases(self) -> list[str]:
        """The last parts of the names of its bases."""
        return [self.module.full_name(base).rpartition(".")[2] for base in self.node.bases]

    @property
    def old(self) -> bool:
        """Whether it stands on pydantic 1, where an Optional without a default is None."""
        return any(self.module.full_name(base).startswith("pydantic.BaseSettings") for base in self.node.bases)


def settings_reads(modules: Sequence[Module]) -> tuple[list[Read], list[str]]:
    """Return what the settings classes in these modules read, and what cannot be told of them."""
    settings = _settings_classes(modules)
    reads: list[Read] = []
    gaps: list[str] = []
    for name, each in settings.items():
        family = list(_family(name, settings, frozenset()))
        options = _inherited([_options(member) for member in family])
        place = each.module.place(each.node)
        if options.computed:
            gaps.append(f"{place} computes the prefix of the variables of {name}")
            continue
        if options.nested:
            gaps.append(f"{place} {name} also reads nested names")
        for member in family:
            for statement in member.node.body:
                if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
                    reads += _field_reads(member, statement, options, settings)
    return reads, gaps


def settings_class_names(modules: Sequence[Module]) -> set[str]:
    """Return the names of the settings classes in these modules."""
    return set(_settings_classes(modules))


def _settings_classes(modules: Sequence[Module]) -> dict[str, _Class]:
    every = {
        node.name: _Class(module, node)
        for module in modules
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ClassDef)
    }
    return {name: each for name, each in every.items() if _is_settings(name, every, frozenset())}


def _is_settings(name: str, every: Mapping[str, _Class], seen: frozenset[str]) -> bool:
    if name not in every or name in seen:
        return False
    return any(base == "BaseSettings" or _is_settings(base, every, seen | {name}) for base in every[name].bases)


def _family(name: str, settings: Mapping[str, _Class], seen: frozenset[str]) -> Iterator[_Class]:
    """Yield a class and then those that it inherits from."""
    if name in settings and name not in seen:
        yield settings[name]
        for base in settings[name].bases:
            yield from _family(base, settings, seen | {name})


def _options(each: _Class) -> _Options:
    computed = False
    values: dict[str, ast.expr] = {word.arg: word.value for word in each.node.keywords if word.arg}
    for statement in each.node.body:
        if isinstance(statement, ast.ClassDef) and statement.name == "Config":
            values.update(_assignments(statement.body))
        configuration = dict(_assignments([statement])).get("model_config")
        if isinstance(configuration, ast.Call):
            values.update({word.arg: word.value for word in configuration.keywords if word.arg})
            computed = each.module.full_name(configuration.func).rpartition(".")[2] not in _CONFIGURATIONS
        elif isinstance(configuration, ast.Dict):
            keys = [literal(key) or "" for key in configuration.keys]
            values.update(zip(keys, configuration.values, strict=True))
        elif configuration is not None:
            computed = True
    prefix = values.get("env_prefix")
    return _Options(
        prefix=each.module.text(prefix),
        case_sensitive=None if "case_sensitive" not in values else literal(values["case_sensitive"]) == "True",
        nested=None if "env_nested_delimiter" not in values else bool(literal(values["env_nested_delimiter"])),
        computed=computed or (prefix is not None and each.module.text(prefix) is None),
    )


def _assignments(body: Sequence[ast.stmt]) -> Iterator[tuple[str, ast.expr]]:
    for statement in body:
        if isinstance(statement, ast.Assign):
            for target in statement.targets:
                if isinstance(target, ast.Name):
                    yield target.id, statement.value
        elif isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name) and statement.value:
            yield statement.target.id, statement.value


def _inherited(family: Sequence[_Options]) -> _Options:
    return _Options(
        prefix=next((each.prefix for each in family if each.prefix is not None), ""),
        case_sensitive=next((each.case_sensitive for each in family if each.case_sensitive is not None), False),
        nested=next((each.nested for each in family if each.nested is not None), False),
        computed=any(each.computed for each in family),
    )


def _field_reads(
    each: _Class, field: ast.AnnAssign, options: _Options, settings: Mapping[str, _Class]
) -> Iterator[Read]:
    name, annotation = ast.unparse(field.target), ast.unparse(field.annotation)
    words = {node.id for node in ast.walk(field.annotation) if isinstance(node, ast.Name)}
    if name.startswith("_") or name == "model_config" or "ClassVar" in annotation or words & settings.keys():
        return  # a nested settings class reads its own variables
    calls = [
        node
        for part in (field.value, field.annotation)
        for node in (ast.walk(part) if part else ())
        if isinstance(node, ast.Call) and each.module.full_name(node.func).rpartition(".")[2] == "Field"
    ]
    required, default = _default(
        field.value, calls, optional=each.old and ("Optional" in words or "None" in annotation)
    )
    names = [alias for call in calls for alias in _aliases(each.module, call)]
    for variable in names or [f"{options.prefix or ''}{name}"]:
        shown = variable if options.case_sensitive else variable.upper()
        how = f"field {name} of {each.node.name}"
        read_required = required and len(names) <= 1  # any one of several will do
        yield Read(shown, each.module.file.name, field.lineno, how, read_required, default, annotation)


def _default(value: ast.expr | None, calls: Sequence[ast.Call], *, optional: bool) -> tuple[bool, str | None]:
    """Return whether a field is required, and its default as text."""
    given = value if not (isinstance(value, ast.Call) and value in calls) else None
    for call in calls:
        given = given or (call.args[0] if call.args else None) or keyword(call, "default", "default_factory")
    if given is None or (isinstance(given, ast.Constant) and given.value is ...):
        return not (optional and given is None), None
    return False, literal(given)


def _aliases(module: Module, call: ast.Call) -> list[str]:
    value = keyword(call, "validation_alias", "alias", "env")
    if isinstance(value, ast.Call):  # AliasChoices("a", "b")
        parts = value.args
    else:
        parts = value.elts if isinstance(value, ast.List | ast.Tuple) else [value] if value else []
    return [text for part in parts if (text := module.text(part)) is not None]
