"""The allow-list guard: what is not known to be harmless does not run.

It is the first of three walls. The second is the read-only connection, the third the worker process with its limits.
"""

from __future__ import annotations

import logging
from typing import get_args

import sqlglot
from sqlglot import ErrorLevel, exp
from sqlglot.dialects.dialect import Dialect as Known
from sqlglot.errors import SqlglotError

from spyne.schema.model import Dialect, Schema
from spyne.sql import bounds, syntax
from spyne.sql.errors import Refused
from spyne.sql.names import Names

MAX_ROWS = 1_000
WORDS: dict[Dialect, frozenset[str]] = {
    dialect: frozenset(Known.get_or_raise(dialect).tokenizer_class.KEYWORDS) for dialect in get_args(Dialect)
}

# The parser warns of statements that it does not know, and repeats their text, which may hold what is nobody's business
logging.getLogger("sqlglot").addHandler(logging.NullHandler())
logging.getLogger("sqlglot").propagate = False


def check(sql: str, schema: Schema, *, max_rows: int = MAX_ROWS) -> str:
    """Return the SQL that is to be run in the place of `sql`: written anew from its tree, for `max_rows` rows at most.

    Raises Refused, with the rule and what to change, on all but one query of known tables and known functions. Where
    the caller must know whether there were more rows, it allows one row more than it shows.
    """
    bounds.keep(sql, schema.dialect)
    try:
        tree = _parsed(sql, schema.dialect)
        nodes = list(tree.walk())
        syntax.check(nodes, schema.dialect)
        Names(schema).check(tree, nodes)
        _quote(nodes, schema.dialect)
        if schema.dialect == "sqlite":
            _as_sqlite_means(nodes)
        tree = _limited(tree, max_rows)
        return tree.sql(dialect=schema.dialect, copy=False, comments=False, unsupported_level=ErrorLevel.RAISE)
    except RecursionError:
        raise Refused("too-deep", "the SQL is nested too deeply; split it up") from None
    except SqlglotError as error:
        raise Refused("unreadable", f"the SQL cannot be read: {_reason(error)}") from None


def _parsed(sql: str, dialect: Dialect) -> exp.Query:
    try:
        found = sqlglot.parse(sql, read=dialect, error_level=ErrorLevel.IMMEDIATE)
    except (SqlglotError, RecursionError):
        raise
    except Exception:  # noqa: BLE001 - what makes the parser itself fail is nothing to run
        raise Refused("unreadable", "the SQL cannot be read; write it more plainly") from None
    trees = [tree for tree in found if tree is not None]
    if len(trees) != 1:
        raise Refused("one-statement", f"there are {len(trees)} statements; run one SELECT at a time")
    tree = trees[0]
    while isinstance(tree, exp.Subquery) and not any(value for part, value in tree.args.items() if part != "this"):
        tree = tree.this
    if not isinstance(tree, exp.Select | exp.SetOperation):
        raise Refused("not-a-query", "only SELECT and WITH ... SELECT may run")
    return tree


def _reason(error: SqlglotError) -> str:
    found = getattr(error, "errors", None)
    if not found:
        return "its words or quotations do not end where they should"
    return f"{found[0].get('description', 'unknown')} (line {found[0].get('line')}, column {found[0].get('col')})"


def _quote(nodes: list[exp.Expr], dialect: Dialect) -> None:
    """Put names that are words of SQL too in quotation marks: what runs must be read as it was checked."""
    for node in nodes:
        if isinstance(node, exp.Identifier) and not node.args.get("quoted") and node.this.upper() in WORDS[dialect]:
            node.set("quoted", True)
            if dialect == "postgres":
                node.set("this", node.this.lower())


def _as_sqlite_means(nodes: list[exp.Expr]) -> None:
    """Undo what a round trip through the parser would change for SQLite."""
    for node in nodes:
        if isinstance(node, exp.Join):
            # "FROM a, b" would come out as CROSS JOIN, after which SQLite does not choose the order of the tables
            if node.kind in ("", "CROSS") and not any(node.args.get(part) for part in ("on", "using", "method")):
                node.set("kind", None)
                node.set("on", exp.Boolean(this=True))
        elif isinstance(node, exp.Median):
            node.replace(exp.Anonymous(this="MEDIAN", expressions=[node.this]))


def _limited(tree: exp.Query, max_rows: int) -> exp.Query:
    limit = tree.args.get("limit")
    count = None
    if limit is not None:
        wanted = limit.args.get("count" if isinstance(limit, exp.Fetch) else "expression")
        count = _count(wanted)
    rows = max_rows if count is None else min(count, max_rows)
    tree.set("limit", exp.Limit(expression=exp.Literal.number(rows)))
    return tree


def _count(wanted: exp.Expr | None) -> int | None:
    """The number of rows of a LIMIT; None where it sets none, such as LIMIT -1."""
    if isinstance(wanted, exp.Literal) and wanted.this.isdecimal():
        return int(wanted.this)
    unlimited = isinstance(wanted, exp.Null) or (isinstance(wanted, exp.Neg) and isinstance(wanted.this, exp.Literal))
    if unlimited:
        return None
    raise Refused("limit", "LIMIT takes a whole number here")
