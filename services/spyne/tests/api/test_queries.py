"""SQL that people write: guarded, run, exported, cancelled."""

import csv
import io
import json

import duckdb
import pytest

SLOW = "SELECT count(*) FROM order_items a, order_items b, order_items c, order_items d WHERE a.id + b.id + c.id < d.id"


def execute(spyne, sql, **more):
    return spyne.client.post("/api/query/execute", json={"sql": sql, "database": "demo", **more})


def test_rows_come_with_the_sql_that_was_run(shared):
    answer = execute(shared, "select country, count(*) as n from customers group by country order by n desc, country")

    assert answer.status_code == 200
    data = answer.json()["data"]
    assert data["columns"] == ["country", "n"]
    assert sum(row[1] for row in data["rows"]) == 60
    assert "limit" in data["sql"].lower()


@pytest.mark.parametrize(
    "sql",
    [
        "drop table customers", "delete from customers", "select 1; select 2", "select * from sqlite_schema",
        "pragma table_info(customers)", "attach 'x' as y", "select load_extension('x')", "select * from nowhere",
        "with x as (delete from customers returning *) select * from x", "selec 1", "",
    ],
)  # fmt: skip
def test_what_the_guard_refuses_is_a_problem_that_says_why(shared, sql):
    answer = execute(shared, sql)

    assert answer.status_code == 422
    assert answer.headers["content-type"].startswith("application/problem+json")
    assert shared.ask("how many customers are there?")["data"]["rows"] == [[60]]


def test_a_refusal_names_its_rule(shared):
    problem = execute(shared, "drop table customers").json()

    assert problem["title"] == "SQL refused"
    assert problem["rule"]


def test_a_limit_of_the_caller_is_kept(shared):
    data = execute(shared, "select id from customers", limit=7).json()["data"]

    assert len(data["rows"]) == 7


def test_validate_runs_nothing_and_says_what_would_be_run(shared):
    valid = shared.client.post("/api/query/validate", json={"sql": "select id from customers"}).json()
    invalid = shared.client.post("/api/query/validate", json={"sql": "drop table customers"}).json()

    assert valid["valid"] is True
    assert "customers" in valid["sql"]
    assert invalid["valid"] is False
    assert invalid["rule"]
    assert invalid["message"]


@pytest.mark.parametrize(
    ("path", "more", "headers"),
    [("execute", {}, {"Accept": "application/x-ndjson"}), ("export", {"format": "ndjson"}, {})],
)
def test_long_answers_are_streamed_as_json_lines_within_the_limits(shared, path, more, headers):
    sent = {"sql": "select a.id, b.quantity from order_items a, order_items b", "limit": 2500, **more}
    with shared.client.stream("POST", f"/api/query/{path}", json=sent, headers=headers) as answer:
        lines = [json.loads(line) for line in answer.iter_lines()]

    assert answer.headers["content-type"] == "application/x-ndjson"
    assert answer.headers["x-limits-hit"] == "rows"
    assert len(lines) == 2500
    assert set(lines[0]) == {"id", "quantity"}


def test_a_csv_has_all_rows(shared):
    answer = shared.client.post("/api/query/export", json={"sql": "select id, city from customers order by id"})

    rows = list(csv.reader(io.StringIO(answer.text)))
    assert answer.headers["content-type"].startswith("text/csv")
    assert 'filename="demo.csv"' in answer.headers["content-disposition"]
    assert rows[0] == ["id", "city"]
    assert len(rows) == 61


def test_a_parquet_file_is_read_by_others(shared, tmp_path):
    sent = {"sql": "select id, city, joined_on from customers order by id", "format": "parquet"}
    (tmp_path / "x.parquet").write_bytes(shared.client.post("/api/query/export", json=sent).content)

    with duckdb.connect() as connection:
        found = connection.execute(f"SELECT count(*), max(id) FROM '{tmp_path / 'x.parquet'}'").fetchall()

    assert found == [(60, 60)]


def test_a_query_that_takes_too_long_is_ended(start):
    spyne = start(RCA_QUERY_TIMEOUT_S="1")

    answer = execute(spyne, SLOW)

    assert answer.status_code == 422
    assert answer.json()["rule"] == "time"
    assert execute(spyne, "select 1 as one").json()["data"]["rows"] == [[1]]


def test_a_result_is_cached_until_the_data_changes(start, tmp_path):
    import contextlib
    import sqlite3

    with contextlib.closing(sqlite3.connect(tmp_path / "mine.db")) as mine:
        mine.execute("PRAGMA journal_mode=WAL")
        mine.execute("CREATE TABLE things (id INTEGER PRIMARY KEY)")
        mine.commit()
        spyne = start(SPYNE_DATABASES=f"mine={tmp_path / 'mine.db'}")

        def count():
            sent = {"sql": "select count(*) as n from things", "database": "mine"}
            return spyne.client.post("/api/query/execute", json=sent).json()["data"]["rows"][0][0]

        def hits():
            text = spyne.client.get("/api/v1/metrics/prometheus").text
            return sum(float(line.split()[-1]) for line in text.splitlines() if 'cache_total{result="hit"}' in line)

        spyne.until(lambda: count() == 0 and hits() > 0)
        for expected in range(1, 30):
            mine.execute("INSERT INTO things VALUES (?)", (expected,))
            mine.commit()
            assert count() == expected
