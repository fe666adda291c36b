"""Results as files and streams: CSV (RFC 4180, UTF-8), JSON lines, and Parquet with dates and times as such."""

import csv
import io
import json
import re
import tempfile
from collections.abc import Callable, Iterator
from datetime import date, datetime
from pathlib import Path

from spyne.ask.outcome import Cell, Rows

_FORMULA = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")
_CONTROL = ("\t", "\r", "\n")
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?")
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d(\.\d{1,6})?)?")
_ZONED = re.compile(_MOMENT.pattern + r"(Z|[+-]\d\d:?\d\d)")
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


def json_lines(rows: Rows) -> Iterator[bytes]:
    """Write rows as newline-delimited JSON, an object for each, in parts. Columns of one name are told apart."""
    names = tuple(_unique(rows.columns))
    for start in range(0, len(rows.rows), _BATCH):
        batch = rows.rows[start : start + _BATCH]
        lines = (json.dumps(dict(zip(names, row, strict=True)), ensure_ascii=False) for row in batch)
        yield "".join(f"{line}\n" for line in lines).encode("utf-8", "replace")


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
    if not isinstance(cell, str) or _NUMBER.fullmatch(cell):
        return cell
    return f"'{cell}" if cell.startswith(_CONTROL) or cell.lstrip().startswith(_FORMULA) else cell


def _kind(cells: list[Cell]) -> str:
    kinds = {type(cell) for cell in cells if cell is not None}
    if kinds == {bool}:
        return "BOOLEAN"
    if kinds == {int}:
        return "BIGINT" if all(-(2**63) <= cell < 2**63 for cell in cells if isinstance(cell, int)) else "VARCHAR"
    if kinds and kinds <= {int, float}:
        return "DOUBLE"
    if kinds == {str}:
        texts = [cell for cell in cells if isinstance(cell, str)]
        return next((kind for kind in _TIMES if all(_is_time(text, kind) for text in texts)), "VARCHAR")
    return "VARCHAR"


_TIMES: dict[str, tuple[re.Pattern[str], Callable[[str], date]]] = {
    "DATE": (_DATE, date.fromisoformat),
    "TIMESTAMP": (_MOMENT, datetime.fromisoformat),
    "TIMESTAMPTZ": (_ZONED, datetime.fromisoformat),
}


def _is_time(text: str, kind: str) -> bool:
    pattern, read = _TIMES[kind]
    if not pattern.fullmatch(text):
        return False
    try:
        read(text)
    except ValueError:  # such as the 31st of February
        return False
    return True


def _fitting(cell: Cell, kind: str) -> Cell | date:
    if isinstance(cell, str) and kind in _TIMES:
        return _TIMES[kind][1](cell)
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
