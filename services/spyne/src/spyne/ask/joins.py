"""How tables are joined: the shortest way over foreign keys that touches each table that a question needs."""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from spyne.ask.facts import Facts

MOST_KEPT = 50_000


@dataclass(frozen=True)
class Edge:
    """A foreign key: many rows of `child` to one row of `parent`."""

    child: str
    child_columns: tuple[str, ...]
    parent: str
    parent_columns: tuple[str, ...]
    cost: float


Path = tuple[float, tuple[Edge, ...]]


class JoinGraph:
    """The foreign keys of a schema as a graph."""

    def __init__(self, facts: Facts) -> None:
        self.edges: dict[str, list[Edge]] = defaultdict(list)
        self._paths: dict[tuple[tuple[str, ...], str], Path | None] = {}
        for table in facts.tables.values():
            for key in table.table.foreign_keys:
                parent = facts.pointed_at(key)
                if parent is None:
                    continue
                cost = 1.15 if key.inferred else 1.0
                if key.columns == table.key:
                    cost += 0.35  # one row to one row: often an odd key
                edge = Edge(table.name, key.columns, parent.name, key.referenced_columns or parent.key, cost)
                if edge.child != edge.parent:
                    self.edges[edge.child].append(edge)
                    self.edges[edge.parent].append(edge)

    def parallel(self, edge: Edge) -> tuple[Edge, ...]:
        """All foreign keys between the two tables of one, in the same direction, itself among them."""
        return tuple(e for e in self.edges[edge.child] if (e.child, e.parent) == (edge.child, edge.parent))

    def path(self, sources: Iterable[str], target: str) -> tuple[float, tuple[Edge, ...]] | None:
        """The cheapest edges from any of the sources to the target; None when there is no way."""
        asked = (tuple(sorted(sources)), target)
        if asked not in self._paths:
            if len(self._paths) > MOST_KEPT:
                self._paths.clear()
            self._paths[asked] = self._search(*asked)
        return self._paths[asked]

    def _search(self, sources: Iterable[str], target: str) -> Path | None:
        queue: list[tuple[float, int, str, tuple[Edge, ...]]] = [(0.0, 0, s, ()) for s in sorted(sources)]
        seen: set[str] = set()
        count = 0
        while queue:
            cost, _, at, edges = heapq.heappop(queue)
            if at == target:
                return cost, edges
            if at in seen:
                continue
            seen.add(at)
            for edge in self.edges[at]:
                other = edge.parent if at == edge.child else edge.child
                if other not in seen:
                    count += 1
                    turn = 0.2 if edges and at == edges[-1].parent and at == edge.parent else 0.0
                    heapq.heappush(queue, (cost + edge.cost + turn, count, other, (*edges, edge)))
        return None

    def tree(self, tables: Iterable[str]) -> tuple[Edge, ...] | None:
        """Edges that join all the tables, nearest first; None when some cannot be reached."""
        needed = list(dict.fromkeys(tables))
        joined, left, edges = {needed[0]}, needed[1:], []
        while left:
            ways = [(found, table) for table in left if (found := self.path(joined, table)) is not None]
            if len(ways) < len(left):
                return None
            (_, way), table = min(ways, key=lambda way: way[0][0])
            for edge in way:
                if not {edge.child, edge.parent} <= joined:
                    edges.append(edge)
                    joined |= {edge.child, edge.parent}
            left = [t for t in left if t not in joined]
            del table
        return tuple(edges)

    def distance(self, source: str, target: str) -> float:
        """The cost of the way between two tables; infinite without one."""
        found = self.path([source], target)
        return found[0] if found else float("inf")

    def to_many(self, source: str, target: str) -> bool:
        """Whether one row of the source may stand for several rows of the target."""
        found = self.path([source], target)
        if found is None:
            return True
        at = source
        for edge in found[1]:
            if at == edge.parent:
                return True
            at = edge.parent
        return False
