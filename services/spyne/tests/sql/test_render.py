"""Plans give the same rows on real SQLite, PostgreSQL and DuckDB, and those that the plan means."""

import pytest
from spyne.plan import model as p
from spyne.schema.model import Dialect
from spyne.sql.errors import PlanError
from spyne.sql.guard import check
from spyne.sql.render import render

from .cases import CONDITIONS, ID, JOINED, QUERIES, REFUSED, VALUES, C, O, ids, one
from .conftest import DIALECTS, Run, shop
from .plans import cmp, select


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("name", CONDITIONS)
def test_a_condition_keeps_the_same_rows_on_every_database(run: Run, dialect: Dialect, name: str) -> None:
    query, expected = CONDITIONS[name]
    sql = render(query, shop(dialect))
    assert [row[0] for row in run(sql, dialect)] == expected, sql


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("name", VALUES)
def test_an_expression_has_the_same_value_on_every_database(run: Run, dialect: Dialect, name: str) -> None:
    value, expected = VALUES[name]
    sql = render(one(value), shop(dialect))
    assert run(sql, dialect) == [(expected,)], sql


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("name", QUERIES)
def test_a_query_gives_the_same_rows_on_every_database(run: Run, dialect: Dialect, name: str) -> None:
    query, expected = QUERIES[name]
    sql = render(query, shop(dialect))
    assert run(sql, dialect) == expected, sql


@pytest.mark.parametrize("dialect", DIALECTS)
def test_what_is_rendered_passes_the_guard_and_keeps_its_rows(run: Run, dialect: Dialect) -> None:
    plans: list[p.Query] = [query for query, _ in (*CONDITIONS.values(), *QUERIES.values())]
    plans += [one(value) for value, _ in VALUES.values()]
    for plan in plans:
        sql = render(plan, shop(dialect))
        assert run(check(sql, shop(dialect)), dialect) == run(sql, dialect), sql


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("name", REFUSED)
def test_a_plan_that_cannot_be_meant_is_an_error_that_names_the_thing(dialect: Dialect, name: str) -> None:
    query, named = REFUSED[name]
    with pytest.raises(PlanError) as raised:
        render(query, shop(dialect))
    assert named in str(raised.value)


def test_a_constant_of_another_kind_is_an_error_where_the_database_would_fail() -> None:
    query = ids(cmp(JOINED, "=", "soon"))
    for dialect in ("postgres", "duckdb"):
        with pytest.raises(PlanError, match="'soon'"):
            render(query, shop(dialect))  # type: ignore[arg-type]
    assert "'soon'" in render(query, shop("sqlite"))


def test_a_plan_that_is_too_deep_is_an_error() -> None:
    deep: p.Condition = cmp(ID, "=", 1)
    for _ in range(300):
        deep = p.Not(part=deep)
    with pytest.raises(PlanError, match="deep"):
        render(ids(deep), shop("sqlite"))


def test_products_leave_sqlite_free_to_order_its_tables() -> None:
    sql = render(select(ID, source=C, joins=(p.Join(source=O, on=None),)), shop("sqlite"))
    assert "CROSS" not in sql


def test_a_schema_is_named_where_the_plan_and_the_database_have_one() -> None:
    assert 'FROM "public"."customers" AS "c"' in render(select(ID, source=C), shop("postgres"))
