"""Values of databases as JSON."""

import datetime as dt
import json
from decimal import Decimal
from uuid import UUID

import pytest
from spyne.schema.cells import cell, size


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, None), (True, True), (2**80, 2**80), (1.5, 1.5), ("ä", "ä"),
        (Decimal("1.50"), 1.5), (Decimal(12), 12), (Decimal("NaN"), "NaN"), (Decimal("-Infinity"), "-Infinity"),
        (float("nan"), "NaN"), (float("-inf"), "-Infinity"), (float("inf"), "Infinity"),
        (dt.date(2024, 2, 29), "2024-02-29"), (dt.time(9, 5), "09:05:00"),
        (dt.datetime(2024, 2, 29, 9, 5, tzinfo=dt.UTC), "2024-02-29T09:05:00+00:00"),
        (b"abc", "<3 bytes>"), (memoryview(b""), "<0 bytes>"), (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        ([1, Decimal("2.5"), None], "[1, 2.5, null]"),
        ({"at": dt.date(2024, 1, 1), 1: b"x"}, '{"at": "2024-01-01", "1": "<1 bytes>"}'),
        (dt.timedelta(days=1, hours=2), "1 day, 2:00:00"),
    ],
)  # fmt: skip
def test_a_value_is_json(value: object, shown: object) -> None:
    made = cell(value)
    assert (type(made), made) == (type(shown), shown)
    json.dumps(made, allow_nan=False)


def test_the_size_is_about_that_of_the_json() -> None:
    row = ["some text", 12.25, None, True]
    assert abs(size(row) - len(json.dumps(row))) <= 16
