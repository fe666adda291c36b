"""Policies adjusted by name, as settings do it: ``{"retry.attempts": 2, "deadline_s": 1.5, "breaker": "off"}``."""

import dataclasses
import difflib
import typing
from collections.abc import Mapping
from typing import Any

from chassis.errors import SettingsError
from chassis.resilience.policy import Policy

_OFF = ("off", "none")
_ON = ("on", "default")


def adjustable() -> tuple[str, ...]:
    """Return the names that :func:`adjusted` knows: all options but those that are code (``on``, ``fallback``)."""
    return tuple(_names(Policy, ""))


def adjusted(policy: Policy, changes: Mapping[str, Any]) -> Policy:
    """Return the policy with some options changed.

    Args:
        policy: where to begin.
        changes: values by name; texts are read as they come from an environment. A part such as ``retry`` is left out
            by "off" or None, and put in with its defaults by "on" or by naming one of its options.

    Raises:
        SettingsError: a name is unknown, or a value is none for its option; all problems at once.
    """
    problems: list[str] = []
    result = _adjusted(policy, changes, "", problems)
    if problems:
        raise SettingsError(tuple(problems))
    return typing.cast("Policy", result)


def _adjusted(options: Any, changes: Mapping[str, Any], path: str, problems: list[str]) -> Any:
    kinds = _kinds(type(options))
    own: dict[str, Any] = {}
    of_parts: dict[str, dict[str, Any]] = {}
    for name, value in changes.items():
        head, _, rest = name.partition(".")
        kind = kinds.get(head)
        if kind is None or (rest and not dataclasses.is_dataclass(kind)):
            problems.append(_unknown(path + name))
        elif rest:
            of_parts.setdefault(head, {})[rest] = value
        else:
            own[head] = _parsed(value, kind, getattr(options, head), path + name, problems)
    for head, changes_of_part in of_parts.items():
        if head in own and own[head] is None:  # switched off, whatever its options would be
            continue
        part = own.get(head) or getattr(options, head) or kinds[head]()
        own[head] = _adjusted(part, changes_of_part, f"{path}{head}.", problems)
    try:
        return dataclasses.replace(options, **own)
    except ValueError as error:
        problems.append(str(error))
        return options


def _parsed(value: Any, kind: type, current: Any, name: str, problems: list[str]) -> Any:
    """Return a value as its option takes it; whether the option takes it at all, its own checks tell."""
    word = value.strip().lower() if isinstance(value, str) else value
    if word is None or word in _OFF:
        return None
    if dataclasses.is_dataclass(kind):
        if word in _ON:
            return current or kind()
        if isinstance(value, kind):
            return value
        problems.append(f"{name}: expected on or off, or one of its options, such as {next(iter(_names(kind, name)))}")
    elif isinstance(value, str):
        try:
            return kind(value)
        except ValueError:
            words = "a whole number, such as 3" if kind is int else "a number, such as 1.5"
            problems.append(f"{name}: expected {words}, not {value!r}")
    else:
        return value
    return current


def _kinds(options: type) -> dict[str, type]:
    """Return the options that a setting can change, and what they are: int, float or another class of options."""
    kinds = {}
    for name, hint in typing.get_type_hints(options).items():
        choices = [each for each in typing.get_args(hint) or (hint,) if each is not type(None)]
        if len(choices) == 1 and (choices[0] in (int, float) or (dataclasses.is_dataclass(choices[0]))):
            kinds[name] = choices[0]
    kinds.pop("fallback", None)
    return kinds


def _names(options: type, path: str) -> typing.Iterator[str]:
    for name, kind in _kinds(options).items():
        full = f"{path}.{name}" if path else name
        yield full
        if dataclasses.is_dataclass(kind):
            yield from _names(kind, full)


def _unknown(name: str) -> str:
    close = difflib.get_close_matches(name, adjustable(), n=1)
    meant = f"did you mean {close[0]}?" if close else f"expected one of {', '.join(adjustable())}"
    if name.rpartition(".")[2] in {"on", "fallback"}:
        meant = "it is code, and set where the policy is made"
    return f"{name}: no such option of a policy; {meant}"
