"""What a question leaves open becomes several readings; what its words settle becomes one."""

import sqlite3
from collections.abc import Callable
from contextlib import closing

import pytest
from spyne.ask.grammar import propose
from spyne.ask.outcome import Proposal
from spyne.schema.model import Schema
from spyne.schema.sqlite import read_sqlite
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


@pytest.fixture(scope="module")
def pharmacy(tmp_path_factory: pytest.TempPathFactory) -> Schema:
    path = tmp_path_factory.mktemp("pharmacy") / "pharmacy.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript("""
            CREATE TABLE medicines (id INTEGER PRIMARY KEY, brand_name TEXT, generic_name TEXT, published_year INTEGER);
            INSERT INTO medicines VALUES (1, 'Nuro', 'ibuprofen', 1999), (2, 'Pano', 'paracetamol', 2004);
            CREATE TABLE sales (id INTEGER PRIMARY KEY, medicine_id INTEGER REFERENCES medicines(id), sold_on DATE);
            INSERT INTO sales VALUES (1, 1, '2024-01-02');
            CREATE TABLE towns (id INTEGER PRIMARY KEY, town TEXT);
            CREATE TABLE parcels (id INTEGER PRIMARY KEY, label TEXT, sender_town_id INTEGER REFERENCES towns(id),
              target_town_id INTEGER REFERENCES towns(id));
            INSERT INTO towns VALUES (1, 'Ulm'), (2, 'Bonn');
            INSERT INTO parcels VALUES (1, 'red', 1, 2), (2, 'blue', 2, 1), (3, 'green', 1, 1);
        """)
    return read_sqlite(path)


def test_the_name_of_what_has_two_names_is_asked_back(pharmacy: Schema) -> None:
    found = propose("Show the name of every medicine", pharmacy)
    assert {dict(r.choices).get("column:2") for r in found.readings} >= {
        "medicines.brand_name",
        "medicines.generic_name",
    }


def test_a_doer_is_not_taken_for_what_is_done(pharmacy: Schema) -> None:
    assert propose("List the publishers of the medicines", pharmacy).unlinked == ("publishers",)
    assert propose("In what year were the medicines published?", pharmacy).unlinked == ()


def test_which_of_two_keys_joins_is_asked_back_unless_the_words_say_it(pharmacy: Schema) -> None:
    key = "link:parcels.towns"
    open_ = propose("Show the label of all parcels of Ulm", pharmacy)
    assert {dict(r.choices)[key] for r in open_.readings} == {"sender_town_id", "target_town_id"}
    for question in ("Show the label of all parcels with the target Ulm", "Show the label of all parcels to Ulm"):
        said = propose(question, pharmacy)
        assert [r.choices for r in said.readings] == [()]
        assert "target_town_id" in render(said.readings[0].plan, pharmacy)


def test_kinds_that_rows_share_may_be_those_of_each_or_those_of_all(
    readings: Callable[[str], dict[str, list[str]]],
) -> None:
    assert readings("Which categories does every maker have?") == {
        "each": rows(("Acme", "Light"), ("Acme", "Furniture"), ("Bolt", "Light"), ("Bolt", "Furniture")),
        "shared": rows(("Light",), ("Furniture",)),
    }
