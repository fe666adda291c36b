"""Each kind of clause is read as people mean it: the rows of the best reading are compared."""

import sqlite3
from collections.abc import Callable
from contextlib import closing

import pytest
from spyne.ask import confidence
from spyne.ask.grammar import propose
from spyne.ask.outcome import Proposal
from spyne.schema.sqlite import read_sqlite
from spyne.sql.render import render

Answer = Callable[[str], list[tuple[object, ...]]]

IN_ORDER: dict[str, list[tuple[object, ...]]] = {
    "What are the titles of the products ordered by price from highest to lowest?": [
        ("Table",), ("Chair",), ("Lamp",), ("Torch",)],
    "List the names of the customers in alphabetical order": [
        ("Ada Lovelace",), ("Bob Stone",), ("Cyd Young",), ("Dan Cole",)],
    "What are the titles of the top 2 products with the highest price?": [("Table",), ("Chair",)],
    "Which product has the lowest price?": [("Torch",)],
    "What is the cheapest product?": [("Torch",)],
    "Which customer has the most orders?": [("Ada Lovelace",)],
    "Which city has the most customers?": [("Rome",)],
    "How many orders are there for each product, ordered by the number of orders in ascending order?": [
        ("Torch", 1), ("Chair", 1), ("Table", 1), ("Lamp", 2)],
}  # fmt: skip
AS_SETS: dict[str, list[tuple[object, ...]]] = {
    "How many customers are there?": [(4,)],
    "How many different cities are there in customers?": [(3,)],
    "What is the average price of products?": [(52.0,)],
    "What is the total quantity of orders?": [(9,)],
    "What is the maximum price of products?": [(120.0,)],
    "How many products are in each category?": [("Light", 2), ("Furniture", 2)],
    "What is the average price of products by category?": [("Light", 14.0), ("Furniture", 90.0)],
    "What is the average price of products for each maker?": [("Acme", 40.0), ("Bolt", 64.0)],
    "Which customers live in Rome?": [("Ada Lovelace",), ("Cyd Young",)],
    "Show the names of customers in Rome or Oslo": [("Ada Lovelace",), ("Cyd Young",), ("Dan Cole",)],
    "Show the names of customers in the state of California": [("Ada Lovelace",), ("Cyd Young",)],
    "What are the titles of products with a price above 50?": [("Chair",), ("Table",)],
    "What are the titles of products with a price of at least 60?": [("Chair",), ("Table",)],
    "Which products have a price between 10 and 70?": [("Lamp",), ("Chair",)],
    "Which products have more than 4 reviews?": [("Lamp",), ("Chair",)],
    "Which customers have more than 1 order?": [("Ada Lovelace",)],
    "Which customers have no orders?": [("Dan Cole",)],
    "Which customers never placed orders?": [("Dan Cole",)],
    "What are the names of active customers?": [("Ada Lovelace",), ("Cyd Young",)],
    "What are the names of inactive customers?": [("Bob Stone",), ("Dan Cole",)],
    "Which products have titles that start with 'T'?": [("Torch",), ("Table",)],
    "How many orders were placed in 2023?": [(3,)],
    "How many orders were placed before 2023-01-01?": [(2,)],
    "How many orders were placed in February 2023?": [(2,)],
    "How many orders were placed between 2022-01-01 and 2022-12-31?": [(2,)],
    "How many orders were placed in the 1st quarter of 2023?": [(3,)],
    "How many orders were placed in each year?": [(2022, 2), (2023, 3)],
    "What is the ratio of active customers to inactive customers?": [(1.0,)],
    "What is the ratio of customers to products?": [(1.0,)],
    "What is the ratio of the number of customers in each city to the total number of customers?": [
        ("Rome", 0.5), ("Paris", 0.25), ("Oslo", 0.25)],
    "Return the name and city of customers named Bob": [("Bob Stone", "Paris")],
    "Which makers have products in the category 'Furniture'?": [("Acme",), ("Bolt",)],
    "Which customers ordered the Lamp?": [("Ada Lovelace",), ("Bob Stone",)],
    "List the customers and their cities": [
        ("Ada Lovelace", "Rome"), ("Bob Stone", "Paris"), ("Cyd Young", "Rome"), ("Dan Cole", "Oslo")],
    "Which customers bought both the Lamp and the Chair?": [("Ada Lovelace",)],
    "For each store, list the products": [("North", "Lamp"), ("North", "Torch"), ("South", "Lamp"), ("South", "Chair")],
    "Which products do all stores have in common?": [("Lamp",)],
    "what categories do products have": [("Light",), ("Furniture",)],
    "cheapest product in each category": [("Light", "Torch"), ("Furniture", "Chair")],
    "which products cost more than average": [("Chair",), ("Table",)],
    "products priced above the average price": [("Chair",), ("Table",)],
    "which customers have not ordered anything": [("Dan Cole",)],
    "which customers have never ordered": [("Dan Cole",)],
    "how many products have been ordered": [(4,)],
    "who ordered the Lamp": [("Ada Lovelace",), ("Bob Stone",)],
    "who lives in Paris": [("Bob Stone",)],
    "the quantity of order 3": [(4,)],
    "how many people ordered the Chair": [(1,)],
    "orders per year": [(2022, 2), (2023, 3)],
    "show orders by year": [(2022, 2), (2023, 3)],
    "products by category": [("Light", 2), ("Furniture", 2)],
    "count customers": [(4,)],
    "how many different cities do customers live in": [(3,)],
    "which year had the most orders": [(2023,)],
    "number of customers per city and state": [("Rome", "CA", 2), ("Paris", "NY", 1), ("Oslo", "TX", 1)],
    "How many orders were placed between January and February 2023?": [(3,)],
    "products more expensive than 50": [("Chair",), ("Table",)],
    "Show the mean and median delay of concerts": [(3.0, 2.0), (5.0, 4.0)],
}  # fmt: skip


