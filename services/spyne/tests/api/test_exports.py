"""Results as files."""

import duckdb
from spyne.ask.outcome import Rows
from spyne.exports import csv_lines, parquet


def test_csv_quotes_what_must_be_and_disarms_formulas():
    rows = Rows(
        columns=("a", "=b"), rows=((1, 'x "y", z'), (None, "=HYPERLINK()"), (-1.5, "@x"), (True, "líne\nbreak"))
    )

    text = b"".join(csv_lines(rows)).decode()

    assert text == (
        "a,'=b\r\n1,\"x \"\"y\"\", z\"\r\n,'=HYPERLINK()\r\n-1.5,'@x\r\nTrue,\"líne\nbreak\"\r\n"
    )  # fmt: skip


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
