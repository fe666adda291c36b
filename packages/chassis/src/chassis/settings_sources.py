"""Where settings come from: the environment, ``.env``, and files named by ``NAME_FILE``.

Precedence, the highest first: arguments, the environment, ``.env``, the default. In each of the two, a key is read from
itself or from the file that KEY_FILE names, never from both, and before the further keys of the field.
"""

import difflib
import json
import re
from collections.abc import Iterable, Mapping
from contextvars import ContextVar
from itertools import product
from pathlib import Path

from pydantic.fields import FieldInfo

from chassis.settings_fields import is_sequence, is_structure, key_of, other_keys

OVERRIDES = "dependency_overrides"
_OVERRIDE = "dependency_"
_LARGEST_FILE = 65_536
_SERVICE_LINK = re.compile(r"_service_(host|port(_\w+)?)$|_port_\d+_(tcp|udp)(_\w+)?$")
"""Keys that Kubernetes sets by itself for each of its services, such as NOTES_SERVICE_HOST."""


class Reading:
    """What came up while settings were read: it cannot be part of what pydantic validates.

    Attributes:
        problems: lines about keys that could not be read at all.
        unreadable: those keys.
        typed: keys that a value really came from, by the field's own key.
        warnings: lines about keys that have the prefix and mean nothing.
    """

    def __init__(self) -> None:
        """Begin with nothing."""
        self.problems: list[str] = []
        self.unreadable: set[str] = set()
        self.typed: dict[str, str] = {}
        self.warnings: list[str] = []


reading: ContextVar[Reading] = ContextVar("reading")


def merge(
    prefix: str, fields: Mapping[str, FieldInfo], layers: Iterable[Mapping[str, str | None]], notes: Reading
) -> dict[str, str | None]:
    """Merge layers, the weaker first, to one mapping of lower-case keys in which files are read and other keys renamed.

    Args:
        prefix: of the service's keys.
        fields: the settings by name.
        layers: the contents of ``.env``, and the environment; keys in lower case.
        notes: takes down what came up.
    """
    keys = {key_of(prefix, name, field): other_keys(field) for name, field in fields.items()}
    merged: dict[str, str | None] = {}
    weaker_first = list(layers)
    for layer in weaker_first:
        merged.update(layer)
    for key, others in keys.items():
        # The first that says something decides: a file that a weaker one names need not be there.
        for layer, candidate in product(reversed(weaker_first), (key, *others)):
            typed, value = _value(candidate, layer, keys, notes)
            if value is not None:
                merged[key.lower()] = value
                notes.typed[key] = typed
            if value is not None or candidate in notes.unreadable:
                break
    notes.warnings += _unknown(prefix, merged, keys)
    if OVERRIDES in fields:
        _collect_overrides(prefix, merged)
    return merged


def decode(field: FieldInfo, raw: str) -> object:
    """Turn the text of a list or structure into one: JSON, or values separated by commas.

    What is neither stays a text, and its field's type refuses it.
    """
    if is_structure(field) or (is_sequence(field) and raw.lstrip().startswith("[")):
        try:
            return json.loads(raw)
        except ValueError:
            return raw
    if is_sequence(field):
        return [part.strip() for part in raw.split(",") if part.strip()]
    return raw


def _value(
    key: str, layer: Mapping[str, str | None], keys: Mapping[str, object], notes: Reading
) -> tuple[str, str | None]:
    """Return the key that the value was found under, its own or that of its file, and the value."""
    value = layer.get(key.lower())
    file_key = f"{key}_FILE"
    path = layer.get(file_key.lower()) if file_key not in keys else None
    if path is None:
        return key, value
    if value is not None:
        notes.problems.append(f"{key}: expected either {key} or {file_key}, and both are set; remove one")
        notes.unreadable.add(key)
        return key, None
    try:
        return file_key, _content(Path(path))
    except (OSError, ValueError) as error:
        reason = (error.strerror or "cannot be read") if isinstance(error, OSError) else str(error)
        # The path is not shown: it may be the secret itself, put there by mistake.
        notes.problems.append(
            f"{file_key}: expected the path of a readable text file that holds the value of {key}, "
            f"for example {file_key}=/run/secrets/{key.lower()} ({reason})"
        )
        notes.unreadable.add(key)
        return file_key, None


def _content(path: Path) -> str:
    with path.open("rb") as file:
        content = file.read(_LARGEST_FILE + 1)
    if len(content) > _LARGEST_FILE:
        raise ValueError(f"it is larger than {_LARGEST_FILE} bytes")
    try:
        return content.decode().rstrip("\r\n")
    except UnicodeDecodeError:
        raise ValueError("it is not UTF-8") from None


def _unknown(prefix: str, merged: Mapping[str, str | None], keys: Mapping[str, tuple[str, ...]]) -> list[str]:
    """Name the keys that begin with the prefix and mean nothing, each with the nearest one that does."""
    if not prefix:
        return []
    known = {key.lower() for key in keys} | {other.lower() for others in keys.values() for other in others}
    known |= {f"{key}_file" for key in known}
    override = f"{prefix}{_OVERRIDE}".lower()
    lines = []
    for key in sorted(merged):
        if not key.startswith(prefix.lower()) or key.startswith(override) or _SERVICE_LINK.search(key):
            continue
        if key not in known:
            names = [each.removeprefix(prefix.upper()) for each in keys]
            near = difflib.get_close_matches(key.upper().removeprefix(prefix.upper()), names, 1)
            hint = f"; did you mean {prefix.upper()}{near[0]}?" if near else ""
            lines.append(f"{key.upper()}: no such setting{hint}")
    return lines


def _collect_overrides(prefix: str, merged: dict[str, str | None]) -> None:
    """Gather PREFIX_DEPENDENCY_NAME_OPTION keys into the one field that holds them all."""
    start, own = f"{prefix}{_OVERRIDE}".lower(), f"{prefix}{OVERRIDES}".lower()
    found = {key.removeprefix(start): value for key, value in merged.items() if key.startswith(start) and key != own}
    if found:
        merged[own] = json.dumps(found)
