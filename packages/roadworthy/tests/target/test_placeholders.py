"""Templates: what they ask for and what they become."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from roadworthy.domain.target import (
    DEPENDENCY_KINDS,
    DependencySpec,
    PlaceholderError,
    RequestSpec,
    StepSpec,
    fill,
    fill_json,
    fill_text,
    known_placeholders,
    placeholders,
    request_placeholders,
)


def test_a_template_is_filled_in_and_doubled_braces_are_braces() -> None:
    values = {"port": "80", "database.url": "postgresql://h/{port}"}
    assert fill("--bind=:{port} {{port}} {database.url}", values) == "--bind=:80 {port} postgresql://h/{port}"


def test_a_placeholder_that_nobody_provides_is_refused_with_the_known_ones() -> None:
    with pytest.raises(PlaceholderError, match=r"nothing provides \{prot\}; known are \{data\}, \{port\}"):
        fill("{prot}", {"port": "80", "data": "/d"})


@pytest.mark.parametrize("text", ["{", "}", "a { b", "{}", "{a b}", "{{}", "{1}"])
def test_a_lone_brace_is_refused(text: str) -> None:
    with pytest.raises(PlaceholderError, match="a lone"):
        placeholders(text)


@given(st.text())
def test_text_with_its_braces_doubled_stays_what_it_was(text: str) -> None:
    assert fill(text.replace("{", "{{").replace("}", "}}"), {}) == text


def test_a_dependency_provides_its_parts() -> None:
    known = known_placeholders([DependencySpec("db", "postgresql")])
    assert known == ("port", "data", "db.url", "db.host", "db.port", "db.user", "db.password", "db.name")


@pytest.mark.parametrize("kind", DEPENDENCY_KINDS)
def test_every_kind_of_dependency_has_a_scheme(kind: str) -> None:
    assert DependencySpec("db", kind).url_scheme


def test_requests_replace_known_names_and_keep_every_other_brace() -> None:
    values = {"token": "t", "id": 7}
    assert fill_text('{"a": {"b": "{token}"}, "c": {id}, "d": "{other}"}', values) == (
        '{"a": {"b": "t"}, "c": 7, "d": "{other}"}'
    )


def test_a_captured_value_keeps_its_type_in_json() -> None:
    value = {"room": "{id}", "name": "room {id} {token}", "{token}": [True, None, 1.5, "{id}"]}
    assert fill_json(value, {"token": "t", "id": 7}) == {"room": 7, "name": "room 7 t", "t": [True, None, 1.5, 7]}
    assert sorted(set(request_placeholders(value))) == ["id", "token"]


@pytest.mark.parametrize(
    ("listed", "status", "accepted"),
    [((), 200, True), ((), 299, True), ((), 302, False), ((), None, False), ((302,), 302, True), ((302,), 200, False)],
)
def test_a_step_accepts_its_statuses_or_any_success(
    listed: tuple[int, ...], status: int | None, accepted: bool
) -> None:
    assert StepSpec("read", RequestSpec("GET", "/"), listed).accepts(status) is accepted


@pytest.mark.parametrize(("kind", "accepted"), [("digits", r"\d"), ("upper", r"[A-Z]"), ("lower", r"[a-z]")])
def test_characters_are_drawn_from_the_token(kind: str, accepted: str) -> None:
    drawn = fill_text(f"{{{kind}_99}}", {"token": "t"})
    assert re.fullmatch(f"{accepted}{{99}}", drawn)
    assert len(set(drawn)) > 5
    assert drawn == fill_text(f"{{{kind}_99}}", {"token": "t"})
    assert drawn != fill_text(f"{{{kind}_99}}", {"token": "u"})


@pytest.mark.parametrize("text", ["{digits_0}", "{digits_100}", "{digits_}", "{hex_4}", "{digits_4x}"])
def test_other_names_and_other_numbers_stand_for_themselves(text: str) -> None:
    assert fill_text(text, {"token": "t"}) == text


def test_nothing_is_drawn_without_a_token() -> None:
    assert fill_text("{digits_4}", {"id": 1}) == "{digits_4}"
