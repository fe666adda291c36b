"""What is wrong with a manifest, as sentences: the line, the key, what was expected, what was found, the next step.

Values that may be secrets are never shown: of those, only the type is told.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches

from pydantic_core import ErrorDetails

from roadworthy.target.toml_lines import KeyPath, line_of

_MAY_BE_SECRET = {"environment", "auth", "headers", "url", "value", "json", "body", "command", "setup"}

_EXPECTED = {
    "string_type": ("a string", "Put it in quotation marks."),
    "int_type": ("a whole number", "Write it without quotation marks."),
    "float_type": ("a number", "Write it without quotation marks."),
    "bool_type": ("true or false", "Write it without quotation marks."),
    "list_type": ("a list", "Put it in square brackets."),
    "dict_type": ("a table", 'Write it such as { KEY = "value" }.'),
    "model_type": ("a table", "Put its keys under a [header] of their own."),
    "date_type": ("a date", "Write it such as 2026-12-31, without quotation marks."),
    "greater_than": ("a number above 0", "Use a positive number."),
    "finite_number": ("a finite number", "Use a positive number."),
    "string_too_short": ("a text that is not empty", "Say it in a few words."),
}


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong. ``path`` is the key's; (), when the file as a whole is meant."""

    line: int
    path: KeyPath
    expected: str
    found: str
    step: str

    def shown(self, file: str) -> str:
        """The line that a person reads."""
        return f"{file}:{self.line}: {_place(self.path)}expected {self.expected}, found {self.found}. {self.step}"


class ManifestError(Exception):
    """A manifest that cannot be used. Its text has a line for each thing that is wrong with it."""

    def __init__(self, lines: Sequence[str]) -> None:
        self.lines = tuple(lines)
        super().__init__("\n".join(self.lines))


def from_pydantic(error: ErrorDetails, lines: Mapping[KeyPath, int], known: Iterable[str]) -> Problem:
    """Turn one of pydantic's errors into a sentence. ``known`` are the keys that its table may have."""
    path = tuple(part for part in error["loc"] if part != "[key]")  # pydantic's mark for a bad key of a table
    kind, value, context = error["type"], error["input"], error.get("ctx", {})
    expected, step = _EXPECTED.get(kind, (error["msg"], "Change it."))
    found = describe(value, path)
    if kind == "manifest":
        expected, step, found = context["expected"], context["step"], context["found"] or found
    elif kind == "extra_forbidden":
        expected, step, found = "a known key", did_you_mean(str(path[-1]), known), "this one"
    elif kind == "missing":
        expected, step, found = "a value", f"Add {path[-1]} = ... to the table.", "none"
        if len(path) == 1:
            expected, step = "this table", f"Add [{path[0]}] to the file, with command = ... in it."
    elif kind in ("greater_than_equal", "less_than_equal"):
        bound = f"at least {context['ge']}" if "ge" in context else f"at most {context['le']}"
        expected, step = f"a number of {bound}", "Use another number."
    elif kind == "literal_error":
        expected = f"one of {context['expected']}"
        step = did_you_mean(str(value), re.findall(r"'([^']*)'", context["expected"]))
    return Problem(line_of(lines, path), path, expected, found, step)


def _place(path: KeyPath) -> str:
    """Write a path as people know it: the table in brackets, then the key."""
    match path:
        case ():
            return ""
        case (str() as only,):
            return f"[{only}]: "
        case ("waivers", int(), *rest):
            return " ".join(["[[waivers]]", *map(str, rest)]) + ": "
    *table, key = (part for part in path if isinstance(part, str))
    return f"[{'.'.join(table)}] {key}: "


def describe(value: object, path: KeyPath) -> str:
    """Say what was found; the value itself only where it cannot be a secret."""
    match value:
        case bool():
            kind, shown = "a boolean", str(value).lower()
        case int() | float():
            kind, shown = "a number", str(value)
        case str():
            kind, shown = "a string", repr(value)
        case date():
            kind, shown = "a date", value.isoformat()
        case Mapping():
            return "a table"
        case list() | tuple():
            return "a list"
        case _:
            return "nothing"
    return kind if _MAY_BE_SECRET.intersection(map(str, path)) else f"{kind}: {shown}"


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return the next step for a word that is none of the known ones."""
    names = list(known)
    close = get_close_matches(word, names, n=1)
    return f"Did you mean {close[0]}?" if close else f"Known are {', '.join(names) or 'none'}."
