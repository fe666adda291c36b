"""Questions about the database itself: which tables there are. No plan can ask for that, so the schema answers."""

import re

from spyne.ask.outcome import Rows
from spyne.schema.model import Dialect, Schema

_ASKED = re.compile(
    r"^(?:(?:please )?(?:show|list|give|display|tell)(?: me)?|what are|which are|what|which)?"
    r"(?: all)?(?: of)?(?: the| my)?(?: available| existing)? ?(?:database )?(?:tables|views|tables and views)"
    r"(?: are there| do (?:we|you|i) have| exist| (?:are )?in (?:the|this|my) database| please)?$"
)
_SQL: dict[Dialect, str] = {
    "sqlite": "SELECT name, type FROM sqlite_schema WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite\\_%' "
    "ESCAPE '\\' ORDER BY name",
    "postgres": "SELECT table_name AS name, CASE table_type WHEN 'VIEW' THEN 'view' ELSE 'table' END AS type "
    "FROM information_schema.tables WHERE table_schema NOT IN ('pg_catalog', 'information_schema') ORDER BY 1",
    "duckdb": "SELECT table_name AS name, CASE table_type WHEN 'VIEW' THEN 'view' ELSE 'table' END AS type "
    "FROM information_schema.tables ORDER BY 1",
}


def asks_for_tables(question: str, schema: Schema) -> bool:
    """Tell whether a question is about the tables as such; not where a table of its own is called so."""
    plain = " ".join(re.sub(r"[^a-z ]", " ", question.lower()).split())
    return bool(_ASKED.match(plain)) and not any(table.name.lower() in ("tables", "views") for table in schema.tables)


def tables_of(schema: Schema) -> Rows:
    """The tables and views, by name."""
    rows = sorted((table.name, "view" if table.is_view else "table") for table in schema.tables)
    return Rows(columns=("name", "type"), rows=tuple(rows))


def tables_sql(schema: Schema) -> str:
    """What a client of the database itself would ask to see the same."""
    return _SQL[schema.dialect]
