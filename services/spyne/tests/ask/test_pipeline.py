"""The whole way of a question: it is answered, asked back about, or refused."""

import asyncio
import dataclasses
from collections.abc import Mapping
from typing import Any

import chassis
import pytest
from hypothesis import given
from hypothesis import strategies as st
from spyne.ask import confidence
from spyne.ask.audit import SAID
from spyne.ask.calibration import FITTED
from spyne.ask.clarify import MOST_OPTIONS
from spyne.ask.cluster import clusters
from spyne.ask.grammar import propose
from spyne.ask.outcome import Answer, Clarification, Outcome, Proposal, Reading, Refusal, Rows
from spyne.ask.pipeline import ask
from spyne.ask.resolver import resolve
from spyne.plan.model import Column, Item, Select, Table
from spyne.schema.model import Schema

PLAN = Select(
    items=(Item(value=Column(source="t", column="c")),), source=Table(name="t", alias="t"), limit=None, offset=None
)
CHOICES = st.dictionaries(st.sampled_from("abcd"), st.sampled_from("xyz"), max_size=4)
READINGS = st.lists(
    st.builds(
        lambda choices, score: Reading(plan=PLAN, words="w", choices=tuple(choices.items()), score=score),
        CHOICES,
        st.floats(0, 1),
    ),
    max_size=8,
)


def asked(
    question: str, shop: Schema, engine: Any, *, mode: bool = True, answers: Mapping[str, str] | None = None
) -> Outcome:
    return asyncio.run(ask(question, shop, [propose], engine, clarification_mode=mode, answers=answers))


def test_a_plain_question_is_answered(shop: Schema, engine: Any) -> None:
    outcome = asked("How many customers are there?", shop, engine)
    assert isinstance(outcome, Answer)
    assert outcome.rows.rows == ((4,),)
    assert outcome.reading.words
    assert "SELECT" in outcome.sql
    assert 0 <= outcome.probability <= 1


def test_competing_readings_are_asked_back_about_and_an_answer_settles_them(shop: Schema, engine: Any) -> None:
    question = "Give me the products that each store has"
    outcome = asked(question, shop, engine)
    assert isinstance(outcome, Clarification)
    assert 2 <= len(outcome.question.options) <= MOST_OPTIONS
    for option in outcome.question.options:
        assert option.preview is not None
        assert len(option.preview.rows) <= 2
        settled = asked(question, shop, engine, answers={outcome.question.id: option.id})
        assert isinstance(settled, Answer)
        assert dict(settled.reading.choices)[outcome.question.id] == option.id


def test_without_clarification_the_best_reading_answers(shop: Schema, engine: Any) -> None:
    outcome = asked("Give me the products that each store has", shop, engine, mode=False)
    assert isinstance(outcome, Answer)


def test_readings_with_one_result_are_not_asked_about(shop: Schema, engine: Any) -> None:
    """What makes no difference in the data is no question: of Bolt there is light and furniture alike."""
    rows = Rows(columns=("a",), rows=((1,), (2,)))
    one, other = (Reading(plan=PLAN, words="w", choices=(("d", o),), score=0.5) for o in "xy")
    assert len(clusters([(one, rows), (other, rows.model_copy(update={"rows": ((2,), (1,))}))])) == 1
    assert len(clusters([(one, rows), (other, Rows(columns=("a",), rows=((1,),)))])) == 2


@pytest.mark.parametrize(
    "question",
    [
        "What is the meaning of life?",
        "How does photosynthesis produce oxygen in the atmosphere?",
        "Who wrote the dystopian novel 1984 about totalitarian surveillance?",
    ],
)
def test_what_the_database_does_not_hold_is_refused_with_the_words(question: str, shop: Schema, engine: Any) -> None:
    outcome = asked(question, shop, engine)
    assert isinstance(outcome, Refusal)
    assert outcome.unlinked
    assert outcome.suggestions


def test_what_was_overlooked_is_said_and_not_answered_without_it(shop: Schema, engine: Any) -> None:
    outcome = asked("What is the cheapest product by Acme in each category?", shop, engine)
    assert isinstance(outcome, Refusal)
    assert "for each of something" in outcome.reason


def test_an_answer_that_no_reading_has_is_refused(shop: Schema, engine: Any) -> None:
    outcome = asked("Give me the products that each store has", shop, engine, answers={"scope": "neither"})
    assert isinstance(outcome, Refusal)


