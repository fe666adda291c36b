r"""Turns a regular expression into a template for texts that it accepts, a new one for each token.

A code such as ``^[A-Z]{3}-\d{4}$`` is often unique in the service's database, so that one fixed example would be
accepted once. Its template is ``{upper_3}-{digits_4}``: see :func:`roadworthy.domain.target.fill_text`.
"""

import re
from collections.abc import Iterator, Sequence
from re import _constants as op  # type: ignore[attr-defined]  # the parser of re: private, and the same since 3.11
from re import _parser  # type: ignore[attr-defined]
from typing import Any

from roadworthy.domain.target import fill_text

_OFTEN = 8  # how often something is repeated that may be repeated without end
_LONGEST = 200
_CLASSES = {"digits": "0123456789", "upper": "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "lower": "abcdefghijklmnopqrstuvwxyz"}
_CATEGORIES = {op.CATEGORY_DIGIT: "digits", op.CATEGORY_WORD: "lower", op.CATEGORY_SPACE: " "}
_SAMPLE = {"token": "rw0123456789"}

Part = tuple[str, int]
"""A class of characters and how many of them, or a literal text and 1."""


class _UnknownError(Exception):
    """The expression has something that is not understood here."""


def template_of(pattern: str, shortest: int = 0, longest: int | None = None) -> str | None:
    """Return a template for texts that the pattern accepts; None when none was found.

    Args:
        pattern: as JSON Schema has it: it may match anywhere in the text.
        shortest: how many characters the text must have.
        longest: how many it may have; None for any number.
    """
    for often in dict.fromkeys((min(_OFTEN, longest or _OFTEN), shortest, 1)):
        try:
            parts = _merged(_parts(_parser.parse(pattern), often))
            template = "".join(f"{{{kind}_{count}}}" if kind in _CLASSES else kind for kind, count in parts)
            text = fill_text(template, _SAMPLE)
            accepted = re.search(pattern, text) is not None
        except (_UnknownError, re.error, OverflowError, RecursionError):
            return None
        if accepted and shortest <= len(text) <= (_LONGEST if longest is None else longest):
            return template
    return None


def _merged(parts: Iterator[Part]) -> Iterator[Part]:
    """Join neighbours of the same class, so that each character is its own."""
    last: Part | None = None
    for kind, count in parts:
        if last is not None and kind in _CLASSES and last[0] == kind:
            last = (kind, last[1] + count)
            continue
        if last is not None:
            yield last
        last = (kind, count)
    if last is not None:
        yield last


def _parts(parsed: Sequence[tuple[Any, Any]], often: int) -> Iterator[Part]:
    for code, value in parsed:
        match code:
            case op.LITERAL:
                yield chr(value), 1
            case op.NOT_LITERAL:
                yield ("x" if value != ord("x") else "y"), 1
            case op.ANY:
                yield "lower", 1
            case op.IN:
                yield _class(value), 1
            case op.MAX_REPEAT | op.MIN_REPEAT | op.POSSESSIVE_REPEAT:
                yield from _repeated(value, often)
            case op.SUBPATTERN | op.ATOMIC_GROUP:
                yield from _parts(value[-1] if code is op.SUBPATTERN else value, often)
            case op.BRANCH:
                yield from _parts(value[1][0], often)
            case op.AT | op.ASSERT | op.ASSERT_NOT:  # whether they hold is tried at the end
                pass
            case _:
                raise _UnknownError(str(code))


def _repeated(repeat: tuple[int, Any, Sequence[tuple[Any, Any]]], often: int) -> Iterator[Part]:
    least, most, what = repeat
    times = least if most != op.MAXREPEAT and most <= 1 else max(least, min(often, int(most)))
    if times > _LONGEST:
        raise _UnknownError("too long")
    parts = list(_parts(what, often))
    if len(parts) == 1 and parts[0][0] in _CLASSES:
        if times:
            yield parts[0][0], parts[0][1] * times
        return
    for _ in range(min(times, max(least, 1))):  # whole groups: as few as are allowed
        yield from parts


def _class(members: Sequence[tuple[Any, Any]]) -> str:
    """Return the name of a class that lies within the set, or one character of it."""
    if members[0][0] is op.NEGATE:
        excluded = _characters(members[1:])
        return next((name for name in ("lower", "digits", "upper") if excluded.isdisjoint(_CLASSES[name])), "") or next(
            (each for each in "xyz012 -_." if each not in excluded), "x"
        )
    for code, value in members:
        if code is op.CATEGORY and value in _CATEGORIES:
            return _CATEGORIES[value]
    characters = _characters(members)
    whole = next((name for name in ("digits", "upper", "lower") if characters.issuperset(_CLASSES[name])), "")
    if whole or not characters:
        return whole or "x"
    return min(characters)


def _characters(members: Sequence[tuple[Any, Any]]) -> set[str]:
    found: set[str] = set()
    for code, value in members:
        if code is op.LITERAL:
            found.add(chr(value))
        elif code is op.RANGE:
            found.update(map(chr, range(value[0], min(value[1], value[0] + 255) + 1)))
        elif code is op.CATEGORY and value in _CATEGORIES:
            found.update(_CLASSES.get(_CATEGORIES[value], " "))
    return found
