"""The degrade table: for each dependency, what becomes of the service while it is down."""

from collections.abc import Sequence
from dataclasses import dataclass

from chassis.dependencies.declaration import Dependency


@dataclass(frozen=True, slots=True)
class DegradeRow:
    """One dependency.

    Args:
        dependency: its name.
        kind: such as ``sql``.
        required: whether the service cannot do without it.
        lost: what users miss while it is down.
        answer: what its callers get meanwhile.
        noticed_s: seconds until health tells of the loss, at most, when nobody calls it; real calls make it sooner.
        back_s: seconds until health tells of the return, at most.
    """

    dependency: str
    kind: str
    required: bool
    lost: str
    answer: str
    noticed_s: float
    back_s: float


def degrade_rows(dependencies: Sequence[Dependency]) -> list[DegradeRow]:
    """Return a row for each dependency, in the order of declaration."""
    return [
        DegradeRow(
            dependency=each.name,
            kind=each.kind,
            required=each.required,
            lost=each.lost or "everything: the service is not ready",
            answer="the fallback" if each.policy.fallback else "503 with Retry-After, unless the caller handles it",
            noticed_s=each.condition.rule.bound_s,
            back_s=each.condition.rule.return_bound_s,
        )
        for each in dependencies
    ]


def render_degrade_table(dependencies: Sequence[Dependency]) -> str:
    """Write the table as Markdown."""
    lines = [
        "| Dependency | Kind | Required | Lost while it is down | Its callers get | Noticed within | Back within |",
        "|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {row.dependency} | {row.kind} | {'yes' if row.required else 'no'} | {_cell(row.lost)} | {row.answer} "
        f"| {row.noticed_s:g} s | {row.back_s:g} s |"
        for row in degrade_rows(dependencies)
    ]
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
