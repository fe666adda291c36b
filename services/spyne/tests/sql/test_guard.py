"""What the guard lets through, as it lets it through, and what it refuses under which rule."""

import contextlib
import logging
import time

import pytest
from spyne.schema.model import ColumnInfo, Dialect, Schema, TableInfo
from spyne.sql import bounds
from spyne.sql.errors import Refused
from spyne.sql.guard import check

from .attacks import attacks, victim
from .conftest import DIALECTS, Run, shop

QUERIES: dict[Dialect, list[str]] = {
    "sqlite": [
        "SELECT name, count(*) AS n FROM customers GROUP BY 1 HAVING n > 0 ORDER BY n DESC, name NULLS LAST",
        "SELECT strftime('%Y-%m', placed) AS m, total(amount), avg(amount) FROM orders GROUP BY m ORDER BY m",
        "SELECT ifnull(city, 'none'), iif(active, 'a', 'b'), substr(name, 1, 2), instr(name, 'a') FROM customers",
        "SELECT date('2024-01-31', '+1 month'), julianday('2024-01-02'), datetime('2024-01-01')",
        "SELECT name FROM customers WHERE city = \"Rome\" AND id IN (SELECT customer FROM orders WHERE amount > 1)",
        "SELECT c.name, o.amount FROM customers c, orders o WHERE c.id = o.customer",
        "WITH t AS (SELECT customer, sum(amount) AS s FROM orders GROUP BY 1) SELECT max(s) FROM t JOIN t u USING (s)",
        "SELECT name, rank() OVER (PARTITION BY city ORDER BY id DESC) FROM customers",
        "SELECT median(amount), stddev(pieces) FROM orders",
        "SELECT name FROM customers WHERE name LIKE 'A%' COLLATE NOCASE OR name GLOB 'B*'",
        "SELECT city FROM customers UNION SELECT code FROM orders EXCEPT SELECT 'Rome'",
        "SELECT [select], `key` FROM \"order\" -- the first\nWHERE [select] /* column */ > 1;",
        "SELECT 'a;b', 'it''s', 'a\\' , '--', '/*' FROM customers",
        "SELECT id FROM main.customers LIMIT -1",
        "SELECT CASE city WHEN 'Rome' THEN 1 WHEN 'Oslo' THEN 2 ELSE 0 END AS rank FROM customers ORDER BY rank",
        "SELECT replace(name, 'a', '') FROM customers",
    ],
    "postgres": [
        "SELECT date_trunc('month', placed)::date AS m, count(*) FROM orders GROUP BY 1 ORDER BY m DESC NULLS LAST",
        "SELECT to_char(placed, 'YYYY-MM'), count(*) FILTER (WHERE amount > 1) FROM orders GROUP BY 1 ORDER BY 1",
        "SELECT DISTINCT ON (customer) customer, amount FROM orders ORDER BY customer, amount DESC",
        "SELECT extract(year FROM placed), age(placed, '2020-01-01'), placed + interval '1 day' FROM orders",
        "SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY amount), stddev(amount), string_agg(code, ',') FROM orders",
        'SELECT "Name" FROM public.customers WHERE "Name" ILIKE \'a%\' AND city ~* \'^r\' AND joined < now()',
        "SELECT code, lag(amount) OVER w FROM orders WINDOW w AS (ORDER BY id)",
        "SELECT count FROM (SELECT count(*) FROM orders) AS t",
        "SELECT id FROM customers FETCH FIRST 2 ROWS ONLY",
        "SELECT split_part(\"Name\", ' ', 1), left(city, 1), greatest(id, 2), coalesce(city, '') FROM customers",
        "SELECT (id, city) = (1, 'Rome'), city IS DISTINCT FROM 'Rome' FROM customers",
        "SELECT id FROM customers WHERE id = ANY (SELECT id FROM orders)",
    ],
    "duckdb": [
        "SELECT date_trunc('month', placed) AS m, year(placed), count(*) FROM orders GROUP BY 1, 2 ORDER BY 1",
        "SELECT strftime(placed, '%Y') FROM orders",
        "SELECT median(amount), any_value(code), arg_max(code, amount), quantile_cont(amount, 0.5) FROM orders",
        "SELECT date_diff('day', DATE '2024-01-01', CAST(placed AS DATE)), dayname(placed), epoch(placed) FROM orders",
        "SELECT Name FROM main.customers WHERE starts_with(Name, 'A') OR contains(Name, 'o')",
        "SELECT id // 2, 7 % 2, 2 ** 3, TRY_CAST('x' AS INT) FROM customers",
        "SELECT id FROM customers SEMI JOIN orders ON customers.id = orders.customer",
        "SELECT CURRENT_DATE - INTERVAL 1 MONTH <= CURRENT_DATE",
    ],
}  # fmt: skip


