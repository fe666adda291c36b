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
    if len(raw) > _LONGEST_LINE:
        raw = orjson.dumps(_shortened(fields), str, OPTIONS)
    if redactor.may_hold_secret(raw.decode()) or redactor.has_secret_field(context):
        return orjson.dumps(redactor.clean_data(orjson.loads(raw)), None, OPTIONS)
    return raw


def error_of(info: ExceptionInfo) -> dict[str, str]:
    """Describe an exception for the context: type, message and traceback, without the values of variables."""
    kind, error, trace = info
    return {
        "type": kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}",
        "message": _text(error),
        "traceback": "".join(traceback.format_exception(kind, error, trace)),
    }


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # noqa: BLE001 - an exception whose text fails is logged all the same
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
        return {_plain(str(key)): _plain(value, depth + 1) for key, value in data.items()}
    if isinstance(data, list | tuple | set | frozenset):
        return [_plain(each, depth + 1) for each in data]
    return _plain(str(data))


def _shortened(fields: dict[str, Any]) -> dict[str, Any]:
    """Keep what fits: the message and the error, cut, and the names of what else there was."""
    context = fields["context"]
    kept: dict[str, Any] = {"cut": True, "names": ", ".join(str(key) for key in context)[:_LONGEST_TEXT]}
    if isinstance(error := context.get("error"), dict):
        kept["error"] = {name: str(text)[-_LONGEST_TEXT:] for name, text in error.items()}
    message = _plain(str(fields["message"])[:_LONGEST_TEXT])
    return {**fields, "message": message, "context": _plain(kept)}
