"""What is wrong with settings, in lines that name the key, what was expected and an example; never a value.

pydantic's own messages show what was put in, secrets included, so nothing of them is used but where and what kind.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from pydantic.fields import FieldInfo

from chassis.errors import SettingsError
from chassis.redaction import REDACTOR
from chassis.settings_fields import example_of, is_secret, key_of, type_of
from chassis.settings_sources import Reading

_logger = logging.getLogger("chassis.settings")
_OWN_WORDS = ("value_error", "assertion_error")
"""Kinds of errors whose message was written by the service, not by pydantic."""


@dataclass(frozen=True)
class ConfigurationReport:
    """Whether settings are valid, and what is wrong or odd. It is true when they are valid.

    Args:
        problems: one line each; empty when valid.
        warnings: one line for each key that has the service's prefix and means nothing.
    """

    problems: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        """Tell whether the settings are valid."""
        return not self.problems


def validate_configuration(settings: type[Any]) -> ConfigurationReport:
    """Load settings, log what is wrong with them, and report it.

    Args:
        settings: the class of the service's settings.
    """
    try:
        loaded = settings()
    except SettingsError as error:
        report = ConfigurationReport(problems=error.problems)
    else:
        report = ConfigurationReport(warnings=tuple(getattr(loaded, "load_warnings", ())))
    for problem in report.problems:
        _logger.error("configuration: %s", problem)
    for warning in report.warnings:
        _logger.warning("configuration: %s", warning)
    if report:
        _logger.info("All configuration checks passed!")
    return report


def problems_of(
    error: ValidationError, prefix: str, fields: Mapping[str, FieldInfo], notes: Reading
) -> tuple[str, ...]:
    """Write each problem as one line, those that came up while reading first."""
    lines = list(notes.problems)
    for each in error.errors(include_url=False, include_context=False, include_input=False):
        line = _line(each["loc"], each["type"], each["msg"], prefix, fields, notes)
        if line and line not in lines:
            lines.append(line)
    return tuple(REDACTOR.clean_known(line) for line in lines)


def _line(
    place: tuple[int | str, ...], kind: str, message: str, prefix: str, fields: Mapping[str, FieldInfo], notes: Reading
) -> str:
    own_words = REDACTOR.clean(message.partition(", ")[2]) if kind in _OWN_WORDS else ""
    name, field = _field_at(place, prefix, fields)
    if field is None:
        return f"{'.'.join(str(part) for part in place) or 'settings'}: {own_words or REDACTOR.clean(message)}"
    key = key_of(prefix, name, field)
    if key in notes.unreadable:
        return ""
    secret = is_secret(name, field)
    what = f"expected {type_of(field)}"
    if kind == "missing":
        about = f" ({field.description.rstrip('.')})" if field.description else ""
        what = f"is missing; {what}{about}"
    elif own_words and not secret:
        what = f"{own_words}; {what}"
    within = f" ({', '.join(_part(part) for part in place[1:])})" if len(place) > 1 and not secret else ""
    return f"{notes.typed.get(key, key)}{within}: {what}, for example {example_of(key, name, field)}"


def _field_at(
    place: tuple[int | str, ...], prefix: str, fields: Mapping[str, FieldInfo]
) -> tuple[str, FieldInfo | None]:
    """Find the field that an error is about: pydantic gives its name, or its alias."""
    for name, field in fields.items():
        if place and (place[0] == name or str(place[0]).upper() == key_of(prefix, name, field)):
            return name, field
    return "", None


def _part(part: int | str) -> str:
    return f"item {part + 1}" if isinstance(part, int) else part