@pytest.mark.parametrize("dialect", DIALECTS)
def test_plain_queries_pass_and_give_the_same_rows_as_before(run: Run, dialect: Dialect) -> None:
    for sql in QUERIES[dialect]:
        safe = check(sql, shop(dialect))
        assert run(safe, dialect) == run(sql, dialect), safe


@pytest.mark.parametrize(
    ("sql", "ends"),
    [
        ("SELECT id FROM customers", "LIMIT 1000"),
        ("SELECT id FROM customers LIMIT 5", "LIMIT 5"),
        ("SELECT id FROM customers LIMIT 5 OFFSET 2", "LIMIT 5 OFFSET 2"),
        ("SELECT id FROM customers LIMIT 100000", "LIMIT 1000"),
        ("SELECT id FROM customers LIMIT -1", "LIMIT 1000"),
        ("SELECT id FROM customers UNION SELECT id FROM orders", "LIMIT 1000"),
        ("(SELECT id FROM customers)", "LIMIT 1000"),
        ("SELECT id FROM (SELECT id FROM orders LIMIT 9000) AS t", "LIMIT 1000"),
    ],
)
def test_no_more_rows_than_allowed_are_asked_for(sql: str, ends: str) -> None:
    assert check(sql, shop("sqlite"), max_rows=1_000).endswith(ends)


@pytest.mark.parametrize(
    ("rule", "dialect", "sql"),
    [
        ("empty", "sqlite", "  "),
        ("one-statement", "postgres", "SELECT 1; SELECT 2"),
        ("not-a-query", "duckdb", "SET x = 1"),
        ("unknown-table", "sqlite", "SELECT * FROM clients"),
        ("unknown-table", "postgres", "SELECT * FROM other.customers"),
        ("unknown-table", "postgres", 'SELECT * FROM "Customers"'),
        ("unknown-table", "sqlite", "SELECT x.id FROM customers"),
        ("unknown-column", "postgres", "SELECT age FROM customers"),
        ("unknown-column", "postgres", 'SELECT "Rome" FROM customers'),
        ("unknown-function", "sqlite", "SELECT randomblob(9)"),
        ("unknown-function", "postgres", "SELECT pg_sleep(1)"),
        ("unknown-syntax", "postgres", "SELECT pg_catalog.lower('A')"),
        ("unknown-syntax", "postgres", "SELECT * FROM customers FOR UPDATE"),
        ("unknown-syntax", "postgres", "SELECT id INTO loot FROM customers"),
        ("unknown-syntax", "sqlite", "WITH RECURSIVE n AS (SELECT 1 AS i) SELECT i FROM n"),
        ("unknown-syntax", "sqlite", "SELECT ?"),
        ("unknown-syntax", "sqlite", "SELECT 1 FROM customers CONNECT BY PRIOR id = 1"),
        ("table-function", "duckdb", "SELECT * FROM read_csv('x')"),
        ("unknown-table", "duckdb", "SELECT * FROM 'x.csv'"),
        ("unknown-type", "postgres", "SELECT '{}'::json"),
        ("unknown-syntax", "postgres", "SELECT 'customers'::regclass"),
        ("unknown-type", "postgres", "SELECT CAST('x' AS char(100000))"),
        ("limit", "sqlite", "SELECT id FROM customers LIMIT (SELECT 1)"),
        ("pattern", "sqlite", "SELECT id FROM customers WHERE city LIKE '" + "%a" * 11 + "'"),
        ("growing-text", "sqlite", "SELECT replace(city, 'a', 'aa') FROM customers"),
        ("too-long", "sqlite", "SELECT '" + "x" * bounds.MAX_LENGTH + "'"),
        ("too-many-parts", "sqlite", "SELECT " + "1, " * bounds.MAX_TOKENS + "1"),
        ("too-many-joins", "sqlite", "SELECT 1 FROM customers" + ", customers" * 16),
        ("too-deep", "sqlite", "SELECT " + "(" * 26 + "1" + ")" * 26),
        ("too-deep", "sqlite", "SELECT " + "date(" * 4 + "1" + ")" * 4),
        ("too-deep", "sqlite", "SELECT 1" + " + 1" * 400),
        ("unreadable", "sqlite", "SELECT FROM WHERE"),
    ],
)
def test_a_refusal_names_its_rule(rule: str, dialect: Dialect, sql: str) -> None:
    with pytest.raises(Refused) as refused:
        check(sql, shop(dialect))
    assert refused.value.rule == rule
    assert refused.value.message


