"""Values of databases as JSON: dates in ISO 8601, decimals as numbers, bytes as a short note."""

from __future__ import annotations

import datetime as dt
import decimal
import json
import math

Json = str | int | float | bool | None

_OTHER_NUMBERS = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}


def cell(value: object) -> Json:
    """A value as JSON holds it. Numbers that are none (NaN, infinity) become text, and so do lists and objects."""
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else _OTHER_NUMBERS[str(value)]
    if isinstance(value, decimal.Decimal):
        return _number(value)
    if isinstance(value, dt.datetime | dt.date | dt.time):
        return value.isoformat()
    if isinstance(value, bytes | bytearray | memoryview):
        return f"<{len(value)} bytes>"
    if isinstance(value, list | tuple | dict):
        return json.dumps(_parts(value), ensure_ascii=False)
    return str(value)


def _number(value: decimal.Decimal) -> Json:
    if not value.is_finite():
        return _OTHER_NUMBERS.get(str(float(value)), str(value))
    return int(value) if int(value.as_tuple().exponent) >= 0 else float(value)


def _parts(value: object) -> object:
    if isinstance(value, dict):
        return {str(key): _parts(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_parts(each) for each in value]
    return cell(value)


def size(row: list[Json]) -> int:
    """About how many bytes a row takes as JSON."""
    return sum(len(each) + 3 if isinstance(each, str) else 8 for each in row) + 2
