"""One log line: JSON with timestamp, level, correlation_id, message and context, and no secret in it."""

import traceback
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

import orjson

from chassis.redaction import Redactor

OPTIONS = orjson.OPT_APPEND_NEWLINE | orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS
_LONGEST_LINE = 256 * 1024
_LONGEST_TEXT = 64 * 1024
_LONGEST_ESCAPED = 8 * 1024
"""Characters of a text that JSON writes with six each."""
_DEEPEST = 12
_LARGEST_NUMBER = 2**53

ExceptionInfo = tuple[type[BaseException], BaseException, TracebackType | None]


def line(
    redactor: Redactor, level: str, message: str, context: dict[str, Any], *, at: float, correlation_id: str = ""
) -> bytes:
    """Write a log line. It never fails, whatever the context holds, and is never longer than 256 KiB.

    Args:
        redactor: hides secrets.
        level: INFO, WARNING, ERROR and so on.
        message: what happened.
        context: anything; what JSON cannot write is written as text.
        at: when, in seconds since 1970-01-01 UTC.
        correlation_id: of the request; "" outside of requests.
    """
    fields: dict[str, Any] = {
        "timestamp": datetime.fromtimestamp(at, UTC),
        "level": level,
        "correlation_id": correlation_id,
        "message": message,
        "context": context,
    }
    try:
        raw = orjson.dumps(fields, str, OPTIONS)
    except (TypeError, ValueError):  # lone surrogates, huge numbers, cycles
        raw = orjson.dumps(_plain(fields), str, OPTIONS)
    if shortened := len(raw) > _LONGEST_LINE:
        raw = orjson.dumps(_shortened(fields, _LONGEST_TEXT), str, OPTIONS)
        if len(raw) > _LONGEST_LINE:
            raw = orjson.dumps(_shortened(fields, _LONGEST_ESCAPED), str, OPTIONS)
    # What was cut may begin with the rest of a secret, which only cleaning finds.
    if shortened or redactor.may_hold_secret(raw.decode()) or redactor.has_secret_field(context):
        return orjson.dumps(redactor.clean_data(orjson.loads(raw)), None, OPTIONS)
    return raw


def error_of(info: ExceptionInfo) -> dict[str, str]:
    """Describe an exception for the context: type, message and traceback, without the values of variables."""
    kind, error, trace = info
    return {
        "type": kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}",
        "message": text_of(error),
        "traceback": "".join(traceback.format_exception(kind, error, trace)),
    }


def text_of(anything: object) -> str:
    """Return the text of an exception or a message, whatever it does when it is asked for it."""
    try:
        return str(anything)
    except Exception:  # noqa: BLE001 - what has no text is logged all the same
        return "<its text cannot be made>"


def _plain(data: Any, depth: int = 0) -> Any:
    """Return what any JSON writer can write: valid texts, numbers of a size, nothing endless."""
    if isinstance(data, str):
        return data.encode("utf-8", "backslashreplace").decode()
    if isinstance(data, bool | float | datetime) or data is None:
        return data
    if isinstance(data, int):
        return data if abs(data) < _LARGEST_NUMBER else str(data)
    if depth > _DEEPEST:
        return "..."
    if isinstance(data, dict):
        return {_plain(_name(key)): _plain(value, depth + 1) for key, value in data.items()}
    if isinstance(data, list | tuple | set | frozenset):
        return [_plain(each, depth + 1) for each in data]
    return _plain(str(data))


def _name(key: object) -> str:
    return key.decode("utf-8", "backslashreplace") if isinstance(key, bytes) else str(key)


def _shortened(fields: dict[str, Any], longest: int) -> dict[str, Any]:
    """Keep what fits: the message and the error, cut, and the names of what else there was."""
    context = fields["context"]
    kept: dict[str, Any] = {"cut": True, "names": ", ".join(str(key) for key in context)[:longest]}
    if isinstance(error := context.get("error"), dict):
        kept["error"] = {name: str(text)[-longest:] for name, text in error.items()}
    message = _plain(str(fields["message"])[:longest])
    return {**fields, "message": message, "context": _plain(kept)}
