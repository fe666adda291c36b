"""What SQL may be made of. Whatever is not listed here is refused: new syntax stays out until someone has looked at it.

A function is listed when it only computes a value from its arguments, in time and memory that its arguments bound.
Those that build large values out of nothing (REPEAT, RPAD, PRINTF, RANDOMBLOB, GENERATE_SERIES), wait, lock, read
files, settings or who is connected, or change sequences, are not.
"""

from __future__ import annotations

from sqlglot import exp

from spyne.schema.model import Dialect

Class = type[exp.Expr]

SYNTAX: frozenset[Class] = frozenset({
    exp.Select, exp.From, exp.Where, exp.Group, exp.Having, exp.Order, exp.Ordered, exp.Limit, exp.Offset, exp.Fetch,
    exp.Join, exp.Table, exp.TableAlias, exp.Alias, exp.Identifier, exp.Column, exp.Star, exp.Subquery, exp.Paren,
    exp.With, exp.CTE, exp.Union, exp.Except, exp.Intersect, exp.Distinct, exp.Filter, exp.WithinGroup, exp.Window,
    exp.WindowSpec, exp.Literal, exp.Boolean, exp.Null, exp.Interval, exp.Var, exp.DataType, exp.DataTypeParam,
    exp.Case, exp.If, exp.Cast, exp.TryCast, exp.And, exp.Or, exp.Not, exp.Neg, exp.Add, exp.Sub, exp.Mul, exp.Div,
    exp.IntDiv, exp.Mod, exp.DPipe, exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.Is, exp.NullSafeEQ,
    exp.NullSafeNEQ, exp.In, exp.Between, exp.Like, exp.ILike, exp.Escape, exp.Exists, exp.Tuple, exp.Any, exp.All,
    exp.AtTimeZone, exp.Anonymous, exp.IgnoreNulls, exp.LimitOptions,
})  # fmt: skip

FUNCTIONS: frozenset[Class] = frozenset({
    # aggregates
    exp.Count, exp.Sum, exp.Avg, exp.Min, exp.Max, exp.Median, exp.Mode, exp.GroupConcat, exp.Stddev, exp.StddevPop,
    exp.StddevSamp, exp.Variance, exp.VariancePop, exp.Corr, exp.CovarPop, exp.CovarSamp, exp.LogicalAnd,
    exp.LogicalOr, exp.PercentileCont, exp.PercentileDisc,
    # windows
    exp.RowNumber, exp.Rank, exp.DenseRank, exp.PercentRank, exp.CumeDist, exp.Ntile, exp.Lag, exp.Lead,
    exp.FirstValue, exp.LastValue, exp.NthValue,
    # choices
    exp.Coalesce, exp.Nullif, exp.Greatest, exp.Least,
    # numbers
    exp.Abs, exp.Round, exp.Ceil, exp.Floor, exp.Trunc, exp.Sqrt, exp.Pow, exp.Ln, exp.Log, exp.Exp, exp.Sign,
    # text
    exp.Lower, exp.Upper, exp.Length, exp.Trim, exp.Substring, exp.StrPosition, exp.Concat, exp.ConcatWs, exp.Left,
    exp.Right, exp.Initcap, exp.SplitPart, exp.Replace, exp.StartsWith, exp.EndsWith, exp.Contains, exp.Typeof,
    # dates and times
    exp.CurrentDate, exp.CurrentTimestamp, exp.Localtimestamp, exp.Extract, exp.TimestampTrunc, exp.DateTrunc,
    exp.TimeToStr, exp.StrToDate, exp.StrToTime, exp.TsOrDsToTimestamp, exp.TsOrDsToDate, exp.Date, exp.DateDiff,
    exp.DateAdd, exp.DateSub, exp.JustifyDays, exp.TimeToUnix, exp.UnixToTime, exp.LastDay,
})  # fmt: skip

