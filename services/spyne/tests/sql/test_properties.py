"""Plans and SQL that nobody thought of: three databases agree on plans, and the guard answers any text."""

import contextlib
from collections import Counter
from datetime import date

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from spyne.plan import model as p
from spyne.schema.model import Dialect
from spyne.sql.errors import Refused
from spyne.sql.guard import check
from spyne.sql.render import render

from .cases import C, O
from .conftest import DIALECTS, Run, shop
from .plans import agg, cmp, col, select

NUMBERS = st.sampled_from([col("o.amount"), col("o.pieces"), col("o.id"), col("c.id")])
TEXTS = st.sampled_from([col("c.Name"), col("c.city"), col("o.code")])
TIMES = st.sampled_from([col("c.joined"), col("o.placed")])
DAYS = st.dates(min_value=date(2020, 1, 1), max_value=date(2025, 12, 31))
OPERATORS = st.sampled_from(["=", "!=", "<", "<=", ">", ">="])
UNITS = st.sampled_from(["year", "quarter", "month", "week", "day"])
WORDS = st.text(alphabet="adoBR%_\\' *", max_size=4)


@st.composite
def expressions(draw: st.DrawFn) -> p.Expression:
    """Numbers, and parts of dates."""
    match draw(st.integers(0, 5)):
        case 0:
            return p.DatePart(part=draw(UNITS), of=draw(TIMES))
        case 1:
            left, right = draw(NUMBERS), draw(NUMBERS)
            return p.Arithmetic(operator=draw(st.sampled_from("+-*/")), left=left, right=right)  # type: ignore[arg-type]
        case 2:
            return p.Function(function="length", arguments=(draw(TEXTS),))
        case 3:
            return p.Function(function="coalesce", arguments=(draw(NUMBERS), p.Value(value=draw(st.integers(-5, 5)))))
        case 4:
            when = (draw(leaves()), draw(NUMBERS))
            return p.Choice(when=(when,), otherwise=draw(st.none() | st.just(p.Value(value=0))))
        case _:
            return draw(NUMBERS)


@st.composite
def leaves(draw: st.DrawFn) -> p.Condition:
    """Conditions without others in them."""
    negated = draw(st.booleans())
    match draw(st.integers(0, 6)):
        case 0:
            return cmp(draw(TEXTS), draw(OPERATORS), draw(WORDS), ignore_case=negated)
        case 1:
            return cmp(draw(TIMES), draw(OPERATORS), draw(DAYS).isoformat())
        case 2:
            ignore_case = draw(st.booleans())
            match = draw(st.sampled_from(["contains", "starts", "ends"]))
            return p.Like(of=draw(TEXTS), text=draw(WORDS), match=match, negated=negated, ignore_case=ignore_case)
        case 3:
            values = draw(st.lists(st.none() | st.integers(0, 8), max_size=3))
            return p.In(of=draw(NUMBERS), values=tuple(values), negated=negated)
        case 4:
            return p.IsNull(of=draw(st.one_of(NUMBERS, TEXTS, TIMES)), negated=negated)
        case 5:
            moved = p.DateShift(of=draw(TIMES), amount=draw(st.integers(-14, 14)), unit=draw(UNITS))
            return cmp(moved, draw(OPERATORS), draw(TIMES))
        case _:
            return cmp(draw(NUMBERS), draw(OPERATORS), draw(NUMBERS))


CONDITIONS = st.recursive(
    leaves(),
    lambda inner: st.one_of(
        st.builds(lambda parts: p.All(parts=tuple(parts)), st.lists(inner, max_size=3)),
        st.builds(lambda parts: p.AnyOf(parts=tuple(parts)), st.lists(inner, max_size=3)),
        st.builds(lambda part: p.Not(part=part), inner),
    ),
    max_leaves=4,
)


@st.composite
def queries(draw: st.DrawFn) -> p.Select:
    """Selects over customers and their orders, with groups and without."""
    join = p.Join(source=O, on=cmp(col("o.customer"), "=", col("c.id")), how=draw(st.sampled_from(["inner", "left"])))
    where = draw(st.none() | CONDITIONS)
    if draw(st.booleans()):
        items = draw(st.lists(st.one_of(expressions(), TEXTS, TIMES), min_size=1, max_size=3))
        return select(*items, source=C, joins=(join,), where=where, distinct=draw(st.booleans()))
    keys = draw(
        st.lists(st.one_of(TEXTS, st.builds(lambda of: p.DateTruncate(unit="month", of=of), TIMES)), max_size=2)
    )
    function = draw(st.sampled_from(["count", "sum", "avg", "min", "max", "median"]))
    value = agg(function, draw(expressions()), where=draw(st.none() | CONDITIONS))
    having = draw(st.none() | st.just(cmp(agg("count"), ">", 1)))
    return select(*keys, value, agg("count"), source=C, joins=(join,), where=where, group_by=tuple(keys), having=having)


def near(rows: list[tuple[object, ...]]) -> Counter[tuple[object, ...]]:
    """Rows in any order, numbers to four digits."""
    return Counter(
        tuple(round(float(cell), 4) if isinstance(cell, int | float) else cell for cell in row) for row in rows
    )


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(query=queries())
def test_three_databases_agree_on_any_plan(run: Run, query: p.Select) -> None:
    sql = {dialect: render(query, shop(dialect)) for dialect in DIALECTS}
    rows = {dialect: near(run(sql[dialect], dialect)) for dialect in DIALECTS}
    assert rows["sqlite"] == rows["postgres"] == rows["duckdb"], sql


WORDS_OF_SQL = """
    SELECT FROM WHERE customers orders c o id name city amount "order" 'a' "a" 1 2.5 ( ) , . * = < > || + - / % AS
    JOIN ON LEFT UNION ALL WITH RECURSIVE IN EXISTS NOT NULL IS LIKE BETWEEN AND OR CASE WHEN THEN ELSE END GROUP BY
    ORDER HAVING LIMIT OFFSET DISTINCT count sum date cast INT :: interval OVER PARTITION ; -- /* */ [ ] { } $1 ? : @
    FOR UPDATE INTO VALUES TABLE LATERAL UNNEST array pg_sleep CONNECT PRIOR START PIVOT QUALIFY SAMPLE USING
"""
PARTS = st.sampled_from(sorted(WORDS_OF_SQL.split()))


@settings(max_examples=400)
@given(text=st.lists(PARTS, max_size=25).map(lambda parts: "SELECT " + " ".join(parts)) | st.text(max_size=60))
def test_the_guard_answers_any_text_with_sql_or_a_refusal(text: str) -> None:
    for dialect in DIALECTS:
        with contextlib.suppress(Refused):
            safe = check(text, shop(dialect))
            passed = _again(safe, dialect)
            assert passed == safe


def _again(sql: str, dialect: Dialect) -> str:
    try:
        return check(sql, shop(dialect))
    except Refused as refused:
        return f"refused: {refused.message}"
