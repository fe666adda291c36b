"""Whatever the model's API does, a call ends in time, with a proposal or without one, and says why."""

import contextlib
import json
import time
from typing import Any

import chassis
import pytest
from spyne.api.measures import Measures
from spyne.llm.api import POLICY, ModelApi
from spyne.llm.proposer import LlmProposer
from spyne.settings import Settings

KEY = "sk-test-that-nobody-may-see-0123456789"
CANARY = "canary-value-that-must-stay-here"


def completion(content: str, **more: Any) -> bytes:
    """Write an answer of the API."""
    message = {"role": "assistant", "content": content, **more.pop("message", {})}
    choice = {"index": 0, "message": message, "finish_reason": more.pop("finish_reason", "stop")}
    return json.dumps({"choices": [choice], "usage": {"prompt_tokens": 100, "completion_tokens": 20}, **more}).encode()


def plan(table: str, words: str = "") -> dict[str, Any]:
    """A reading: how many rows a table has."""
    count = {"value": {"kind": "aggregate", "function": "count"}, "label": "n"}
    source = {"kind": "table", "name": table, "alias": "t1"}
    return {"words": words or f"how many {table}", "query": {"kind": "select", "items": [count], "source": source}}


def answer(*readings: dict[str, Any], unlinked: tuple[str, ...] = ()) -> bytes:
    """An answer with these readings."""
    return completion(json.dumps({"readings": list(readings), "unlinked": list(unlinked)}))


@contextlib.asynccontextmanager
async def proposing(url, **more):
    """A proposer that asks the API at an address."""
    given = {"secret_key": "kJ8-aa0Pq_zz81mNvB72hsXc4uTe9RwYd", "openai_api_key": KEY, "llm_timeout": 2.0, **more}
    service = chassis.Service("spyne", Settings, logs=False)
    service.settings = Settings(openai_base_url=url, **given)
    dependency = service.http(
        "llm", lambda s: s.llm_url, lost="the grammar answers", policy=POLICY,
        headers=lambda s: {"Authorization": f"Bearer {s.openai_api_key.get_secret_value()}"},
    )  # fmt: skip
    measures = Measures(service)
    try:
        yield LlmProposer(ModelApi(dependency, lambda: service.settings, measures), measures), service
    finally:
        await dependency.close()


def failures(service):
    children = service.metrics.read().children.get("spyne_llm_failures_total", {})
    return {labels[0]: int(values[0]) for labels, values in children.items() if values[0]}


async def test_a_plan_becomes_a_reading(model, schema):
    model.steps = [answer(plan("boats", "How many boats there are"))]

    async with proposing(model.url) as (propose, service):
        proposal = await propose("how many boats are there?", schema)

    (reading,) = proposal.readings
    assert (reading.words, reading.origin, reading.choices) == ("How many boats there are", "llm", ())
    assert reading.plan.source.name == "boats"
    assert proposal.coverage == 1.0
    assert failures(service) == {}


async def test_several_readings_are_parted_by_one_decision(model, schema):
    model.steps = [answer(plan("boats"), plan("harbours"))]

    async with proposing(model.url) as (propose, _):
        proposal = await propose("how many?", schema)

    assert [each.choices for each in proposal.readings] == [
        (("reading", "how many boats"),), (("reading", "how many harbours"),),
    ]  # fmt: skip
    assert proposal.readings[0].score > proposal.readings[1].score


async def test_the_request_has_the_key_and_the_schema_and_no_cell(model, schema):
    model.steps = [answer(plan("boats"))]

    async with proposing(model.url, llm_model="local") as (propose, _):
        await propose("how many boats?", schema)

    (request,) = model.requests
    assert request["path"] == "/v1/chat/completions"
    assert request["headers"]["Authorization"] == f"Bearer {KEY}"
    assert request["body"]["model"] == "local"
    assert request["body"]["response_format"]["type"] == "json_schema"
    assert "boats(id integer, name text; key id)" in request["body"]["messages"][0]["content"]
    assert CANARY not in json.dumps(request["body"])


@pytest.mark.parametrize(
    ("step", "reason"),
    [
        (completion('{"readings": ['), "not_json"),
        (completion("I would rather talk about boats."), "not_json"),
        (completion("[" * 100_000), "not_json"),
        (completion('{"readings": [{"words": "x", "query": {"kind": "drop", "table": "boats"}}]}'), "wrong_plan"),
        (answer(plan("no_such_table")), "wrong_plan"),
        (completion('{"readings": 7}'), "not_json"),
        (completion("", message={"refusal": "I cannot help with that."}), "refusal"),
        (completion('{"readings": []', finish_reason="length"), "length"),
        (completion("", finish_reason="content_filter"), "content_filter"),
        (completion(""), "empty"),
        (b"{}", "unreadable"),
        (b'{"choices": [', "unreadable"),
        (b" " * (2**20 + 1), "too_large"),
        ((401, {}), "status_401"),
        ((404, {}), "status_404"),
    ],
)  # fmt: skip
async def test_an_answer_of_no_use_is_no_proposal_and_is_counted(model, schema, step, reason):
    model.steps = [step]

    async with proposing(model.url) as (propose, service):
        assert await propose("how many boats?", schema) is None

    assert failures(service) == {reason: 1}
    assert len(model.requests) == 1  # asking again would bring the same


