"""The version of a schema: a hash of its structure, that values and row counts leave alone."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence

from spyne.schema.model import TableInfo


def structure_hash(tables: Sequence[TableInfo]) -> str:
    """16 hexadecimal digits that change when a table, a column, its type or a key does, and not with the data."""
    structure = [
        [
            table.table_schema, table.name, table.is_view, table.primary_key, table.unique,
            [[column.name, column.declared_type, column.nullable] for column in table.columns],
            [
                [key.columns, key.references_schema, key.references, key.referenced_columns]
                for key in table.foreign_keys
                if not key.inferred
            ],
        ]
        for table in sorted(tables, key=lambda table: (table.table_schema or "", table.name))
    ]  # fmt: skip
    return hashlib.sha256(json.dumps(structure).encode()).hexdigest()[:16]
