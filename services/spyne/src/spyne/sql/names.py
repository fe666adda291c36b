"""Names in a parsed statement: each table is one of the schema or of a WITH in scope, and each column is known."""

from __future__ import annotations

from sqlglot import exp

from spyne.schema.model import Schema, TableInfo
from spyne.sql.allowed import SYSTEM_COLUMNS
from spyne.sql.errors import Refused

MAX_LEVELS = 200  # of the tree


class Names:
    """Looks up the names of one statement."""

    def __init__(self, schema: Schema) -> None:
        self._dialect = schema.dialect
        self._tables: dict[str, list[TableInfo]] = {}
        for table in schema.tables:
            name = table.name if self._dialect == "postgres" else table.name.lower()
            self._tables.setdefault(name, []).append(table)
        self._used: list[TableInfo] = []

    def check(self, tree: exp.Expr, nodes: list[exp.Expr]) -> None:
        """Raise Refused on an unknown name; write what SQLite takes for text as text."""
        self._resolve(tree, frozenset(), 0)
        columns = {column.name.lower() for table in self._used for column in table.columns}
        sources = {table.name.lower() for table in self._used}
        given: set[str] = set()
        for node in nodes:
            if isinstance(node, exp.TableAlias):
                sources.add(node.name.lower())
                given |= {column.name.lower() for column in node.args.get("columns") or ()}
            elif isinstance(node, exp.Alias):
                given.add(node.alias.lower())
            elif isinstance(node, exp.AggFunc) and self._dialect == "postgres":
                given.add(node.sql_name().lower())  # the name of its column where it has no alias
        for node in nodes:
            if isinstance(node, exp.Column):
                self._column(node, columns, given, sources)

    def _resolve(self, node: exp.Expr, visible: frozenset[str], level: int) -> None:
        """Look at a part of the tree, where the names of `visible` WITHs are in scope and no others."""
        if level > MAX_LEVELS:
            raise Refused("too-deep", f"the SQL is nested too deeply: more than {MAX_LEVELS} parts within each other")
        if isinstance(node, exp.Table):
            self._table(node, visible)
        with_ = node.args.get("with_")
        if with_ is not None:
            for each in with_.expressions:
                # Not its own name: SQLite would take that for recursion, and PostgreSQL for a table
                self._resolve(each.this, visible, level + 1)
                visible |= {self._folded(each.args["alias"].this)}
        for child in node.iter_expressions():
            if child is not with_:
                self._resolve(child, visible, level + 1)

    def _folded(self, name: exp.Identifier) -> str:
        """A name as the database compares it."""
        exact = self._dialect == "postgres" and name.args.get("quoted")
        text: str = name.this
        return text if exact else text.lower()

    def _table(self, table: exp.Table, visible: frozenset[str]) -> None:
        name, place = self._folded(table.this), table.args.get("db")
        if place is None and name in visible:
            return
        for info in self._tables.get(name, ()):
            if place is None or self._folded(place) == (info.table_schema or "main").lower():
                self._used.append(info)
                return
        full = table.name if place is None else f"{place.name}.{table.name}"
        raise Refused("unknown-table", f"there is no table {full[:80]!r} here; name one that the schema lists")

    def _column(self, column: exp.Column, columns: set[str], given: set[str], sources: set[str]) -> None:
        if column.table and column.table.lower() not in sources:
            raise Refused("unknown-table", f"{column.table[:80]!r} is no table or alias of this query")
        if isinstance(column.this, exp.Star):
            return
        name = column.name.lower()
        if name in columns or (name in given and name not in SYSTEM_COLUMNS):
            return
        if self._dialect == "sqlite" and column.this.args.get("quoted") and not column.table:
            column.replace(exp.Literal.string(column.name))  # SQLite takes "Rome" for text where no column is called so
            return
        raise Refused("unknown-column", f"no table of this query has a column {column.name[:80]!r}")
