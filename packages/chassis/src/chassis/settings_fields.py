"""What is known about one setting: its key, whether it is secret, what may be put there, and an example."""

import re
import types
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import annotated_types
from pydantic import AliasChoices, AliasPath, BaseModel, GetCoreSchemaHandler, SecretBytes, SecretStr
from pydantic import Secret as GenericSecret
from pydantic.fields import FieldInfo
from pydantic_core import CoreSchema, PydanticCustomError, PydanticUndefined, core_schema

from chassis.redaction_forms import SECRET_SETTING, hide_patterns

GENERATE = """the output of: python -c "import secrets; print(secrets.token_urlsafe(32))\""""
_PLACEHOLDERS = re.compile(
    r"changeme|changethis|changeit|changein|placeholder|example|replaceme|replacethis|yoursecret|yourkey|yourapi"
    r"|insertsecret|inserthere|insecure|donotuse|notasecret|supersecret|secretkey|password|development"
)
_FEWEST_CHARACTERS = 8
_SEQUENCES = (list, tuple, set, frozenset, Sequence, AbstractSet)


@dataclass(frozen=True)
class Strength:
    """What a secret must have at least. Placeholders such as "change-me" and repetitions are refused at any length.

    Use it as ``Annotated[SecretStr, Strength(64)]``.

    Args:
        min_length: characters.
    """

    min_length: int = 32

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Check after the value was read."""
        return core_schema.no_info_after_validator_function(self._checked, handler(source))

    def _checked(self, secret: Any) -> Any:
        text = secret.get_secret_value() if hasattr(secret, "get_secret_value") else str(secret)
        if not self.accepts(text):
            raise PydanticCustomError("chassis_weak_secret", "is too weak")
        return secret

    def accepts(self, text: str) -> bool:
        """Tell whether a text is long enough, no placeholder, and no repetition of a few characters."""
        plain = re.sub(r"[\W_]", "", text.lower())
        return (
            len(text) >= self.min_length
            and len(set(text)) >= min(_FEWEST_CHARACTERS, self.min_length)
            and not _PLACEHOLDERS.search(plain)
        )


Secret = Annotated[SecretStr, Strength()]
"""A secret of at least 32 characters. Give it no default: then the service does not start without one."""


class AlsoFrom:
    """Further keys that a setting is read from when its own is not set, as they are: ``AlsoFrom("DATABASE_URL")``."""

    def __init__(self, *keys: str) -> None:
        """Keep the keys, in order of precedence."""
        self.keys = keys


def key_of(prefix: str, name: str, field: FieldInfo) -> str:
    """Return the environment key of a field, as a user types it."""
    alias = field.validation_alias
    if isinstance(alias, AliasChoices):
        alias = alias.choices[0]
    if isinstance(alias, AliasPath):
        alias = str(alias.path[0])
    return alias.upper() if alias else f"{prefix}{name}".upper()


def other_keys(field: FieldInfo) -> tuple[str, ...]:
    """Return the further keys that a field is read from."""
    return tuple(key for mark in _marks(field) if isinstance(mark, AlsoFrom) for key in mark.keys)


def is_secret(name: str, field: FieldInfo) -> bool:
    """Tell whether the value is to be kept out of sight: by its type, or, for a text or several, by its name."""
    kinds = set(_leaves(field.annotation))
    if any(isinstance(kind, type) and issubclass(kind, SecretStr | SecretBytes | GenericSecret) for kind in kinds):
        return True
    return kinds <= {str, bytes, types.NoneType} and SECRET_SETTING.search(name) is not None


def is_sequence(field: FieldInfo) -> bool:
    """Tell whether a comma separates several values."""
    return any(kind in _SEQUENCES for kind in _kinds(field.annotation))


def is_structure(field: FieldInfo) -> bool:
    """Tell whether the value is written as JSON."""
    return any(
        kind in (dict, Mapping) or (isinstance(kind, type) and issubclass(kind, BaseModel))
        for kind in _kinds(field.annotation)
    )


def type_of(field: FieldInfo) -> str:
    """Say in words what may be put there, such as "a whole number from 1 to 65535"."""
    kinds = [kind for kind in _kinds(field.annotation) if kind is not types.NoneType]
    words = " or ".join(dict.fromkeys(_words(kind) for kind in kinds))
    return f"{words}{_bounds(_marks(field))}"


def example_of(key: str, name: str, field: FieldInfo) -> str:
    """Return an example of the whole line, such as ``NOTES_PORT=8080``."""
    if field.examples:
        return f"{key}={text_of(field.examples[0])}"
    if is_secret(name, field):
        return GENERATE if any(isinstance(mark, Strength) for mark in _marks(field)) else f"{key}=..."
    default = hide_patterns(text_of(field.get_default(call_default_factory=False)))
    if default:
        return f"{key}={default}"
    return f"{key}={_sample(field)}"


def text_of(value: Any) -> str:
    """Write a value as one would in the environment; "" for none."""
    if value is None or value is PydanticUndefined:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, list | tuple | set | frozenset):
        return ",".join(text_of(each) for each in value)
    if isinstance(value, float) and value.is_integer():
        return f"{value:.1f}"
    return str(value)


def _kinds(annotation: Any) -> Iterator[Any]:
    """Yield the types that an annotation allows: the members of a union, without what they contain."""
    origin = get_origin(annotation)
    if origin is Annotated:
        yield from _kinds(get_args(annotation)[0])
    elif origin in (Union, types.UnionType):
        for member in get_args(annotation):
            yield from _kinds(member)
    elif origin is Literal:
        yield annotation
    else:
        yield origin or annotation


def _leaves(annotation: Any) -> Iterator[Any]:
    """Yield the types of the values that an annotation allows, also of those within lists and mappings."""
    if get_origin(annotation) in (Annotated, Union, types.UnionType):
        members = get_args(annotation)
        for member in members[:1] if get_origin(annotation) is Annotated else members:
            yield from _leaves(member)
    elif get_origin(annotation) in (*_SEQUENCES, dict, Mapping):
        values = [each for each in get_args(annotation) if each is not Ellipsis]
        for value in values[-1:] if get_origin(annotation) in (dict, Mapping) else values:
            yield from _leaves(value)
    elif annotation in _SEQUENCES:
        yield str
    else:
        yield from _kinds(annotation)


def _marks(field: FieldInfo) -> list[Any]:
    """Return what was annotated: of the field, and within ``Annotated[...] | None``."""
    members = get_args(field.annotation) if get_origin(field.annotation) in (Union, types.UnionType) else ()
    within = [mark for member in members if get_origin(member) is Annotated for mark in get_args(member)[1:]]
    return [*field.metadata, *within]


def _words(kind: Any) -> str:
    if get_origin(kind) is Literal:
        return f"one of {', '.join(text_of(value) for value in get_args(kind))}"
    if isinstance(kind, type) and issubclass(kind, Enum):
        return f"one of {', '.join(text_of(value) for value in kind)}"
    if kind in _SEQUENCES:
        return "a list, separated by commas"
    names: tuple[tuple[Any, str], ...] = (
        (bool, "true or false"),
        (int, "a whole number"),
        (float, "a number"),
        ((SecretStr, SecretBytes, GenericSecret), "a secret"),
        (str, "text"),
        (Path, "a path"),
        (timedelta, "a duration"),
        ((dict, BaseModel), "a JSON object"),
    )
    if isinstance(kind, type):
        for known, words in names:
            if issubclass(kind, known):
                return words
    name = getattr(kind, "__name__", "value")
    return "a URL" if name.endswith(("Url", "Dsn")) else f"a value of type {name}"


def _bounds(metadata: Sequence[Any]) -> str:
    low = next((mark.ge for mark in metadata if isinstance(mark, annotated_types.Ge)), None)
    high = next((mark.le for mark in metadata if isinstance(mark, annotated_types.Le)), None)
    parts = [f" from {low} to {high}"] if low is not None and high is not None else []
    if len(parts) == 0:
        parts += [f" of at least {low}"] if low is not None else []
        parts += [f" of at most {high}"] if high is not None else []
    for mark in metadata:
        if isinstance(mark, annotated_types.Gt):
            parts.append(f" above {mark.gt}")
        elif isinstance(mark, annotated_types.Lt):
            parts.append(f" below {mark.lt}")
        elif isinstance(mark, Strength):
            parts.append(f" of at least {mark.min_length} characters that is no placeholder")
        elif isinstance(mark, annotated_types.MinLen):
            parts.append(f" of at least {mark.min_length} characters")
    return ",".join(parts)


def _sample(field: FieldInfo) -> str:
    """Make up an example for a field that has neither examples nor a default."""
    kind = next((kind for kind in _kinds(field.annotation) if kind is not types.NoneType), str)
    if get_origin(kind) is Literal:
        return text_of(get_args(kind)[0])
    if isinstance(kind, type) and issubclass(kind, Enum):
        return text_of(next(iter(kind)))
    low = next((mark.ge for mark in _marks(field) if isinstance(mark, annotated_types.Ge)), None)
    samples: dict[Any, str] = {bool: "true", int: str(low or 10), float: str(low or 1.5), str: "text", dict: "{}"}
    return samples.get(kind, "a,b" if kind in _SEQUENCES else "...")
