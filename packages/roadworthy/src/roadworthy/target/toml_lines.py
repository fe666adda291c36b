"""Which line of a TOML text each key is on. ``tomllib`` does not say."""

import re
import tomllib
from collections.abc import Mapping

KeyPath = tuple[str | int, ...]

_ONE_KEY = r'(?:"(?:\\.|[^"\\\n])*"|\'[^\'\n]*\'|[A-Za-z0-9_-]+)'
_KEY = re.compile(_ONE_KEY)
_HEADER = re.compile(rf"\[\[?[ \t]*({_ONE_KEY}(?:[ \t]*\.[ \t]*{_ONE_KEY})*)[ \t]*\]\]?")
_ASSIGNMENT = re.compile(rf"({_ONE_KEY}(?:[ \t]*\.[ \t]*{_ONE_KEY})*)[ \t]*=")
_BLANK = re.compile(r"(?:\s|#[^\n]*)+")
_VALUE_PART = re.compile(
    r'"""(?:\\.|[^\\])*?"{3,5}|\'\'\'.*?\'{3,5}|"(?:\\.|[^"\\\n])*"|\'[^\'\n]*\''  # a string
    r"|#[^\n]*|[\[\]{}\n]|[^\[\]{}\n\"'#]+",
    re.DOTALL,
)


def key_lines(text: str) -> dict[KeyPath, int]:
    """Map the path of each key and table to its line, counted from 1.

    The items of an array of tables have their index in the path. Keys of inline tables are not listed: look up their
    nearest ancestor with :func:`line_of`.

    Args:
        text: valid TOML; what an invalid one gives is unspecified.
    """
    text = text.replace("\r\n", "\n")
    lines: dict[KeyPath, int] = {(): 1}
    items: dict[KeyPath, int] = {}  # arrays of tables: how many items so far
    table: KeyPath = ()
    position = 0
    while position < len(text):
        if blank := _BLANK.match(text, position):
            position = blank.end()
        elif header := _HEADER.match(text, position):
            table = _table(header, items)
            _note(lines, table, text.count("\n", 0, position) + 1)
            position = header.end()
        elif assignment := _ASSIGNMENT.match(text, position):
            _note(lines, table + _keys(assignment[1]), text.count("\n", 0, position) + 1)
            position = _end_of_value(text, assignment.end())
        else:
            break
    return lines


def line_of(lines: Mapping[KeyPath, int], path: KeyPath) -> int:
    """Return the line of a key, or of its nearest ancestor that has one."""
    while path not in lines:
        path = path[:-1]
    return lines[path]


def _keys(dotted: str) -> KeyPath:
    return tuple(tomllib.loads(f"{key} = 0").popitem()[0] for key in _KEY.findall(dotted))


def _table(header: re.Match[str], items: dict[KeyPath, int]) -> KeyPath:
    path: KeyPath = ()
    keys = _keys(header[1])
    for depth, key in enumerate(keys, 1):
        path = (*path, key)
        if depth == len(keys) and header[0].startswith("[["):
            items[path] = items.get(path, 0) + 1
        if path in items:
            path = (*path, items[path] - 1)
    return path


def _note(lines: dict[KeyPath, int], path: KeyPath, line: int) -> None:
    for length in range(1, len(path) + 1):
        lines.setdefault(path[:length], line)


def _end_of_value(text: str, position: int) -> int:
    depth = 0
    while part := _VALUE_PART.match(text, position):
        if part[0] == "\n" and depth == 0:
            break
        depth += (part[0] in "[{") - (part[0] in "]}")
        position = part.end()
    return position
