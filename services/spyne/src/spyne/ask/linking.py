"""Links the words of a question to tables, columns and values: a best segmentation, with its alternatives."""

from __future__ import annotations

from dataclasses import dataclass, replace

from spyne.ask import lexicon
from spyne.ask.index import Link, SchemaIndex, value_stems
from spyne.ask.literal import said_literally, same_ending
from spyne.ask.tokens import Token, stem
from spyne.ask.weights import word_weight

LONGEST_SPAN = 7
KEPT_BELOW_BEST = 0.3
MOST_KINDS = 40  # values that a column may have for a part of one, in small letters, to mean it
_INNER = lexicon.words("of the a an for in to and from")
_NEVER_ALONE = lexicon.words(
    """
    list show order orders ordered top most total sum average mean number count each every all per highest lowest
    ratio out in at than more less over under above below exactly
    """
)
_ORDERINGS = lexicon.words(
    """
    in alphabetical descending ascending chronological reverse increasing decreasing
    """
)
_NO_VALUE = frozenset(lexicon.AGGREGATES) | lexicon.HIGH | lexicon.LOW | {"same", "different", "ratio"}
_NO_HYPERNYM = lexicon.words(
    """
    located placed dated timed priced based performed performs perform performing rated times sized result results
    """
)


@dataclass(frozen=True)
class Mention:
    """Some words of the question, from token `start` up to `end`, and what they may mean, best first."""

    start: int
    end: int
    links: tuple[Link, ...]

    @property
    def best(self) -> Link:
        """The best link."""
        return self.links[0]

    def of_kind(self, kind: str) -> tuple[Link, ...]:
        """The links of one kind."""
        return tuple(link for link in self.links if link.kind == kind)


@dataclass(frozen=True)
class Linked:
    """A question and its mentions, in order, with the words that found no link."""

    tokens: tuple[Token, ...]
    mentions: tuple[Mention, ...]
    unlinked: tuple[int, ...]
    coverage: float


def link(tokens: tuple[Token, ...], index: SchemaIndex) -> Linked:
    """The best segmentation of a question into mentions."""
    spans = _spans(tokens, index)
    best: list[tuple[float, tuple[Mention, ...]]] = [(0.0, ())]
    for end in range(1, len(tokens) + 1):
        best.append(best[end - 1])
        for mention, weight in spans.get(end, ()):
            before, mentions = best[mention.start]
            if before + weight > best[end][0] + 1e-9:
                best[end] = (before + weight, (*mentions, mention))
    return _with_coverage(tokens, _without_names_of_columns(tokens, best[-1][1]))


def _without_names_of_columns(tokens: tuple[Token, ...], mentions: tuple[Mention, ...]) -> tuple[Mention, ...]:
    """Without "name" behind a column that is one: "region name" is the region."""
    kept: list[Mention] = []
    for mention in mentions:
        named = mention.end - mention.start == 1 and tokens[mention.start].lower in {"name", "names"}
        if named and kept and kept[-1].end == mention.start and kept[-1].best.kind == "column":
            continue
        kept.append(mention)
    return tuple(kept)


def _spans(tokens: tuple[Token, ...], index: SchemaIndex) -> dict[int, list[tuple[Mention, float]]]:
    found: dict[int, list[tuple[Mention, float]]] = {}
    for start, token in enumerate(tokens):
        if token.kind in {"punctuation", "date"}:
            continue
        for end in range(start + 1, min(len(tokens), start + LONGEST_SPAN) + 1):
            inside = tokens[start:end]
            if end == start + 1 and _orders_rows(tokens, start):
                continue
            if inside[-1].kind == "punctuation":
                if inside[-1].text in {"/", "&", "-", "."}:
                    continue
                break
            if links := _links(inside, index, start == 0, tokens[start - 1].lower if start else ""):
                size = sum(1 for t in inside if t.kind != "punctuation" and t.lower not in _INNER)
                weight = links[0].score * size + (0.2 * (size - 1) if links[0].score > 0.65 else -0.1 * (size - 1))
                found.setdefault(end, []).append((Mention(start, end, links), weight))
        if shared := _shared_head(tokens, start, index):
            found.setdefault(start + 1, []).append((shared, 1.5 * shared.best.score))
    return found


