"""OpenAPI documents as frameworks write them, and as nobody should: what they tell, and that they break nothing."""

import json
import re
import warnings
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from roadworthy.domain.target import RequestSpec, StepSpec, TransactionSpec
from roadworthy.traffic.corpus import operation_cases
from roadworthy.traffic.openapi import TOKEN, example, operations, resolve, transactions


def fastapi_document() -> dict[str, Any]:
    """Return the document of a real FastAPI application."""
    from enum import Enum
    from uuid import UUID

    from fastapi import FastAPI
    from pydantic import BaseModel, Field

    class Size(Enum):
        SMALL = "small"
        LARGE = "large"

    class Guest(BaseModel):
        name: str = Field(min_length=2, max_length=80)
        age: int = Field(gt=17, le=120)

    class NewBooking(BaseModel):
        room: int = Field(ge=1)
        title: str = Field(min_length=20)
        starts_at: datetime
        ends_at: datetime
        day: date
        size: Size
        guests: list[Guest] = Field(min_length=2)
        note: str | None = None
        discount: float | None
        price: float = Field(gt=0)
        breakfast: bool
        code: str = Field(pattern=r"^[A-Z]{3}$")

    class Booking(NewBooking):
        id: UUID

    app = FastAPI()

    @app.post("/bookings", status_code=201)
    def create(booking: NewBooking) -> Booking: ...  # type: ignore[empty-body]

    @app.get("/bookings/{booking_id}")
    def read(booking_id: UUID, full: bool = False) -> Booking: ...  # type: ignore[empty-body]

    @app.patch("/bookings/{booking_id}")
    def change(booking_id: UUID, booking: NewBooking) -> Booking: ...  # type: ignore[empty-body]

    @app.delete("/bookings/{booking_id}", status_code=204)
    def delete(booking_id: UUID) -> None: ...

    @app.get("/health")
    def health() -> str: ...  # type: ignore[empty-body]

    return app.openapi()


SWAGGER: dict[str, Any] = {
    "swagger": "2.0",
    "basePath": "/api/v1/",
    "paths": {
        "/pets": {
            "post": {
                "parameters": [
                    {"name": "pet", "in": "body", "required": True, "schema": {"$ref": "#/definitions/Pet"}},
                    {"name": "shop", "in": "query", "required": True, "type": "string", "enum": ["north", "south"]},
                    {"name": "dry", "in": "query", "type": "boolean"},
                ],
                "responses": {"201": {"schema": {"type": "object", "properties": {"key": {"type": "string"}}}}},
            },
        },
        "/pets/{petId}": {
            "parameters": [{"name": "petId", "in": "path", "required": True, "type": "integer"}],
            "get": {"responses": {"200": {"description": "a pet"}}},
        },
    },
    "definitions": {
        "Pet": {
            "allOf": [
                {"$ref": "#/definitions/Named"},
                {"type": "object", "required": ["legs"], "properties": {"legs": {"type": "integer", "example": 4}}},
            ]
        },
        "Named": {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}},
    },
}


def test_the_document_of_a_fastapi_application_gives_its_transaction() -> None:
    (found,) = transactions(fastapi_document())
    create, read, update, delete = found.steps
    assert found.source == "openapi"
    assert (create.name, create.request.method, create.request.path) == ("create", "POST", "/bookings")
    assert create.capture == {"booking_id": "/id"}
    assert read == StepSpec("read", RequestSpec("GET", "/bookings/{booking_id}"), contains=TOKEN)
    assert (update.name, update.request.method, update.request.path) == ("update", "PATCH", "/bookings/{booking_id}")
    assert update.request.json == create.request.json
    assert delete == StepSpec("delete", RequestSpec("DELETE", "/bookings/{booking_id}"))


def test_the_example_of_a_fastapi_model_keeps_to_all_that_it_asks() -> None:
    (found,) = transactions(fastapi_document())
    body = found.steps[0].request.json
    assert body == {
        "room": 1,
        "title": "{token}" + "x" * 8,  # a token has 12 characters
        "starts_at": "2030-01-15T10:00:00Z",
        "ends_at": "2030-01-16T10:00:00Z",  # after the start
        "day": "2030-01-15",
        "size": "small",
        "guests": [{"name": "{token}", "age": 18}] * 2,
        "discount": 1,
        "price": 1,
        "breakfast": False,
        "code": "{upper_3}",
    }