def test_a_with_is_known_only_where_it_is_in_scope() -> None:
    check("WITH a AS (SELECT 1 AS x), b AS (SELECT x FROM a) SELECT x FROM b", shop("postgres"))
    for sql in (
        "SELECT * FROM a, (WITH a AS (SELECT 1 AS x) SELECT x FROM a) AS t",
        "WITH a AS (SELECT x FROM a) SELECT x FROM a",
        "WITH a AS (SELECT x FROM b), b AS (SELECT 1 AS x) SELECT x FROM a",
    ):
        with pytest.raises(Refused) as refused:
            check(sql, shop("postgres"))
        assert refused.value.rule == "unknown-table"


def test_names_that_are_words_of_sql_are_quoted_as_the_database_knows_them() -> None:
    assert check("SELECT 1 AS Rows, 2 AS x FROM customers", shop("postgres")).startswith('SELECT 1 AS "rows", 2 AS x')
    assert check("SELECT + ALL ALL FROM customers", shop("sqlite")).startswith('SELECT "ALL" AS "ALL"')


def test_what_runs_is_written_anew_without_comments() -> None:
    sql = check("SELECT /* a */ id -- b\nFROM customers /*! c */;", shop("postgres"))
    assert sql == "SELECT id FROM customers LIMIT 1000"


def test_sqlite_stays_free_to_order_the_tables_of_a_list() -> None:
    sql = check("SELECT 1 FROM customers, orders WHERE customer = customers.id", shop("sqlite"))
    assert "CROSS" not in sql
    assert "JOIN orders ON TRUE" in sql


def test_sqlite_reads_an_unknown_name_in_double_quotes_as_text() -> None:
    sql = check('SELECT "id" FROM customers WHERE city = "Rome"', shop("sqlite"))
    assert "'Rome'" in sql
    assert '"id"' in sql


def test_a_real_column_may_be_called_like_one_of_the_system() -> None:
    table = TableInfo(name="t", columns=(ColumnInfo(name="oid", declared_type="int", kind="integer"),))
    assert "oid" in check("SELECT oid FROM t", Schema(dialect="sqlite", tables=(table,), version="1"))


def test_no_text_makes_the_guard_itself_slow() -> None:
    deep = 25
    worst = [
        "SELECT " + "struct(" * deep + "1" + ")" * deep,
        "SELECT " + "decimal(" * deep + "1" + ")" * deep,
        "SELECT " + "(SELECT " * deep + "1" + ")" * deep,
        "SELECT " + ",".join(["(" * deep + "1" + ")" * deep] * 50),
        "SELECT " + "((" * 9_000,
        "SELECT " + "'" * 19_000,
        "SELECT 1 /*" + "/*" * 9_000,
        "SELECT 1 WHERE 1 IN (" + ",".join(["1"] * 1_400) + ")",
    ]
    for dialect in DIALECTS:
        for sql in worst:
            started = time.process_time()
            with contextlib.suppress(Refused):
                check(sql, victim(dialect))
            assert time.process_time() - started < 2.0, sql[:60]


def test_refused_text_does_not_reach_the_log() -> None:
    seen: list[str] = []

    class Seen(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            seen.append(record.getMessage())

    handler = Seen()
    logging.getLogger().addHandler(handler)
    try:
        for dialect, _, sql in attacks():
            with contextlib.suppress(Refused):
                check(sql, victim(dialect))
    finally:
        logging.getLogger().removeHandler(handler)
    assert seen == []


def test_one_statement_does_not_change_what_the_next_may_be() -> None:
    table = TableInfo(name="t", columns=(ColumnInfo(name="prior", declared_type="int", kind="integer"),))
    schema = Schema(dialect="sqlite", tables=(table,), version="1")
    before = check("SELECT prior FROM t", schema)
    for sql in ("SELECT 1 FROM t CONNECT BY PRIOR (", "SELECT 1 FROM t START WITH a CONNECT BY PRIOR"):
        with pytest.raises(Refused):
            check(sql, schema)
    assert check("SELECT prior FROM t", schema) == before


def test_the_written_sql_passes_again_unchanged() -> None:
    for dialect in DIALECTS:
        for sql in QUERIES[dialect]:
            once = check(sql, shop(dialect))
            assert check(once, shop(dialect)) == once


def test_the_corpus_is_as_large_as_it_claims() -> None:
    assert len(set(attacks())) >= 150
