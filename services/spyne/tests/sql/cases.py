"""Plans over the shop, with the rows that they mean."""

from spyne.plan import model as p

from .plans import agg, cmp, col, fn, select, table, val

C, O = table("customers", "c"), table("orders", "o")  # noqa: E741 - as in SQL
NAME, CITY, ID, JOINED = col("c.Name"), col("c.city"), col("c.id"), col("c.joined")
AMOUNT, PLACED = col("o.amount"), col("o.placed")
MINE = p.Join(source=O, on=cmp(col("o.customer"), "=", ID), how="left")
ONLY = p.Join(source=O, on=cmp(col("o.customer"), "=", ID))


def ids(where: p.Condition, source: p.Table = C) -> p.Select:
    """Which rows a condition keeps."""
    key = col(f"{source.alias}.id")
    return select(key, source=source, where=where, order_by=(p.Order(by=key),))


def one(*values: p.Node) -> p.Select:
    """Expressions over the order 4: 99.99, placed 2024-03-31 12:30:15, and the customer 2, joined 2024-02-29."""
    return select(*values, source=O, joins=(p.Join(source=C, on=cmp(ID, "=", 2)),), where=cmp(col("o.id"), "=", 4))


def shift(of: p.Node, amount: int, unit: str) -> p.DateShift:
    return p.DateShift(of=of, amount=amount, unit=unit)  # type: ignore[arg-type]


def part(name: str, of: p.Node) -> p.DatePart:
    return p.DatePart(part=name, of=of)  # type: ignore[arg-type]


def start(unit: str, of: p.Node) -> p.DateTruncate:
    return p.DateTruncate(unit=unit, of=of)  # type: ignore[arg-type]


def math(left: object, operator: str, right: object) -> p.Arithmetic:
    both = [each if isinstance(each, p.Node) else val(each) for each in (left, right)]  # type: ignore[arg-type]
    return p.Arithmetic(operator=operator, left=both[0], right=both[1])  # type: ignore[arg-type]


def between(start: object, end: object, unit: str) -> p.DateDifference:
    ends = [each if isinstance(each, p.Node) else val(each) for each in (start, end)]  # type: ignore[arg-type]
    return p.DateDifference(unit=unit, start=ends[0], end=ends[1])  # type: ignore[arg-type]


