"""What can be told about a target that has no manifest: its settings, its dependencies, its set-up commands."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from itertools import chain, count
from pathlib import Path

from roadworthy.domain.target import ConfigurationSpec, DependencySpec, TargetSpec
from roadworthy.source.drivers import database_drivers, interpreter_of
from roadworthy.source.setting import SettingKind, guess_kind
from roadworthy.source.settings import Setting, SettingsFound, find_settings
from roadworthy.source.setup import find_setup
from roadworthy.target.servers import available

POSTGRESQL_DRIVERS = {"psycopg", "psycopg2", "psycopg2cffi", "asyncpg", "pg8000", "aiopg"}
REDIS_DRIVERS = {"redis", "valkey", "aioredis", "coredis", "glide"}
_PARTS = re.compile(
    r"^(?P<what>POSTGRES(?:QL)?|PG|DB|DATABASE|SQL|REDIS|VALKEY|CACHE)_?"
    r"(?P<part>HOST(?:NAME)?|SERVER|PORT|USER(?:NAME)?|PASS(?:WORD)?|NAME|DB|DATABASE|DBNAME)$"
)
_FIELD = {"HOST": "host", "HOSTNAME": "host", "SERVER": "host", "PORT": "port", "USER": "user", "USERNAME": "user",
    "PASS": "password", "PASSWORD": "password", "NAME": "name", "DB": "name", "DATABASE": "name",
    "DBNAME": "name"}  # fmt: skip
_PLACEHOLDER_VALUE = re.compile(r"change.?me|your[-_ ]|<.*>|xxx|todo|replace|^\.\.\.$|^$", re.IGNORECASE)


def infer(command: Sequence[str], directory: Path, environment: Mapping[str, str]) -> tuple[TargetSpec, SettingsFound]:
    """Infer a target from its command, its source and the environment it would be started in."""
    found = find_settings(directory)
    python = interpreter_of(command, directory, environment.get("PATH"))
    drivers = database_drivers(python) if python is not None else set()
    setups = find_setup(directory, python)
    spec = TargetSpec(
        name=directory.name or "target",
        directory=directory,
        command=tuple(_template(part) for part in command),
        setup=tuple(each.command for each in setups),
        origins={"target.setup": "; ".join(each.origin for each in setups)} if setups else {},
    )
    spec = _with_dependencies(spec, found, drivers, environment)
    spec = _with_settings(spec, found, environment)
    return _with_configurations(spec, found), found


def with_reads(
    spec: TargetSpec, reads: Iterable[str], environment: Mapping[str, str], known: Iterable[str] = ()
) -> TargetSpec:
    """Add the servers that the start-up hook saw the target read variables for, and that its source did not show.

    ``known`` are variables that are dealt with already. Return ``spec`` itself if there is nothing to add.
    """
    known = {*known, *spec.environment, *(each.variable for each in spec.dependencies)}
    settings = [
        Setting(name, "start-up", 0, "seen at start-up", None, None, guess_kind(name))
        for name in reads
        if name not in known
    ]
    urls = [each for each in settings if each.kind in (SettingKind.POSTGRESQL, SettingKind.DATABASE, SettingKind.REDIS)]
    if not urls:
        return spec
    python = interpreter_of(spec.command, spec.directory, environment.get("PATH"))
    drivers = database_drivers(python) if python is not None else set()
    return _with_dependencies(spec, SettingsFound(tuple(urls)), drivers, environment)


def _with_dependencies(
    spec: TargetSpec, found: SettingsFound, drivers: set[str], environment: Mapping[str, str]
) -> TargetSpec:
    can = available()
    dependencies = list(spec.dependencies)
    names = {each.kind for each in dependencies}
    for setting in (*found.settings, *_unseen(found, environment)):
        kind = _dependency_kind(setting, drivers, environment.get(setting.name, ""))
        if kind is None or not can[kind]:
            continue
        name = _unused_name(kind, setting.name.lower(), {each.name for each in dependencies})
        dependencies.append(
            DependencySpec(
                name, kind, setting.name, scheme=_scheme(kind, setting, drivers, environment), found_by=_whence(setting)
            )
        )
        names.add(kind)
    spec = replace(spec, dependencies=tuple(dependencies))
    return _with_parts(spec, found, drivers, names)


def _unused_name(kind: str, variable: str, used: set[str]) -> str:
    """Choose the usual name of a dependency, else one made of its variable's."""
    likely = ({"postgresql": "database", "valkey": "cache"}[kind], variable.removesuffix("_url"), variable)
    return next(each for each in chain(likely, (f"{variable}_{n}" for n in count(2))) if each not in used)


def _unseen(found: SettingsFound, environment: Mapping[str, str]) -> Iterable[Setting]:
    """Yield variables of our own environment that hold the URL of a server, though no source was seen to read them."""
    for name, value in environment.items():
        if found.named(name) is None and re.match(r"(postgres(ql)?|redis|valkey)(\+\w+)?://", value):
            yield Setting(name, "environment", 0, "set in the environment", None, None, guess_kind(name, value))


def _dependency_kind(setting: Setting, drivers: set[str], value: str) -> str | None:
    kind = guess_kind(setting.name, value) if "://" in value and "sqlite" not in value else setting.kind
    has_postgresql = bool(drivers & POSTGRESQL_DRIVERS) or not drivers
    if kind is SettingKind.POSTGRESQL or (kind is SettingKind.DATABASE and drivers & POSTGRESQL_DRIVERS):
        return "postgresql" if has_postgresql else None
    if kind is SettingKind.REDIS:
        return "valkey" if drivers & REDIS_DRIVERS or not drivers else None
    return None


