"""Attack statements as data: what people and models have tried on services that run SQL for others.

`attacks()` gives (dialect, kind, statement). `victim(dialect)` is the schema that they are aimed at: `people` and
`orders` may be asked about; the databases in the tests also hold a table `secrets`, which the schema does not list.
"""

from collections.abc import Iterator

from spyne.schema.model import ColumnInfo, Dialect, Kind, Schema, TableInfo

from .attacks_by_dialect import BY_DIALECT

COLUMNS: dict[str, dict[str, Kind]] = {
    "people": {"id": "integer", "name": "text", "city": "text"},
    "orders": {"id": "integer", "person": "integer", "amount": "number", "placed": "date"},
}
PLACES: dict[Dialect, str | None] = {"sqlite": None, "postgres": "public", "duckdb": "main"}


def victim(dialect: Dialect) -> Schema:
    """The schema that attacks are aimed at."""
    tables = tuple(
        TableInfo(
            name=name,
            table_schema=PLACES[dialect],
            columns=tuple(ColumnInfo(name=each, declared_type=kind, kind=kind) for each, kind in columns.items()),
        )
        for name, columns in COLUMNS.items()
    )
    return Schema(dialect=dialect, tables=tables, version="1")


def attacks() -> Iterator[tuple[Dialect, str, str]]:
    """Every attack: those that suit any database, on each of them, then those on one."""
    for dialect, own in BY_DIALECT.items():
        for kinds in (ANYWHERE, own):
            for kind, statements in kinds.items():
                for statement in statements:
                    yield dialect, kind, statement


