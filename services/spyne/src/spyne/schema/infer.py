"""Foreign keys that a database does not declare, from names and values.

A wrong key makes wrong answers, so that both must agree: the name of the column has to point at exactly one key, and
each of its values has to be a value of that key.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence

from spyne.schema.model import ColumnInfo, ForeignKey, TableInfo

Contained = Callable[[TableInfo, ColumnInfo, TableInfo, ColumnInfo], bool]
"""Whether each value of a column (table, column) is a value of a key (table, column)."""

_WORD = re.compile(r"[A-Z]+(?![^\W\d_A-Z])|[A-Z]?[^\W\d_A-Z]+|\d+")
_KEY_WORDS = frozenset({"id", "key", "code", "no", "nr", "num", "number", "uuid", "ids"})
_TOO_COMMON = frozenset({"id", "name", "key", "code", "title", "description", "date", "email", "status", "type"})
_SHORTEST_ABBREVIATION = 3


def words(name: str) -> tuple[str, ...]:
    """The words of an identifier in lower case: `sbTxCustId` has sb, tx, cust and id, `order_id` order and id."""
    return tuple(word.lower() for word in _WORD.findall(name)) or (name.lower(),)


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
    keys = _Keys(_Key(table, column, prefix) for table in tables if not table.is_view for column in _key_columns(table))
    return tuple(_with_inferred(table, keys, prefix, contained) for table in tables)


class _Key:
    """A column that rows of its table can be told apart by, and the names under which others may point at it."""

    def __init__(self, table: TableInfo, column: ColumnInfo, prefix: tuple[str, ...]) -> None:
        self.table = table
        self.column = column
        self.table_words = tuple(singular(word) for word in _without(words(table.name), prefix))
        self.words = _without(words(column.name), prefix)
        self.stem, _ = _stem(self.words)
        self.is_primary = table.primary_key == (column.name,)
        self.joined = "".join(self.table_words)
        self.names_its_table = not self.stem or "".join(self.stem) == self.joined
        self.is_common = len(self.words) == 1 and self.words[0] in _TOO_COMMON


class _Keys:
    """All keys, found by the names under which others may point at them: there may be thousands."""

    def __init__(self, keys: Iterable[_Key]) -> None:
        self._by: defaultdict[tuple[str, ...], list[_Key]] = defaultdict(list)
        for key in keys:
            names = {("joined", key.joined), ("ending", *key.table_words), ("ending", *key.stem)}
            if not key.is_common:
                names.add(("column", key.column.name.lower()))
            if len(key.table_words) == 1:
                ends = range(_SHORTEST_ABBREVIATION, len(key.joined) + 1)
                names.update(("start", key.joined[:end]) for end in ends)
            for name in names:
                self._by[name].append(key)

    def near(self, own: tuple[str, ...], column: ColumnInfo) -> Iterable[_Key]:
        """The keys that a column of these words might point at, each once."""
        stem, _ = _stem(own)
        names: list[tuple[str, ...]] = [
            ("joined", "".join(stem)),
            ("start", "".join(stem)),
            ("column", column.name.lower()),
        ]
        names += [("joined", "".join(singular(word) for word in own))]
        names += [("ending", *stem[start:]) for start in range(len(stem))]
        return {id(key): key for name in names for key in self._by.get(name, ())}.values()


def _with_inferred(table: TableInfo, keys: _Keys, prefix: tuple[str, ...], contained: Contained) -> TableInfo:
    if table.is_view:
        return table
    declared = {name for key in table.foreign_keys for name in key.columns}
    found = []
    for column in table.columns:
        key = None if column.name in declared else _best(table, column, keys, prefix, contained)
        if key is not None:
            found.append(
                ForeignKey(
                    columns=(column.name,), references_schema=key.table.table_schema, references=key.table.name,
                    referenced_columns=(key.column.name,), inferred=True,
                )
            )  # fmt: skip
    return table.model_copy(update={"foreign_keys": table.foreign_keys + tuple(found)}) if found else table


def _best(
    table: TableInfo, column: ColumnInfo, keys: _Keys, prefix: tuple[str, ...], contained: Contained
) -> _Key | None:
    """The one key that a column points at: the best by name of those whose values it has, if there is one best."""
    by_rank: defaultdict[int, list[_Key]] = defaultdict(list)
    for rank, key in _matches(table, column, keys, prefix):
        by_rank[rank].append(key)
    for _, ranked in sorted(by_rank.items()):
        held = [key for key in ranked if contained(table, column, key.table, key.column)]
        if held:
            return held[0] if len(held) == 1 else None
    return None


def _matches(table: TableInfo, column: ColumnInfo, keys: _Keys, prefix: tuple[str, ...]) -> Iterable[tuple[int, _Key]]:
    if column.kind not in _KEY_KINDS:
        return
    own = _without(words(column.name), prefix)
    is_own_key = _is_own_key(table, column, own, prefix)
    for key in keys.near(own, column):
        if key.column.kind != column.kind or (key.table is table and (key.column is column or len(own) < 2)):
            continue
        rank = _rank(own, column, key)
        if rank == 0 or (rank is not None and not is_own_key):
            yield rank, key


def _is_own_key(table: TableInfo, column: ColumnInfo, own: tuple[str, ...], prefix: tuple[str, ...]) -> bool:
    """Whether a column tells its own table's rows apart: project_id of film_projects points at no project_actors."""
    named = tuple(singular(word) for word in _without(words(table.name), prefix))
    stem, ending = _stem(own)
    return table.primary_key == (column.name,) or (ending and named[-len(stem) :] == stem)


def _rank(own: tuple[str, ...], column: ColumnInfo, key: _Key) -> int | None:
    """How well a column's name points at a key: 0 is best, None not at all."""
    stem, ending = _stem(own)
    joined = "".join(stem)
    if ending and stem and (key.is_primary or key.names_its_table):
        if joined == key.joined:
            return 0
        if len(stem) > len(key.table_words) and stem[-len(key.table_words) :] == key.table_words:
            return 1
    if column.name.lower() == key.column.name.lower() and not key.is_common:
        return _rank_of_same_name(joined, key)
    if ending and key.stem and len(stem) > len(key.stem) and stem[-len(key.stem) :] == key.stem:
        return 3
    is_its_name = "".join(singular(word) for word in own) == key.joined
    if not ending and column.kind == "integer" and is_its_name and key.names_its_table:
        return 4
    abbreviates = len(joined) >= _SHORTEST_ABBREVIATION and len(key.table_words) == 1 and key.joined.startswith(joined)
    return 5 if ending and abbreviates and key.names_its_table else None


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