OF_DIALECT: dict[Dialect, frozenset[Class]] = {
    "sqlite": frozenset({exp.Collate, exp.Glob}),
    "postgres": frozenset({exp.RegexpLike, exp.RegexpILike}),
    "duckdb": frozenset({
        exp.RegexpLike, exp.Year, exp.Month, exp.Day, exp.Hour, exp.Minute, exp.Second, exp.Week, exp.Quarter,
        exp.DayOfWeek, exp.DayOfWeekIso, exp.DayOfYear, exp.Dayname, exp.Monthname, exp.AnyValue, exp.ArgMax,
        exp.ArgMin, exp.First, exp.Last, exp.ApproxDistinct,
    }),
}  # fmt: skip

# By name: functions that the parser has no class for
NAMED: dict[Dialect, frozenset[str]] = {
    "sqlite": frozenset(
        {"date", "time", "datetime", "julianday", "unixepoch", "strftime", "total", "median", "stddev"}
    ),
    "postgres": frozenset({"age", "make_date", "date_part"}),
    "duckdb": frozenset({"now", "date_part", "weekday", "isoyear"}),
}

Type = exp.DType
TYPES: frozenset[exp.DType] = frozenset({
    Type.TEXT, Type.VARCHAR, Type.CHAR, Type.NVARCHAR, Type.NCHAR, Type.INT, Type.BIGINT, Type.SMALLINT, Type.TINYINT,
    Type.INT128, Type.DECIMAL, Type.FLOAT, Type.DOUBLE, Type.BOOLEAN, Type.DATE, Type.TIME, Type.TIMESTAMP,
    Type.TIMESTAMPTZ, Type.TIMESTAMPNTZ, Type.DATETIME, Type.INTERVAL, Type.UUID,
})  # fmt: skip
MAX_TYPE_SIZE = 1_000  # of VARCHAR(n) and the like: CHAR(n) fills up to n

# The parts that these may have. Others, such as SELECT ... INTO, FOR UPDATE or TABLESAMPLE, are refused
PARTS: dict[Class, frozenset[str]] = {
    exp.Select: frozenset({"with_", "expressions", "distinct", "from_", "joins", "where", "group", "having", "windows",
                           "order", "limit", "offset"}),
    exp.Subquery: frozenset({"this", "alias", "with_", "joins", "order", "limit", "offset"}),
    exp.Table: frozenset({"this", "alias", "db", "joins"}),
    exp.Join: frozenset({"this", "on", "side", "kind", "using", "method"}),
    exp.With: frozenset({"expressions"}),
    exp.CTE: frozenset({"this", "alias", "materialized"}),
    exp.Limit: frozenset({"this", "expression"}),
    exp.Fetch: frozenset({"direction", "count", "limit_options"}),
    exp.LimitOptions: frozenset({"rows"}),
    exp.Offset: frozenset({"expression"}),
    exp.Group: frozenset({"expressions"}),
    exp.Star: frozenset(),
    exp.Column: frozenset({"this", "table"}),
    exp.Cast: frozenset({"this", "to"}),
    exp.TryCast: frozenset({"this", "to", "safe"}),
    exp.DataType: frozenset({"this", "expressions", "nested"}),
    exp.In: frozenset({"this", "expressions", "query"}),
    exp.Ordered: frozenset({"this", "desc", "nulls_first"}),
}  # fmt: skip
SET_PARTS = frozenset({"with_", "this", "expression", "distinct", "order", "limit", "offset"})
PARTS |= {exp.Union: SET_PARTS, exp.Except: SET_PARTS, exp.Intersect: SET_PARTS}

JOIN_WORDS = frozenset({"", "INNER", "CROSS", "OUTER", "LEFT", "RIGHT", "FULL", "NATURAL", "SEMI", "ANTI"})

# Names that a database gives a meaning of its own where no table has such a column
SYSTEM_COLUMNS = frozenset({
    "rowid", "_rowid_", "oid", "ctid", "xmin", "xmax", "cmin", "cmax", "tableoid", "user", "current_user",
    "session_user", "system_user", "current_role", "current_catalog", "current_schema", "sqlite_version",
})  # fmt: skip


def classes(dialect: Dialect) -> frozenset[Class]:
    """All that a tree of this dialect may consist of."""
    return CLASSES[dialect]


CLASSES = {dialect: SYNTAX | FUNCTIONS | extra for dialect, extra in OF_DIALECT.items()}