ANYWHERE: dict[str, list[str]] = {
    "stacked": [
        "SELECT name FROM people; DELETE FROM people",
        "SELECT 1;DROP TABLE orders;--",
        "SELECT 1; ; UPDATE people SET city = 'x'",
        "SELECT name FROM people WHERE city = 'a'; COMMIT; DROP TABLE people; SELECT 'b'",
        "SELECT 1 /* ; */ ; /* ; */ INSERT INTO people VALUES (9, 'eve', 'nowhere')",
        "SELECT ';' AS x; DELETE FROM orders WHERE ';' = ';'",
    ],
    "not a query": [
        "DELETE FROM people",
        "UPDATE orders SET amount = 0",
        "INSERT INTO people SELECT * FROM people",
        "DROP TABLE people",
        "CREATE TABLE loot AS SELECT * FROM people",
        "CREATE VIEW peep AS SELECT * FROM secrets",
        "ALTER TABLE people ADD COLUMN pwned text",
        "EXPLAIN DELETE FROM people",
        "BEGIN",
        "VACUUM",
        "ANALYZE",
        "VALUES (1)",
        "",
        " \n\t ",
        "-- nothing but a comment",
        "REPLACE INTO people VALUES (1, 'x', 'y')",
        "TRUNCATE people",
    ],
    "CTE that writes": [
        "WITH gone AS (DELETE FROM people RETURNING *) SELECT * FROM gone",
        "WITH x AS (SELECT 1) DELETE FROM people",
        "WITH x AS (INSERT INTO people VALUES (7, 'x', 'y') RETURNING id) SELECT id FROM x",
        "WITH x AS (SELECT 1) INSERT INTO people SELECT 8, 'x', 'y' FROM x",
        "WITH a AS (WITH b AS (UPDATE orders SET amount = 1 RETURNING *) SELECT * FROM b) SELECT * FROM a",
    ],
    "comments": [
        "SELECT name FROM people --; DROP TABLE people\n; DROP TABLE people",
        "SELECT name /* hidden */ FROM /* /* nested */ */ secrets",
        "DEL/**/ETE FROM people",
        "SELECT/**/*/**/FROM/**/secrets",
        "SELECT 1 --\r; DROP TABLE people",
        "SELECT 1 /*!50000 ; DROP TABLE people */",
    ],
    "what the schema does not list": [
        "SELECT * FROM secrets",
        'SELECT * FROM "secrets"',
        "SELECT name FROM people UNION ALL SELECT token FROM secrets",
        "SELECT (SELECT token FROM secrets LIMIT 1) FROM people",
        "SELECT name FROM people WHERE id IN (SELECT length(token) FROM secrets)",
        "SELECT 1 FROM people WHERE EXISTS (SELECT * FROM secrets WHERE token LIKE 's%')",
        "WITH secrets AS (SELECT * FROM secrets) SELECT * FROM secrets",
        "SELECT * FROM (WITH secrets AS (SELECT 1 AS one) SELECT one FROM secrets) AS a, secrets",
        "SELECT * FROM secrets WHERE 1 IN (WITH secrets AS (SELECT 1 AS one) SELECT one FROM secrets)",
        "WITH later AS (SELECT token FROM secrets), secrets AS (SELECT 'x' AS token) SELECT * FROM later",
        "SELECT people.token FROM people",
        "SELECT name FROM people ORDER BY (SELECT token FROM secrets)",
        "SELECT count(*) FROM people JOIN secrets ON TRUE",
        "SELECT name FROM people GROUP BY name HAVING max((SELECT token FROM secrets)) > 'a'",
        "SELECT * FROM information_schema.tables",
        "SELECT name FROM people LIMIT (SELECT count(*) FROM secrets)",
        "SELECT s.* FROM people AS p, LATERAL (SELECT * FROM secrets) AS s",
    ],
    "bombs": [
        "SELECT count(*) FROM orders a, orders b, orders c, orders d, orders e, orders f, orders g, orders h",
        "SELECT * FROM people a JOIN people b ON 1 = 1 JOIN orders c ON 1 = 1 JOIN orders d ON 1 = 1 ORDER BY a.name",
        "SELECT count(*) FROM " + ", ".join(f"orders o{number}" for number in range(40)),
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n",
        "WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n",
        "WITH a AS (SELECT x.id FROM orders x, orders y), b AS (SELECT p.id FROM a p, a q) SELECT count(*) FROM b p, b",
        "WITH n0 AS (SELECT name AS n FROM people), "
        + ", ".join(f"n{i + 1} AS (SELECT n || n || n || n || n || n AS n FROM n{i})" for i in range(12))
        + " SELECT length(n) FROM n12",
        "SELECT replace(replace(name, 'a', '" + "a" * 2000 + "'), 'a', '" + "a" * 2000 + "') FROM people",
        "SELECT replace(replace(replace(replace(name, 'a', 'aaaa'), 'a', 'aaaa'), 'a', 'aaaa'), 'a', 'aa') FROM people",
        "SELECT name FROM people WHERE name LIKE '" + "%a" * 2000 + "'",
        "SELECT repeat('spam', 1000000000)",
        "SELECT cast('x' AS char(1000000000))",
        "SELECT lpad('x', 1000000000, 'y')",
    ],
    "deep": [
        "SELECT " + "(" * 800 + "1" + ")" * 800,
        "SELECT " + "NOT " * 3000 + "TRUE",
        "SELECT " + "- " * 5000 + "1",
        "SELECT 1" + " + 1" * 4500,
        "SELECT " + "CASE WHEN 1 = 1 THEN " * 300 + "1" + " END" * 300,
        "SELECT 1" + " UNION ALL SELECT 1" * 900,
        "SELECT * FROM " + "(SELECT * FROM " * 200 + "people" + ") AS x" * 200,
        "SELECT " + "abs(" * 500 + "1" + ")" * 500,
        "SELECT 1 WHERE 1 = 1" + " OR 1 = 1" * 1500,
    ],
    "one megabyte": [
        "SELECT '" + "x" * 1_000_000 + "'",
        "SELECT name FROM people WHERE id IN (" + ", ".join(map(str, range(150_000))) + ")",
        "SELECT " + "(" * 1_000_000,
        "SELECT 1 " + "/*" + "*" * 1_000_000,
        " " * 1_000_000 + "DELETE FROM people",
        "SELECT 1 AS " + "a" * 1_000_000,
    ],
    "quotation": [
        "SELECT 'unclosed FROM people",
        'SELECT "unclosed FROM people',
        "SELECT 'a\\'; DROP TABLE people; --'",
        "SELECT 'it''s' || ''';DROP TABLE people;--' FROM secrets",
        "SELECT `name` FROM `secrets`",
        'SELECT 1 AS "x""; DROP TABLE people; --"; DROP TABLE people',
        "SELECT name FROM people WHERE city = '\0'; DROP TABLE people",
    ],
    "unicode": [
        "\uff33\uff25\uff2c\uff25\uff23\uff34 * FROM secrets",
        "SELECT * FROM \u017fecrets",
        "SELECT\u00a0*\u00a0FROM\u00a0secrets",
        "SELECT 1\uff1b DROP TABLE people",
        "SELECT * FROM \u202esecrets",
        "SELECT * FROM sec\u200brets",
        "SELECT 1 \u2028; DROP TABLE people",
        "\ufeffDELETE FROM people",
    ],
    "parameters": ["SELECT ?", "SELECT :name", "SELECT $1", "SELECT @@version", "SELECT @x := 1"],
}