def _orders_rows(tokens: tuple[Token, ...], place: int) -> bool:
    """Whether "order" is about rows, not a table: "in descending order", "order by"."""
    before = tokens[place - 1].lower if place else ""
    after = tokens[place + 1].lower if place + 1 < len(tokens) else ""
    return tokens[place].lower == "order" and (before in _ORDERINGS or after in {"by", "of", "the", "them", "it"})


def _shared_head(tokens: tuple[Token, ...], start: int, index: SchemaIndex) -> Mention | None:
    """The first of two that share their last words: "mean" in "mean and median commute time"."""
    if (
        start + 3 >= len(tokens)
        or tokens[start + 1].lower not in {"and", "or", ","}
        or tokens[start].lower in lexicon.STOP
    ):
        return None
    for end in range(min(len(tokens), start + 7), start + 3, -1):
        second, first = tokens[start + 2 : end], (tokens[start], *tokens[start + 3 : end])
        if any(t.kind == "punctuation" for t in (*second, *first)):
            continue
        links, others = _links(first, index, False, ""), _links(second, index, False, "")
        if links and others and links[0].score >= 0.95 and others[0].score >= 0.95 and links[0].kind == others[0].kind:
            return Mention(start, start + 1, links)
    return None


def _links(inside: tuple[Token, ...], index: SchemaIndex, first: bool, before: str) -> tuple[Link, ...]:
    stems = tuple(_asked(t) for t in inside if t.kind != "punctuation")
    if len(inside) == 1 and inside[0].kind == "quoted":
        return _kept(_quoted(inside[0], index))
    if len(inside) == 1 and _letter(inside[0], before):
        return _kept(index.exact_values((inside[0].stem,)))
    values = _values(inside, tuple(t.stem for t in inside if t.kind != "punctuation"), index, first)
    if inside[0].kind == "number" and len(inside) == 1:
        return ()
    ends = (inside[0].lower, inside[-1].lower)
    if len(inside) == 1 and inside[0].lower == "where" and before in {"", "and", ","}:
        return _kept(index.hypernyms("where"))
    joined = any(t.kind == "punctuation" and t.text != "-" for t in inside)
    if any(word in lexicon.STOP and word not in {"name", "list"} for word in ends) or joined:
        return _kept(values)
    if len(inside) == 1 and inside[0].lower in _NEVER_ALONE:
        return _kept(_plain_table(inside, index))
    if any(
        t.lower in lexicon.STOP and t.lower not in {"of", "the", "name", "list", "for", "per"} for t in inside[1:-1]
    ):
        return _kept(values)
    return _kept([*_names(inside, stems, index, bool(values)), *values])


def _asked(token: Token) -> str:
    """The stem that names of a schema are looked up by: "count" and "number" are one."""
    return "number" if token.lower in {"count", "counts"} else token.stem


def _letter(token: Token, before: str) -> bool:
    """A single capital letter that stands where a value does: "a grade of A or C"."""
    return (
        len(token.text) == 1
        and token.text.isupper()
        and token.text != "I"
        and before in {"of", "or", "and", "=", "is", "grade", "type"}
    )


def _names(inside: tuple[Token, ...], stems: tuple[str, ...], index: SchemaIndex, has_values: bool) -> list[Link]:
    asked = tuple(
        s
        for t, s in zip((t for t in inside if t.kind != "punctuation"), stems, strict=True)
        if t.lower not in {"of", "the", "for"}
    )
    counting = len(inside) > 1 and inside[0].lower in {"number", "count", "amount", "total"}
    found = [*([] if counting else index.tables(asked)), *_columns(asked, inside, index)]
    found = [link for link in found if link.score >= 0.97 or same_ending(link, inside)]
    if any(t.lower in lexicon.LIGHT for t in inside):
        found = [link for link in found if said_literally(link, inside, index)]
    if len(inside) == 1 and inside[0].lower in lexicon.ANTONYMS:
        positive = index.columns((stem(lexicon.ANTONYMS[inside[0].lower]),))
        found += [link for link in positive if index.facts[link.table].flag(link.column)]
    if len(asked) == 1 and not has_values and inside[0].lower not in _NO_HYPERNYM:
        found += [h for h in index.hypernyms(asked[0]) if h.ref not in {n.ref for n in found}]
    return found


