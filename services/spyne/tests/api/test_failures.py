"""Questions that find no outcome: told as they are, counted, and kept in the history."""

import contextlib
import sqlite3

SLOW = "SELECT count(*) FROM order_items a, order_items b, order_items c, order_items d WHERE a.id + b.id + c.id < d.id"


def counted(spyne, status):
    text = spyne.client.get("/api/v1/metrics/prometheus").text
    wanted = f'spyne_outcomes_total{{status="{status}"}}'
    return sum(float(line.split()[-1]) for line in text.splitlines() if line.startswith(wanted))


def test_a_saved_answer_that_takes_too_long_is_told_counted_and_kept(start):
    spyne = start(RCA_QUERY_TIMEOUT_S="1")
    new = {"query": "how many orders are there?", "sql": SLOW, "verified": True}
    assert spyne.client.post("/api/saved-queries", json=new).status_code == 201

    answer = spyne.client.post("/api/agent/run", json={"query": new["query"]})

    assert (answer.status_code, answer.json()["rule"]) == (422, "time")
    assert counted(spyne, "error") == 1
    (entry,) = spyne.client.get("/api/history").json()
    assert (entry["query"], entry["status"], entry["row_count"]) == (new["query"], "error", None)
    assert "takes too long" in entry["words"]
    made = spyne.client.post("/api/clarification/sessions", json={"query": new["query"]})
    assert made.status_code == 422
    (session,) = spyne.client.get("/api/clarification/sessions").json()
    assert session["status"] == "failed"


def test_a_saved_answer_whose_table_is_gone_is_read_anew(start, tmp_path):
    with contextlib.closing(sqlite3.connect(tmp_path / "mine.db")) as mine:
        mine.execute("CREATE TABLE boats (id INTEGER PRIMARY KEY, name TEXT)")
        mine.execute("CREATE TABLE old_boats (id INTEGER PRIMARY KEY)")
        mine.execute("INSERT INTO boats VALUES (1, 'Nina')")
        mine.commit()
        spyne = start(SPYNE_DATABASES=f"mine={tmp_path / 'mine.db'}")
        new = {"query": "how many boats are there?", "sql": "SELECT 7 + count(*) FROM old_boats", "verified": True}
        assert spyne.client.post("/api/saved-queries", json=new).status_code == 201
        assert spyne.ask(new["query"])["data"]["rows"] == [[7]]
        mine.execute("DROP TABLE old_boats")
        mine.commit()

        unaware = spyne.ask(new["query"])
        assert spyne.client.post("/api/databases/mine/refresh").status_code == 200
        aware = spyne.ask(new["query"])

    assert [(each["source"], each["data"]["rows"]) for each in (unaware, aware)] == [("grammar", [[1]])] * 2


def test_sql_that_is_refused_is_in_the_history(shared):
    sql = "DELETE FROM customers WHERE id = 4711"
    assert shared.client.post("/api/query/execute", json={"sql": sql}).status_code == 422

    found = [each for each in shared.client.get("/api/history?limit=100").json() if each["query"] == sql]

    assert [(each["status"], each["origin"]) for each in found] == [("error", "sql")]
    assert found[0]["words"]


def test_what_is_validated_is_what_would_run(shared):
    sql = {"sql": "select id from customers", "limit": 7}

    said = shared.client.post("/api/query/validate", json=sql).json()["sql"]
    ran = shared.client.post("/api/query/execute", json=sql).json()["data"]["sql"]

    assert said == ran