@pytest.mark.parametrize("step", ["silent", "slow"])
async def test_a_model_that_does_not_come_to_an_end_is_left_in_time(model, schema, step):
    model.steps = [step]

    async with proposing(model.url, llm_timeout=0.5) as (propose, service):
        began = time.monotonic()
        assert await propose("how many boats?", schema) is None
        took = time.monotonic() - began

    assert 0.4 < took < 3.0
    assert failures(service) == {"timeout": 1}


@pytest.mark.parametrize("step", [(500, {}), (503, {}), (429, {"Retry-After": "0"}), "broken"])
async def test_what_passes_is_asked_again(model, schema, step):
    model.steps = [step, answer(plan("boats"))]

    async with proposing(model.url, llm_timeout=10.0) as (propose, service):
        proposal = await propose("how many boats?", schema)

    assert proposal is not None
    assert len(model.requests) == 2
    assert failures(service) == {}


async def test_an_api_that_asks_for_more_time_than_there_is_is_not_asked_again(model, schema):
    model.steps = [(429, {"Retry-After": "3600"})]

    async with proposing(model.url) as (propose, service):
        began = time.monotonic()
        assert await propose("how many boats?", schema) is None
        took = time.monotonic() - began

    assert took < 2.0
    assert len(model.requests) == 1
    assert failures(service) == {"unavailable": 1}


async def test_an_api_that_keeps_failing_is_left_alone_for_a_while(model, schema):
    model.steps = [(500, {})]

    async with proposing(model.url, llm_timeout=10.0) as (propose, service):
        for _ in range(4):
            assert await propose("how many boats?", schema) is None
        asked = len(model.requests)
        began = time.monotonic()
        assert await propose("how many boats?", schema) is None

    assert len(model.requests) == asked
    assert time.monotonic() - began < 0.5
    assert failures(service)["circuit_open"] >= 1


async def test_nobody_listens(schema):
    async with proposing("http://127.0.0.1:9/v1") as (propose, service):
        assert await propose("how many boats?", schema) is None

    assert failures(service) == {"unavailable": 1}


async def test_an_api_that_knows_no_schemas_is_asked_for_any_json_from_then_on(model, schema):
    model.steps = [(400, {}), answer(plan("boats"))]

    async with proposing(model.url) as (propose, _):
        assert await propose("how many boats?", schema) is not None
        assert await propose("how many boats?", schema) is not None

    formats = [request["body"].get("response_format", {}).get("type") for request in model.requests]
    assert formats == ["json_schema", "json_object", "json_object"]


async def test_a_plan_in_a_fence_is_read(model, schema):
    text = json.dumps({"readings": [plan("boats")], "unlinked": []})
    model.steps = [completion(f"```json\n{text}\n```")]

    async with proposing(model.url) as (propose, _):
        proposal = await propose("how many boats?", schema)

    assert len(proposal.readings) == 1


async def test_one_wrong_reading_does_not_spoil_the_others(model, schema):
    model.steps = [answer(plan("no_such_table"), plan("boats"))]

    async with proposing(model.url) as (propose, _):
        proposal = await propose("how many boats?", schema)

    assert [each.plan.source.name for each in proposal.readings] == ["boats"]


async def test_what_the_tables_cannot_answer_is_a_proposal_without_readings(model, schema):
    model.steps = [answer(unlinked=("weather",))]

    async with proposing(model.url) as (propose, _):
        proposal = await propose("how is the weather?", schema)

    assert (proposal.readings, proposal.unlinked, proposal.coverage) == ((), ("weather",), 0.0)


async def test_tokens_are_counted(model, schema):
    model.steps = [answer(plan("boats"))]

    async with proposing(model.url) as (propose, service):
        await propose("how many boats?", schema)

    found = service.metrics.read().children["spyne_llm_tokens_total"]
    assert {labels[0]: int(values[0]) for labels, values in found.items()} == {"prompt": 100, "completion": 20}


async def test_time_is_left_for_the_grammar(model, schema):
    model.steps = ["silent"]

    async with proposing(model.url, llm_timeout=60.0) as (propose, service):
        began = time.monotonic()
        with chassis.time_limit(4.0):
            assert await propose("how many boats?", schema) is None

    assert time.monotonic() - began < 3.0
    assert failures(service) == {"timeout": 1}


async def test_a_request_with_little_time_asks_the_model_too(model, schema):
    model.steps = [answer(plan("boats"))]

    async with proposing(model.url, llm_timeout=60.0) as (propose, _):
        with chassis.time_limit(6.0):
            assert await propose("how many boats?", schema) is not None
