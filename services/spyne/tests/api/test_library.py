"""Saved queries, feedback, history and sessions: kept, changed, removed."""

import pytest

SQL = "SELECT count(*) AS n FROM customers"


def test_a_saved_query_is_created_read_changed_and_removed(shared):
    new = {"query": "how many customers", "sql": SQL, "verified": True}
    made = shared.client.post("/api/saved-queries", json=new)
    assert made.status_code == 201
    path = f"/api/saved-queries/{made.json()['id']}"

    assert shared.client.get(path).json()["sql"] == SQL
    assert made.json()["id"] in [each["id"] for each in shared.client.get("/api/saved-queries?database=demo").json()]
    changed = shared.client.put(path, json={**new, "query": "number of customers"}).json()
    assert (changed["query"], changed["database"]) == ("number of customers", "demo")
    assert shared.client.delete(path).status_code == 204
    assert shared.client.get(path).status_code == 404
    assert shared.client.delete(path).status_code == 404


def test_sql_that_the_guard_refuses_is_not_saved(shared):
    answer = shared.client.post("/api/saved-queries", json={"query": "x", "sql": "drop table customers"})

    assert (answer.status_code, answer.json()["title"]) == (422, "SQL refused")


def test_corrected_sql_becomes_a_verified_query(shared):
    asked = shared.ask("how many products are there?")
    corrected = "SELECT count(*) AS corrected FROM products WHERE stock > 0"

    given = shared.client.post(
        "/api/feedback", json={"history_id": asked["history_id"], "helpful": False, "corrected_sql": corrected}
    )

    assert given.status_code == 201
    saved = shared.client.get("/api/saved-queries").json()
    found = next(each for each in saved if each["sql"] == corrected)
    assert (found["query"], found["verified"]) == ("how many products are there?", True)
    assert shared.client.delete(f"/api/saved-queries/{found['id']}").status_code == 204
    assert given.json()["id"] in [each["id"] for each in shared.client.get("/api/feedback").json()]


def test_feedback_on_what_nobody_asked_is_a_problem(shared):
    answer = shared.client.post("/api/feedback", json={"history_id": "0" * 32, "helpful": True})

    assert answer.status_code == 404


def test_a_session_is_created_read_changed_listed_and_removed(shared):
    made = shared.client.post("/api/clarification/sessions", json={"query": "show me customers"})
    assert made.status_code == 201
    key = made.json()["id"]
    path = f"/api/clarification/sessions/{key}"

    assert made.json()["status"] == "resolved"  # one reading: nothing to ask back
    assert shared.client.get(path).json()["query"] == "show me customers"
    assert key in [each["id"] for each in shared.client.get("/api/clarification/sessions").json()]
    changed = shared.client.put(path, json={"answers": {"a": "b"}, "status": "abandoned"}).json()
    assert (changed["answers"], changed["status"]) == ({"a": "b"}, "abandoned")
    assert shared.client.put(path, json={"answers": {"c": "d"}}).json()["answers"] == {"a": "b", "c": "d"}
    assert shared.client.delete(path).status_code == 204
    assert shared.client.get(path).status_code == 404


@pytest.mark.parametrize("path", ["/api/history", "/api/saved-queries", "/api/clarification/sessions", "/api/feedback"])
@pytest.mark.parametrize("query", ["limit=0", "limit=101", "offset=-1", "limit=x"])
def test_pages_have_bounds(shared, path, query):
    assert shared.client.get(f"{path}?{query}").status_code == 422
