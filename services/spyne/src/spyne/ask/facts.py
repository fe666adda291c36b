"""What a schema tells about its tables: keys, names by which people know rows, bridges, columns that count."""

from __future__ import annotations

from functools import cached_property

from spyne.ask import names
from spyne.schema.model import ColumnInfo, ForeignKey, Schema, TableInfo

_NAMES = ("name", "titl", "label", "usernam", "headlin", "caption")
_PEOPLE = frozenset({"person", "custom", "user", "employe", "member", "staff", "student", "patient", "client"})
_NUMERIC = frozenset({"integer", "number"})
_MOMENT = frozenset({"date", "time", "timestamp"})


class TableFacts:
    """One table, and what follows from its schema."""

    def __init__(self, table: TableInfo, common: frozenset[str]) -> None:
        self.table = table
        self.name = table.name
        self.stems = tuple(s for s in names.stems(table.name) if s not in common) or names.stems(table.name)
        self.columns: dict[str, ColumnInfo] = {column.name: column for column in table.columns}
        self._prefix = self._common_prefix(common)

    def _common_prefix(self, common: frozenset[str]) -> frozenset[str]:
        """Words which most columns of the table begin with, such as `sbCust` in a table of customers."""
        found = set(common)
        for place in range(2):
            firsts = [s[place] for c in self.columns if len(s := names.stems(c)) > place + 1]
            for word in set(firsts):
                if len(self.columns) > 3 and firsts.count(word) >= 0.7 * len(self.columns):
                    found.add(word)
        return frozenset(found)

    def bare(self, column: str) -> tuple[str, ...]:
        """The stems of a column without those which its table already says."""
        whole = names.stems(column)
        kept = tuple(s for s in whole if s not in self._prefix)
        inner = kept
        while len(inner) > 1 and inner[0] in self.stems:
            inner = inner[1:]
        return inner or kept or whole

    @cached_property
    def foreign(self) -> frozenset[str]:
        """Columns that point at another table."""
        return frozenset(c.lower() for key in self.table.foreign_keys for c in key.columns)

    @cached_property
    def key(self) -> tuple[str, ...]:
        """The primary key; without one declared, the first column that is named as one and has no value twice."""
        if self.table.primary_key:
            return self.table.primary_key
        if self.table.unique:
            return self.table.unique[0]
        for column in self.table.columns:
            unique = column.distinct == self.table.rows and (self.table.rows or 0) > 0
            if unique and self._named_as_key(column.name) and column.name.lower() not in self.foreign:
                return (column.name,)
        return ()

    def _named_as_key(self, column: str) -> bool:
        last = names.split(column)[-1] if names.split(column) else ""
        return last.endswith("id") or last in {"code", "key", "uuid", "number"}

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names of different kinds, such as `generic_name` and `brand_name`; none where one is the rows' own."""
        shown = self.display[0]
        own = self.bare(shown)
        found = [c for c in self.columns if names.stems(c)[-1] == "name" and c.lower() not in self.foreign]
        apart = [c for c in found if not {"first", "last", "middl", "user", "file", "nick"} & set(names.stems(c))]
        return tuple(apart) if len(own) > 1 and shown in apart and len(apart) > 1 and own != ("full", "name") else ()

    @cached_property
    def has_name(self) -> bool:
        """Whether rows have a name or title."""
        return any(names.stems(c)[-1] in _NAMES for c in self.display)

    @cached_property
    def is_people(self) -> bool:
        """Whether rows are people: they have a first or last name, an email, a birth date or a sex."""
        parts = {part for column in self.columns for part in names.stems(column)}
        return bool(set(self.stems) & _PEOPLE) or {"first", "last"} <= parts or bool(parts & {"birth", "email"})

    @cached_property
    def key_stems(self) -> tuple[tuple[str, ...], ...]:
        """What a row is called by the key of its table: DrugID says that a row of Medications is a drug."""
        if len(self.key) != 1 or self.key[0].lower() in self.foreign:
            return ()
        whole = names.stems(self.key[0])
        called = tuple(s for s in whole[:-1] if s not in self._prefix or s in self.stems)
        return (
            (called,) if whole[-1] == "id" and called and called != self.stems and len(self.table.columns) > 1 else ()
        )

    def is_id(self, column: str) -> bool:
        """Whether a column only tells rows apart or points at other rows."""
        lowered = column.lower()
        if lowered in self.foreign and self.columns[column].kind != "text":
            return True
        parts = names.split(column)
        if parts and (
            parts[-1] in {"id", "uuid", "ids"} or (len(parts) == 1 and parts[0].endswith("id") and len(parts[0]) <= 4)
        ):
            return True
        return lowered in {k.lower() for k in self.key} and self.columns[column].kind == "integer"

    @cached_property
    def plain(self) -> tuple[str, ...]:
        """The columns that hold something to read, ids left out."""
        return tuple(c for c in self.columns if not self.is_id(c))

    @cached_property
    def display(self) -> tuple[str, ...]:
        """The columns by which people know a row: its name or title; else first and last name; else its first text."""
        texts = [
            c
            for c in self.columns
            if (self.columns[c].kind in {"text", "other"} and c in self.plain) or self._numbered(c)
        ]
        ranked: list[tuple[int, int, str]] = []
        for place, column in enumerate(texts):
            bare = self.bare(column)
            whole = names.stems(column)
            if bare in (("name",), ("titl",), ("full", "name")):
                ranked.append((0 if bare[-1] == "name" else 1, place, column))
            elif self._numbered(column) or (whole[-1] in _NAMES and (set(whole[:-1]) & set(self.stems))):
                ranked.append((2, place, column))
            elif bare and set(bare) <= set(self.stems):
                ranked.append((3, place, column))
            elif whole[-1] in _NAMES and not set(whole) & {"first", "last", "middl"}:
                ranked.append((5 if column.lower() in self.foreign else 4, place, column))
        if ranked and min(ranked)[0] < 4:
            return (min(ranked)[2],)
        first_last = tuple(c for c in texts if names.stems(c)[-2:] in {("first", "name"), ("last", "name")})
        if len(first_last) == 2:
            return tuple(sorted(first_last, key=lambda c: "last" in names.stems(c)))
        if ranked:
            return (min(ranked)[2],)
        free = [c for c in texts if c.lower() not in self.foreign]
        telling = [c for c in free if self.columns[c].distinct == self.table.rows or not self.key]
        if telling or (free and self.table.rows == 0):
            return ((telling or free)[0],)
        return self.key or (next(iter(self.columns)),)

    def _numbered(self, column: str) -> bool:
        """Whether rows are known by a number of their own, such as `Room_number` of Rooms."""
        whole = names.stems(column)
        return (
            column in self.key
            and len(whole) > 1
            and whole[-1] in {"number", "code"}
            and set(whole[:-1]) <= set(self.stems)
        )

    @cached_property
    def is_bridge(self) -> bool:
        """Whether the table only joins others: two foreign keys or more, and hardly anything beside."""
        targets = {key.references.lower() for key in self.table.foreign_keys}
        return len(targets) >= 2 and len([c for c in self.plain if c.lower() not in self.foreign]) <= 1

    def counts(self, column: str) -> tuple[str, ...] | None:
        """What a column counts, as stems: `num_enrolled` counts enrolled, `quantity` the rows' own things (empty)."""
        if self.columns[column].kind not in _NUMERIC or self.is_id(column):
            return None
        bare = self.bare(column)
        if set(bare) & {"number", "quantiti"} and bare[-1] not in {"id", "phone"}:
            kept = tuple(s for s in bare if s not in {"number", "quantiti", "of", "total"})
            if column.lower().startswith(("house", "room", "block", "phone", "table", "section", "street")):
                return None
            return kept
        return None

    def numeric(self, column: str) -> bool:
        """Whether a column holds numbers."""
        return self.columns[column].kind in _NUMERIC

    def moment(self, column: str) -> bool:
        """Whether a column holds dates or times."""
        return self.columns[column].kind in _MOMENT

    def flag(self, column: str) -> bool:
        """Whether a column says yes or no."""
        info = self.columns[column]
        if info.kind == "boolean":
            return True
        return (
            info.kind == "integer"
            and info.values is not None
            and set(info.values) <= {0, 1}
            and (names.split(column)[0] in {"is", "has", "can", "was", "should", "allows", "enabled"})
        )


class Facts:
    """All tables of a schema, by name."""

    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        firsts = [s[0] for t in schema.tables if len(s := names.stems(t.name)) > 1]
        many = len(schema.tables) > 2
        self.common = frozenset(w for w in set(firsts) if many and firsts.count(w) >= 0.9 * len(schema.tables))
        self.tables: dict[str, TableFacts] = {}
        self._lower: dict[str, str] = {}
        for table in schema.tables:  # of two that are called the same the first, as the database itself would take
            if self._lower.setdefault(table.name.lower(), table.name) == table.name:
                self.tables.setdefault(table.name, TableFacts(table, self.common))

    def __getitem__(self, name: str) -> TableFacts:
        return self.tables[self._lower[name.lower()]]

    def pointed_at(self, key: ForeignKey) -> TableFacts | None:
        """The table that a foreign key points at; None for one that is not known, or hidden by another of its name."""
        if key.references.lower() not in self._lower:
            return None
        found = self[key.references]
        return found if key.references_schema in (None, found.table.table_schema) else None

    def known(self, name: str) -> bool:
        """Whether there is a table of that name."""
        return name.lower() in self._lower
