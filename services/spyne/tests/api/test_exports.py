"""Results as files."""

import csv
import io
import json

import duckdb
import pytest
from spyne.ask.outcome import Rows
from spyne.exports import csv_lines, json_lines, parquet


def test_csv_quotes_what_must_be_and_disarms_formulas():
    rows = Rows(
        columns=("a", "=b"), rows=((1, 'x "y", z'), (None, "=HYPERLINK()"), (-1.5, "@x"), (True, "líne\nbreak"))
    )

    text = b"".join(csv_lines(rows)).decode()

    assert text == (
        "a,'=b\r\n1,\"x \"\"y\"\", z\"\r\n,'=HYPERLINK()\r\n-1.5,'@x\r\nTrue,\"líne\nbreak\"\r\n"
    )  # fmt: skip


@pytest.mark.parametrize("begin", ["=", "+", "-", "@", "\t=", "\r", "\n", " =", "\uff1d"])
def test_what_a_spreadsheet_takes_for_a_formula_gets_an_apostrophe(begin):
    (_, row), _ = (list(csv.reader(io.StringIO(text, newline=""))) for text in (written(f"{begin}cmd()"), written("x")))

    assert row == [f"'{begin}cmd()"]


@pytest.mark.parametrize("harmless", ["-5", "+1.25", "a=b", "2024-01-01", "x\n=y"])
def test_what_is_none_stays_as_it_is(harmless):
    assert list(csv.reader(io.StringIO(written(harmless), newline="")))[1] == [harmless]


def written(cell):
    return b"".join(csv_lines(Rows(columns=("a",), rows=((cell,),)))).decode()


def test_json_lines_are_an_object_a_row_in_parts():
    rows = Rows(columns=("n", "N", "ü"), rows=tuple((number, None, "x\ny") for number in range(1200)))

    parts = list(json_lines(rows))
    lines = b"".join(parts).decode().splitlines()

    assert len(parts) == 3
    assert len(lines) == 1200
    assert json.loads(lines[7]) == {"n": 7, "N_2": None, "ü": "x\ny"}


def test_parquet_has_dates_and_times_as_such(tmp_path):
    rows = Rows(
        columns=("day", "moment", "zoned", "no_day", "mixed"),
        rows=(
            ("2024-02-29", "2024-01-01 10:00:00", "2024-01-01T10:00:00+02:00", "2023-02-29", "2024-01-01"),
            (None, "2024-01-01T10:00:00.5", "2024-01-01T08:00:00Z", "2023-02-28", "soon"),
        ),
    )
    (tmp_path / "x.parquet").write_bytes(parquet(rows))

    with duckdb.connect() as connection:
        found = connection.execute(
            "SELECT typeof(day), typeof(moment), typeof(zoned), typeof(no_day), typeof(mixed), day::text, moment::text,"
            f" epoch(zoned) FROM '{tmp_path / 'x.parquet'}'"
        ).fetchall()

    assert found[0][:5] == ("DATE", "TIMESTAMP", "TIMESTAMP WITH TIME ZONE", "VARCHAR", "VARCHAR")
    assert found[0][5:] == ("2024-02-29", "2024-01-01 10:00:00", 1704096000.0)
    assert found[1][5:] == (None, "2024-01-01 10:00:00.5", 1704096000.0)


def test_csv_comes_in_parts():
    rows = Rows(columns=("n",), rows=tuple((number,) for number in range(1200)))

    parts = list(csv_lines(rows))

    assert len(parts) == 3
    assert b"".join(parts).count(b"\r\n") == 1201


def test_parquet_keeps_types_and_names_apart(tmp_path):
    rows = Rows(
        columns=("n", "N", "", "big", "mixed", "none"),
        rows=((1, 1.5, True, 2**70, "x", None), (None, 2, None, 1, 3, None)),
    )
    (tmp_path / "x.parquet").write_bytes(parquet(rows))

    with duckdb.connect() as connection:
        found = connection.execute(f"SELECT * FROM '{tmp_path / 'x.parquet'}'")
        names = [each[0] for each in found.description]
        cells = found.fetchall()

    assert names == ["n", "N_2", "column", "big", "mixed", "none"]
    assert cells == [(1, 1.5, True, str(2**70), "x", None), (None, 2.0, None, "1", "3", None)]


def test_parquet_of_no_rows_has_the_columns(tmp_path):
    (tmp_path / "x.parquet").write_bytes(parquet(Rows(columns=("a",), rows=())))

    with duckdb.connect() as connection:
        assert connection.execute(f"SELECT count(*) FROM '{tmp_path / 'x.parquet'}'").fetchall() == [(0,)]
