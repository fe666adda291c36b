"""The catalogue of claims on a terminal, from the claims' own documentation."""

from collections.abc import Iterable
from itertools import groupby

from rich.console import Console
from rich.table import Table

from roadworthy.domain.claim import Claim


def render_catalogue(claims: Iterable[Claim], console: Console) -> None:
    """Print every claim, a line each, by category."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("claim", "severity", "statement"):
        table.add_column(column, overflow="fold", no_wrap=column == "severity")
    for category, members in groupby(claims, key=lambda claim: claim.category):
        table.add_row(f"[bold]{category}[/]", "", "")
        for claim in members:
            table.add_row(f"  {claim.id}", claim.severity.value, claim.statement)
    console.print(table)
    console.print("\nroadworthy claims CLAIM prints why it matters, how it is judged and how to make it true.")


def render_claim(claim: Claim, console: Console) -> None:
    """Print one claim's whole documentation."""

    def part(title: str, text: str) -> None:
        console.print(f"\n{title}", style="bold", highlight=False)
        console.print(_unwrapped(text), highlight=False, markup=False)

    console.print(f"{claim.id} ({claim.category}, {claim.severity.value})", style="bold", highlight=False)
    console.print(claim.statement, highlight=False, markup=False)
    part("Why it matters", claim.why)
    part("How it is judged", claim.how_judged)
    part("What could fool it", claim.false_positives)
    for remedy in claim.remedies:
        part(f"Remedy for {remedy.stack} ({remedy.effort})", remedy.text)
    if claim.references:
        part("See also", ", ".join(claim.references))


def _unwrapped(text: str) -> str:
    """Join the lines of each paragraph, so that the terminal can break them anew; lists and code keep their lines."""
    code = False
    joined: list[str] = []
    for line in text.strip().split("\n"):
        fence = line.startswith("```")
        continues = joined and joined[-1] and line and not code and not fence and not line.startswith(("- ", "    "))
        if continues and not joined[-1].startswith(("```", "    ")):
            joined[-1] += f" {line.strip()}"
        else:
            joined.append(line)
        code = code != fence
    return "\n".join(joined)
