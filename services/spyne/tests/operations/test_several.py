"""Several instances of Spyne that share one PostgreSQL and one Valkey; and what becomes of them while it is gone."""

from concurrent.futures import ThreadPoolExecutor

import httpx
import psycopg
import pytest

LIMIT = 30
POOL = 10
SAVED = {"database": "harbour", "query": "which ships?", "sql": "SELECT name FROM boats", "verified": True}


@pytest.fixture(scope="module")
def instances(start_for_all, module_database, valkey, model_for_all, harbour, tmp_path_factory):
    """Two of them; a proxy before them tells which client a request is from."""
    address = module_database.url(module_database.create_database())
    folder = tmp_path_factory.mktemp("instances")
    made = [
        start_for_all(
            ready=False, folder=folder / name, RCA_DATABASE_URL=address, RCA_REDIS_URL=valkey.url(),
            RCA_RATE_LIMIT_RPM=f"{LIMIT}", RCA_TRUSTED_PROXIES="127.0.0.1/32", OPENAI_BASE_URL=model_for_all.url,
            SPYNE_DATABASES=f"harbour={harbour}",
        )
        for name in ("first", "second")
    ]  # fmt: skip
    for each in made:
        each.until(each.is_ready)
    return made


@pytest.fixture
def both(instances, request):
    """Both of them, asked by a client of this test alone: limits count nobody else's requests."""
    for each in instances:
        each.client.headers["X-Forwarded-For"] = f"203.0.113.{sum(request.node.name.encode()) % 250}"
    return instances


def test_both_start_at_once_and_one_of_them_migrates(both):
    migrated = sum("Running upgrade" in each.log() for each in both)

    assert migrated == 1
    assert [each.client.get("/api/v1/health").json()["status"] for each in both] == ["healthy", "healthy"]


def test_a_session_of_one_goes_on_at_the_other(both, model_for_all):
    first, second = both
    model_for_all.steps = [model_for_all.answer("boats", "piers")]
    asked = first.ask("how many are there?")
    (question,) = asked["clarification"]["questions"]
    choice = next(option["id"] for option in question["options"] if "boats" in option["label"])
    sent = {"session_id": asked["clarification"]["id"], "answers": {question["id"]: choice}}

    outcome = second.client.post("/api/agent/continue", json=sent).json()

    assert (outcome["status"], outcome["data"]["rows"]) == ("success", [[2]])
    assert first.client.get(f"/api/clarification/sessions/{sent['session_id']}").json()["status"] == "resolved"


def test_what_is_saved_at_one_answers_at_the_other(both):
    first, second = both
    made = first.client.post("/api/saved-queries", json=SAVED)
    assert made.status_code == 201, made.text

    outcome = second.ask(SAVED["query"], database="harbour")

    assert (outcome["source"], outcome["data"]["rows"]) == ("store", [["Canaria"], ["Pinta"]])


def test_a_result_of_one_is_taken_from_the_cache_by_the_other(both, samples):
    first, second = both
    sent = {"sql": "SELECT id, name FROM boats WHERE id < 99", "database": "harbour"}
    hits = 'spyne_result_cache_total{result="hit"}'
    before = samples(second).get(hits, 0)

    rows = [each.client.post("/api/query/execute", json=sent).json()["data"]["rows"] for each in (first, second)]

    assert rows[0] == rows[1] == [[1, "Canaria"], [2, "Pinta"]]
    assert samples(second)[hits] == before + 1


def test_they_count_the_requests_of_a_client_together(both):
    first, second = both
    at_first = [first.client.get("/api/databases").status_code for _ in range(LIMIT - 5)]
    at_second = [second.client.get("/api/databases") for _ in range(LIMIT - 5)]

    assert set(at_first) == {200}
    refused = [answer for answer in at_second if answer.status_code == 429]
    assert refused
    assert int(refused[0].headers["Retry-After"]) >= 1
    other = first.client.get("/api/databases", headers={"X-Forwarded-For": "203.0.113.255"})
    assert other.status_code == 200


def test_connections_to_the_state_are_pooled_and_no_more_than_ten(both, samples):
    """Somebody locks a table: each request that reads it holds a connection, and the others find none in time."""
    first, _ = both
    address = first.environment["RCA_DATABASE_URL"]
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"

    def read(number):
        with httpx.Client(base_url=str(first.client.base_url), timeout=60.0) as client:
            headers = {"X-Forwarded-For": f"198.51.100.{number}"}
            return client.get("/api/saved-queries", headers=headers).status_code

    with (
        ThreadPoolExecutor(2 * POOL) as threads,
        psycopg.connect(address) as holder,
        psycopg.connect(address, autocommit=True) as observer,
    ):
        holder.execute("LOCK TABLE saved_queries IN ACCESS EXCLUSIVE MODE")
        answers = [threads.submit(read, number) for number in range(2 * POOL)]
        first.until(lambda: observer.execute(waiting).fetchone()[0] >= POOL, 30)
        first.until(lambda: any(each.done() for each in answers), 30)
        assert observer.execute(waiting).fetchone()[0] <= POOL
        told = samples(first)
        holder.rollback()
        statuses = {each.result(60) for each in answers}

    assert told['spyne_dependency_connections_max{dependency="state"}'] == POOL
    assert told['spyne_dependency_connections_in_use{dependency="state"}'] <= POOL
    assert 503 in statuses
    assert statuses <= {200, 503, 504}  # 504: it waited for the lock as long as a statement may
    assert first.client.get("/api/saved-queries").status_code == 200


def test_without_the_state_they_are_not_ready_say_why_and_come_back_with_all_that_was_saved(both, module_database):
    first, second = both
    made = first.client.post("/api/saved-queries", json={**SAVED, "query": "which of them?"}).json()
    module_database.kill()
    try:
        for each in both:
            each.until(lambda each=each: each.client.get("/readyz").status_code == 503, 15)
            told = each.client.get("/api/v1/health/detailed")
            assert told.status_code == 503
            assert told.json()["dependencies"]["state"]["status"] == "down"
            refused = each.client.get("/api/saved-queries")
            assert (refused.status_code, refused.headers["content-type"]) == (503, "application/problem+json")
            assert refused.headers["Retry-After"]
        checked = first.command("check")
        assert checked.returncode == 2
        assert "state" in checked.stdout + checked.stderr
        assert module_database.url().split(":")[2].split("@")[0] not in checked.stdout + checked.stderr
    finally:
        module_database.start()

    for each in both:
        assert each.until(each.is_ready, 30) < 10
    assert second.client.get(f"/api/saved-queries/{made['id']}").json()["query"] == "which of them?"
