"""With a model, answers come from it and stay inside the guard; without one, or when it fails, the grammar answers."""

import json
import os
import subprocess
import sys

import pytest

KEY = "sk-for-tests"
COUNT = {"value": {"kind": "aggregate", "function": "count"}, "label": "n"}
STAR = {"value": {"kind": "star", "source": "t1"}}
NAME = {"kind": "column", "source": "t1", "column": "name"}
BOATS = {"kind": "table", "name": "boats", "alias": "t1"}


def query(**parts):
    """How many boats there are, with other parts."""
    return {"kind": "select", "items": [COUNT], "source": BOATS, **parts}


def called(function):
    return {"value": {"kind": "function", "function": function, "arguments": [NAME]}, "label": "x"}


@pytest.fixture(scope="module")
def running(start_for_all, model_for_all, harbour):
    """Spyne with the model, which is asked whatever it did before."""
    return start_for_all(
        OPENAI_API_KEY=KEY, OPENAI_BASE_URL=model_for_all.url, SPYNE_DATABASES=f"harbour={harbour}",
        RCA_LLM_TIMEOUT="1", RCA_DEPENDENCY_LLM_BREAKER="off", RCA_QUERY_ROWS="5", RCA_QUERY_TIMEOUT_S="1",
        SPYNE_CLARIFICATION_MODE="false",
    )  # fmt: skip


@pytest.fixture
def spyne(running, model_for_all):
    """It, with a model that was asked nothing yet."""
    model_for_all.requests.clear()
    return running


def llm(spyne):
    return spyne.client.get("/api/v1/metrics").json()["llm"]


def failures(spyne):
    return sum(llm(spyne)["failures"].values())


def test_an_answer_comes_from_the_model_and_no_cell_goes_to_it(spyne, model_for_all):
    model_for_all.steps = [model_for_all.answer("boats")]
    before = spyne.client.get("/api/v1/metrics").json()["answers"].get("llm", 0)

    outcome = spyne.ask("how many boats are there?")

    assert (outcome["status"], outcome["source"], outcome["data"]["rows"]) == ("success", "llm", [[2]])
    assert "boats" in json.dumps(model_for_all.requests)
    assert "Canaria" not in json.dumps(model_for_all.requests)
    assert KEY not in spyne.log()
    metrics = spyne.client.get("/api/v1/metrics").json()
    assert metrics["llm"]["average_latency_ms"] > 0
    assert metrics["answers"]["llm"] == before + 1


@pytest.mark.parametrize("step", [(500, {}), (429, {"Retry-After": "999"}), "silent", "slow", "broken", b"{}"])
def test_when_the_model_fails_the_grammar_answers_in_time(spyne, model_for_all, step):
    model_for_all.steps = [step]
    before = failures(spyne)

    outcome = spyne.ask("how many boats are there?")

    assert (outcome["status"], outcome["source"], outcome["data"]["rows"]) == ("success", "grammar", [[2]])
    assert failures(spyne) == before + 1


def test_when_nobody_listens_the_grammar_answers_until_somebody_does(spyne, model_for_all):
    model_for_all.steps = [model_for_all.answer("boats")]
    model_for_all.refuse()
    try:
        assert spyne.ask("how many boats are there?")["source"] == "grammar"
    finally:
        model_for_all.listen()
    assert spyne.ask("how many boats are there?")["source"] == "llm"


@pytest.mark.parametrize(
    "proposed",
    [
        query(source={"kind": "table", "name": "no_such_table", "alias": "t1"}),
        query(source={"kind": "table", "name": "sqlite_schema", "alias": "t1"}),
        query(source={"kind": "table", "name": "boats; DROP TABLE boats", "alias": "t1"}),
        query(items=[{"value": {"kind": "column", "source": "t1", "column": "password"}}]),
        query(items=[called("load_extension")]),
        query(items=[called("randomblob")]),
        query(items=[{"value": {"kind": "aggregate", "function": "group_concat", "argument": NAME}}]),
        {"kind": "raw", "sql": "DROP TABLE boats"},
        {"kind": "delete", "source": BOATS},
        query(limit="1; DROP TABLE boats"),
        query(limit=-1),
    ],
)
def test_a_plan_that_names_what_is_not_allowed_is_none_and_the_grammar_answers(spyne, model_for_all, proposed):
    model_for_all.steps = [model_for_all.reading(proposed)]

    outcome = spyne.ask("how many boats are there?")

    assert (outcome["status"], outcome["source"], outcome["data"]["rows"]) == ("success", "grammar", [[2]])


