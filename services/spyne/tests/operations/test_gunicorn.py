"""Spyne as it is deployed: four processes on gunicorn, by its own command, with the settings of the document."""

import contextlib
import os
import re
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

GIB = 2**30


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("deployed")


@pytest.fixture(scope="module")
def spyne(start_for_all, model_for_all, harbour, folder):
    """Its number of processes and threads is that of the document, as nothing is set; it never asks back."""
    model_for_all.steps = [model_for_all.answer("boats")]  # it answers whatever is asked: one that fails is left alone
    made = start_for_all(
        folder=folder, RCA_HOST="0.0.0.0", RCA_WORKERS="", RCA_QUERY_PROCESSES="", SPYNE_CLARIFICATION_MODE="false",
        OPENAI_BASE_URL=model_for_all.url, SPYNE_DATABASES=f"harbour={harbour}",
    )  # fmt: skip
    made.until(lambda: made.log().count('"message":"started"') == 4)
    return made


def children(pid):
    """The processes that a process started and that are there, by their command."""
    found = {}
    for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        with contextlib.suppress(OSError):
            found[int(each)] = Path(f"/proc/{each}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    return found


def memory(pid):
    """The memory of a process and of all below it, in bytes; what they share counts once."""
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    own = int(re.search(r"^Pss:\s+(\d+) kB", rollup, re.MULTILINE)[1]) * 1024
    return own + sum(memory(each) for each in children(pid))


def test_four_processes_serve(spyne):
    assert len(children(spyne.process.pid)) == 4
    workers = spyne.client.get("/api/v1/metrics").json()["workers"]
    assert workers == 4


def test_questions_that_come_at_once_are_answered_by_several_processes(spyne):
    def ask(_):
        with httpx.Client(base_url=str(spyne.client.base_url), timeout=60.0) as client:
            return client.post("/api/agent/run", json={"query": "show me all orders", "database": "demo"}).json()

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(ask, range(40)))

    assert {answer["status"] for answer in answers} == {"success"}
    running = [pid for pid in children(spyne.process.pid) if "spyne.engine" in "".join(children(pid).values())]
    assert len(running) > 1


def test_a_simple_question_is_answered_within_5_seconds(spyne):
    for question in ("show me customers", "how many orders are there?", "show me all tables"):
        assert spyne.ask(question, database="demo")["status"] == "success"
        assert spyne.ask(question, database="demo")["elapsed_ms"] < 5000


def test_with_four_processes_it_takes_less_than_2_gib(spyne):
    spyne.ask("show me customers", database="demo")

    used = memory(spyne.process.pid)
    assert used < 2 * GIB


def test_with_clarification_switched_off_it_answers_unless_a_request_wants_to_be_asked(spyne, model_for_all):
    model_for_all.steps = [model_for_all.answer("boats", "piers")]

    assert spyne.ask("how many are there?")["data"]["rows"] == [[2]]
    assert spyne.ask("how many are there?", clarification_mode=True)["status"] == "needs_clarification"


def test_metrics_are_those_of_all_processes(spyne, model_for_all, samples):
    model_for_all.steps = [model_for_all.answer("boats")]
    counted = 'spyne_outcomes_total{status="success"}'
    before = samples(spyne).get(counted, 0)
    for _ in range(8):
        with httpx.Client(base_url=str(spyne.client.base_url), timeout=60.0) as client:
            client.post("/api/agent/run", json={"query": "how many boats are there?"})

    assert samples(spyne)[counted] == before + 8


def test_it_serves_on_port_8080_by_default_and_a_stop_answers_what_is_under_way(start, tmp_path, model, harbour):
    """The stop comes while a model takes its time: the question is answered, and all processes end."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if probe.connect_ex(("127.0.0.1", 8080)) == 0:
            pytest.skip("port 8080 is taken on this machine")
    model.steps = ["slow"]
    spyne = start(
        RCA_PORT="", RCA_WORKERS="2", OPENAI_BASE_URL=model.url, RCA_LLM_TIMEOUT="2",
        SPYNE_DATABASES=f"harbour={harbour}",
    )  # fmt: skip
    below = [pid for each in children(spyne.process.pid) for pid in (each, *children(each))]
    with ThreadPoolExecutor(1) as threads:
        asked = threads.submit(spyne.ask, "how many boats are there?")
        spyne.until(lambda: model.requests)
        assert spyne.stop() == 0
        outcome = asked.result(60)

    assert (outcome["status"], outcome["data"]["rows"]) == ("success", [[2]])
    assert len(below) >= 2
    assert [pid for pid in below if os.path.exists(f"/proc/{pid}")] == []  # noqa: PTH110
