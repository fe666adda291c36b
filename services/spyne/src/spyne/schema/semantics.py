"""The semantic model: what people call things, written down in YAML beside a database.

    tables:
      customer:
        synonyms: [client, buyer]
        description: Who has ordered at least once
        columns:
          joined_on:
            synonyms: [sign-up date]

It adds words to a schema, and takes none away. It is optional.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from spyne.schema.model import ColumnInfo, Schema, TableInfo

LARGEST_FILE = 1_000_000  # bytes


class SemanticError(Exception):
    """A semantic model that cannot be used; the message names the place, what was expected and the next step."""


class Words(BaseModel):
    """What a column is called and what it means."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    description: str = ""
    synonyms: tuple[str, ...] = ()


class TableWords(Words):
    """What a table is called and what it means, and its columns by name."""

    columns: dict[str, Words] = Field(default_factory=dict)


class SemanticModel(BaseModel):
    """Words for a database, by table. Names are those of the schema, whatever their case."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    tables: dict[str, TableWords] = Field(default_factory=dict)


def read_semantics(path: str | Path) -> SemanticModel:
    """Read a semantic model from a YAML file of at most 1 MB. Raises OSError and SemanticError."""
    file = Path(path)
    if file.stat().st_size > LARGEST_FILE:
        raise SemanticError(f"{file.name} is larger than {LARGEST_FILE} bytes: write less, or split the database")
    return parse_semantics(file.read_text(encoding="utf-8"), name=file.name)


def parse_semantics(text: str, *, name: str = "the semantic model") -> SemanticModel:
    """Read a semantic model from YAML text; `name` is what messages call it. Raises SemanticError."""
    try:
        loaded: Any = yaml.load(text, Loader=_NoAliases)  # noqa: S506 - a safe loader, which also refuses aliases
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f", line {mark.line + 1}" if mark is not None else ""
        problem = getattr(error, "problem", None) or "it cannot be read"
        raise SemanticError(f"{name}{place}: expected YAML with a mapping `tables`; {problem}") from None
    try:
        return SemanticModel.model_validate({} if loaded is None else loaded)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "the top"
        raise SemanticError(
            f"{name}, {place}: {first['msg']}; tables have description, synonyms and columns, columns the first two"
        ) from None


def with_semantics(schema: Schema, model: SemanticModel) -> Schema:
    """The schema with the words of the model added. Raises SemanticError for a table or column that is not there."""
    known = {table.name.lower() for table in schema.tables}
    for name in model.tables:
        if name.lower() not in known:
            raise SemanticError(f"the semantic model names the table {name!r}, which the database does not have")
    words = {name.lower(): table for name, table in model.tables.items()}
    return schema.model_copy(
        update={"tables": tuple(_described(table, words.get(table.name.lower())) for table in schema.tables)}
    )


def _described(table: TableInfo, words: TableWords | None) -> TableInfo:
    if words is None:
        return table
    known = {column.name.lower() for column in table.columns}
    for name in words.columns:
        if name.lower() not in known:
            raise SemanticError(f"the semantic model names the column {table.name}.{name}, which is not there")
    by_name = {name.lower(): each for name, each in words.columns.items()}
    return table.model_copy(
        update={
            **_added(table, words),
            "columns": tuple(
                column.model_copy(update=_added(column, by_name.get(column.name.lower()))) for column in table.columns
            ),
        }
    )


def _added(part: TableInfo | ColumnInfo, words: Words | None) -> dict[str, Any]:
    if words is None:
        return {}
    return {
        "description": words.description or part.description,
        "synonyms": tuple(dict.fromkeys((*part.synonyms, *words.synonyms))),
    }


class _NoAliases(yaml.SafeLoader):
    """Aliases would let a small file grow without bound."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            event = self.peek_event()  # type: ignore[no-untyped-call]  # as the stubs of yaml have it
            raise yaml.composer.ComposerError(None, None, "aliases are not allowed here", event.start_mark)
        return super().compose_node(parent, index)
