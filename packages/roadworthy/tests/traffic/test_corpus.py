"""Hostile requests: the raw bytes that are promised, in every place, distinct, and the same each time."""

import json
from collections import Counter
from typing import Any

import pytest
from roadworthy.domain.target import RequestSpec, StepSpec, TransactionSpec
from roadworthy.traffic.corpus import (
    BODIES,
    IDENTITIES,
    QUERIES,
    VALUES,
    Case,
    is_excluded,
    operation_cases,
    transaction_cases,
)
from roadworthy.traffic.openapi import Operation, operations

SPEC = TransactionSpec(
    (
        StepSpec(
            "create",
            RequestSpec(
                "POST",
                "/notes",
                headers={"X-Token": "{token}"},
                json={"title": "{token}", "owner": {"name": "a", "home": {"city": "b"}}, "tags": ["c"]},
            ),
            capture={"note_id": "/id"},
        ),
        StepSpec("read", RequestSpec("GET", "/notes/{note_id}")),
        StepSpec("update", RequestSpec("PUT", "/notes/{note_id}", json={"title": "{token}", "of": "{note_id}"})),
        StepSpec("delete", RequestSpec("DELETE", "/notes/{note_id}", json=[1])),
    )
)
VALUES_OF_ONE = {"token": "rw1", "note_id": 7}


def cases_of(method: str) -> dict[str, Case]:
    return {each.case: each for each in transaction_cases(SPEC, VALUES_OF_ONE) if each.method == method}


def operation(path: str = "/notes", method: str = "POST", **more: Any) -> Operation:
    (found,) = operations({"paths": {path: {method.lower(): more}}})
    return found


def body(properties: dict[str, Any], required: list[str]) -> dict[str, Any]:
    schema = {"type": "object", "properties": properties, "required": required}
    return {"content": {"application/json": {"schema": schema}}}


@pytest.mark.parametrize(
    ("case", "content"),
    [
        ("null as title", b'{"title": null, "owner"'),
        ("2^63 as title", b'{"title": 9223372036854775808, '),
        ("10^25 as title", b'{"title": 10000000000000000000000000, '),
        ("1e400 as title", b'{"title": 1e400, '),
        ("NaN as title", b'{"title": NaN, '),
        ("a NUL character as title", rb'{"title": "a\u0000b", '),
        ("a lone surrogate as title", rb'{"title": "\ud800", '),
        ("a quote as title", b'{"title": "\' OR 1=1 --", '),
        ("a text of 10,000 characters as title", b'{"title": "' + b"A" * 10_000 + b'", '),
        ("an empty body", b""),
        ("a broken JSON body", b'{"a": '),
        ("a body that is not UTF-8", b'{"a": "\xff\xfe"}'),
        ("a body nested 20,000 deep", b"[" * 20_000 + b"]" * 20_000),
        ("a wrong content type", b'{"title": "rw1", '),
    ],
)
def test_a_body_is_the_bytes_that_its_name_promises(case: str, content: bytes) -> None:
    given = cases_of("POST")[case].content
    assert given is not None
    assert given.startswith(content)
    if case in BODIES:
        assert given == content


def test_only_one_field_is_hostile_and_the_rest_is_as_it_works() -> None:
    content = cases_of("POST")["10^25 as owner.name"].content
    assert json.loads(content or b"") == {
        "title": "rw1",
        "owner": {"name": 10**25, "home": {"city": "b"}},
        "tags": ["c"],
    }
    assert json.loads(cases_of("PUT")["null as title"].content or b"") == {"title": None, "of": 7}


def test_every_value_is_put_into_every_field_two_levels_deep() -> None:
    found = set(cases_of("POST"))
    fields = ("title", "owner", "owner.name", "owner.home", "tags")
    assert found == {*BODIES, "a wrong content type", *(f"{v} as {f}" for v in VALUES for f in fields)}


def test_headers_are_filled_in_and_say_json_except_where_they_lie() -> None:
    cases = cases_of("POST")
    assert cases["an empty body"].headers == {"X-Token": "rw1", "Content-Type": "application/json"}
    assert cases["a wrong content type"].headers == {"X-Token": "rw1", "Content-Type": "text/plain"}


