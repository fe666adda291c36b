"""A schema with values that must stay here."""

import pytest
from spyne.schema.model import ColumnInfo, Schema, TableInfo

CANARY = "canary-value-that-must-stay-here"


@pytest.fixture
def schema() -> Schema:
    """Two tables, with values."""
    columns = (
        ColumnInfo(name="id", declared_type="INTEGER", kind="integer"),
        ColumnInfo(name="name", declared_type="TEXT", kind="text", distinct=1, values=(CANARY,)),
    )
    tables = tuple(TableInfo(name=name, columns=columns, primary_key=("id",), rows=1) for name in ("boats", "harbours"))
    return Schema(dialect="sqlite", tables=tables, version="1")
