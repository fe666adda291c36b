"""Which questions are the same."""

import pytest
from spyne.state.questions import key_of, plain


@pytest.mark.parametrize(
    "same",
    ["show me the customers of Oslo", "Customers of Oslo?", "please list the customers of oslo", "customers of “Oslo”",
     "Could you show me the customers of Oslo, please?", "list customers of the Oslo", "customers of Oslo, thanks!"],
)  # fmt: skip
def test_politeness_case_and_punctuation_change_nothing(same):
    assert plain(same) == "customers of oslo"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("price = 5", "price != 5"), ("price > 5", "price ≥ 5"), ("items over -5", "items over 5"), ("a/b", "a b"),
        ("customers of Oslo", "customers not of Oslo"), ("all stores", "stores"), ("1.5 kg", "15 kg"),
    ],
)  # fmt: skip
def test_what_changes_the_meaning_stays(one, other):
    assert plain(one) != plain(other)


def test_the_key_is_that_of_database_question_and_answers():
    key = key_of("shop", "Customers?", {"a": "1", "b": "2"})

    assert key == key_of("shop", "show me customers", {"b": "2", "a": "1"})
    assert len({key, key_of("shop", "customers", {}), key_of("other", "customers", {"a": "1", "b": "2"})}) == 3
