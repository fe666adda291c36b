"""What a question leaves open becomes several readings; what its words settle becomes one."""

from collections.abc import Callable

import pytest
from spyne.ask.outcome import Proposal
from spyne.schema.model import Schema
from spyne.sql.render import render

Run = Callable[[str], list[tuple[object, ...]]]
Propose = Callable[[str], Proposal]


@pytest.fixture
def readings(proposal: Propose, shop: Schema, run: Run) -> Callable[[str], dict[str, list[str]]]:
    """The rows of each reading, by what it chose."""

    def _readings(question: str) -> dict[str, list[str]]:
        found = proposal(question).readings
        return {"+".join(option for _, option in r.choices): sorted(map(str, run(render(r.plan, shop)))) for r in found}

    return _readings


def rows(*found: tuple[object, ...]) -> list[str]:
    return sorted(map(str, found))


def test_each_behind_the_list_may_mean_its_own_or_what_all_share(
    readings: Callable[[str], dict[str, list[str]]],
) -> None:
    assert readings("Give me the products that each store has") == {
        "each": rows(("North", "Lamp"), ("North", "Torch"), ("South", "Lamp"), ("South", "Chair")),
        "shared": rows(("Lamp",)),
    }


@pytest.mark.parametrize("question", ["For each store, list the products", "What products are common to all stores?"])
def test_each_in_front_and_in_common_settle_the_scope(question: str, proposal: Propose) -> None:
    assert len(proposal(question).readings) == 1


def test_a_condition_behind_two_values_may_belong_to_both_or_the_last(
    readings: Callable[[str], dict[str, list[str]]],
) -> None:
    assert readings("Show light and furniture products made by Acme") == {
        "both": rows(("Lamp",), ("Chair",)),
        "last": rows(("Lamp",), ("Torch",), ("Chair",)),
    }


def test_a_second_verb_settles_that_it_belongs_to_the_last(readings: Callable[[str], dict[str, list[str]]]) -> None:
    question = "List all light products and also list furniture products made by Acme"
    assert list(readings(question).values()) == [rows(("Lamp",), ("Torch",), ("Chair",))]


def test_the_same_settles_that_it_belongs_to_both(readings: Callable[[str], dict[str, list[str]]]) -> None:
    question = "What light products are made by Acme and what furniture products are made by the same maker?"
    assert list(readings(question).values()) == [rows(("Lamp",), ("Chair",))]


def test_two_tables_of_a_kind_are_listed_together(readings: Callable[[str], dict[str, list[str]]]) -> None:
    assert readings("Display chalets and cabins that cost $200 per night") == {
        "both": rows(("Aurora",), ("Creek",)),
        "last": rows(("Aurora",), ("Breeze",), ("Creek",)),
    }


def test_a_general_word_may_mean_one_column_the_other_or_both(readings: Callable[[str], dict[str, list[str]]]) -> None:
    found = readings("What are the titles and locations of the concerts?")
    assert rows(("Opening", "Rome"), ("Closing", "Oslo")) in found.values()
    assert rows(("Opening", "Arena"), ("Closing", "Forum")) in found.values()
    assert rows(("Opening", "Rome", "Arena"), ("Closing", "Oslo", "Forum")) in found.values()


def test_words_that_two_columns_share_leave_open_which(readings: Callable[[str], dict[str, list[str]]]) -> None:
    found = readings("Show the titles of concerts and their delay")
    assert rows(("Opening", 3.0), ("Closing", 5.0)) in found.values()
    assert rows(("Opening", 2.0), ("Closing", 4.0)) in found.values()


def test_decisions_have_stable_ids_and_their_words(proposal: Propose) -> None:
    first, second = (
        proposal("Give me the products that each store has"),
        proposal("Give me the products that each store has"),
    )
    assert first == second
    assert dict(first.decisions)["scope"].startswith("each")