def test_the_operations_of_a_fastapi_application_are_listed() -> None:
    found = {each.name: each for each in operations(fastapi_document())}
    assert set(found) == {
        "POST /bookings",
        "GET /bookings/{booking_id}",
        "PATCH /bookings/{booking_id}",
        "DELETE /bookings/{booking_id}",
        "GET /health",
    }
    read = found["GET /bookings/{booking_id}"]
    assert read.path_parameters == ("booking_id",)
    assert [(each["name"], each["in"]) for each in read.parameters] == [("booking_id", "path"), ("full", "query")]
    assert (read.body, read.body_required) == (None, False)
    create = found["POST /bookings"]
    assert create.body is not None
    assert create.body_required
    assert "id" in (create.answer or {})["properties"]


def test_swagger_2_gives_its_transaction() -> None:
    (found,) = transactions(SWAGGER)
    assert found == TransactionSpec(
        (
            StepSpec(
                "create",
                RequestSpec("POST", "/api/v1/pets?shop=north", json={"name": "{token}", "legs": 4}),
                capture={"petId": "/key"},
            ),
            StepSpec("read", RequestSpec("GET", "/api/v1/pets/{petId}"), contains=TOKEN),
        ),
        source="openapi",
    )
    assert [each.body_required for each in operations(SWAGGER)] == [True, False]


def test_the_base_path_of_the_first_server_is_prepended() -> None:
    paths = {"/a": {"get": {}}}
    for url, path in (
        ("https://example.com/api/v2/", "/api/v2/a"),
        ("https://example.com", "/a"),
        ("/api", "/api/a"),
        ("{scheme}://example.com/api", "/a"),
    ):
        (found,) = operations({"servers": [{"url": url}, {"url": "/other"}], "paths": paths})
        assert found.path == path


def collection(name: str, required: list[str] | None = None, **more: Any) -> dict[str, Any]:
    properties = {each: {"type": "integer"} for each in required or []}
    schema = {"type": "object", "properties": properties, "required": required or []}
    body = {"content": {"application/json; charset=utf-8": {"schema": schema}}}
    return {f"/{name}": {"post": {"requestBody": body}}, f"/{name}/{{id}}": {"get": {}, **more}}


def test_transactions_that_refer_to_other_objects_come_last_and_short_paths_first() -> None:
    paths = {**collection("b", ["room_id"]), **collection("longer"), **collection("mid", ["size"])}
    assert [each.steps[0].request.path for each in transactions({"paths": paths})] == ["/mid", "/longer", "/b"]


def test_put_is_preferred_to_patch_and_a_slash_at_the_end_is_kept() -> None:
    paths = {
        "/notes/": {"post": {}},
        "/notes/{note_id}/": {"get": {}, "patch": {}, "put": {}},
        "/notes/{note_id}/lines/{line}": {"get": {}},
        "/notesheets/{id}": {"get": {}},
    }
    (found,) = transactions({"paths": paths})
    assert [(step.name, step.request.method, step.request.path) for step in found.steps] == [
        ("create", "POST", "/notes/"),
        ("read", "GET", "/notes/{note_id}/"),
        ("update", "PUT", "/notes/{note_id}/"),
    ]
    assert found.steps[0].request.json is None
    assert found.steps[1].contains == ""  # nothing with a token in it was written


