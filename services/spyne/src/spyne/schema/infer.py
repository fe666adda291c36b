"""Foreign keys that a database does not declare, from names and values.

A wrong key makes wrong answers, so that both must agree: the name of the column has to point at exactly one key, and
each of its values has to be a value of that key.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from spyne.schema.model import ColumnInfo, ForeignKey, TableInfo

Contained = Callable[[TableInfo, ColumnInfo, TableInfo, ColumnInfo], bool]
"""Whether each value of a column (table, column) is a value of a key (table, column)."""

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_KEY_WORDS = frozenset({"id", "key", "code", "no", "nr", "num", "number", "uuid", "ids"})
_TOO_COMMON = frozenset({"id", "name", "key", "code", "title", "description", "date", "email", "status", "type"})
_SHORTEST_ABBREVIATION = 3


def words(name: str) -> tuple[str, ...]:
    """The words of an identifier in lower case: `sbTxCustId` has sb, tx, cust and id, `order_id` order and id."""
    return tuple(word.lower() for word in _WORD.findall(name))


def singular(word: str) -> str:
    """An English noun without its plural ending. Made for comparing names, not for showing them."""
    if len(word) > 3 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 4 and word.endswith(("sses", "shes", "ches", "xes", "zes")):
        return word[:-2]
    if len(word) > 2 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word


def infer_foreign_keys(tables: Sequence[TableInfo], contained: Contained) -> tuple[TableInfo, ...]:
    """The tables with the foreign keys that their names and values show; declared ones stay, and come first.

    A column gets a key only when one key alone is the best for its name. `contained` is asked about few pairs: those
    whose names agree.
    """
    prefix = _common_prefix([words(table.name) for table in tables if not table.is_view])
    keys = [_Key(table, column, prefix) for table in tables if not table.is_view for column in _key_columns(table)]
    return tuple(_with_inferred(table, keys, prefix, contained) for table in tables)


class _Key:
    """A column that rows of its table can be told apart by, and the names under which others may point at it."""

    def __init__(self, table: TableInfo, column: ColumnInfo, prefix: tuple[str, ...]) -> None:
        self.table = table
        self.column = column
        self.table_words = tuple(singular(word) for word in _without(words(table.name), prefix))
        self.words = _without(words(column.name), prefix)
        self.is_primary = table.primary_key == (column.name,)


class _Match(NamedTuple):
    rank: int
    key: _Key


def _with_inferred(table: TableInfo, keys: list[_Key], prefix: tuple[str, ...], contained: Contained) -> TableInfo:
    if table.is_view:
        return table
    declared = {name for key in table.foreign_keys for name in key.columns}
    found = []
    for column in table.columns:
        if column.name in declared:
            continue
        matches = sorted(_matches(table, column, keys, prefix), key=lambda match: match.rank)
        held = [match for match in matches if contained(table, column, match.key.table, match.key.column)]
        best = [match.key for match in held if match.rank == held[0].rank]
        if len(best) == 1:
            found.append(
                ForeignKey(
                    columns=(column.name,), references=best[0].table.name,
                    referenced_columns=(best[0].column.name,), inferred=True,
                )
            )  # fmt: skip
    return table.model_copy(update={"foreign_keys": table.foreign_keys + tuple(found)}) if found else table


def _matches(table: TableInfo, column: ColumnInfo, keys: list[_Key], prefix: tuple[str, ...]) -> Iterable[_Match]:
    own = _without(words(column.name), prefix)
    for key in keys:
        if key.column.kind != column.kind or column.kind not in {"integer", "text"}:
            continue
        if key.table is table and (key.column.name == column.name or len(own) < 2):
            continue
        rank = _rank(own, column, key)
        if rank == 0 or (rank is not None and not _is_own_key(table, column, own, prefix)):
            yield _Match(rank, key)


def _is_own_key(table: TableInfo, column: ColumnInfo, own: tuple[str, ...], prefix: tuple[str, ...]) -> bool:
    """Whether a column tells its own table's rows apart: project_id of film_projects points at no project_actors."""
    named = tuple(singular(word) for word in _without(words(table.name), prefix))
    stem, ending = _stem(own)
    return table.primary_key == (column.name,) or (ending and named[-len(stem) :] == stem)


def _rank(own: tuple[str, ...], column: ColumnInfo, key: _Key) -> int | None:
    """How well a column's name points at a key: 0 is best, None not at all."""
    stem, ending = _stem(own)
    joined, table = "".join(stem), "".join(key.table_words)
    key_stem, _ = _stem(key.words)
    names_its_table = not key_stem or "".join(key_stem) == table
    if ending and stem and (key.is_primary or names_its_table):
        if joined == table:
            return 0
        if len(stem) > len(key.table_words) > 0 and stem[-len(key.table_words) :] == key.table_words:
            return 1
    if column.name.lower() == key.column.name.lower() and not (len(key.words) == 1 and key.words[0] in _TOO_COMMON):
        return _rank_of_same_name(joined, key)
    if ending and key_stem and len(stem) > len(key_stem) and stem[-len(key_stem) :] == key_stem:
        return 3
    if not ending and column.kind == "integer" and "".join(singular(word) for word in own) == table and names_its_table:
        return 4
    abbreviates = len(joined) >= _SHORTEST_ABBREVIATION and len(key.table_words) == 1 and table.startswith(joined)
    if ending and abbreviates and names_its_table:
        return 5
    return None


def _rank_of_same_name(stem: str, key: _Key) -> int | None:
    """The same name in two tables points at the one that it abbreviates, or that has it as its primary key."""
    if not stem:
        return None
    if stem == "".join(word[0] for word in key.table_words) or key.is_primary or stem == key.table_words[-1]:
        return 2
    if len(key.table_words) == 1 and len(stem) > 1 and key.table_words[0].startswith(stem):
        return 2
    return 6 if len(key.words) > 1 else None


def _stem(parts: tuple[str, ...]) -> tuple[tuple[str, ...], bool]:
    """A name without its ending `id`, and whether it had one; `aid` and `customerid` have one too."""
    if parts and parts[-1] in _KEY_WORDS:
        return tuple(singular(part) for part in parts[:-1]), True
    if parts and parts[-1].endswith("id") and len(parts[-1]) > 2:
        return (*(singular(part) for part in parts[:-1]), singular(parts[-1][:-2])), True
    return tuple(singular(part) for part in parts), False


def _key_columns(table: TableInfo) -> Iterable[ColumnInfo]:
    """The columns by which rows are told apart: declared so, or, with no key declared, found to be so."""
    single = {names[0].lower() for names in (table.primary_key, *table.unique) if len(names) == 1}
    for column in table.columns:
        found = not table.primary_key and table.rows and table.rows == column.distinct and column.kind in _KEY_KINDS
        if found or column.name.lower() in single:
            yield column


_KEY_KINDS = frozenset({"integer", "text"})


def _common_prefix(names: list[tuple[str, ...]]) -> tuple[str, ...]:
    """The first word, when each of several tables starts with it: `sb` of sbCustomer and sbTicker."""
    if len(names) < 2 or any(len(name) < 2 for name in names) or len({name[0] for name in names}) > 1:
        return ()
    return names[0][:1]


def _without(name: tuple[str, ...], prefix: tuple[str, ...]) -> tuple[str, ...]:
    return name[len(prefix) :] if prefix and name[: len(prefix)] == prefix and len(name) > len(prefix) else name