@pytest.mark.parametrize(
    ("proposed", "rows", "limits_hit"),
    [
        (query(items=[STAR], source={**BOATS, "name": "waves"}, limit=10**9), 5, ["rows"]),
        (query(items=[STAR], source={**BOATS, "name": "waves"}), 5, ["rows"]),
        (query(items=[{"value": NAME, "label": 'x"; DROP TABLE boats; --'}]), 2, []),
        (query(items=[{"value": NAME}], where={
            "kind": "comparison", "operator": "=", "left": NAME,
            "right": {"kind": "value", "value": "x'; DROP TABLE boats; --"},
        }), 0, []),
    ],
)  # fmt: skip
def test_a_plan_stays_inside_the_limits_whatever_it_asks_for(spyne, model_for_all, proposed, rows, limits_hit):
    model_for_all.steps = [model_for_all.reading(proposed)]

    outcome = spyne.ask("how many boats are there?")

    assert (outcome["source"], len(outcome["data"]["rows"])) == ("llm", rows)
    assert outcome["data"]["limits_hit"] == limits_hit
    model_for_all.steps = [model_for_all.answer("boats")]
    assert spyne.ask("how many boats are there?")["data"]["rows"] == [[2]]


def test_a_plan_that_runs_without_end_is_ended_and_the_grammar_answers(spyne, model_for_all):
    waves = [{"kind": "table", "name": "waves", "alias": f"t{number}"} for number in range(1, 5)]
    every = {"kind": "is_null", "of": NAME, "negated": True}
    joins = [{"source": source, "on": every} for source in waves[1:]]
    model_for_all.steps = [model_for_all.reading(query(source=waves[0], joins=joins))]
    before = failures(spyne)

    outcome = spyne.ask("how many boats are there?")

    assert (outcome["status"], outcome["source"], outcome["data"]["rows"]) == ("success", "grammar", [[2]])
    assert llm(spyne)["failures"]["query_failed"] >= 1
    assert failures(spyne) == before + 1


def test_two_readings_are_asked_back_about_and_the_choice_holds_whatever_the_model_says_next(spyne, model_for_all):
    model_for_all.steps = [model_for_all.answer("boats", "piers"), model_for_all.answer("piers")]
    before = spyne.client.get("/api/v1/metrics").json()["clarification"]

    asked = spyne.ask("how many are there?", clarification_mode=True)

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

    assert len(model_for_all.requests) == 1
    assert spyne.client.get(f"/api/clarification/sessions/{sent['session_id']}").json()["status"] == "resolved"
    counted = spyne.client.get("/api/v1/metrics").json()["clarification"]
    for kind in ("clarification_needed", "clarification_resolved"):
        assert counted[kind] == before[kind] + 1


def test_without_clarification_mode_the_likeliest_reading_answers(spyne, model_for_all):
    model_for_all.steps = [model_for_all.answer("boats", "piers")]

    assert spyne.ask("how many are there?")["data"]["rows"] == [[2]]
    assert spyne.ask("how many are there?", clarification_mode=True)["status"] == "needs_clarification"


def test_without_its_key_check_says_so_and_the_service_runs_degraded(start, model, tmp_path):
    model.key, model.steps = KEY, [model.answer("customers")]
    own = {key: value for key, value in os.environ.items() if not key.startswith(("RCA_", "SPYNE_", "OPENAI_"))}
    needed = {"RCA_SECRET_KEY": "kJ8-aa0Pq_zz81mNvB72hsXc4uTe9RwYd", "RCA_DATA_DIR": str(tmp_path / "checked")}

    def check(**settings):
        ran = subprocess.run(
            [sys.executable, "-m", "chassis", "spyne.application:application", "check"],
            check=False, capture_output=True, text=True, timeout=60, cwd=tmp_path,
            env={**own, **needed, **settings},
        )  # fmt: skip
        return ran.returncode, next(line for line in ran.stdout.splitlines() if line.startswith("llm"))

    no_model, no_key = check(), check(OPENAI_BASE_URL=model.url)
    assert no_model == (0, "llm: not configured; set RCA_OPENAI_API_KEY")
    assert no_key[0] == 3
    assert "lost: questions are understood by the grammar alone); check RCA_OPENAI_API_KEY" in no_key[1]
    assert check(OPENAI_BASE_URL=model.url, OPENAI_API_KEY=KEY)[0] == 0

    spyne = start(OPENAI_BASE_URL=model.url)
    spyne.until(lambda: spyne.client.get("/api/v1/health").json()["status"] == "degraded")

    lost = spyne.client.get("/api/v1/health").json()["degraded"]
    assert lost == [{"dependency": "llm", "lost": "questions are understood by the grammar alone"}]
    assert spyne.client.get("/readyz").status_code == 200
    outcome = spyne.ask("how many customers are there?")
    assert (outcome["source"], outcome["data"]["rows"]) == ("grammar", [[60]])
