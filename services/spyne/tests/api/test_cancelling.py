"""A request is cancelled by its id, by who sent it, whichever process runs it; and no other request is."""

import concurrent.futures
import contextlib
import sqlite3
import uuid

import pytest

SLOW = "SELECT count(*) FROM order_items a, order_items b, order_items c, order_items d WHERE a.id + b.id + c.id < d.id"
TOO_LONG = (422, "Query took too long")
CANCELLED = (409, "Cancelled")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Where the state is."""
    return tmp_path_factory.mktemp("state") / "state.db"


@pytest.fixture(scope="module")
def pair(start_for_all, place, tmp_path_factory):
    """Two Spynes with one state, and keys."""
    settings = {
        "RCA_DATABASE_URL": f"sqlite:///{place}", "RCA_QUERY_TIMEOUT_S": "2",
        "RCA_API_KEY": "may-ask", "RCA_ADMIN_KEY": "may-all",
    }  # fmt: skip
    return [start_for_all(folder=tmp_path_factory.mktemp("one"), **settings) for _ in range(2)]


@pytest.fixture
def state(pair, place):
    """The state of both."""
    with contextlib.closing(sqlite3.connect(place, isolation_level=None)) as connection:
        yield connection


@pytest.fixture
def pool():
    with concurrent.futures.ThreadPoolExecutor() as made:
        yield made


def run(spyne, name, key="may-ask"):
    headers = {"X-Request-ID": name, "X-API-Key": key}
    answer = spyne.client.post("/api/query/execute", json={"sql": SLOW}, headers=headers)
    return answer.status_code, answer.json()["title"]


def cancel(spyne, name, key="may-ask"):
    answer = spyne.client.post(f"/api/query/{name}/cancel", headers={"X-API-Key": key})
    assert answer.status_code == 202
    return answer.json()["ended"]


@pytest.mark.parametrize("key", ["may-ask", "may-all"])
def test_a_request_is_cancelled_where_it_runs(pair, pool, key):
    name = uuid.uuid4().hex
    running = pool.submit(run, pair[0], name)

    pair[0].until(lambda: cancel(pair[0], name, key) or running.done(), within=20)

    assert running.result(20) == CANCELLED


@pytest.mark.parametrize("key", ["may-ask", "may-all"])
def test_a_request_of_another_process_is_cancelled_too(pair, pool, key):
    name = uuid.uuid4().hex
    running = pool.submit(run, pair[0], name)

    assert cancel(pair[1], name, key) is False

    assert running.result(20) == CANCELLED


def test_who_has_another_key_cancels_nothing(pair, pool):
    name = uuid.uuid4().hex
    running = pool.submit(run, pair[0], name, "may-all")

    for spyne in pair:
        assert cancel(spyne, name, "may-ask") is False

    assert running.result(20) == TOO_LONG


def test_a_later_request_of_the_same_id_is_not_cancelled(pair, state):
    name = uuid.uuid4().hex
    assert cancel(pair[0], name) is False
    assert state.execute("UPDATE cancellations SET created_at = datetime(created_at, '-6 seconds')").rowcount >= 1

    assert run(pair[0], name) == TOO_LONG


def test_what_was_cancelled_long_ago_is_forgotten(pair, state):
    cancel(pair[0], uuid.uuid4().hex)
    state.execute("UPDATE cancellations SET created_at = datetime(created_at, '-2 minutes')")

    cancel(pair[0], uuid.uuid4().hex)

    assert state.execute("SELECT count(*) FROM cancellations").fetchone() == (1,)
