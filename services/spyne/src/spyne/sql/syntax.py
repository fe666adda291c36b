"""The allow-list applied: every part of a parsed statement is of a kind that is listed, and so are its own parts."""

from __future__ import annotations

import re
from collections.abc import Callable

from sqlglot import exp

from spyne.schema.model import Dialect
from spyne.sql import allowed
from spyne.sql.errors import Refused

MAX_JOINS = 15
MAX_WILDCARDS = 10  # in a pattern: each can multiply the time that matching takes
NUMBER = re.compile(r"(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
WORD = re.compile(r"[^\W\d][\w$]*")
PATTERNS = (exp.Like, exp.ILike, exp.Glob, exp.RegexpLike, exp.RegexpILike)
WILDCARDS = str.maketrans("", "", "%_*?[+{(|")


def check(nodes: list[exp.Expr], dialect: Dialect) -> None:
    """Raise Refused when one of the nodes of a tree is not on the allow-list."""
    listed = allowed.classes(dialect)
    joins = 0
    for node in nodes:
        kind = type(node)
        if kind not in listed:
            raise _unlisted(node)
        parts = allowed.PARTS.get(kind)
        if parts is not None:
            for part, value in node.args.items():
                if value and part not in parts:
                    raise Refused("unknown-syntax", f"{part.strip('_').upper()} is not allowed in {_what(node)}")
        if node.args.get("this") is None and kind.arg_types.get("this"):
            raise Refused("unreadable", f"{_what(node)} lacks what it is about")
        joins += kind is exp.Join
        if (look := LOOKS.get(kind)) is not None:
            look(node, dialect)
    if joins > MAX_JOINS:
        raise Refused("too-many-joins", f"the SQL has {joins} joins; at most {MAX_JOINS} may run")


def _unlisted(node: exp.Expr) -> Refused:
    if isinstance(node, exp.Func):
        return Refused("unknown-function", f"the function {node.sql_name()} is not allowed; use one that is listed")
    return Refused("unknown-syntax", f"{_what(node)} is not allowed; only plain queries may run")


def _what(node: exp.Expr) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", type(node).__name__).upper()


def _function(node: exp.Expr, dialect: Dialect) -> None:
    called = node.this
    if not isinstance(called, str) or called.lower() not in allowed.NAMED[dialect]:
        raise Refused("unknown-function", f"the function {node.name[:60]} is not allowed; use one that is listed")


def _select(node: exp.Expr, _: Dialect) -> None:
    if not node.expressions:
        raise Refused("unknown-syntax", "a SELECT without columns is not allowed; name what to show")


def _table(node: exp.Expr, _: Dialect) -> None:
    if not isinstance(node.this, exp.Identifier):
        raise Refused("table-function", "a function in FROM is not allowed; name a table")


def _type(node: exp.Expr, _: Dialect) -> None:
    if node.this not in allowed.TYPES:
        raise Refused("unknown-type", "that type is not allowed in a cast; use text, a number, a date or a time")
    for parameter in node.expressions:
        size = parameter.this if isinstance(parameter, exp.DataTypeParam) else None
        if not isinstance(size, exp.Literal) or not size.this.isdecimal() or int(size.this) > allowed.MAX_TYPE_SIZE:
            raise Refused("unknown-type", f"a type's size is a number of at most {allowed.MAX_TYPE_SIZE:,}")


def _literal(node: exp.Expr, _: Dialect) -> None:
    if not node.args.get("is_string") and NUMBER.fullmatch(node.this) is None:
        raise Refused("unknown-syntax", f"{node.this[:40]!r} is no plain number")


def _word(node: exp.Expr, _: Dialect) -> None:
    if not node.args.get("quoted") and WORD.fullmatch(node.name) is None:
        raise Refused("unknown-syntax", f"{node.name[:40]!r} is no plain word")


def _join(node: exp.Expr, _: Dialect) -> None:
    for part in ("side", "kind", "method"):
        if (node.args.get(part) or "").upper() not in allowed.JOIN_WORDS:
            raise Refused("unknown-syntax", f"{node.args[part]} JOIN is not allowed")


def _pattern(node: exp.Expr, _: Dialect) -> None:
    pattern = node.expression
    if isinstance(pattern, exp.Lower | exp.Upper | exp.Paren):
        pattern = pattern.this
    text = pattern.this if isinstance(pattern, exp.Literal) else None
    regular = isinstance(node, exp.RegexpLike | exp.RegexpILike)
    if text is None and regular:
        raise Refused("pattern", "a pattern must be written out as a text")
    if text is not None and len(text) - len(str(text).translate(WILDCARDS)) > MAX_WILDCARDS:
        raise Refused("pattern", f"a pattern may have at most {MAX_WILDCARDS} wildcards")


def _replace(node: exp.Expr, _: Dialect) -> None:
    old, new = node.expression, node.args.get("replacement")
    fixed = isinstance(old, exp.Literal) and (new is None or isinstance(new, exp.Literal))
    if not fixed or (new is not None and len(new.this) > len(old.this)):
        raise Refused("growing-text", "REPLACE may not make text longer: replace by a text that is not longer")


LOOKS: dict[type[exp.Expr], Callable[[exp.Expr, Dialect], None]] = {
    exp.Anonymous: _function,
    exp.Select: _select,
    exp.Table: _table,
    exp.DataType: _type,
    exp.Literal: _literal,
    exp.Identifier: _word,
    exp.Var: _word,
    exp.Join: _join,
    exp.Replace: _replace,
    **dict.fromkeys(PATTERNS, _pattern),
}
