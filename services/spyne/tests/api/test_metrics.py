"""What an operator sees of the questions: rates of clarification, answers by source, and a log line for each."""

import json

AMBIGUOUS = "show me kitchen and garden products that cost less than 20"


def seen(spyne):
    return spyne.client.get("/api/v1/metrics").json()


def test_questions_are_counted_by_how_they_ended(shared):
    before = seen(shared)
    shared.ask("how many orders are there?")
    shared.ask("what is the weather on Jupiter tomorrow?")
    asked = shared.ask(AMBIGUOUS)["clarification"]
    (question,) = asked["questions"]
    sent = {"session_id": asked["id"], "answers": {question["id"]: question["options"][0]["id"]}}
    assert shared.client.post("/api/agent/continue", json=sent).json()["status"] == "success"
    after = seen(shared)

    old, new = before["clarification"], after["clarification"]
    grown = {name: new[name] - old[name] for name in new if isinstance(new[name], int) and not name.endswith("_rate")}
    assert grown.pop("total_queries") == 4
    assert {name: number for name, number in grown.items() if number} == {
        "clarification_needed": 1, "clarification_resolved": 1, "refused": 1,
    }  # fmt: skip
    assert new["clarification_rate"] == round(new["clarification_needed"] / new["total_queries"], 4)
    assert new["average_clarification_time_ms"] > 0
    assert after["answers"]["grammar"] - before["answers"].get("grammar", 0) == 2
    assert after["throughput"]["successful_per_minute"] > 0


def test_each_question_has_a_log_line_that_leads_to_the_history_and_does_not_repeat_it(shared):
    asked = shared.ask("how many orders of Zaphod are there?", clarification_mode=False)

    lines = [json.loads(line) for line in shared.log().splitlines() if asked["history_id"] in line]
    (line,) = [each for each in lines if each["message"].startswith("question: ")]

    assert line["message"] == f"question: {asked['status']}"
    assert (line["level"], line["correlation_id"]) == ("INFO", asked["request_id"])
    assert line["context"]["latency_ms"] == asked["elapsed_ms"]
    assert line["context"]["database"] == "demo"
    assert "Zaphod" not in shared.log()