def _scheme(kind: str, setting: Setting, drivers: set[str], environment: Mapping[str, str]) -> str:
    """Choose the URL's scheme: as the target's own values write it, else as its driver wants it."""
    example = setting.example.value if setting.example else ""
    for known in (environment.get(setting.name, ""), example, setting.default or ""):
        scheme = known.partition("://")[0] if "://" in known else ""
        if scheme.startswith(("postgres", "redis", "rediss", "valkey")):
            return scheme
    if kind == "valkey":
        return "redis"
    if "sqlalchemy" not in drivers:
        return "postgresql"
    asynchronous = "aiosqlite" in (setting.default or "") or "+aio" in example
    if asynchronous and "asyncpg" in drivers:
        return "postgresql+asyncpg"
    for driver in ("psycopg2", "psycopg", "asyncpg", "pg8000"):
        if driver in drivers:
            return "postgresql" if driver == "psycopg2" else f"postgresql+{driver}"
    return "postgresql"


def _with_parts(spec: TargetSpec, found: SettingsFound, drivers: set[str], taken: set[str]) -> TargetSpec:
    """Recognise a server that is named in parts: DB_HOST, DB_PORT, DB_USER and so on."""
    can = available()
    groups: dict[str, list[tuple[Setting, str]]] = {}
    for setting in found.settings:
        match = _PARTS.match(setting.name.upper())
        if match:
            kind = "valkey" if match["what"] in ("REDIS", "VALKEY", "CACHE") else "postgresql"
            groups.setdefault(kind, []).append((setting, _FIELD[match["part"]]))
    environment = dict(spec.environment)
    dependencies = list(spec.dependencies)
    for kind, parts in groups.items():
        wanted = POSTGRESQL_DRIVERS if kind == "postgresql" else REDIS_DRIVERS
        if kind in taken or not can[kind] or "host" not in {part for _, part in parts} or not (drivers & wanted):
            continue
        name = "database" if kind == "postgresql" else "cache"
        whence = ", ".join(setting.name for setting, _ in parts)
        dependencies.append(DependencySpec(name, kind, found_by=f"the source reads {whence}"))
        environment |= {setting.name: f"{{{name}.{part}}}" for setting, part in parts}
    return replace(spec, dependencies=tuple(dependencies), environment=environment)


def _with_settings(spec: TargetSpec, found: SettingsFound, environment: Mapping[str, str]) -> TargetSpec:
    """Give every setting that the target needs a value: ours if set, its authors' example, else one made up."""
    values = dict(spec.environment)
    origins = dict(spec.origins)
    ports = {spec.port_variable}
    wired = {each.variable for each in spec.dependencies}
    for setting in found.settings:
        if setting.name in values or setting.name in wired or setting.name in ports or setting.kind is SettingKind.PORT:
            continue
        value, whence = _value_for(setting, environment)
        if value is not None:
            values[setting.name] = value
            origins[f"environment.{setting.name}"] = f"{whence}; read at {setting.place}"
    return replace(spec, environment=values, origins=origins)


def _value_for(setting: Setting, environment: Mapping[str, str]) -> tuple[str | None, str]:
    if setting.name in environment:
        return _literal(environment[setting.name]), "from the environment"
    if not setting.required:
        return None, ""
    example = setting.example.value if setting.example else ""
    if example and not _PLACEHOLDER_VALUE.search(example) and setting.kind is not SettingKind.SECRET:
        return _literal(example), f"from {setting.example.file}" if setting.example else ""
    return made_up(setting.name, setting.kind), "made up, since the source requires it"


def made_up(name: str, kind: SettingKind) -> str:
    """Make up a value, always the same for the same name: a secret is long and random-looking, and nobody's."""
    digest = sha256(f"roadworthy {name}".encode()).hexdigest()
    return {
        SettingKind.SECRET: digest,
        SettingKind.BOOLEAN: "false",
        SettingKind.INTEGER: "10",
        SettingKind.URL: "http://127.0.0.1:9",
        SettingKind.PATH: "{data}",
        SettingKind.DATABASE: "sqlite:///./roadworthy.db",
    }.get(kind, f"roadworthy-{digest[:8]}")


def _with_configurations(spec: TargetSpec, found: SettingsFound) -> TargetSpec:
    """A target that falls back to SQLite when it is given no database is also inspected with no server at all."""
    database = next((each for each in spec.dependencies if each.kind == "postgresql"), None)
    setting = found.named(database.variable) if database is not None else None
    if database is None or setting is None or "sqlite" not in (setting.default or ""):
        return spec
    return replace(spec, configurations=(ConfigurationSpec("postgresql"), ConfigurationSpec("sqlite", dependencies=())))


def _whence(setting: Setting) -> str:
    if setting.file == "environment":
        return f"{setting.name} is set in the environment"
    return (
        f"the source reads {setting.name} ({setting.place})" if setting.line else f"it reads {setting.name} at start-up"
    )


def _literal(text: str) -> str:
    """Write a text as a template that means just that text."""
    return text.replace("{", "{{").replace("}", "}}")


def _template(text: str) -> str:
    """Write a part of a command as a template in which only {port} and {data} are placeholders."""
    return re.sub(r"\{\{(port|data)\}\}", r"{\1}", _literal(text))
