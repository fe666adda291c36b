"""Questions over HTTP, as the readiness document's own examples send them."""

import statistics

import pytest


def test_show_me_customers_gives_their_rows(shared):
    outcome = shared.ask("show me customers")

    assert outcome["status"] == "success"
    assert "last_name" in outcome["data"]["columns"]
    assert len(outcome["data"]["rows"]) == outcome["data"]["row_count"] == 60
    assert "customers" in outcome["data"]["sql"]
    assert outcome["source"] == "grammar"
    assert outcome["reading"]
    assert outcome["confidence"] in ("high", "medium", "low")


@pytest.mark.parametrize("question", ["show me all tables", "what tables are there?", "List tables"])
def test_which_tables_there_are_is_answered_from_the_schema(shared, question):
    outcome = shared.ask(question)

    assert outcome["status"] == "success"
    assert [row[0] for row in outcome["data"]["rows"]] == ["customers", "order_items", "orders", "products"]
    assert outcome["source"] == "schema"


def test_a_number_is_right(shared):
    outcome = shared.ask("how many orders are there?")

    assert outcome["data"]["rows"] == [[400]]


def test_a_median_is_right(shared):
    prices = [row[-1] for row in shared.ask("show the price of all products")["data"]["rows"]]

    outcome = shared.ask("what is the median price of products?")

    assert outcome["data"]["rows"] == [[statistics.median(prices)]]


EVERYDAY = {
    "orders per month": (24, ["2023-01-01", 12]),
    "how many orders per status": (3, ["delivered", 270]),
    "which customers have not ordered anything": (5, ["Femi", "Ito"]),
    "products that cost more than average": (6, ["Cast iron pan"]),
    "cheapest product in each category": (4, ["Kitchen", "Wooden spoon"]),
    "which month had the most orders": (1, ["2023-07-01"]),
    "number of orders per city and year": (16, ["Bergen", 2023, 25]),
}


@pytest.mark.parametrize("question", EVERYDAY)
def test_everyday_questions_are_answered(shared, question):
    outcome = shared.ask(question)

    assert outcome["status"] == "success"
    assert (outcome["data"]["row_count"], outcome["data"]["rows"][0]) == EVERYDAY[question]


@pytest.mark.parametrize(
    "question", ["what is the weather in Oslo", "revenue by category", "how old are our customers?"]
)
def test_what_has_no_meaning_here_is_refused_even_beside_words_that_have(shared, question):
    outcome = shared.ask(question)

    assert outcome["status"] == "refused"
    assert outcome["reason"]


def test_what_the_data_does_not_know_is_refused_by_its_words(shared):
    outcome = shared.ask("what is the weather on Jupiter tomorrow?")

    assert outcome["status"] == "refused"
    assert outcome["reason"]
    assert any(word in ("weather", "jupiter", "Jupiter") for word in outcome["unlinked"])


def test_rows_that_were_asked_for_are_in_the_history(shared):
    asked = shared.ask("how many products are there?")

    entry = shared.client.get(f"/api/history/{asked['history_id']}").json()

    assert entry["query"] == "how many products are there?"
    assert (entry["status"], entry["row_count"], entry["sql"]) == ("success", 1, asked["data"]["sql"])
    assert entry["correlation_id"] == asked["request_id"]


@pytest.mark.parametrize(
    "body",
    [
        {}, {"query": ""}, {"query": "  "}, {"query": "x" * 1001}, {"query": "a\x00b"}, {"query": 7},
        {"query": "x", "database": "no such name!"}, {"query": "x", "answers": {"a": 1}}, {"query": "x", "more": 1},
        {"query": "x", "session_id": "../../etc/passwd"}, [], "text", None,
    ],
)  # fmt: skip
def test_a_request_that_is_not_valid_is_told_so_as_a_problem(shared, body):
    answer = shared.client.post("/api/agent/run", json=body)

    assert answer.status_code == 422
    assert answer.headers["content-type"].startswith("application/problem+json")
    assert answer.json()["correlation_id"]


def test_a_database_that_is_not_there_is_a_problem(shared):
    answer = shared.client.post("/api/agent/run", json={"query": "show me customers", "database": "nowhere"})

    assert (answer.status_code, answer.json()["title"]) == (404, "Not Found")


def test_a_session_that_is_not_there_is_a_problem(shared):
    answer = shared.client.post("/api/agent/continue", json={"session_id": "0" * 32, "answers": {}})

    assert answer.status_code == 404
