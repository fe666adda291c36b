"""error-no-stack-trace on literal evidence."""

from types import SimpleNamespace

import pytest
from roadworthy.claims.errors.error_no_stack_trace import CLAIM
from roadworthy.domain.evidence import Answer, ErrorAnswers, Exchange, MissingEvidenceError

PYTHON = (
    'Traceback (most recent call last):\n  File "/app/api.py", line 12, in create\n    return store(item)\n'
    '  File "/app/store.py", line 40, in store\n    raise ValueError\nValueError'
)


def exchange(body: str, status: int | None = 500) -> Exchange:
    answer = Answer.ANSWERED if status else Answer.RESET
    return Exchange("x1", 1.0, "POST", "/items", {}, "{}", answer, status, {}, body, 0.1)


def answers(build: SimpleNamespace, *exchanges: Exchange, experiment: str = "bad-input") -> ErrorAnswers:
    return ErrorAnswers(experiment=experiment, **build.stamp, exchanges=exchanges, total=len(exchanges))


def test_holds_when_no_error_answer_carries_one(build: SimpleNamespace) -> None:
    seen = answers(build, exchange('{"detail": "internal error"}'), exchange("not found", 404))
    assert build.label(CLAIM, seen) == "PROVEN"
    assert build.finding(CLAIM, seen).scope == "1 answers 4xx, 1 answers 5xx"


def test_is_violated_by_one_that_does(build: SimpleNamespace) -> None:
    calm = answers(build, exchange("not found", 404), experiment="discovery")
    fault = answers(build, exchange(PYTHON), experiment="dependency-fault:database:refused")
    found = build.finding(CLAIM, calm, fault)
    assert build.label(CLAIM, calm, fault) == "REFUTED"
    assert found.experiment == "dependency-fault:database:refused"
    assert found.exhibits[0].ref == "x1"
    assert "Python" in found.summary


def test_a_trace_in_a_4xx_counts_too(build: SimpleNamespace) -> None:
    assert build.label(CLAIM, answers(build, exchange(PYTHON, 400))) == "REFUTED"


def test_without_an_error_answer_nothing_is_decided(build: SimpleNamespace) -> None:
    assert build.label(CLAIM, answers(build)) == "UNPROVEN(no-control)"
    assert build.label(CLAIM, answers(build, exchange("", None), exchange(PYTHON, 302))) == "UNPROVEN(no-control)"
    with pytest.raises(MissingEvidenceError):
        build.finding(CLAIM)
