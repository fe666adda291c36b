"""A database's schema as data. Readers fill it; linking, rendering and the guard read it."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

Dialect = Literal["sqlite", "postgres", "duckdb"]
Kind = Literal["text", "integer", "number", "boolean", "date", "time", "timestamp", "other"]


class Part(BaseModel):
    """A part of a schema: frozen, compared by value."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ColumnInfo(Part):
    """A column. `kind` is what its values are: read from them where the declared type does not say.

    `values` holds up to 1,000 of its distinct values where it has no more than that, and None where it has more or
    where they were not read; `distinct` is their count, None where unknown.
    """

    name: str
    declared_type: str
    kind: Kind
    nullable: bool = True
    description: str = ""
    synonyms: tuple[str, ...] = ()
    distinct: int | None = None
    values: tuple[str | int | float | bool, ...] | None = None


class ForeignKey(Part):
    """Columns that point at the columns of another table; `inferred` when the database does not declare it.

    `references_schema` is the schema of the other table, None where the database has no schemas.
    """

    columns: tuple[str, ...]
    references: str
    references_schema: str | None = None
    referenced_columns: tuple[str, ...]
    inferred: bool = False


class TableInfo(Part):
    """A table or view. `rows` is None where it was not counted."""

    name: str
    table_schema: str | None = None
    columns: tuple[ColumnInfo, ...]
    primary_key: tuple[str, ...] = ()
    foreign_keys: tuple[ForeignKey, ...] = ()
    unique: tuple[tuple[str, ...], ...] = ()
    rows: int | None = None
    is_view: bool = False
    description: str = ""
    synonyms: tuple[str, ...] = ()

    def column(self, name: str) -> ColumnInfo:
        """The column of that name, whatever its case. Raises KeyError."""
        for column in self.columns:
            if column.name.lower() == name.lower():
                return column
        raise KeyError(name)


class Schema(Part):
    """All that may be asked about one database. `version` changes when its tables or columns do."""

    dialect: Dialect
    tables: tuple[TableInfo, ...]
    version: str

    def table(self, name: str) -> TableInfo:
        """The table of that name, whatever its case. Raises KeyError."""
        for table in self.tables:
            if table.name.lower() == name.lower():
                return table
        raise KeyError(name)
