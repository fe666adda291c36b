"""Bounds that SQL keeps before it is parsed: one linear pass, so that no text can make the guard itself slow."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import get_args

from sqlglot.dialects.dialect import Dialect as Known

from spyne.schema.model import Dialect
from spyne.sql.errors import Refused

MAX_LENGTH = 20_000  # characters
MAX_TOKENS = 3_000
MAX_PARENTHESES = 25  # within each other
MAX_CASES = 10  # within each other
MAX_PREFIXES = 8  # signs and NOTs in a row
MAX_TYPES = 3  # words for types, such as DATE, before parentheses within each other: the parser tries each twice
MAX_SETS = 30  # UNION, INTERSECT and EXCEPT

TOKEN = re.compile(
    r"""
    (?P<space>[ \t\r\n]+)
    | (?P<comment>--[^\n]* | /\*.*?\*/)
    | (?P<dollar>\$[A-Za-z_]*\$)
    | (?P<quoted>'(?:[^']|'')*' | "(?:[^"]|"")*" | `[^`]*`)
    | (?P<word>[^\W\d]\w*)
    | (?P<number>[0-9][0-9A-Za-z_.]*)
    | (?P<other>[!-~])
    """,
    re.VERBOSE | re.DOTALL,
)
SETS = frozenset({"UNION", "INTERSECT", "EXCEPT"})
PAIRS = frozenset({("CONNECT", "BY"), ("START", "WITH")})  # which make the parser change itself
TYPES: dict[Dialect, frozenset[str]] = {
    dialect: frozenset(
        word.upper()
        for word, kind in Known.get_or_raise(dialect).tokenizer_class.KEYWORDS.items()
        if kind in Known.get_or_raise(dialect).parser_class.TYPE_TOKENS
    )
    for dialect in get_args(Dialect)
}


def keep(sql: str, dialect: Dialect) -> None:
    """Raise Refused when SQL is longer, deeper or has more parts than any query needs, or does not start like one."""
    if len(sql) > MAX_LENGTH:
        raise Refused("too-long", f"the SQL has {len(sql):,} characters; at most {MAX_LENGTH:,} may run")
    tokens = list(_tokens(sql))
    if not tokens:
        raise Refused("empty", "there is no SQL; write one SELECT")
    if len(tokens) > MAX_TOKENS:
        raise Refused("too-many-parts", f"the SQL has {len(tokens):,} tokens; at most {MAX_TOKENS:,} may run")
    if tokens[0] not in ("SELECT", "WITH", "("):
        raise Refused("not-a-query", f"the SQL starts with {tokens[0][:40]!r}; only SELECT and WITH ... SELECT may run")
    _one_statement(tokens)
    _nesting(tokens)
    _types(tokens, TYPES[dialect])
    if not PAIRS.isdisjoint(pairwise(tokens)):
        raise Refused("unknown-syntax", "CONNECT BY and START WITH are not allowed; only plain queries may run")
    if dialect != "sqlite" and "[" in tokens:
        raise Refused("unknown-syntax", "square brackets are not allowed; leave out arrays and subscripts")


def _tokens(sql: str) -> Iterator[str]:
    position = 0
    while position < len(sql):
        match = TOKEN.match(sql, position)
        if match is None or match.lastgroup == "dollar" or match.group() in ("'", '"', "`"):
            raise Refused(
                "unknown-syntax",
                f"{sql[position]!r} at character {position + 1} is not allowed there: a character that SQL does not"
                " use, or a quotation that is not closed",
            )
        position = match.end()
        if match.lastgroup == "word":
            yield match.group().upper()
        elif match.lastgroup not in ("space", "comment"):
            yield match.group()


def _one_statement(tokens: list[str]) -> None:
    end = len(tokens)
    while end and tokens[end - 1] == ";":
        end -= 1
    if ";" in tokens[:end]:
        raise Refused("one-statement", "there is more than one statement; run one SELECT at a time")


def _nesting(tokens: list[str]) -> None:
    parentheses = cases = prefixes = sets = 0
    for part in tokens:
        parentheses += (part in "([") - (part in ")]")
        cases += (part == "CASE") - (part == "END" and cases > 0)
        prefixes = prefixes + 1 if part in ("NOT", "-", "+", "~") else 0
        sets += part in SETS
        if parentheses > MAX_PARENTHESES or cases > MAX_CASES or prefixes > MAX_PREFIXES:
            raise Refused(
                "too-deep",
                f"the SQL is nested too deeply: at most {MAX_PARENTHESES} parentheses, {MAX_CASES} CASEs and"
                f" {MAX_PREFIXES} signs within each other may run",
            )
        if sets > MAX_SETS:
            raise Refused("too-many-parts", f"the SQL joins more than {MAX_SETS} results with UNION and the like")


def _types(tokens: list[str], types: frozenset[str]) -> None:
    within: list[bool] = []
    for before, part in pairwise(["", *tokens]):
        if part == "(":
            within.append(before in types)
            if sum(within) > MAX_TYPES:
                raise Refused("too-deep", f"more than {MAX_TYPES} types with parentheses lie within each other")
        elif part == ")" and within:
            within.pop()