@pytest.mark.parametrize("question", IN_ORDER)
def test_lists_come_in_the_order_that_was_asked_for(question: str, answer: Answer) -> None:
    found = [row[: len(IN_ORDER[question][0])] for row in answer(question)]
    wanted = IN_ORDER[question]
    if "ascending" in question:  # ties may stand in any order
        assert [row[1] for row in found] == [row[1] for row in wanted]
        assert sorted(map(str, found)) == sorted(map(str, wanted))
    else:
        assert found == wanted


@pytest.mark.parametrize("question", AS_SETS)
def test_the_rows_are_those_that_were_asked_for(question: str, answer: Answer) -> None:
    assert sorted(map(str, answer(question))) == sorted(map(str, AS_SETS[question]))


def test_a_second_sentence_says_how_many_are_wanted(answer: Answer) -> None:
    rows = answer("How many orders are there for each product? Show the top 2.")
    assert len(rows) == 2
    assert rows[0] == ("Lamp", 2)


def test_a_table_by_itself_means_all_its_columns(answer: Answer) -> None:
    rows = answer("show me customers")
    assert len(rows) == 4
    assert len(rows[0]) == 6


@pytest.mark.parametrize(
    "question", ["", "?", "' OR 1=1 --", "x" * 5_000, "of the of the", "\x00", "5 6 7", "“", "and and"]
)
def test_any_text_is_read_without_an_error(question: str, proposal: Callable[[str], object]) -> None:
    proposal(question)


OVERLOOKED = {
    "How many customers are there?": (),
    "Show the average price of each category": (),
    "customers without orders": (),
    "the 3 cheapest products": (),
    "orders placed in 2022": (),
    "products that cost more than 50": (),
    "Which makers are not in Italy?": (),
    "Show chalets that cost $200 per night": (),
    "orders that are bigger than the average customer": ("comparison",),
    "products without a maker, cheaper than a lamp": ("comparison",),
    "Show the customers of 1850 with 7 arms": ("number",),
    "What is the cheapest product by Acme in each category?": ("group",),
    "Which customers live in the same city as Ada Lovelace?": ("comparison",),
}


@pytest.mark.parametrize("question", OVERLOOKED)
def test_a_reading_knows_which_demands_of_the_question_it_leaves_out(
    question: str, proposal: Callable[[str], Proposal]
) -> None:
    reading = proposal(question).readings[0]
    assert set(confidence.missed(reading)) >= set(OVERLOOKED[question])
    assert bool(confidence.missed(reading)) == bool(OVERLOOKED[question])


