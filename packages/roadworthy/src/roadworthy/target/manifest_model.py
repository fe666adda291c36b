"""The tables of ``roadworthy.toml`` as pydantic models, each with what must hold between its own keys."""

import math
import re
import shlex
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ModelWrapValidatorHandler,
    StringConstraints,
    ValidationError,
    model_validator,
)
from pydantic_core import ErrorDetails, InitErrorDetails, PydanticCustomError

from roadworthy.domain.target import STEP_NAMES, Bounds, PlaceholderError, placeholders

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")
_VARIABLE = re.compile(r"[^=\0\s]+")
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*")
_USUAL_PORTS = ("postgresql", "postgres", "redis", "rediss", "valkey")  # schemes whose port may be left out
_EXCLUDED = re.compile(rf"({'|'.join(METHODS)}) /\S*")


def wrong(expected: str, step: str, *, found: str | None = None) -> PydanticCustomError:
    """Return the error of a value: what was expected, what to do, and what was found where its type is not enough."""
    return PydanticCustomError("manifest", "{expected}", {"expected": expected, "step": step, "found": found})


def _command(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        try:
            value = shlex.split(value)
        except ValueError as error:
            raise wrong(
                "a command line", "Close the quotation, or write a list of strings.", found=str(error)
            ) from None
    if not isinstance(value, list | tuple) or not all(isinstance(part, str) for part in value):
        raise wrong("a list of strings, or one string", 'Write it such as ["python", "-m", "app"].')
    if not value or not value[0]:
        raise wrong("a program and its arguments", "Name the program first.", found="nothing")
    for part in value:
        _template(part)
    return tuple(value)


def _template(text: str) -> str:
    if "\0" in text:
        raise wrong("text without NUL characters", "Remove the \\u0000.", found="one")
    try:
        placeholders(text)
    except PlaceholderError as error:
        raise wrong("braces in pairs", 'Use {port}, or "{{" and "}}" for braces.', found=str(error)) from None
    return text


def _environment(value: dict[str, str]) -> dict[str, str]:
    for key in value:
        _variable(key)
    return value


def _variable(name: str) -> str:
    if name and not _VARIABLE.fullmatch(name):
        raise wrong("the name of an environment variable", "Leave out blanks and =.", found=repr(name))
    return name


def _headers(value: dict[str, str]) -> dict[str, str]:
    for name, text in value.items():
        if not _HEADER_NAME.fullmatch(name):
            raise wrong("the name of a header", "Use letters, digits and hyphens.", found=repr(name))
        if any(character in text for character in "\r\n\0"):
            raise wrong("header values of one line", "Remove the line break.", found=f"a line break in {name}")
    return value


def _path(value: str) -> str:
    if not value.startswith("/") or any(c.isspace() for c in value):
        raise wrong('a path such as "/health"', "Start it with / and leave out the host.", found=repr(value))
    return value


def _method(value: str) -> str:
    if value.upper() not in METHODS:
        raise wrong("one of " + ", ".join(METHODS), "Use one of these.", found=repr(value))
    return value.upper()


def _json(value: object) -> object:
    if isinstance(value, date | datetime) or (isinstance(value, float) and not math.isfinite(value)):
        raise wrong("a JSON value", "Put dates in quotation marks.", found=f"a TOML {type(value).__name__}")
    if isinstance(value, Mapping):
        return {key: _json(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_json(each) for each in value]
    if value is None or isinstance(value, str | int | float):
        return value
    raise wrong("a JSON value", "Put it in quotation marks.", found=f"a TOML {type(value).__name__}")


def _scheme(value: str) -> str:
    if value and not _SCHEME.fullmatch(value):
        raise wrong("a scheme such as postgresql+asyncpg", "Leave out the ://.", found="another text")
    return value


def _url(value: str) -> str:
    if value and not _is_address(value):
        step = 'Write it such as "postgresql://user:password@127.0.0.1:5432/name".'
        raise wrong("a url with a scheme, a host and a port", step, found="another text")
    return value


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        has_port = parts.port is not None or parts.scheme.partition("+")[0] in _USUAL_PORTS
        return bool(parts.scheme and parts.hostname and has_port)
    except ValueError:
        return False


def _name(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z_][\w-]*", value):
        raise wrong("a name of letters, digits, _ and -", "Rename it.", found=repr(value))
    return value


def _capture(value: dict[str, str]) -> dict[str, str]:
    for name, pointer in value.items():
        if not re.fullmatch(r"[A-Za-z_]\w*", name) or name == "token":
            raise wrong("capture names that are identifiers, other than token", "Rename it.", found=repr(name))
        if pointer and not pointer.startswith("/"):
            raise wrong('JSON pointers such as "/id"', "Start it with /.", found=repr(pointer))
    return value


def _operation(value: str) -> str:
    if not _EXCLUDED.fullmatch(value):
        raise wrong("a method and a path", 'Write it such as "GET /status/{code}".', found=repr(value))
    return value


def _kind(value: object) -> object:
    return "valkey" if value == "redis" else value


Template = Annotated[str, AfterValidator(_template)]
Command = Annotated[tuple[str, ...], BeforeValidator(_command)]
Environment = Annotated[dict[str, Template], AfterValidator(_environment)]
Variable = Annotated[str, AfterValidator(_variable)]
Headers = Annotated[dict[str, str], AfterValidator(_headers)]
Path = Annotated[str, AfterValidator(_path)]
Method = Annotated[str, AfterValidator(_method)]
Json = Annotated[Any, AfterValidator(_json)]
Scheme = Annotated[str, AfterValidator(_scheme)]
Url = Annotated[str, AfterValidator(_url)]
Name = Annotated[str, AfterValidator(_name)]
Text = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]
Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Status = Annotated[int, Field(ge=100, le=599)]


Contradiction = tuple[tuple[str | int, ...], PydanticCustomError]


class Table(BaseModel):
    """A table: unknown keys and values of another type are errors, and so are contradictions between its keys."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    @classmethod
    def contradictions(cls, raw: Mapping[str, object]) -> Iterator[Contradiction]:  # noqa: ARG003 - for subclasses
        """Yield what is wrong between the keys of a table, each with the path to point at, whatever else is wrong."""
        yield from ()

    @model_validator(mode="wrap")
    @classmethod
    def _all_errors_at_once(cls, raw: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        found: list[InitErrorDetails] = []
        model = None
        try:
            model = handler(raw)
        except ValidationError as error:
            found = [_raise_again(each) for each in error.errors(include_url=False)]
        if isinstance(raw, Mapping):
            found += [InitErrorDetails(type=error, loc=path, input=None) for path, error in cls.contradictions(raw)]
        if model is None or found:
            raise ValidationError.from_exception_data(cls.__name__, found)
        return model


def _raise_again(error: ErrorDetails) -> InitErrorDetails:
    ctx = error.get("ctx", {})
    kind = PydanticCustomError("manifest", "{expected}", ctx) if error["type"] == "manifest" else error["type"]
    return InitErrorDetails(type=kind, loc=error["loc"], input=error["input"], ctx=ctx)


class TargetTable(Table):
    """``[target]``."""

    command: Command
    name: Text | None = None
    directory: str = "."
    port: Annotated[int, Field(ge=1, le=65535)] | None = None
    port_variable: Variable = "PORT"
    setup: list[Command] = []


class DependencyTable(Table):
    """``[dependencies.<name>]``."""

    kind: Annotated[Literal["postgresql", "valkey", "tcp"], BeforeValidator(_kind)]
    variable: Variable = ""
    value: Template = ""
    scheme: Scheme = ""
    url: Url = ""

    @classmethod
    def contradictions(cls, raw: Mapping[str, object]) -> Iterator[Contradiction]:
        """A value needs a variable; a tcp dependency needs to exist."""
        if raw.get("value") and not raw.get("variable"):
            yield (
                ("value",),
                wrong("a variable too", 'Add variable = "DATABASE_URL" or the like.', found="a value alone"),
            )
        if raw.get("kind") == "tcp" and not raw.get("url"):
            step = 'The inspector cannot start one of its own; add url = "tcp://127.0.0.1:9000" or the like.'
            yield ("url",), wrong('a url, as kind is "tcp"', step, found="none")


class EndpointsTable(Table):
    """``[endpoints]``."""

    readiness: Path = ""
    liveness: Path = ""
    health: Path = ""
    metrics: Path = ""
    openapi: Path = ""


class RequestTable(Table):
    """One request: ``[slow]``, and what the steps of a transaction share."""

    method: Method = "GET"
    path: Path
    headers: Headers = {}
    json_value: Json = Field(default=None, alias="json")
    body: str | None = None

    @classmethod
    def contradictions(cls, raw: Mapping[str, object]) -> Iterator[Contradiction]:
        """A request has one body at most."""
        if "json" in raw and "body" in raw:
            yield ("body",), wrong("json or body", "Remove one of them.", found="both")


class StepTable(RequestTable):
    """What every step of a transaction has."""

    status: list[Status] = []


class CreateTable(StepTable):
    """``[transaction.create]``."""

    method: Method = "POST"
    capture: Annotated[dict[str, str], AfterValidator(_capture)] = {}


class ReadTable(StepTable):
    """``[transaction.read]``."""

    contains: str | None = None


class UpdateTable(StepTable):
    """``[transaction.update]``."""

    method: Method = "PUT"


class DeleteTable(StepTable):
    """``[transaction.delete]``."""

    method: Method = "DELETE"


class TransactionTable(Table):
    """``[transaction]``."""

    stateless: bool = False
    create: CreateTable | None = None
    read: ReadTable | None = None
    update: UpdateTable | None = None
    delete: DeleteTable | None = None

    @classmethod
    def contradictions(cls, raw: Mapping[str, object]) -> Iterator[Contradiction]:
        """A transaction needs a create and a read, unless there is none."""
        steps = [name for name in STEP_NAMES if name in raw]
        if raw.get("stateless", False) is not False:
            if steps:
                yield ("stateless",), wrong("stateless = true or steps", "Remove one of them.", found="both")
            return
        for name in ("create", "read"):
            if name not in raw:
                step = f"Add [transaction.{name}], or stateless = true if the service stores nothing."
                yield (), wrong(f"a {name}", step, found="none")


class AuthTable(Table):
    """``[auth]``."""

    headers: Headers


class InspectionTable(Table):
    """``[inspection]``."""

    profile: Literal["internal", "standard", "critical"] = "standard"
    exclude: list[Annotated[str, AfterValidator(_operation)]] = []
    operations: list[Annotated[str, AfterValidator(_operation)]] = []


class ConfigurationTable(Table):
    """``[configurations.<name>]``."""

    environment: Environment = {}
    dependencies: list[str] | None = None


class BoundsTable(Table):
    """``[bounds]``."""

    start_s: Seconds = Bounds.start_s
    stop_s: Seconds = Bounds.stop_s
    readiness_s: Seconds = Bounds.readiness_s
    recovery_s: Seconds = Bounds.recovery_s
    refused_s: Seconds = Bounds.refused_s
    silent_s: Seconds = Bounds.silent_s
    withheld_s: Seconds = Bounds.withheld_s


class WaiverTable(Table):
    """``[[waivers]]``."""

    claim: Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
    reason: Text
    owner: Text
    until: date