@pytest.mark.parametrize(
    ("properties", "parameter", "pointer"),
    [
        ({"id": {}, "note_id": {}}, "note_id", "/note_id"),
        ({"id": {}, "uuid": {}}, "note_id", "/id"),
        ({"slug": {}}, "name", "/slug"),
        ({"_id": {}}, "note", "/_id"),
        ({}, "note", "/id"),
    ],
)
def test_the_identity_is_looked_for_in_the_answer(properties: dict[str, Any], parameter: str, pointer: str) -> None:
    answer = {"content": {"application/json": {"schema": {"properties": properties}}}}
    paths = {
        "/notes": {"post": {"responses": {"400": {}, "201": answer}}},
        f"/notes/{{{parameter}}}": {"get": {}},
    }
    (found,) = transactions({"paths": paths})
    assert found.steps[0].capture == {parameter: pointer}


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"type": "string"}, TOKEN),
        ({}, TOKEN),
        (True, TOKEN),
        ({"type": "string", "minLength": 20}, TOKEN + "x" * 8),
        ({"type": "string", "maxLength": 5}, "{lower_5}"),
        ({"type": "string", "maxLength": 0}, ""),
        ({"type": "string", "maxLength": 12}, TOKEN),
        ({"type": "string", "default": "a", "example": "b"}, TOKEN),  # free text: room for a token
        ({"type": "string", "maxLength": 3, "default": "a"}, "a"),
        ({"type": "string", "const": "fixed"}, "fixed"),
        ({"enum": ["first", "second"]}, "first"),
        ({"type": "integer", "examples": [7, 8]}, 7),
        ({"type": "string", "examples": ["seven"]}, TOKEN),
        ({"type": ["null", "string"]}, TOKEN),
        ({"type": ["null"]}, TOKEN),
        ({"type": "null"}, None),
        ({"type": "boolean"}, False),
        ({"type": "integer"}, 1),
        ({"type": "integer", "minimum": 5}, 5),
        ({"type": "integer", "minimum": 0}, 1),
        ({"type": "integer", "minimum": 5, "exclusiveMinimum": True}, 6),
        ({"type": "integer", "exclusiveMinimum": 5}, 6),
        ({"type": "integer", "maximum": -3}, -3),
        ({"type": "integer", "minimum": -9, "maximum": -3}, -9),
        ({"type": "integer", "minimum": 3, "multipleOf": 5}, 5),
        ({"type": "number", "exclusiveMinimum": 0, "maximum": 0.5}, 0.5),
        ({"type": "number", "multipleOf": 0.25}, 1.0),
        ({"type": "array", "items": {"type": "integer"}}, []),
        ({"type": "array", "items": {"type": "integer"}, "minItems": 2}, [1, 1]),
        ({"type": "object"}, {}),
        ({"properties": {"a": {"type": "integer"}}, "required": ["a", "gone"]}, {"a": 1}),
        (
            {"type": "object", "properties": {"size": {"type": "integer"}, "title": {"type": "string"}}},
            {"title": TOKEN},
        ),
        ({"type": "object", "properties": {"title": {"type": "string", "readOnly": True}}}, {}),
        ({"anyOf": [{"type": "null"}, {"type": "integer"}]}, 1),
        ({"oneOf": [{"type": "boolean"}, {"type": "integer"}]}, False),
        ({"anyOf": [{"type": "null"}]}, TOKEN),
        ({"type": "string", "format": "email"}, "{token}@example.com"),
        ({"type": "string", "format": "date"}, "2030-01-15"),
        ({"type": "string", "format": "unheard-of"}, TOKEN),
        ({"type": "string", "pattern": "^[a-z]+-[0-9]$"}, "{lower_8}-{digits_1}"),
        ({"type": "string", "pattern": "^[a-z0-9]+$"}, TOKEN),
        ({"type": "string", "pattern": "^[0-9]+$", "minLength": 9}, "{digits_9}"),
        ({"type": "string", "pattern": "^nothing usual$"}, "nothing usual"),
        ({"type": "string", "pattern": "^(a)\\1$"}, "^(a)\\1$"),
        ({"type": "string", "pattern": "(broken"}, TOKEN),
        ({"type": "string", "pattern": "a{99999999999}"}, TOKEN),
        ({"type": "string", "format": "date", "example": date(2024, 2, 1)}, "2024-02-01"),  # as YAML reads it
        ({"example": {1: [datetime(2024, 2, 1, tzinfo=UTC), b"x"]}}, {"1": ["2024-02-01T00:00:00+00:00", "b'x'"]}),
    ],
    ids=repr,
)
def test_an_example_is_what_its_schema_accepts(schema: Any, value: Any) -> None:
    made = example(schema, {})
    assert (made, type(made)) == (value, type(value))


def test_a_name_says_more_than_a_schema() -> None:
    def made(name: str, **schema: Any) -> Any:
        return example({"type": "string", **schema}, {}, name=name)

    assert made("contact_email") == "{token}@example.com"
    assert made("start", format="date") < made("end", format="date")
    assert made("check_in", format="date-time") < made("checkOut", format="date-time")