CONDITIONS: dict[str, tuple[p.Select, list[int]]] = {
    "text in its case": (ids(cmp(NAME, "=", "ada")), [3]),
    "text in any case": (ids(cmp(NAME, "=", "aDa", ignore_case=True)), [1, 3]),
    "a quote in text": (ids(cmp(NAME, "=", "O'Neil \\ co")), [6]),
    "a number given as text": (ids(cmp(ID, ">=", "5")), [5, 6]),
    "text given as a number": (ids(cmp(col("o.code"), "=", 7), O), [1]),
    "text beside a number": (ids(cmp(col("o.code"), "=", col("o.id")), O), []),
    "a missing value": (ids(cmp(CITY, "=", None)), [4]),
    "no missing value": (ids(cmp(CITY, "!=", None)), [1, 2, 3, 5, 6]),
    "true": (ids(cmp(col("c.active"), "=", True)), [1, 3, 5]),
    "true as a number": (ids(cmp(col("c.active"), "=", 1)), [1, 3, 5]),
    "false as text": (ids(cmp(col("c.active"), "=", "no")), [2, 6]),
    "contains": (ids(p.Like(of=NAME, text="d")), [1, 3, 4]),
    "starts": (ids(p.Like(of=NAME, text="a", match="starts")), [1, 3]),
    "ends": (ids(p.Like(of=NAME, text="CO", match="ends")), [6]),
    "does not contain": (ids(p.Like(of=NAME, text="d", negated=True)), [2, 5, 6]),
    "a percent sign means itself": (ids(p.Like(of=NAME, text="%")), [4]),
    "an underscore means itself": (ids(p.Like(of=NAME, text="_")), [5]),
    "a backslash means itself": (ids(p.Like(of=NAME, text="\\ c")), [6]),
    "a star means itself": (ids(p.Like(of=col("o.code"), text="*", ignore_case=False), O), [6]),
    "starts in this case": (ids(p.Like(of=NAME, text="a", match="starts", ignore_case=False)), [3]),
    "ends in this case": (ids(p.Like(of=col("o.code"), text="1", match="ends", ignore_case=False), O), [3, 4]),
    "contains in this case": (ids(p.Like(of=col("o.code"), text="X", ignore_case=False), O), [4]),
    "a number contains": (ids(p.Like(of=ID, text="3")), [3]),
    "between": (ids(p.Between(of=AMOUNT, low=val(7), high=val(20)), O), [1, 2, 6]),
    "between dates": (ids(p.Between(of=JOINED, low=val("2023-01-31"), high=val("2023-12-31"))), [1, 3]),
    "between times": (ids(p.Between(of=PLACED, low=val("2023-02-28"), high=val("2024-03-01")), O), [2, 3]),
    "a day as a time": (ids(cmp(PLACED, "=", "2024-03-01"), O), [3]),
    "a time with a T": (ids(cmp(PLACED, "=", "2024-03-31T12:30:15"), O), [4]),
    "a time beside a day": (ids(cmp(JOINED, "<=", "2023-01-31T00:00:01")), [1, 6]),
    "a time of day": (ids(cmp(col("o.opens"), "<", "08:30:00"), O), [6, 7]),
    "one of": (ids(p.In(of=CITY, values=("Rome", "Paris"))), [1, 3, 6]),
    "one of, or missing": (ids(p.In(of=CITY, values=("Paris", None))), [4, 6]),
    "none of, nor missing": (ids(p.In(of=CITY, values=("Paris", None), negated=True)), [1, 2, 3, 5]),
    "one of nothing": (ids(p.In(of=CITY, values=())), []),
    "none of nothing": (ids(p.In(of=CITY, values=(), negated=True)), [1, 2, 3, 4, 5, 6]),
    "one of some times": (ids(p.In(of=PLACED, values=("2024-03-01", "2023-02-01 10:00")), O), [1, 3]),
    "in a query": (ids(p.In(of=ID, query=select(col("o.customer"), source=O))), [1, 2, 3, 5]),
    "not in a query with a missing value": (
        ids(p.In(of=ID, query=select(col("o.customer"), source=O), negated=True)), [4, 6],
    ),
    "exists": (ids(p.Exists(query=select(col("o.id"), source=O, where=cmp(col("o.customer"), "=", ID)))), [1, 2, 3, 5]),
    "does not exist": (
        ids(p.Exists(query=select(col("o.id"), source=O, where=cmp(col("o.customer"), "=", ID)), negated=True)), [4, 6],
    ),
    "and binds before or": (
        ids(p.AnyOf(parts=(cmp(ID, "=", 1), p.All(parts=(cmp(CITY, "=", "Rome"), cmp(ID, ">", 2)))))), [1, 3],
    ),
    "or within and": (
        ids(p.All(parts=(p.AnyOf(parts=(cmp(ID, "=", 1), cmp(CITY, "=", "Rome"))), cmp(ID, ">", 2)))), [3],
    ),
    "not of or": (ids(p.Not(part=p.AnyOf(parts=(cmp(ID, "=", 1), cmp(ID, ">", 3))))), [2, 3]),
    "all of nothing": (ids(p.All(parts=())), [1, 2, 3, 4, 5, 6]),
    "any of nothing": (ids(p.AnyOf(parts=())), []),
    "missing": (ids(p.IsNull(of=JOINED)), [5]),
    "not missing": (ids(p.IsNull(of=AMOUNT, negated=True), O), [1, 2, 3, 4, 6, 7]),
    "words of SQL as names": (
        select(col("x.select"), source=table("order", "x"), where=cmp(col("x.key"), "=", "b")), [2],
    ),
    "after a month": (ids(cmp(JOINED, ">=", shift(val("2024-01-31"), 1, "month"))), [2, 4]),
    "a difference in days": (ids(cmp(between(JOINED, PLACED, "day"), ">", 100), O).model_copy(
        update={"joins": (p.Join(source=C, on=cmp(ID, "=", col("o.customer"))),)}), [7]),
    "since a relative day": (
        ids(cmp(PLACED, ">=", shift(p.Now(date_only=True), -10_000, "day")), O), [1, 2, 3, 4, 6, 7],
    ),
    "before now": (ids(cmp(PLACED, "<", p.Now()), O), [1, 2, 3, 4, 6, 7]),
}  # fmt: skip

