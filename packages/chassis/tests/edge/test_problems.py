"""Problem details: what callers are told of errors, and what they are never told."""

from typing import Any

import orjson
import pytest
from chassis.errors import (
    BulkheadFullError,
    CircuitOpenError,
    DeadlineExceededError,
    DependencyDownError,
    ProblemError,
)
from chassis.problems import Problem, problem_for, problem_from_answer
from hypothesis import given
from hypothesis import strategies as st


def members(problem: Problem) -> dict[str, Any]:
    parsed: dict[str, Any] = orjson.loads(problem.body("the-id"))
    return parsed


def test_a_problem_has_the_members_of_the_standard_and_the_correlation_id() -> None:
    assert members(Problem(404, "There is no note 7.")) == {
        "type": "about:blank",
        "title": "Not Found",
        "status": 404,
        "detail": "There is no note 7.",
        "correlation_id": "the-id",
    }


def test_extensions_cannot_replace_the_members_of_the_standard() -> None:
    parsed = members(Problem(409, extensions={"status": 200, "title": "fine", "correlation_id": "x", "other": 7}))
    assert (parsed["status"], parsed["title"], parsed["correlation_id"], parsed["other"]) == (
        409,
        "Conflict",
        "the-id",
        7,
    )


def test_extensions_of_any_kind_can_be_written() -> None:
    parsed = members(Problem(400, extensions={"set": {1}, "error": ValueError("x"), "keys": {1: 2}}))
    assert parsed["keys"] == {"1": 2}
    loop: list[Any] = []
    loop.append(loop)
    for odd in (2**70, "\ud800", loop):
        assert members(Problem(400, "\ud800", extensions={"odd": odd}))["status"] == 400


@pytest.mark.parametrize(
    ("error", "status", "retry_after"),
    [
        (DependencyDownError("database", "canary at 10.0.0.1"), 503, "1"),
        (CircuitOpenError("database", "canary", retry_after_s=12.3), 503, "13"),
        (BulkheadFullError("database", "canary", retry_after_s=0.0), 503, "1"),
        (DeadlineExceededError("database", "canary"), 504, "1"),
    ],
)
def test_a_dependency_that_fails_shows_neither_its_name_nor_its_words(
    error: Exception, status: int, retry_after: str
) -> None:
    problem = problem_for(error)
    assert (problem.status, problem.headers["Retry-After"]) == (status, retry_after)
    assert b"canary" not in problem.body()
    assert b"database" not in problem.body()


def test_any_other_exception_shows_nothing() -> None:
    problem = problem_for(KeyError("canary"))
    assert problem.status == 500
    assert b"canary" not in problem.body()
    assert b"KeyError" not in problem.body()


def test_an_unknown_status_has_a_title_all_the_same() -> None:
    assert members(Problem(599))["title"] == "Error"
    assert members(problem_for(ProblemError(418)))["status"] == 418


def test_what_a_caller_sent_is_not_repeated_by_a_failed_validation() -> None:
    body = orjson.dumps(
        {
            "detail": [
                {
                    "type": "string_too_short",
                    "loc": ["body", "password"],
                    "msg": "String should have at least 12 characters",
                    "input": "canary-pw",
                    "ctx": {"min_length": 12, "given": "canary-pw"},
                    "url": "https://errors.example/v/string",
                }
            ]
        }
    )
    problem = problem_from_answer(422, "application/json", body)
    assert members(problem)["errors"] == [
        {"type": "string_too_short", "loc": ["body", "password"], "msg": "String should have at least 12 characters"}
    ]
    assert members(problem)["detail"] == "1 value is not valid."
    assert b"canary" not in problem.body()


@pytest.mark.parametrize(
    ("content_type", "body", "expected"),
    [
        ("application/json", b'{"detail":"Not Found"}', {}),
        ("application/json", b'{"detail":"No note 7."}', {"detail": "No note 7."}),
        ("application/json", b'{"detail":{"code":7,"detail":"d"}}', {"detail": "d", "code": 7}),
        ("application/json", b'{"code":7,"title":"No"}', {"title": "No", "code": 7}),
        ("application/json", b'["a","b"]', {"errors": ["a", "b"]}),
        ("application/json", b'"text"', {}),
        ("application/json", b"{broken", {}),
        ("text/html; charset=utf-8", b"<h1>Not Found</h1><p>No &lt;note&gt;.</p><p>More</p>", {"detail": "No <note>."}),
        ("text/html", b"<h1>Bare</h1>", {}),
        ("text/plain", b"Not Found", {}),
        ("text/plain", b"No note.\n", {"detail": "No note."}),
        ("text/plain", b"\xff\xfe", {"detail": "��"}),
        ("", b"", {}),
    ],
)
def test_an_error_answer_of_a_framework_keeps_what_it_says(
    content_type: str, body: bytes, expected: dict[str, Any]
) -> None:
    standard = {"type": "about:blank", "title": "Not Found", "status": 404, "correlation_id": "the-id"}
    assert members(problem_from_answer(404, content_type, body)) == {**standard, **expected}


@pytest.mark.parametrize("status", [500, 502, 503])
def test_a_failure_of_the_service_keeps_nothing_of_what_it_says(status: int) -> None:
    assert "canary" not in str(members(problem_from_answer(status, "application/json", b'{"detail":"canary"}')))


def test_a_long_text_is_cut() -> None:
    assert len(problem_from_answer(400, "text/plain", b"x" * 60_000).detail) < 1_100


@given(st.integers(400, 599), st.sampled_from(["application/json", "text/html", "text/plain", ""]), st.binary())
def test_whatever_an_application_answers_a_problem_comes_of_it(status: int, content_type: str, body: bytes) -> None:
    assert members(problem_from_answer(status, content_type, body))["status"] == status