def test_every_identity_is_put_into_the_path_of_every_member() -> None:
    for method, content in (("GET", None), ("PUT", b'{"title": "rw1", "of": 7}'), ("DELETE", b"[1]")):
        cases = cases_of(method)
        for label, identity in IDENTITIES.items():
            case = cases[f"{label} as note_id"]
            assert (case.path, case.content) == (f"/notes/{identity}", content)
            assert case.operation == f"{method} /notes/{{note_id}}"
            assert case.headers == ({"Content-Type": "application/json"} if content else {})
    assert not any("as note_id" in each for each in cases_of("POST"))


def test_a_step_without_a_json_object_gets_no_hostile_bodies() -> None:
    assert {each.split(" as ")[1] for each in cases_of("DELETE")} == {"note_id"}


def test_the_parameters_of_an_operation_are_hostile_in_turn() -> None:
    path = "/shops/{shop}/notes/{note}"
    found = operation(path, "GET", parameters=[{"name": "q", "in": "query"}, {"name": "shop", "in": "path"}])
    paths = {each.case: each.path for each in operation_cases(found, {})}
    assert paths["a NUL as shop"] == "/shops/%00/notes/1"
    assert paths["a byte that is not UTF-8 as note"] == "/shops/1/notes/%ff"
    assert paths["a climb out of the folder as note"] == "/shops/1/notes/..%2f..%2fetc%2fpasswd"
    assert paths["a quote as ?q"] == "/shops/1/notes/1?q=%27"
    assert len(paths) == 2 * len(IDENTITIES) + len(QUERIES)


def test_the_body_of_an_operation_is_made_of_its_schema() -> None:
    found = operation(requestBody=body({"title": {"type": "string"}, "size": {"type": "integer"}}, ["title", "size"]))
    cases = {each.case: each for each in operation_cases(found, {})}
    assert cases["1e400 as size"].content == b'{"title": "rwexample", "size": 1e400}'
    assert cases["a wrong content type"].content == b'{"title": "rwexample", "size": 1}'
    assert set(BODIES) < set(cases)
    assert "NaN as size" not in cases  # the brief selection


def test_a_body_that_is_no_object_is_still_replaced() -> None:
    found = operation(requestBody={"content": {"application/json": {"schema": {"type": "array"}}}})
    assert {each.case for each in operation_cases(found, {})} == {*BODIES, "a wrong content type"}


def test_an_operation_that_takes_nothing_gets_nothing() -> None:
    assert list(operation_cases(operation("/health", "GET"), {})) == []


def test_cases_are_distinct_and_the_same_each_time() -> None:
    found = operation(
        "/notes/{id}",
        parameters=[{"name": "q", "in": "query"}],
        requestBody=body({"a": {"properties": {"b": {}}, "required": ["b"]}}, ["a"]),
    )
    for make in (lambda: transaction_cases(SPEC, VALUES_OF_ONE), lambda: operation_cases(found, {})):
        cases = list(make())
        assert cases == list(make())
        twice = [key for key, count in Counter((each.case, each.operation) for each in cases).items() if count > 1]
        assert twice == []


@pytest.mark.parametrize(
    ("method", "path", "excluded"),
    [
        ("GET", "/status/{code}", True),
        ("GET", "/httpstatus/{status_code}", True),
        ("GET", "/error", True),
        ("POST", "/crash/now", True),
        ("GET", "/errors/", True),
        ("GET", "/terror", False),
        ("POST", "/admin/shutdown", True),
        ("POST", "/cache/CLEAR", True),
        ("GET", "/admin/shutdown", False),
        ("DELETE", "/notes", True),
        ("DELETE", "/notes/{id}", False),
        ("POST", "/notes", False),
        ("PUT", "/left-out", True),
    ],
)
def test_operations_whose_purpose_is_an_error_or_an_end_are_left_out(method: str, path: str, excluded: bool) -> None:
    assert is_excluded(operation(path, method), ("PUT /left-out",)) is excluded
