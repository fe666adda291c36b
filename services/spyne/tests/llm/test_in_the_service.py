"""With a model, answers come from it and stay inside the guard; without one, or when it fails, the grammar answers."""

import contextlib
import json
import sqlite3

import pytest


@pytest.fixture
def harbour(tmp_path):
    """A database with a value that must not leave it."""
    path = tmp_path / "harbour.db"
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.executescript(
            "CREATE TABLE boats (id INTEGER PRIMARY KEY, name TEXT);"
            "INSERT INTO boats VALUES (1, 'Canaria'), (2, 'Pinta');"
            "CREATE TABLE piers (id INTEGER PRIMARY KEY, name TEXT); INSERT INTO piers VALUES (1, 'North');"
        )
        connection.commit()
    return path


def test_an_answer_comes_from_the_model_and_no_cell_goes_to_it(start, model, harbour):
    model.steps = [model.answer("boats")]
    spyne = start(OPENAI_API_KEY="sk-for-tests", OPENAI_BASE_URL=model.url, SPYNE_DATABASES=f"harbour={harbour}")

    outcome = spyne.ask("how many boats are there?")

    assert (outcome["status"], outcome["source"], outcome["data"]["rows"]) == ("success", "llm", [[2]])
    assert "boats" in json.dumps(model.requests)
    assert "Canaria" not in json.dumps(model.requests)
    assert "sk-for-tests" not in spyne.log()
    metrics = spyne.client.get("/api/v1/metrics").json()
    assert metrics["llm"]["average_latency_ms"] > 0
    assert metrics["answers"] == {"llm": 1}


@pytest.mark.parametrize("step", [(500, {}), (429, {"Retry-After": "999"}), "silent", "slow", "broken", b"{}"])
def test_when_the_model_fails_the_grammar_answers_in_time(start, model, harbour, step):
    model.steps = [step]
    spyne = start(
        OPENAI_API_KEY="sk-for-tests", OPENAI_BASE_URL=model.url, RCA_LLM_TIMEOUT="1",
        SPYNE_DATABASES=f"harbour={harbour}",
    )  # fmt: skip

    outcome = spyne.ask("how many boats are there?")

    assert (outcome["status"], outcome["source"], outcome["data"]["rows"]) == ("success", "grammar", [[2]])
    assert sum(spyne.client.get("/api/v1/metrics").json()["llm"]["failures"].values()) == 1


def test_two_readings_are_asked_back_about_and_the_choice_holds_whatever_the_model_says_next(start, model, harbour):
    model.steps = [model.answer("boats", "piers"), model.answer("piers")]
    spyne = start(OPENAI_API_KEY="sk-for-tests", OPENAI_BASE_URL=model.url, SPYNE_DATABASES=f"harbour={harbour}")

    asked = spyne.ask("how many are there?")

    assert asked["status"] == "needs_clarification"
    (question,) = asked["clarification"]["questions"]
    previews = {option["label"]: option["preview"]["rows"] for option in question["options"]}
    assert previews == {"How many boats there are": [[2]], "How many piers there are": [[1]]}
    kept = spyne.client.get(f"/api/clarification/sessions/{asked['clarification']['id']}").json()
    assert (kept["status"], kept["query"]) == ("open", "how many are there?")

    choice = next(option["id"] for option in question["options"] if "boats" in option["label"])
    sent = {"session_id": asked["clarification"]["id"], "answers": {question["id"]: choice}}
    for _ in range(2):  # going on is idempotent
        outcome = spyne.client.post("/api/agent/continue", json=sent).json()
        assert (outcome["status"], outcome["data"]["rows"]) == ("success", [[2]])

    assert len(model.requests) == 1
    assert spyne.client.get(f"/api/clarification/sessions/{sent['session_id']}").json()["status"] == "resolved"
    counted = spyne.client.get("/api/v1/metrics").json()["clarification"]
    assert (counted["clarification_needed"], counted["clarification_resolved"]) == (1, 1)


def test_without_clarification_mode_the_likeliest_reading_answers(start, model, harbour):
    model.steps = [model.answer("boats", "piers")]
    spyne = start(
        OPENAI_API_KEY="sk-for-tests", OPENAI_BASE_URL=model.url, SPYNE_CLARIFICATION_MODE="false",
        SPYNE_DATABASES=f"harbour={harbour}",
    )  # fmt: skip

    assert spyne.ask("how many are there?")["data"]["rows"] == [[2]]
    assert spyne.ask("how many are there?", clarification_mode=True)["status"] == "needs_clarification"


def test_a_model_that_is_down_degrades_the_service_and_no_more(start, model):
    model.steps = [b"{}"]
    spyne = start(OPENAI_API_KEY="sk-for-tests", OPENAI_BASE_URL="http://127.0.0.1:9/v1")

    spyne.until(lambda: spyne.client.get("/api/v1/health").json()["status"] == "degraded")

    lost = spyne.client.get("/api/v1/health").json()["degraded"]
    assert lost == [{"dependency": "llm", "lost": "questions are understood by the grammar alone"}]
    assert spyne.client.get("/readyz").status_code == 200