def _plain_table(inside: tuple[Token, ...], index: SchemaIndex) -> list[Link]:
    return (
        [t for t in index.tables((inside[0].stem,)) if t.score >= 0.97]
        if inside[0].lower in {"orders", "order"}
        else []
    )


def _columns(asked: tuple[str, ...], inside: tuple[Token, ...], index: SchemaIndex) -> list[Link]:
    counting = len(inside) > 1 and inside[0].lower in {"number", "amount", "count"} and inside[1].lower == "of"
    found = index.columns(asked)
    if inside[0].lower == "total" and len(asked) > 2 and asked[1] == "number":
        found = [link for link in index.columns((asked[0], *asked[2:])) if link.score == 1.0] or found
    if counting:
        return [link for link in found if index.facts[link.table].counts(link.column) is not None]
    return found


def _values(inside: tuple[Token, ...], stems: tuple[str, ...], index: SchemaIndex, first: bool) -> list[Link]:
    alone = inside[0].lower if len(inside) == 1 else ""
    if alone and (alone in lexicon.STOP or inside[0].kind == "number" or alone in _NO_VALUE):
        return []
    exact = index.exact_values(stems) or (index.exact_values(("".join(stems),)) if len(stems) > 1 else [])
    if inside[0].capital:
        codes = lexicon.CODES.get(" ".join(t.lower for t in inside), ())
        exact = [
            *exact,
            *(link for code in codes for link in index.exact_values((code.lower(),)) if link.value == code),
        ]
    if alone in lexicon.LIGHT:
        exact = [link for link in exact if str(link.value).lower() == alone]  # "per year" is no "yearly" plan
    if exact:
        return [_weighed(link, inside) for link in exact]
    if inside[0].lower in lexicon.STOP or inside[-1].lower in lexicon.STOP or len(stems) > 4:
        return []
    proper = all(t.capital or t.kind != "word" for t in inside) and not (first and len(inside) == 1)
    found = index.partial_values(stems)
    if proper:
        return found
    return [
        replace(link, score=link.score - 0.2)
        for link in found
        if link.score >= 0.7
        and link.match == "starts"
        and len(index.facts[link.table].columns[link.column].values or ()) <= MOST_KINDS
        and not any(t.lower in lexicon.LIGHT for t in inside)
    ]


def _weighed(link: Link, inside: tuple[Token, ...]) -> Link:
    """A value of one small common word is a weak link: it may be said of anything."""
    if len(inside) == 1 and inside[0].lower in lexicon.LIGHT:
        return replace(link, score=0.7)
    return replace(link, score=0.98)


def _quoted(token: Token, index: SchemaIndex) -> list[Link]:
    stems = value_stems(token.text)
    exact = index.exact_values(stems) or index.exact_values(("".join(stems),))
    codes = lexicon.CODES.get(token.lower, ())
    exact = exact or [v for code in codes for v in index.exact_values((code.lower(),)) if v.value == code]
    if exact:
        return exact
    return index.partial_values(stems) if stems else []


def _kept(links: list[Link]) -> tuple[Link, ...]:
    ranked = sorted(links, key=lambda link: (-link.score, link.kind != "table", link.table, link.column))
    return tuple(link for link in ranked if link.hypernym or link.score >= max(0.4, ranked[0].score - KEPT_BELOW_BEST))[
        :24
    ]


def _with_coverage(tokens: tuple[Token, ...], mentions: tuple[Mention, ...]) -> Linked:
    covered = {place: mention for mention in mentions for place in range(mention.start, mention.end)}
    total = linked = 0.0
    unlinked: list[int] = []
    for place, token in enumerate(tokens):
        weight = word_weight(token)
        if place in covered:
            total += max(weight, 0.5)
            linked += max(weight, 0.5) * min(1.0, covered[place].best.score + 0.1)
            continue
        total += weight
        if weight >= 0.5:
            unlinked.append(place)
    return Linked(tokens, mentions, tuple(unlinked), linked / total if total else 0.0)
