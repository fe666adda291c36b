"""Makes one multiple-choice question about one decision, its options grounded in what each would give."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from spyne.ask import attachment, names, scope
from spyne.ask.cluster import Cluster
from spyne.ask.outcome import Option, Question, Reading, Rows

MOST_OPTIONS = 4
PREVIEW_ROWS = 2
_FIXED = {
    scope.EACH: "For each one, its own",
    scope.SHARED: "Only what all of them share",
    attachment.BOTH: "The condition belongs to both",
    attachment.LAST: "The condition belongs only to the last",
    attachment.FIRST: "The condition belongs only to the first",
}


def question_for(clusters: Sequence[Cluster], words: Mapping[str, str]) -> Question | None:
    """The question about the decision that parts the clusters best; None when no decision parts them.

    `words` has, by decision, the words of the question that leave it open.
    """
    by_decision: dict[str, dict[str, tuple[Reading, Rows | None, int]]] = {}
    for number, cluster in enumerate(clusters):
        for reading in cluster.readings:
            for decision, option in reading.choices:
                by_decision.setdefault(decision, {}).setdefault(option, (reading, cluster.rows, number))
    parting = [(d, o) for d, o in by_decision.items() if len({number for _, _, number in o.values()}) > 1]
    if not parting:
        return None
    decision, options = max(parting, key=lambda each: len({number for _, _, number in each[1].values()}))
    return Question(
        id=decision,
        text=_text(decision, words.get(decision, "")),
        options=tuple(
            Option(id=option, label=label(decision, option, reading), preview=None if rows is None else preview(rows))
            for option, (reading, rows, _) in list(options.items())[:MOST_OPTIONS]
        ),
    )


def preview(rows: Rows) -> Rows:
    """The first rows."""
    return rows.model_copy(update={"rows": rows.rows[:PREVIEW_ROWS]})


def label(decision: str, option: str, reading: Reading) -> str:
    """An option in words."""
    kind = decision.partition(":")[0]
    if kind in {"column", "table"}:
        return " and ".join(_named(part) for part in option.split("+"))
    if kind == "link":
        return names.words(option.replace(",", " "))
    if option in _FIXED:
        return f"{_FIXED[option]}: {reading.words}" if reading.words else _FIXED[option]
    return reading.words or option


def _named(part: str) -> str:
    table, _, column = part.partition(".")
    return f"{names.words(column)} ({names.words(table)})" if column else names.words(table)


def _text(decision: str, words: str) -> str:
    kind = decision.partition(":")[0]
    if kind == "scope":
        return f"How is “{words}” meant?"
    if kind == "attachment":
        return f"Which part of “{words}” does the condition belong to?"
    if kind == "column":
        return f"What does “{words}” mean here?"
    if kind == "link":
        return f"Which {words} is meant?"
    if kind == "table":
        return f"Which “{words}” do you mean?"
    return "Which of these do you mean?"
