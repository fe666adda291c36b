"""What a name in a plan means: the sources of a query, those of the queries around it, and their columns."""

from __future__ import annotations

from dataclasses import dataclass, field

from spyne.plan.model import Column, Table
from spyne.schema.model import Kind, Schema, TableInfo
from spyne.sql.errors import PlanError


@dataclass(frozen=True)
class Output:
    """One column of a source or of a result. `declared` is the database's own word for its type."""

    name: str
    kind: Kind
    declared: str = ""


@dataclass(frozen=True)
class Known:
    """A source under its alias."""

    alias: str
    columns: tuple[Output, ...]
    primary_key: tuple[str, ...] = ()


@dataclass
class Scope:
    """The sources that may be named at one place of a query."""

    outer: Scope | None = None
    sources: dict[str, Known] = field(default_factory=dict)

    def add(self, source: Known) -> None:
        """Add a source. Raises PlanError when its alias is taken."""
        if source.alias.lower() in self.sources:
            raise PlanError(f"the alias {source.alias!r} is given twice in one query; give each source its own")
        self.sources[source.alias.lower()] = source

    def source(self, alias: str) -> Known:
        """The source of that alias. Raises PlanError."""
        scope: Scope | None = self
        while scope is not None:
            if found := scope.sources.get(alias.lower()):
                return found
            scope = scope.outer
        known = ", ".join(sorted(source.alias for source in self.sources.values()))
        raise PlanError(f"no source is called {alias!r} here; the sources so far are: {known or 'none'}")

    def column(self, column: Column) -> tuple[Known, Output]:
        """The source and the column that a plan names. Raises PlanError."""
        source = self.source(column.source)
        found = [each for each in source.columns if each.name.lower() == column.column.lower()]
        exact = [each for each in found if each.name == column.column]
        if len(exact) == 1 or len(found) == 1:
            return source, (exact or found)[0]
        if found:
            raise PlanError(f"{column.source}.{column.column} stands for {len(found)} columns; label them apart")
        names = ", ".join(each.name for each in source.columns)
        raise PlanError(f"{column.source!r} has no column {column.column!r}; its columns are: {names}")


def table_of(table: Table, schema: Schema) -> TableInfo:
    """The table that a plan names, in the schema it names or the first that has one. Raises PlanError."""
    for info in schema.tables:
        same_schema = table.table_schema is None or (info.table_schema or "").lower() == table.table_schema.lower()
        if info.name.lower() == table.name.lower() and same_schema:
            return info
    full = table.name if table.table_schema is None else f"{table.table_schema}.{table.name}"
    raise PlanError(f"the database has no table {full!r}; name one that its schema lists")


def known(alias: str, info: TableInfo) -> Known:
    """A table as a source."""
    columns = tuple(Output(column.name, column.kind, column.declared_type) for column in info.columns)
    return Known(alias, columns, info.primary_key)
