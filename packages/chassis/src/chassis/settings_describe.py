"""The settings of a service as documentation: a table, a ``.env.example``, and a test that neither drifts."""

import difflib
import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from chassis.redaction import REDACTOR
from chassis.redaction_forms import HIDDEN
from chassis.settings_fields import GENERATE, example_of, is_secret, key_of, other_keys, text_of, type_of
from chassis.settings_sources import OVERRIDES


@dataclass(frozen=True)
class SettingRow:
    """One setting, in words. A default that holds a secret is not shown.

    Args:
        key: what a user types, such as NOTES_PORT.
        also: further keys that it is read from.
        expected: what may be put there, such as "a whole number from 0 to 65535".
        default: as one would type it; "" for none.
        required: whether the service does not start without it.
        secret: whether its value is kept out of sight.
        description: what it is for.
        example: a whole line, such as NOTES_PORT=8080, or how to make one.
    """

    key: str
    also: tuple[str, ...]
    expected: str
    default: str
    required: bool
    secret: bool
    description: str
    example: str


def settings_table(settings: type[BaseModel]) -> list[SettingRow]:
    """Describe each setting, the service's own first, then those that every service has."""
    prefix = str(settings.model_config.get("env_prefix", ""))
    own = [name for name in settings.model_fields if not _is_common(settings, name)]
    rows = []
    for name in [*own, *(name for name in settings.model_fields if name not in own)]:
        field = settings.model_fields[name]
        key = key_of(prefix, name, field) if name != OVERRIDES else f"{prefix}DEPENDENCY_<NAME>_<OPTION>".upper()
        secret = is_secret(name, field)
        default = field.get_default(call_default_factory=True) if not secret else None
        rows.append(
            SettingRow(
                key=key,
                also=other_keys(field),
                expected=type_of(field) if name != OVERRIDES else "what the option expects",
                default="" if default in (PydanticUndefined, None, {}) else REDACTOR.clean(text_of(default)),
                required=field.is_required(),
                secret=secret,
                description=(field.description or "").rstrip("."),
                example=example_of(key, name, field)
                if name != OVERRIDES
                else f"{prefix}DEPENDENCY_QUOTES_RETRY_ATTEMPTS=2",
            )
        )
    return rows


def render_markdown(settings: type[BaseModel]) -> str:
    """Write the table for the documentation."""
    lines = ["| Key | Expected | Default | What for |", "|---|---|---|---|"]
    for row in settings_table(settings):
        also = "".join(f", or `{key}`" for key in row.also)
        default = "**required**" if row.required else f"`{row.default}`" if row.default else ""
        lines.append(f"| `{row.key}`{also} | {_cell(row.expected)} | {_cell(default)} | {_cell(row.description)} |")
    return "\n".join(lines) + "\n"


def render_env_example(settings: type[BaseModel]) -> str:
    """Write a ``.env.example``: what is required is filled in with an example, the rest is commented out."""
    lines = [
        "# Copy to .env and change what you need. The environment takes precedence over this file.",
        "# A value may also be read from a file: KEY_FILE=/run/secrets/key in place of KEY=value.",
    ]
    for row in settings_table(settings):
        lines += ["", *_comment(row), _assignment(row)]
    return "\n".join(lines) + "\n"


def differs(path: Path, rendered: str) -> str:
    """Compare a file with what it should hold, and return the difference, or "" for none.

    Args:
        path: the file in the documentation, or ``.env.example``.
        rendered: what :func:`render_markdown` or :func:`render_env_example` returned. For a page that has more in it,
            it is enough that the page contains it.
    """
    there = path.read_text(encoding="utf-8") if path.exists() else ""
    if rendered in there:
        return ""
    lines = difflib.unified_diff(there.splitlines(), rendered.splitlines(), str(path), "expected", lineterm="", n=1)
    return "\n".join(lines)


def settings_values(settings: BaseModel) -> dict[str, str]:
    """Return the values in use by key, for a support bundle: those of secrets are replaced, if there is one."""
    prefix = str(type(settings).model_config.get("env_prefix", ""))
    values = {}
    for name, field in type(settings).model_fields.items():
        value: Any = getattr(settings, name)
        text = (HIDDEN if value else "") if is_secret(name, field) else REDACTOR.clean(text_of(value))
        values[key_of(prefix, name, field)] = text
    return values


def _is_common(settings: type[BaseModel], name: str) -> bool:
    """Tell whether a setting is one that every service has: it was not declared in the service's own class."""
    from chassis.settings import ServiceSettings  # noqa: PLC0415 - it does not need this module to load settings

    return name in ServiceSettings.model_fields and all(
        name not in inspect.get_annotations(base)
        for base in settings.__mro__
        if base is not ServiceSettings and issubclass(base, ServiceSettings)
    )


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _comment(row: SettingRow) -> Iterator[str]:
    if row.description:
        yield f"# {row.description}."
    kind = row.expected[0].upper() + row.expected[1:]
    yield f"# {kind}.{' Required.' if row.required else ''}"
    if row.example == GENERATE:
        yield f"# Use {row.example}"


def _assignment(row: SettingRow) -> str:
    if row.example == GENERATE:
        return f"{'' if row.required else '#'}{row.key}="
    if row.required:
        return row.example
    if row.default:
        return f"#{row.key}={row.default}"
    return f"#{row.example}"
