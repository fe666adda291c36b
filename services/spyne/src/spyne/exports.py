"""Results as files: CSV (RFC 4180, UTF-8) and Parquet."""

import csv
import io
import tempfile
from collections.abc import Iterator
from pathlib import Path

from spyne.ask.outcome import Cell, Rows

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_BATCH = 500


def csv_lines(rows: Rows) -> Iterator[bytes]:
    """Write rows as CSV, in parts. A text that a spreadsheet would take for a formula gets an apostrophe in front."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer)
    writer.writerow([_harmless(name) for name in rows.columns])
    for number, row in enumerate(rows.rows, 1):
        writer.writerow([_harmless(cell) for cell in row])
        if number % _BATCH == 0:
            yield _taken(buffer)
    yield _taken(buffer)


def parquet(rows: Rows) -> bytes:
    """Write rows as Parquet; each column has the narrowest type that holds all of its cells."""
    import duckdb  # noqa: PLC0415 - starts are shorter without it

    kinds = [_kind([row[index] for row in rows.rows]) for index in range(len(rows.columns))]
    columns = ", ".join(f"{_quoted(name)} {kind}" for name, kind in zip(_unique(rows.columns), kinds, strict=True))
    cells = [
        [_fitting(cell, kind) for cell, kind in zip(row, kinds, strict=True)] for row in rows.rows
    ]  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="spyne-export-") as folder, duckdb.connect() as connection:
        connection.execute(f"CREATE TABLE result ({columns})")
        if cells:
            marks = ", ".join("?" * len(rows.columns))
            connection.executemany(f"INSERT INTO result VALUES ({marks})", cells)  # noqa: S608 - marks are "?, ?"
        path = Path(folder) / "result.parquet"
        connection.execute(f"COPY result TO '{path}' (FORMAT parquet)")
        return path.read_bytes()


def _taken(buffer: io.StringIO) -> bytes:
    text = buffer.getvalue()
    buffer.seek(0)
    buffer.truncate()
    return text.encode("utf-8", "replace")


def _harmless(cell: Cell) -> Cell:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell


def _kind(cells: list[Cell]) -> str:
    kinds = {type(cell) for cell in cells if cell is not None}
    if kinds == {bool}:
        return "BOOLEAN"
    if kinds == {int}:
        return "BIGINT" if all(-(2**63) <= cell < 2**63 for cell in cells if isinstance(cell, int)) else "VARCHAR"
    if kinds and kinds <= {int, float}:
        return "DOUBLE"
    return "VARCHAR"


def _fitting(cell: Cell, kind: str) -> Cell:
    return str(cell) if cell is not None and kind == "VARCHAR" else cell


def _unique(names: tuple[str, ...]) -> Iterator[str]:
    """Give columns that have one name names of their own; Parquet readers do not tell them apart, nor by case."""
    seen: set[str] = set()
    for name in names:
        made, number = name or "column", 1
        while made.lower() in seen:
            number += 1
            made = f"{name}_{number}"
        seen.add(made.lower())
        yield made


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
