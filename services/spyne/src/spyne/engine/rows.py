"""What a query gave."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

Cell = str | int | float | bool | None


class Rows(BaseModel):
    """A result: columns by name, rows of cells, and what was cut off (`rows`, `bytes`), if anything."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    limits_hit: tuple[str, ...] = ()
    elapsed_s: float = 0.0
