"""What is read from a SQLite file: tables, kinds, values, keys."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from spyne.schema.model import Schema
from spyne.schema.sqlite import read_sqlite


def schema_of(folder: Path, script: str) -> Schema:
    path = folder / "data.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(script)
    return read_sqlite(path)


def test_tables_views_keys_and_counts_are_read(tmp_path: Path) -> None:
    schema = schema_of(
        tmp_path,
        """CREATE TABLE author(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
        CREATE TABLE book(isbn TEXT, part INT, by INT REFERENCES author, PRIMARY KEY(isbn, part));
        CREATE VIEW shelf AS SELECT isbn FROM book;
        INSERT INTO author VALUES (1, 'Ada'), (2, 'Bo'); INSERT INTO book VALUES ('a', 1, 2);""",
    )
    assert [(table.name, table.is_view, table.rows) for table in schema.tables] == [
        ("author", False, 2), ("book", False, 1), ("shelf", True, 1),
    ]  # fmt: skip
    assert schema.table("author").unique == (("name",),)
    assert not schema.table("author").column("name").nullable
    assert schema.table("book").primary_key == ("isbn", "part")
    (key,) = schema.table("book").foreign_keys
    assert (key.columns, key.references, key.referenced_columns, key.inferred) == (("by",), "author", ("id",), False)


@pytest.mark.parametrize(
    ("declared", "values", "kind"),
    [
        ("TEXT", ["2024-01-31", "2023-02-01"], "date"), ("TEXT", ["2024-01-31 10:00:00"], "timestamp"),
        ("TEXT", ["2024-01-31", "2024-01-31T10:00"], "timestamp"), ("TEXT", ["15:00", "08:30:10"], "time"),
        ("DATE", ["10.11.2018"], "text"), ("DATE", [], "date"), ("", [1, 2], "integer"), ("", [1, 2.5], "number"),
        ("DECIMAL(10,2)", [1, 2], "number"), ("BOOLEAN", [0, 1], "boolean"), ("BOOLEAN", [0, 7], "integer"),
        ("INT", ["many"], "text"), ("VARCHAR(20)", ["12"], "text"), ("POINT", [], "other"), ("BLOB", [b"x"], "other"),
    ],
)  # fmt: skip
def test_a_kind_is_what_the_values_are(tmp_path: Path, declared: str, values: list[object], kind: str) -> None:
    path = tmp_path / "data.sqlite"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(f"CREATE TABLE t(c {declared})")
        connection.executemany("INSERT INTO t VALUES (?)", [(value,) for value in values])
    assert read_sqlite(path).table("t").column("c").kind == kind


def test_a_thousand_values_are_kept_and_of_more_only_their_count(tmp_path: Path) -> None:
    schema = schema_of(
        tmp_path,
        """CREATE TABLE t(few, many); WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2001)
        INSERT INTO t SELECT i % 1000, i FROM n;""",
    )
    few, many = schema.table("t").columns
    assert few.distinct == 1_000
    assert few.values is not None
    assert len(few.values) == 1_000
    assert (many.distinct, many.values) == (2_001, None)


def test_without_time_for_values_the_structure_is_still_read(tmp_path: Path) -> None:
    path = tmp_path / "data.sqlite"
    schema_of(tmp_path, "CREATE TABLE t(c INT); INSERT INTO t VALUES (1)")
    table = read_sqlite(path, budget_s=0).table("t")
    assert (table.rows, table.column("c").kind, table.column("c").values) == (None, "integer", None)


def test_a_view_on_a_table_that_is_gone_hides_nothing_else(tmp_path: Path) -> None:
    schema = schema_of(tmp_path, "CREATE TABLE a(x); CREATE TABLE b(x); CREATE VIEW v AS SELECT * FROM a; DROP TABLE a")
    assert [table.name for table in schema.tables] == ["b"]


def test_the_version_follows_the_structure_and_not_the_data(tmp_path: Path) -> None:
    first = schema_of(tmp_path, "CREATE TABLE t(c INT)")
    with_data = schema_of(tmp_path, "INSERT INTO t VALUES (1)")
    with_column = schema_of(tmp_path, "ALTER TABLE t ADD COLUMN d INT")
    assert first.version == with_data.version != with_column.version


def test_names_with_quotes_are_names(tmp_path: Path) -> None:
    schema = schema_of(tmp_path, 'CREATE TABLE "a""b c"("d""e" INT); INSERT INTO "a""b c" VALUES (3)')
    assert schema.table('a"b c').column('d"e').values == (3,)


def test_reading_changes_no_byte(tmp_path: Path) -> None:
    schema_of(tmp_path, "CREATE TABLE t(c INT); INSERT INTO t VALUES (1)")
    before = (tmp_path / "data.sqlite").read_bytes()
    read_sqlite(tmp_path / "data.sqlite")
    assert (tmp_path / "data.sqlite").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["data.sqlite"]


def test_a_missing_file_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="missing"):
        read_sqlite(tmp_path / "missing.sqlite")
    assert not (tmp_path / "missing.sqlite").exists()
