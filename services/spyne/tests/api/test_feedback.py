"""What a thumb does: verified queries answer who asks the same, whoever asks back is still asked back, and who may."""

import contextlib
import sqlite3

import pytest

AMBIGUOUS = "show me kitchen and garden products that cost less than 20"


def thumb(spyne, outcome, helpful, key=None, **more):
    headers = {"X-API-Key": key} if key else {}
    sent = {"history_id": outcome["history_id"], "helpful": helpful, **more}
    assert spyne.client.post("/api/feedback", json=sent, headers=headers).status_code == 201


def saved(spyne, sql, **headers):
    found = spyne.client.get("/api/saved-queries?limit=100", headers=headers).json()
    return [each for each in found if each["sql"] == sql]


@pytest.fixture(scope="module")
def keyed(shared, tmp_path_factory):
    """A Spyne whose callers and administrator have keys."""
    made = type(shared)(tmp_path_factory.mktemp("keyed"), {"RCA_API_KEY": "may-ask", "RCA_ADMIN_KEY": "may-all"})
    try:
        made.until(made.is_ready)
        made.client.headers["X-API-Key"] = "may-ask"
        yield made
    finally:
        made.close()


def test_thumbs_verify_once_and_withdraw(shared):
    question = "how many orders were shipped?"
    first = shared.ask(question)
    thumb(shared, first, True)
    again = shared.ask("How many orders were shipped, please?")
    thumb(shared, again, True)
    thumb(shared, first, True)

    assert (first["source"], again["source"]) == ("grammar", "store")
    assert again["data"]["rows"] == first["data"]["rows"]
    assert len(saved(shared, first["data"]["sql"])) == 1
    thumb(shared, again, False)
    assert shared.ask(question)["source"] == "grammar"
    assert [each["verified"] for each in saved(shared, first["data"]["sql"])] == [False]


def test_a_correction_takes_the_place_of_what_was_verified(shared):
    question = "how many orders were delivered?"
    first = shared.ask(question)
    thumb(shared, first, True)
    corrected = "SELECT 7 AS n"
    thumb(shared, shared.ask(question), False, corrected_sql=corrected)

    assert shared.ask(question)["data"]["rows"] == [[7]]
    assert [each["verified"] for each in saved(shared, first["data"]["sql"])] == [False]
    thumb(shared, shared.ask(question), False)


def test_a_thumb_on_a_pick_keeps_the_pick_and_the_question_still_asks_back(shared):
    asked = shared.ask(AMBIGUOUS)
    question = asked["clarification"]["questions"][0]
    pick = {question["id"]: question["options"][1]["id"]}
    sent = {"session_id": asked["clarification"]["id"], "answers": pick}
    answered = shared.client.post("/api/agent/continue", json=sent).json()
    thumb(shared, answered, True)

    assert shared.ask(AMBIGUOUS)["status"] == "needs_clarification"
    assert shared.ask(AMBIGUOUS, answers=pick)["source"] == "store"
    other = shared.ask(AMBIGUOUS, answers={question["id"]: question["options"][0]["id"]})
    assert (other["source"], other["data"]["rows"] == answered["data"]["rows"]) == ("grammar", False)


def test_a_thumb_on_what_was_not_asked_back_about_verifies_that_reading_only(shared):
    question = "show me office and travel products that cost less than 20"
    answered = shared.ask(question, clarification_mode=False)
    thumb(shared, answered, True)

    assert answered["status"] == "success"
    assert shared.ask(question)["status"] == "needs_clarification"


def test_a_verified_query_is_found_behind_many_others(shared):
    new = {"query": "the oldest of all", "sql": "SELECT 1 AS oldest", "verified": True}
    key = shared.client.post("/api/saved-queries", json=new).json()["id"]
    with contextlib.closing(sqlite3.connect(shared.folder / "data/spyne.db", timeout=30)) as state, state:
        state.execute(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 600)"
            " INSERT INTO saved_queries (id, database, query, sql, verified, answers, key, created_at, updated_at)"
            " SELECT printf('%032d', i), database, 'filler ' || i, sql, 1, '{}', printf('%064d', i),"
            " '2999-01-01', '2999-01-01' FROM n, saved_queries WHERE id = ?",
            [key],
        )
    try:
        assert shared.ask("The oldest of all?")["data"]["rows"] == [[1]]
    finally:
        with contextlib.closing(sqlite3.connect(shared.folder / "data/spyne.db", timeout=30)) as state, state:
            state.execute("DELETE FROM saved_queries WHERE id = ? OR created_at = '2999-01-01'", [key])


def test_a_session_is_answered_by_a_verified_query_too(shared):
    key = shared.client.post(
        "/api/saved-queries", json={"query": "our best number", "sql": "SELECT 42 AS best", "verified": True}
    ).json()["id"]

    made = shared.client.post("/api/clarification/sessions", json={"query": "our best number"}).json()

    assert (made["status"], made["outcome"]["source"]) == ("resolved", "store")
    assert shared.client.delete(f"/api/saved-queries/{key}").status_code == 204


def test_what_an_asker_confirms_is_a_proposal_that_the_administrator_verifies(keyed):
    asked = keyed.ask("how many products are there?")
    thumb(keyed, asked, True)
    thumb(keyed, asked, False, corrected_sql="SELECT 13 AS planted")

    assert keyed.ask("how many products are there?")["source"] == "grammar"
    assert [each["verified"] for each in saved(keyed, "SELECT 13 AS planted")] == [False]
    (proposal,) = saved(keyed, asked["data"]["sql"])
    change = {"query": proposal["query"], "sql": proposal["sql"], "database": "demo", "verified": True}
    path = f"/api/saved-queries/{proposal['id']}"
    assert keyed.client.put(path, json=change).status_code == 403
    assert keyed.client.put(path, json=change, headers={"X-API-Key": "may-all"}).status_code == 200
    answered = keyed.ask("how many products are there?")
    assert answered["source"] == "store"
    thumb(keyed, answered, False)
    assert keyed.ask("how many products are there?")["source"] == "store"
    assert keyed.client.put(path, json={**change, "sql": "SELECT 13 AS planted"}).status_code == 403
    assert keyed.client.delete(path).status_code == 403
    thumb(keyed, answered, False, key="may-all")
    assert keyed.ask("how many products are there?")["source"] == "grammar"


def test_an_asker_saves_no_verified_query(keyed):
    new = {"query": "how many customers", "sql": "SELECT 99 AS planted", "verified": True}

    assert keyed.client.post("/api/saved-queries", json=new).status_code == 403
    assert keyed.client.post("/api/saved-queries", json={**new, "verified": False}).status_code == 201