def test_a_token_of_ones_own_can_be_given() -> None:
    assert example({"required": ["a"], "properties": {"a": {"type": "string"}}}, {}, "mine") == {"a": "mine"}


def test_references_are_followed_also_through_escapes_and_allof_is_merged() -> None:
    document = {
        "a/b": {"c~d": {"$ref": "#/e"}},
        "e": {"allOf": [{"type": "string"}, {"$ref": "#/f"}]},
        "f": {"maxLength": 3},
    }
    assert resolve({"$ref": "#/a~1b/c~0d"}, document) == {"type": "string", "maxLength": 3}
    assert resolve({"$ref": "#/nowhere"}, document) == {}
    assert resolve({"$ref": "#/e/maxLength/further"}, document) == {}


LOOP: dict[str, Any] = {
    "Self": {"$ref": "#/Self"},
    "All": {"allOf": [{"$ref": "#/All"}, {"type": "object"}]},
    "Any": {"anyOf": [{"$ref": "#/Any"}]},
    "Tree": {"type": "object", "required": ["child"], "properties": {"child": {"$ref": "#/Tree"}}},
    "List": {"type": "array", "minItems": 2, "items": {"$ref": "#/List"}},
}


@pytest.mark.parametrize("name", LOOP)
def test_schemas_that_contain_themselves_come_to_an_end(name: str) -> None:
    example({"$ref": f"#/{name}"}, LOOP)


def test_absurd_sizes_are_not_obeyed() -> None:
    assert len(example({"type": "array", "minItems": 10**9, "items": {"type": "integer"}}, {})) <= 1_000
    assert len(example({"type": "string", "minLength": 10**12}, {})) <= 1_000_000
    assert len(example({"type": "string", "pattern": "^[0-9]*$", "minLength": 10**12}, {})) <= 1_000_000


JUNK: tuple[Any, ...] = (None, True, 0, -1.5, float("nan"), 10**30, "x", [], [None], [{}], {}, {"x": None}, {7: {}})


def spoilt_once(value: Any) -> Iterator[Any]:
    """Yield the value with each of its parts in turn replaced by each kind of junk."""
    yield from JUNK
    if isinstance(value, dict):
        for key, part in value.items():
            yield from ({**value, key: junk} for junk in spoilt_once(part))
    elif isinstance(value, list):
        for index, part in enumerate(value):
            yield from ([*value[:index], junk, *value[index + 1 :]] for junk in spoilt_once(part))