def test_the_next_proposer_is_asked_when_one_has_nothing(shop: Schema, engine: Any) -> None:
    calls: list[str] = []

    async def silent(question: str, schema: Schema) -> Proposal | None:
        calls.append(question)
        return None

    outcome = asyncio.run(ask("How many customers are there?", shop, [silent, propose], engine))
    assert calls == ["How many customers are there?"]
    assert isinstance(outcome, Answer)


def test_a_database_that_fails_is_no_refusal(shop: Schema) -> None:
    async def down(sql: str) -> Rows:
        raise ConnectionError("the database is down")

    with pytest.raises(ConnectionError, match="down"):
        asked("How many customers are there?", shop, down)


@given(READINGS, CHOICES, CHOICES)
def test_resolving_is_idempotent_and_free_of_order(
    readings: list[Reading], one: dict[str, str], other: dict[str, str]
) -> None:
    once = resolve(readings, one)
    assert resolve(once, one) == once
    merged = {**one, **{key: value for key, value in other.items() if key not in one}}
    rest = {key: value for key, value in other.items() if key not in one}
    assert resolve(resolve(readings, one), rest) == resolve(resolve(readings, rest), one) == resolve(readings, merged)


def test_every_weight_belongs_to_a_feature_that_readings_have(shop: Schema) -> None:
    reading = propose("How many customers are there?", shop).readings[0]
    known = {name for name, _ in reading.features} | set(confidence.of_result(0, 1)) | {"bias"}
    known |= {f"unmet_{kind}" for kind in (*SAID, "head", "tail")}
    assert set(FITTED.right) <= known
    assert set(FITTED.answerable) <= known
    assert FITTED.refused_below < FITTED.medium < FITTED.high < 1


@given(
    st.dictionaries(st.text(max_size=4), st.floats(-1e9, 1e9), max_size=5),
    st.dictionaries(st.text(max_size=4), st.floats(-1e9, 1e9), max_size=5),
)
def test_a_probability_is_one(weights: dict[str, float], features: dict[str, float]) -> None:
    assert 0 <= confidence.probability(weights, features) <= 1


AMBIGUOUS = "Give me the products that each store has"


def failing_after(engine: Any, good: int, error: Exception) -> Any:
    """Runs the first queries, and fails each later one."""
    left = [good]

    async def run(sql: str) -> Rows:
        left[0] -= 1
        if left[0] < 0:
            raise error
        rows: Rows = await engine(sql)
        return rows

    return run


@pytest.mark.parametrize("good", [0, 1])
def test_a_cancel_ends_the_request_whichever_reading_was_running(good: int, shop: Schema, engine: Any) -> None:
    run = failing_after(engine, good, chassis.ProblemError(409, "The query was cancelled."))
    with pytest.raises(chassis.ProblemError, match="cancelled"):
        asked(AMBIGUOUS, shop, run)


def test_a_database_that_goes_down_between_readings_is_no_answer(shop: Schema, engine: Any) -> None:
    run = failing_after(engine, 1, chassis.DependencyDownError("shop", "it is down"))
    with pytest.raises(chassis.DependencyDownError):
        asked(AMBIGUOUS, shop, run)


def test_a_reading_that_takes_too_long_is_still_asked_about(shop: Schema, engine: Any) -> None:
    slow = chassis.ProblemError(422, "The query was ended: it takes too long.", extensions={"rule": "time"})
    outcome = asked(AMBIGUOUS, shop, failing_after(engine, 1, slow))
    assert isinstance(outcome, Clarification)
    assert [option.preview is None for option in outcome.question.options] == [False, True]
    picked = {outcome.question.id: outcome.question.options[1].id}
    with pytest.raises(chassis.ProblemError, match="too long"):
        asked(AMBIGUOUS, shop, failing_after(engine, 0, slow), answers=picked)


def test_without_clarification_an_answer_says_which_reading_could_not_be_run(shop: Schema, engine: Any) -> None:
    slow = chassis.ProblemError(422, "The query was ended: it takes too long.", extensions={"rule": "time"})
    sure = dataclasses.replace(FITTED, refused_below=0.0, high=0.02, medium=0.01)
    whole = asyncio.run(ask(AMBIGUOUS, shop, [propose], engine, clarification_mode=False, model=sure))
    run = failing_after(engine, 1, slow)
    outcome = asyncio.run(ask(AMBIGUOUS, shop, [propose], run, clarification_mode=False, model=sure))
    assert isinstance(whole, Answer)
    assert (whole.confidence, whole.unrun) == ("high", ())
    assert isinstance(outcome, Answer)
    assert outcome.confidence == "low"
    assert len(outcome.unrun) == 1
