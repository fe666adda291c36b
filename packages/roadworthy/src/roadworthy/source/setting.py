"""One environment variable that a service reads, and a guess at what it holds."""

import re
from dataclasses import dataclass
from enum import StrEnum


class SettingKind(StrEnum):
    """What a variable seems to hold."""

    POSTGRESQL = "postgresql"  # the URL of a PostgreSQL database
    DATABASE = "database"  # the URL of a database; which one is not said, or it is SQLite by default
    REDIS = "redis"  # the URL of a Redis or Valkey server
    PORT = "port"  # the port that the service listens on
    SECRET = "secret"  # noqa: S105 - the word, not one
    URL = "url"
    BOOLEAN = "boolean"
    INTEGER = "integer"
    PATH = "path"
    OTHER = "other"


@dataclass(frozen=True)
class Read:
    """One place that reads a variable.

    Args:
        name: of the variable.
        file: relative to the target's folder.
        line: counted from 1.
        how: the way it is read, such as ``os.environ[...]``.
        required: whether it fails without the variable; None when the place does not say.
        default: the literal that is used without it, as text; None when there is none, or it is computed.
        annotation: the type that it is read as, as written; "" when not said.
    """

    name: str
    file: str
    line: int
    how: str
    required: bool | None
    default: str | None = None
    annotation: str = ""


@dataclass(frozen=True)
class Example:
    """A value that the service's authors give for a variable, in ``.env.example``, a compose file or a Dockerfile."""

    name: str
    value: str
    file: str
    line: int


_BOOLEANS = {"true", "false", "yes", "no", "on", "off"}
_SECRET = re.compile(r"SECRET|PASSWORD|PASSWD|TOKEN|API_?KEY|PRIVATE_?KEY|SIGNING_?KEY|ENCRYPTION_?KEY|SALT|CREDENTIAL")
_NO_SECRET = re.compile(r"(EXPIR|TTL|MINUTES|SECONDS|DAYS|HOURS|LENGTH|SIZE|LIMIT|ALGORITHM|URL|URI|FILE|PATH|NAME)")
_LISTENING_PORT = re.compile(r"(?:(?:APP|HTTP|SERVER|SERVICE|LISTEN|API|WEB|BIND|UVICORN|GUNICORN)_)?PORT")
_DATABASE = re.compile(r"(?:^|_)(?:DATABASE|DB|SQLALCHEMY|SQL)_?(?:\w+_)?(?:URL|URI|DSN|CONNECTION(?:_STRING)?)$|^DSN$")
_POSTGRESQL = re.compile(r"(?:POSTGRES(?:QL)?|PG|PSQL)_?(?:\w+_)?(?:URL|URI|DSN|CONNECTION(?:_STRING)?)$")
_REDIS = re.compile(r"(?:REDIS|VALKEY)(?:_\w+)?_?(?:URL|URI|DSN)$|^REDIS$")


def guess_kind(name: str, default: str | None = None, annotation: str = "") -> SettingKind:
    """Guess what a variable holds: by its type, else its default, else its name."""
    return _by_type(annotation) or _by_value(default or "") or _by_name(name.upper(), default or "", annotation)


def _by_type(annotation: str) -> SettingKind | None:
    for word, kind in (
        ("PostgresDsn", SettingKind.POSTGRESQL),
        ("RedisDsn", SettingKind.REDIS),
        ("Secret", SettingKind.SECRET),
        ("Path", SettingKind.PATH),
        ("Url", SettingKind.URL),
        ("bool", SettingKind.BOOLEAN),
    ):
        if word in annotation:
            return kind
    return None


def _by_value(value: str) -> SettingKind | None:
    scheme, separator, _ = value.partition("://")
    if not separator:
        return SettingKind.BOOLEAN if value.lower() in _BOOLEANS else None
    match scheme.partition("+")[0].lower():
        case "postgresql" | "postgres":
            return SettingKind.POSTGRESQL
        case "sqlite":
            return SettingKind.DATABASE
        case "redis" | "rediss" | "valkey":
            return SettingKind.REDIS
    return SettingKind.URL if re.fullmatch(r"[A-Za-z][\w+.-]*", scheme) else None


def _by_name(name: str, default: str, annotation: str) -> SettingKind:
    if _REDIS.search(name):
        return SettingKind.REDIS
    if _POSTGRESQL.search(name):
        return SettingKind.POSTGRESQL
    if _DATABASE.search(name):
        return SettingKind.DATABASE
    if _LISTENING_PORT.fullmatch(name):
        return SettingKind.PORT
    if _SECRET.search(name) and not _NO_SECRET.search(name):
        return SettingKind.SECRET
    if re.search(r"int\b", annotation) or re.fullmatch(r"-?\d+", default) or name.endswith("_PORT"):
        return SettingKind.INTEGER
    if re.search(r"(?:^|_)UR[LI]$|_ENDPOINT$", name):
        return SettingKind.URL
    if re.search(r"_(?:PATH|DIR|DIRECTORY|FILE|FOLDER)$", name) or default.startswith(("/", "./", "../")):
        return SettingKind.PATH
    return SettingKind.OTHER