MODERN: dict[str, Any] = {
    "servers": [{"url": "/api"}],
    "paths": {
        "/notes": {
            "post": {
                "requestBody": {"$ref": "#/components/requestBodies/Note"},
                "responses": {"201": {"content": {"application/json": {"schema": {"properties": {"id": {}}}}}}},
            }
        },
        "/notes/{id}": {"get": {}, "delete": {}},
    },
    "components": {
        "requestBodies": {"Note": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Note"}}}}},
        "schemas": {
            "Note": {
                "type": "object",
                "required": ["title", "lines", "size", "price", "code", "state", "room_id"],
                "properties": {
                    "title": {"type": "string", "minLength": 3, "maxLength": 40, "default": "a"},
                    "lines": {
                        "type": "array",
                        "minItems": 1,
                        "items": {"anyOf": [{"type": "null"}, {"type": "string"}]},
                    },
                    "size": {"type": "integer", "minimum": 1, "maximum": 9, "multipleOf": 3},
                    "price": {"type": "number", "exclusiveMinimum": 0},
                    "code": {"type": "string", "pattern": "^[A-Z]+$", "minLength": 2},
                    "state": {"type": ["string", "null"], "enum": ["new"]},
                    "room_id": {"allOf": [{"type": "string"}, {"format": "uuid"}]},
                },
            }
        },
    },
}


def use(document: Any) -> None:
    """Do with a document whatever is ever done with one, and see that what comes of it can be sent."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # of a pattern written for another dialect
        for operation in operations(document):
            assert re.fullmatch(r"[A-Z]+ .*", operation.name, re.DOTALL)
            for case in operation_cases(operation, document):
                assert isinstance(case.path, str)
        for transaction in transactions(document):
            assert transaction.step("create") is not None
            assert transaction.step("read") is not None
            for step in transaction.steps:
                json.dumps(step.request.json)


@pytest.mark.parametrize("document", [MODERN, SWAGGER], ids=["openapi", "swagger"])
def test_a_document_may_be_malformed_in_any_one_place(document: dict[str, Any]) -> None:
    assert len(list(transactions(document))) == 1
    for spoilt in spoilt_once(document):
        if isinstance(spoilt, dict):
            use(spoilt)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)
REFERENCES = st.sampled_from(
    [{"$ref": ref} for ref in ("#/components/A", "#/components/B", "#/paths", "elsewhere.json")]
)
TYPES = ("string", "integer", "number", "object", "array", "boolean", "null", ["string", "null"])


def perhaps(*likely: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Return what belongs in a place, or anything at all."""
    return st.one_of(*likely, *likely, JSON)


def schemas(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    names = st.sampled_from(["id", "name", "room_id", "ends_at"])
    number = perhaps(st.integers(-100, 100))
    return st.fixed_dictionaries(
        {},
        optional={
            "type": perhaps(st.sampled_from(TYPES)),
            "format": perhaps(st.sampled_from(["date", "email", "uuid"])),
            "properties": perhaps(st.dictionaries(names, inner, max_size=3)),
            "required": perhaps(st.lists(names, max_size=3)),
            "items": perhaps(inner),
            "allOf": perhaps(st.lists(inner, max_size=2)),
            "anyOf": perhaps(st.lists(inner, max_size=2)),
            "oneOf": perhaps(st.lists(inner, max_size=2)),
            "enum": perhaps(st.lists(JSON, max_size=2)),
            "default": JSON,
            "examples": perhaps(st.lists(JSON, max_size=2)),
            "pattern": perhaps(st.sampled_from(["^a+$", "(", "[[a]"])),
            **dict.fromkeys(
                ("minimum", "maximum", "exclusiveMinimum", "multipleOf", "minLength", "maxLength", "minItems"), number
            ),
        },
    )


SCHEMA = st.recursive(REFERENCES | JSON, schemas, max_leaves=6)
CONTENT = perhaps(st.fixed_dictionaries({"application/json": perhaps(st.fixed_dictionaries({"schema": SCHEMA}))}))
PARAMETERS = perhaps(
    st.lists(
        perhaps(
            st.fixed_dictionaries(
                {"in": perhaps(st.sampled_from(["query", "path", "body"]))},
                optional={"name": perhaps(st.just("q")), "schema": SCHEMA, "required": perhaps(st.booleans())},
            )
        ),
        max_size=2,
    )
)
OPERATION = perhaps(
    st.fixed_dictionaries(
        {},
        optional={
            "parameters": PARAMETERS,
            "requestBody": perhaps(st.fixed_dictionaries({"content": CONTENT}), REFERENCES),
            "responses": perhaps(
                st.dictionaries(
                    st.sampled_from(["200", "201", "default"]) | st.just(201),
                    perhaps(st.fixed_dictionaries({"content": CONTENT}), REFERENCES),
                    max_size=2,
                )
            ),
        },
    )
)
ITEM = perhaps(
    st.fixed_dictionaries(
        {"post": OPERATION, "get": OPERATION},
        optional={"put": OPERATION, "delete": OPERATION, "parameters": PARAMETERS},
    )
)
DOCUMENT = st.fixed_dictionaries(
    {"paths": perhaps(st.fixed_dictionaries({"/notes": ITEM, "/notes/{id}": ITEM}, optional={7: ITEM, "": ITEM}))},
    optional={
        "components": perhaps(st.fixed_dictionaries({"A": SCHEMA, "B": SCHEMA})),
        "basePath": perhaps(st.just("/api")),
        "servers": perhaps(st.lists(perhaps(st.fixed_dictionaries({"url": perhaps(st.just("/api"))})), max_size=2)),
    },
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(document=DOCUMENT)
def test_malformed_documents_never_raise_and_what_comes_of_them_can_be_sent(document: dict[Any, Any]) -> None:
    use(document)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(document=st.dictionaries(st.sampled_from(["paths", "servers", "basePath", "openapi"]), JSON))
def test_any_json_at_all_is_a_document_without_operations_or_with_few(document: dict[str, Any]) -> None:
    use(document)