VALUES: dict[str, tuple[p.Node, object]] = {
    "real division": (math(col("o.pieces"), "/", 2), 3.5),
    "division by zero": (math(AMOUNT, "/", math(ID, "-", 2)), None),
    "precedence": (math(math(ID, "+", 1), "*", math(10, "-", math(3, "-", -1))), 18),
    "a negative number": (math(1, "-", -2), 3),
    "rounded up": (fn("round", AMOUNT), 100),
    "rounded to digits": (fn("round", math(AMOUNT, "/", 7), 2), 14.28),
    "absolute": (fn("abs", math(1, "-", col("o.pieces"))), 6),
    "lower": (fn("lower", NAME), "bo"),
    "upper": (fn("upper", NAME), "BO"),
    "length": (fn("length", NAME), 2),
    "length of a number": (fn("length", ID), 1),
    "trim": (fn("trim", val("  a ")), "a"),
    "concat": (fn("concat", NAME, "-", ID), "Bo-2"),
    "substring": (fn("substring", NAME, 2, 1), "o"),
    "coalesce": (fn("coalesce", col("o.opens"), val(None)), None),
    "coalesce to a constant": (fn("coalesce", fn("nullif", NAME, "Bo"), "none"), "none"),
    "year": (part("year", JOINED), 2024),
    "quarter": (part("quarter", JOINED), 1),
    "month": (part("month", PLACED), 3),
    "week": (part("week", val("2024-12-30")), 1),
    "week of the year before": (part("week", val("2021-01-03")), 53),
    "day": (part("day", JOINED), 29),
    "hour": (part("hour", PLACED), 12),
    "minute": (part("minute", PLACED), 30),
    "second": (part("second", PLACED), 15),
    "weekday, from Sunday": (part("weekday", PLACED), 0),
    "weekday of a day": (part("weekday", JOINED), 4),
    "start of the year": (start("year", PLACED), "2024-01-01"),
    "start of the quarter": (start("quarter", val("2024-09-30")), "2024-07-01"),
    "start of the month": (start("month", PLACED), "2024-03-01"),
    "start of the week": (start("week", PLACED), "2024-03-25"),
    "start of the day": (start("day", PLACED), "2024-03-31"),
    "start of the hour": (start("hour", PLACED), "2024-03-31 12:00:00"),
    "start of the minute": (start("minute", PLACED), "2024-03-31 12:30:00"),
    "a month on, clamped": (shift(val("2024-01-31"), 1, "month"), "2024-02-29"),
    "a month back": (shift(val("2024-03-31"), -1, "month"), "2024-02-29"),
    "a quarter on": (shift(JOINED, 1, "quarter"), "2024-05-29"),
    "a year on from a leap day": (shift(JOINED, 1, "year"), "2025-02-28"),
    "two weeks on": (shift(JOINED, 2, "week"), "2024-03-14"),
    "days back": (shift(JOINED, -29, "day"), "2024-01-31"),
    "a time a month back": (shift(PLACED, -1, "month"), "2024-02-29 12:30:15"),
    "a day and some hours": (shift(JOINED, 36, "hour"), "2024-03-01 12:00:00"),
    "a time and seconds": (shift(PLACED, 50, "second"), "2024-03-31 12:31:05"),
    "days between": (between(JOINED, "2024-03-02", "day"), 2),
    "hours between": (between(JOINED, PLACED, "hour"), 756.504167),
    "years between": (between("2020-01-01", "2024-01-01", "year"), 4),
    "weeks back": (between("2024-01-15", "2024-01-01", "week"), -2),
    "a choice": (p.Choice(when=((cmp(AMOUNT, ">", 50), val("big")),), otherwise=val("small")), "big"),
    "a choice of nothing": (p.Choice(when=((cmp(AMOUNT, ">", 500), val("big")),)), None),
    "a query's value": (p.ScalarQuery(query=select(agg("max", col("x.amount")), source=table("orders", "x"))), 99.99),
    "an outer column in a query": (
        p.ScalarQuery(query=select(agg("count"), source=table("orders", "x"), where=cmp(col("x.customer"), "=", ID))),
        1,
    ),
}  # fmt: skip

