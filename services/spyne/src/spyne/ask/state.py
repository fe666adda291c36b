"""A question while it is read: its tokens, what each mention is taken to mean, and which words are accounted for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from spyne.ask import lexicon
from spyne.ask.fitness import fit_of
from spyne.ask.frame import Frame
from spyne.ask.index import Link, SchemaIndex
from spyne.ask.linking import Linked, Mention

ARTICLES = frozenset(
    [
        "the",
        "a",
        "an",
        "all",
        "any",
        "of",
        "its",
        "their",
        "his",
        "her",
        "our",
        "your",
        "these",
        "those",
        "this",
        "that",
    ]
)
CLOSE = 0.045
_TIMES = frozenset(
    {"date", "dates", "time", "times", "year", "years", "month", "months", "day", "days", "week", "weeks"}
)


@dataclass(frozen=True)
class Decision:
    """Something that the question leaves open: the words, and what they may mean by stable id, best first."""

    id: str
    words: str
    options: tuple[tuple[str, str], ...]


@dataclass
class State:
    """One reading in the making. `pins` holds what was decided, by the id of the decision."""

    linked: Linked
    index: SchemaIndex
    pins: Mapping[str, str]
    frame: Frame = field(default_factory=Frame)
    decisions: list[Decision] = field(default_factory=list)
    used: set[int] = field(default_factory=set)
    chosen: dict[int, Link] = field(default_factory=dict)
    several: dict[int, tuple[Link, ...]] = field(default_factory=dict)
    penalty: float = 0.0
    moment: tuple[str, str] | None = None  # the column of dates that a verb of the question names
    guesses: float = 0.0  # how often something was chosen that the question does not say
    margins: dict[int, float] = field(default_factory=dict)  # by mention, how far the second best meaning is
    repeated: bool = False  # a condition is said twice

    def __post_init__(self) -> None:
        self.tokens = self.linked.tokens
        self.lower = [token.lower for token in self.tokens]
        self.at: dict[int, Mention] = {}
        for mention in self.linked.mentions:
            for place in range(mention.start, mention.end):
                self.at[place] = mention
        self._choose()

    # -- words

    def word(self, place: int) -> str:
        """The word at a place, empty outside the question."""
        return self.lower[place] if 0 <= place < len(self.lower) else ""

    def phrase(self, place: int, words: str) -> int | None:
        """The place after the words, if they stand here and none is used."""
        for word in words.split():
            if self.word(place) != word or place in self.used:
                return None
            place += 1
        return place

    def skip(self, place: int, words: Iterable[str] = ARTICLES) -> int:
        """The place after words that say nothing here."""
        allowed = set(words)
        while self.word(place) in allowed and place not in self.at:
            place += 1
        return place

    def use(self, start: int, end: int) -> None:
        """Account for the tokens from start up to end."""
        self.used.update(range(start, end))

    def free_mention(self, place: int) -> Mention | None:
        """The unused mention that begins here."""
        mention = self.at.get(place)
        return mention if mention and mention.start == place and place not in self.used else None

    def mentions(self, start: int = 0, end: int | None = None) -> list[Mention]:
        """Unused mentions between two places."""
        end = len(self.tokens) if end is None else end
        return [m for m in self.linked.mentions if start <= m.start and m.end <= end and m.start not in self.used]

    def link(self, mention: Mention) -> Link:
        """What a mention is taken to mean."""
        return self.chosen[mention.start]

    def text(self, mention: Mention) -> str:
        """The words of a mention."""
        return " ".join(t.text for t in self.tokens[mention.start : mention.end])

    # -- choosing among links

    def _choose(self) -> None:
        mentions = self.linked.mentions
        for mention in mentions:
            self.chosen[mention.start] = self._kind_of(mention)
        for _ in range(2):
            for place, mention in enumerate(mentions):
                link = self.chosen[mention.start]
                if link.kind == "table":
                    self._choose_table(mention)
                elif not self._choose_name(mention):
                    self._choose_other(mention, place)
        self._leave_out()

    def _choose_name(self, mention: Mention) -> bool:
        """See that "name" by itself is the column by which people know the rows of the nearest table."""
        if mention.end - mention.start != 1 or self.word(mention.start) not in {"name", "names"}:
            return False
        tables = [m for m in self.linked.mentions if self.chosen[m.start].kind == "table"]
        after = [m for m in tables if m.start == self._owner_place(mention.end)]
        before = [m for m in tables if m.end <= mention.start]
        valued = [m for m in self.linked.mentions if self.chosen[m.start].kind != "table" and m is not mention]
        nearest = [self.chosen[m.start].table for m in (*after[:1], *reversed(before), *tables, *valued)]
        table = next((t for t in nearest if self.index.facts[t].has_name), None)
        if table is None:
            return False
        facts = self.index.facts[table]
        if facts.names:
            refs = tuple(f"{table}.{c}" for c in facts.names)
            self._decide(Decision(f"column:{mention.start}", self.text(mention), tuple((r, r) for r in refs)))
            picked = self.pins.get(f"column:{mention.start}", refs[0]).split("+")
            self.several[mention.start] = tuple(Link("column", table, r.rpartition(".")[2]) for r in picked)
            self.chosen[mention.start] = self.several[mention.start][0]
            return True
        self.several[mention.start] = tuple(Link("column", table, c) for c in facts.display)
        self.chosen[mention.start] = self.several[mention.start][0]
        return True

    def _owner_place(self, place: int) -> int:
        """Where the table of "names and types of tools" is named."""
        while (
            (mention := self.at.get(place)) is not None and self.chosen[mention.start].kind == "column"
        ) or self.word(place) in {"and", ",", "the", "their"}:
            place = mention.end if mention is not None else place + 1
        return (
            self.skip(place + 1, {"the", "all", "each", "those", "corresponding"})
            if self.word(place) in {"of", "for"}
            else -1
        )

    def _says_when(self, mention: Mention) -> bool:
        """Whether a verb is the name of a date, as "placed" in "orders placed in 2023"."""
        link = self.chosen[mention.start]
        word = self.word(mention.start)
        denied = {"never", "not"} & {self.word(mention.start - 1), self.word(mention.start - 2)}
        participle = word in lexicon.LIGHT or word == "born" or (word.endswith("ed") and not denied)
        verb = mention.end - mention.start == 1 and participle
        return (
            verb
            and link.kind == "column"
            and self.index.facts[link.table].moment(link.column)
            and self.word(mention.start) not in _TIMES
        )

    def _leave_out(self) -> None:
        """Leave out mentions that say nothing: "the same X", verbs such as "issued", tables out of reach."""
        context = self.context()
        for mention in self.linked.mentions:
            link = self.chosen[mention.start]
            if self._says_when(mention):
                self.moment = link.ref
                self.use(mention.start, mention.end)
                continue
            before = [self.word(mention.start - 2), self.word(mention.start - 1)]
            said = link.kind != "value" and (before[1] == "same" or before == ["regardless", "of"])
            verb = link.hypernym and self.tokens[mention.start].stem in {"issu", "creat"} and "who" not in self.lower
            lost = (
                bool(context) and link.table != context[0] and self.index.joins.path([context[0]], link.table) is None
            )
            lost = lost and not (link.kind == "table" and link.score >= 0.95)
            if said or verb or lost:
                self.penalty += 0.15 * lost
                self.use(mention.start, mention.end)
                self.decisions = [d for d in self.decisions if not d.id.endswith(f":{mention.start}")]

    def _kind_of(self, mention: Mention) -> Link:
        tables, best = mention.of_kind("table"), mention.best
        if tables and best.kind == "column" and best.score < 0.97 and tables[0].score >= best.score - 0.15:
            return tables[0]
        if best.kind == "value" and tables and tables[0].score >= 0.97:
            return tables[0]
        if best.kind == "table" and self.word(mention.end) in {"id", "ids"}:
            return best
        return best

    def _choose_table(self, mention: Mention) -> None:
        key = f"table:{mention.start}"
        tables = mention.of_kind("table")
        best = max(t.score for t in tables)
        rest = [t.score for t in tables[1:]]
        self.margins[mention.start] = min(0.4, best - rest[0]) if rest else 0.4
        near = [t for t in tables if t.score >= best - 0.03 and not self.index.facts[t.table].is_bridge] or list(
            tables[:1]
        )
        if key in self.pins:
            names = self.pins[key].split("+")
            self.several[mention.start] = tuple(t for t in tables if t.table in names)
            self.chosen[mention.start] = next(t for t in tables if t.table == names[0])
            return
        if len(near) > 1 and best < 0.97:
            self._decide(Decision(key, self.text(mention), tuple((t.table, t.table) for t in near[:3])))
        self.chosen[mention.start] = near[0]

    def _decide(self, decision: Decision) -> None:
        if decision.id not in {d.id for d in self.decisions}:
            self.decisions.append(decision)

    def context(self) -> list[str]:
        """The tables that the question names, the first first."""
        found = [link.table for place, link in sorted(self.chosen.items()) if link.kind == "table"]
        found += [
            m.best.table
            for m in self.linked.mentions
            if m.best.score >= 0.95 and len({each.table for each in m.links if each.score >= m.best.score - 0.01}) == 1
        ]
        return list(dict.fromkeys(found))

    def _choose_other(self, mention: Mention, place: int) -> None:
        key = f"column:{mention.start}"
        context = self.context()
        kind = self.chosen[mention.start].kind
        links = mention.of_kind(kind)
        scored = sorted(
            ((fit_of(self, link, mention, place, context), -n, link) for n, link in enumerate(links)),
            reverse=True,
            key=lambda s: s[:2],
        )
        top, _, best = scored[0]
        others = [fit for fit, _, link in scored[1:] if link.column.lower() != best.column.lower()]
        self.margins[mention.start] = min(0.4, top - others[0]) if others else 0.4
        if kind == "column":
            near = [link for fit, _, link in scored if fit >= top - CLOSE and not self.is_plain_id(link, mention)]
            near = self._distinct_columns(near)
            if key in self.pins:
                refs = self.pins[key].split("+")
                self.several[mention.start] = tuple(
                    each for r in refs for each in links if f"{each.table}.{each.column}" == r
                )
                self.chosen[mention.start] = self.several[mention.start][0]
                return
            if len(near) > 1 and best.score < 0.95 and best == near[0]:
                options = tuple((f"{each.table}.{each.column}", f"{each.table}.{each.column}") for each in near[:3])
                self.decisions = [d for d in self.decisions if d.id != key]
                self._decide(Decision(key, self.text(mention), options))
        self.chosen[mention.start] = best

    def is_plain_id(self, link: Link, mention: Mention) -> bool:
        """Whether a link is to a column of ids, though none was asked for."""
        said = {t.lower for t in self.tokens[mention.start : mention.end]}
        return self.index.facts[link.table].is_id(link.column) and not said & {"id", "ids", "identifier"}

    def _distinct_columns(self, links: list[Link]) -> list[Link]:
        """Without columns which only repeat another through a foreign key, or under the same name elsewhere."""
        kept: list[Link] = []
        for link in links:
            same = [k for k in kept if k.column.lower() == link.column.lower() or k.table != link.table]
            if not same:
                kept.append(link)
        return kept
