"""Plans in words: what people read before they choose one of several readings."""

from itertools import combinations

import pytest
from spyne.plan import model as p
from spyne.plan.words import in_words

from .cases import AMOUNT, CITY, CONDITIONS, ID, MINE, NAME, ONLY, PLACED, QUERIES, TOTAL, C, O, ids
from .conftest import shop
from .plans import agg, cmp, col, select, table, val

SHOP = shop("sqlite")
BY_TOTAL = (p.Order(by=TOTAL, descending=True),)

WORDS: dict[str, p.Query] = {
    "all columns of customers": select(p.Star(source="c"), source=C),
    "Name and city of customers, where city is “Rome”": select(NAME, CITY, source=C, where=cmp(CITY, "=", "Rome")),
    "the number of customers, from customers": select(agg("count"), source=C),
    "the average of amount per customer, from orders": select(
        col("o.customer"), agg("avg", AMOUNT), source=O, group_by=(col("o.customer"),)
    ),
    "the 5 customers with the highest total of orders.amount, from customers with their orders": select(
        TOTAL, source=C, joins=(ONLY,), group_by=(ID,), order_by=BY_TOTAL, limit=5
    ),
    "the 5 customers with the highest total of orders.amount: customers.Name, from customers with their orders, if any":
    select(NAME, TOTAL, source=C, joins=(MINE,), group_by=(ID, NAME), order_by=BY_TOTAL, limit=5),
    "the 5 customers with the highest total of orders.amount per orders.code, from customers with their"
    " orders": select(
        col("o.code"), TOTAL, source=C, joins=(ONLY,), group_by=(ID, col("o.code")), order_by=BY_TOTAL, limit=5
    ),
    "the one of orders with the latest placed: id": select(
        col("o.id"), source=O, order_by=(p.Order(by=PLACED, descending=True),), limit=1
    ),
    "id of orders, where placed is on or after 30 days ago": select(
        col("o.id"), source=O, where=cmp(PLACED, ">=", p.DateShift(of=p.Now(date_only=True), amount=-30, unit="day"))
    ),
    "id of customers, where (city is “Oslo” or city is “Rome”) and id is above 2, ordered by id": ids(
        p.All(parts=(p.AnyOf(parts=(cmp(CITY, "=", "Oslo"), cmp(CITY, "=", "Rome"))), cmp(ID, ">", 2)))
    ),
    "id of customers, where city is “Oslo” or (city is “Rome” and id is above 2), ordered by id": ids(
        p.AnyOf(parts=(cmp(CITY, "=", "Oslo"), p.All(parts=(cmp(CITY, "=", "Rome"), cmp(ID, ">", 2)))))
    ),
    "city of customers, together with code of orders": p.Compound(
        operator="union", left=select(CITY, source=C), right=select(col("o.code"), source=O)
    ),
}  # fmt: skip


@pytest.mark.parametrize("words", WORDS)
def test_a_plan_is_said_in_plain_words(words: str) -> None:
    assert in_words(WORDS[words], SHOP) == words


def test_plans_that_ask_for_different_things_have_different_words() -> None:
    plans = [plan for plan, _ in (*CONDITIONS.values(), *QUERIES.values())]
    for one, other in combinations(plans, 2):
        assert one == other or in_words(one, SHOP) != in_words(other, SHOP)


def test_a_join_that_goes_another_way_than_the_only_link_is_said() -> None:
    other = p.Join(source=O, on=cmp(col("o.pieces"), "=", ID))
    usual, unusual = (select(NAME, source=C, joins=(join,)) for join in (ONLY, other))
    assert in_words(usual, SHOP) == "customers.Name, from customers with their orders"
    assert in_words(unusual, SHOP).endswith("with their orders (where orders.pieces is customers.id)")


def test_tables_that_stand_twice_are_told_apart() -> None:
    pair = p.Join(source=table("customers", "d"), on=cmp(col("d.city"), "=", CITY))
    said = in_words(select(NAME, col("d.Name"), source=C, joins=(pair,)), SHOP)
    assert said.startswith("customers_c.Name and customers_d.Name")


def test_what_the_schema_does_not_have_is_still_said() -> None:
    said = in_words(select(col("x.y"), source=table("gone", "x"), where=cmp(col("x.y"), "<", val(1))), SHOP)
    assert said == "y of gone, where y is below 1"