TOTAL = agg("sum", AMOUNT)
UNION_PART = select(p.Item(value=CITY, label="place"), source=C, where=cmp(ID, "<", 3))
QUERIES: dict[str, tuple[p.Query, list[tuple[object, ...]]]] = {
    "all columns": (
        select(p.Star(source="x"), source=table("order", "x"), order_by=(p.Order(by=col("x.key"), descending=True),)),
        [("b", 2), ("a", 1), (None, 3)],
    ),
    "missing values first": (
        select(col("x.key"), source=table("order", "x"), order_by=(p.Order(by=col("x.key"), nulls_first=True),)),
        [(None,), ("a",), ("b",)],
    ),
    "limit and offset": (select(ID, source=C, order_by=(p.Order(by=ID),), limit=2, offset=1), [(2,), (3,)]),
    "offset alone": (select(ID, source=C, order_by=(p.Order(by=ID),), offset=4), [(5,), (6,)]),
    "limit 0": (select(ID, source=C, limit=0), []),
    "distinct": (
        select(CITY, source=C, distinct=True, order_by=(p.Order(by=CITY),)),
        [("Oslo",), ("Paris",), ("Rome",), (None,)],
    ),
    "groups": (
        select(CITY, agg("count"), p.Item(value=TOTAL, label="total"), source=C, joins=(MINE,), group_by=(CITY,),
               order_by=(p.Order(by=TOTAL, descending=True), p.Order(by=CITY))),
        [("Rome", 4, 170.49), ("Oslo", 2, 5.25), ("Paris", 1, None), (None, 1, None)],
    ),
    "what a primary key decides": (
        select(NAME, TOTAL, source=C, joins=(ONLY,), group_by=(ID,), having=cmp(agg("count"), ">", 1),
               order_by=(p.Order(by=JOINED),)),
        [("Ada", 30.5), ("ada", 139.99)],
    ),
    "groups by year": (
        select(part("year", PLACED), agg("count", PLACED), source=O, group_by=(part("year", PLACED),),
               order_by=(p.Order(by=part("year", PLACED)),)),
        [(2021, 1), (2023, 2), (2024, 3), (None, 0)],
    ),
    "aggregates": (
        select(agg("count"), agg("count", col("o.customer"), distinct=True), agg("avg", AMOUNT), agg("min", PLACED),
               agg("max", AMOUNT), agg("median", AMOUNT), agg("stddev", col("o.pieces")), agg("median", col("o.id")),
               source=O),
        [(7, 4, 30.456667, "2021-01-01 06:00:00", 99.99, 15.25, 2.483277, 4)],
    ),
    "an aggregate of some rows": (
        select(agg("sum", AMOUNT, where=cmp(col("o.pieces"), ">", 2)), agg("count", where=p.IsNull(of=AMOUNT)),
               agg("median", AMOUNT, where=cmp(ID, ">", 5).model_copy(update={"left": col("o.id")})), source=O),
        [(150.49, 1, 23.5)],
    ),
    "least and greatest truth": (
        select(agg("min", col("c.active")), agg("max", col("c.active")), source=C), [(0, 1)],
    ),
    "a share": (
        select(math(agg("count", where=cmp(CITY, "=", "Rome")), "/", agg("count")), source=C), [(0.333333,)],
    ),
    "a product": (
        select(agg("count"), source=C, joins=(p.Join(source=O, on=None),)), [(42,)],
    ),
    "a derived source": (
        select(agg("max", col("t.total")), source=p.Derived(alias="t", query=select(
            CITY, p.Item(value=TOTAL, label="total"), source=C, joins=(ONLY,), group_by=(CITY,)))),
        [(170.49,)],
    ),
    "a derived source without labels": (
        select(col("t.sum_amount"), col("t.city"), order_by=(p.Order(by=col("t.city")),), limit=1, source=p.Derived(
            alias="t", query=select(CITY, TOTAL, agg("count"), source=C, joins=(ONLY,), group_by=(CITY,)))),
        [(5.25, "Oslo")],
    ),
    "the same table twice": (
        select(NAME, col("d.Name"), source=C, joins=(p.Join(source=table("customers", "d"), on=p.All(parts=(
            cmp(col("d.city"), "=", CITY), cmp(ID, "<", col("d.id"))))),), order_by=(p.Order(by=ID),)),
        [("Ada", "ada"), ("Bo", "E_v")],
    ),
    "a union in order": (
        p.Compound(operator="union", left=UNION_PART, right=select(NAME, source=C, where=cmp(ID, "=", 2)),
                   order_by=(("place", True),)),
        [("Rome",), ("Oslo",), ("Bo",)],
    ),
    "a union of cut parts": (
        p.Compound(operator="union_all", order_by=(("id", False),), limit=3,
                   left=select(ID, source=C, order_by=(p.Order(by=ID, descending=True),), limit=2),
                   right=select(ID, source=C, order_by=(p.Order(by=ID),), limit=2)),
        [(1,), (2,), (5,)],
    ),
    "a compound within a compound": (
        p.Compound(operator="except", order_by=(("city", False),), left=select(CITY, source=C), right=p.Compound(
            operator="intersect", left=select(CITY, source=C), right=select(CITY, source=C, where=cmp(ID, "=", 1)))),
        [("Oslo",), ("Paris",), (None,)],
    ),
}  # fmt: skip