STAFF = """
CREATE TABLE departments (dept_id INTEGER PRIMARY KEY, dept_name TEXT, opened DATE);
CREATE TABLE employees (id INTEGER PRIMARY KEY, full_name TEXT, title TEXT, salary INTEGER, hire_date DATE,
  left_on DATE, pay_per_hour INTEGER, dept_id INTEGER REFERENCES departments(dept_id),
  boss_id INTEGER REFERENCES employees(id));
CREATE TABLE tents (id INTEGER PRIMARY KEY, code TEXT, floor INTEGER, age INTEGER);
CREATE TABLE rides (id INTEGER PRIMARY KEY, employee_id INTEGER REFERENCES employees(id), duration_min INTEGER,
  plan TEXT, ridden_at TIMESTAMP, part TEXT);
INSERT INTO tents VALUES (1, 'T1', 1, 30), (2, 'T2', 2, 4);
INSERT INTO rides VALUES (1, 1, 30, 'yearly', '2023-05-05 10:00:00', 'brake'),
  (2, 2, 90, 'monthly', '2024-05-05 10:00:00', 'brake'), (3, 2, 20, 'yearly', '2024-06-05 10:00:00', 'chain');
INSERT INTO departments VALUES (1, 'Sales', '2001-01-01'), (2, 'Research', '1999-01-01');
INSERT INTO employees VALUES (1, 'Ida Berg', 'engineer', 90000, '2020-01-01', NULL, 40, 1, NULL),
  (2, 'Leo Adler', 'clerk', 50000, '2021-01-01', '2023-01-01', 20, 2, 1),
  (3, 'Ann Klein', 'engineer', 70000, '2021-06-01', NULL, 30, 2, 1);
"""
OF_STAFF: dict[str, list[tuple[object, ...]]] = {
    "who earns more than 60000": [("Ida Berg",), ("Ann Klein",)],
    "highest paid employee": [("Ida Berg",)],
    "what does Leo Adler earn": [(50000,)],
    "engineers in the Sales department": [("Ida Berg",)],
    "How many people work in Research?": [(2,)],
    "How many employees were hired in each year?": [(2020, 1), (2021, 2)],
    "employees that have not left yet": [("Ida Berg",), ("Ann Klein",)],
    "average pay per hour of engineers": [(35.0,)],
    "which department was opened first": [("Research",)],
    "oldest tent": [("T1",)],
    "youngest tent": [("T2",)],
    "tents on the second floor": [("T2",)],
    "rides longer than 60 minutes": [(2,)],
    "rides per year": [(2023, 1), (2024, 2)],
    "average duration per year": [(2023, 30.0), (2024, 55.0)],
    "what is the most common part": [("brake",)],
    "highest paid employee in each department": [("Sales", "Ida Berg"), ("Research", "Ann Klein")],
}


@pytest.fixture(scope="module")
def staff(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], tuple[Proposal, list[tuple[object, ...]]]]:
    path = tmp_path_factory.mktemp("staff") / "staff.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(STAFF)
    schema = read_sqlite(path)

    def asked(question: str) -> tuple[Proposal, list[tuple[object, ...]]]:
        found = propose(question, schema)
        with closing(sqlite3.connect(path)) as connection:
            return found, connection.execute(render(found.readings[0].plan, schema)).fetchall()

    return asked


@pytest.mark.parametrize("question", OF_STAFF)
def test_everyday_words_about_people_are_understood(
    question: str, staff: Callable[[str], tuple[Proposal, list[tuple[object, ...]]]]
) -> None:
    found, rows = staff(question)
    assert sorted(str(row[: len(OF_STAFF[question][0])]) for row in rows) == sorted(map(str, OF_STAFF[question]))
    assert confidence.missed(found.readings[0]) == ()


def test_a_number_of_a_person_is_no_answer_to_who_it_is(
    staff: Callable[[str], tuple[Proposal, list[tuple[object, ...]]]],
) -> None:
    found, _ = staff("who is the boss of Leo Adler")
    assert confidence.missed(found.readings[0]) == ("answer",)
