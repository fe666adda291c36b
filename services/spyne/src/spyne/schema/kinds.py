"""What a column's values are: from its declared type, and from the values where those say otherwise."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from spyne.schema.model import Kind

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_TIMESTAMP = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}(:?\d{2})?)?")
_TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d+)?)?")

# The first that is found in a declared type decides: "timestamp" holds "time", and "interval" and "point" hold "int".
_DECLARED: tuple[tuple[str, Kind], ...] = (
    ("interval", "other"), ("point", "other"), ("[", "other"), ("struct", "other"), ("map(", "other"),
    ("union", "other"), ("json", "other"), ("range", "other"), ("enum", "text"), ("bool", "boolean"),
    ("timestamp", "timestamp"),
    ("datetime", "timestamp"), ("date", "date"), ("time", "time"), ("int", "integer"), ("serial", "integer"),
    ("char", "text"), ("text", "text"), ("clob", "text"), ("string", "text"), ("uuid", "text"),
    ("real", "number"), ("floa", "number"), ("doub", "number"), ("num", "number"), ("dec", "number"),
    ("money", "number"),
)  # fmt: skip


def declared_kind(declared_type: str) -> Kind:
    """What a column of this declared type should hold; `other` where the type does not say."""
    lowered = declared_type.lower()
    return next((kind for part, kind in _DECLARED if part in lowered), "other")


def kind_of(declared_type: str, values: Sequence[object]) -> Kind:
    """What a column holds. A declared type counts only as far as the values that were read agree with it."""
    declared = declared_kind(declared_type)
    if not values:
        return declared
    if all(isinstance(value, str) for value in values):
        return _kind_of_texts(declared, [str(value) for value in values])
    if all(isinstance(value, int | float) for value in values):
        whole = all(isinstance(value, int) for value in values)
        if declared == "boolean" and set(values) <= {0, 1}:
            return "boolean"
        if declared in {"number", "integer"}:
            return "integer" if declared == "integer" and whole else "number"
        return "integer" if whole else "number"
    return "other" if any(isinstance(value, bytes) for value in values) else "text"


def _kind_of_texts(declared: Kind, texts: Sequence[str]) -> Kind:
    for kind, pattern in _PATTERNS:
        if all(pattern(text) for text in texts):
            return "timestamp" if kind == "date" and declared == "timestamp" else kind
    mixed = all(_DATE.fullmatch(text) or _TIMESTAMP.fullmatch(text) for text in texts)
    return "timestamp" if mixed else "text"


_PATTERNS: tuple[tuple[Kind, Callable[[str], object]], ...] = (
    ("date", _DATE.fullmatch),
    ("timestamp", _TIMESTAMP.fullmatch),
    ("time", _TIME.fullmatch),
)