REFUSED: dict[str, tuple[p.Query, str]] = {
    "a table": (select(col("x.id"), source=table("clients", "x")), "'clients'"),
    "a column": (select(col("c.age"), source=C), "'age'"),
    "an alias": (select(col("d.id"), source=C), "'d'"),
    "an alias given twice": (select(ID, source=C, joins=(p.Join(source=table("orders", "C"), on=None),)), "'C'"),
    "a source that comes later": (
        select(ID, source=C, joins=(p.Join(source=O, on=cmp(col("x.key"), "=", "a")),
                                    p.Join(source=table("order", "x"), on=None))), "'x'",
    ),
    "a column of a derived source": (
        select(col("t.city"), source=p.Derived(alias="t", query=select(NAME, source=C))), "'city'",
    ),
    "a column that is not grouped": (select(CITY, NAME, agg("count"), source=C, group_by=(CITY,)), "c.Name"),
    "an aggregate in where": (select(ID, source=C, where=cmp(agg("count"), ">", 1)), "where"),
    "an aggregate of an aggregate": (select(agg("max", agg("count")), source=C), "max"),
    "a sum of text": (select(agg("sum", NAME), source=C), "c.Name is a text"),
    "the year of a number": (select(part("year", ID), source=C), "c.id is a integer"),
    "distinct ordered by what is not shown": (
        select(CITY, source=C, distinct=True, order_by=(p.Order(by=NAME),)), "c.Name",
    ),
    "a compound of unlike sides": (
        p.Compound(operator="union", left=select(ID, source=C), right=select(ID, NAME, source=C)), "1 and 2",
    ),
    "an order that a compound does not have": (
        p.Compound(operator="union", left=select(ID, source=C), right=select(ID, source=C), order_by=(("x", False),)),
        "'x'",
    ),
    "a NUL character": (select(ID, source=C, where=cmp(NAME, "=", "a\0b")), "NUL"),
    "infinity": (select(ID, source=C, where=cmp(ID, "<", float("inf"))), "inf"),
    "two columns as one value": (select(p.ScalarQuery(query=select(ID, NAME, source=C)), source=C), "2 columns"),
}  # fmt: skip
