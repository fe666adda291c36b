"""Write docs/claims from the claims' own documentation: a page each, and an index. `make docs` runs it."""

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

from roadworthy.claims.catalogue import catalogue
from roadworthy.domain.claim import Claim

FOLDER = Path(__file__).resolve().parent / "claims"
INDEX = "README.md"
INTRODUCTION = """\
Each is one statement about a service that can be true or false. Its page says why it matters, how it is judged, what
could fool the experiment, and how to make it true. `roadworthy claims` prints the same."""


def pages(claims: Sequence[Claim]) -> dict[str, str]:
    """Return every page, by its file name."""
    return {INDEX: _index(claims)} | {f"{claim.id}.md": _page(claim) for claim in claims}


def _index(claims: Sequence[Claim]) -> str:
    parts = [
        "<!-- Written by `make docs` from the claims themselves. Do not edit. -->",
        "# The claims",
        INTRODUCTION,
    ]
    for category, members in groupby(claims, key=lambda claim: claim.category):
        rows = [f"| [{claim.id}]({claim.id}.md) | {claim.severity.value} | {claim.statement} |" for claim in members]
        parts.append(f"## {category.capitalize()}")
        parts.append("\n".join(["| claim | severity | statement |", "|---|---|---|", *rows]))
    return _document(parts)


def _page(claim: Claim) -> str:
    source = f"packages/roadworthy/src/{claim.judge.__module__.replace('.', '/')}.py"
    evidence = ", ".join(f"`{kind.__name__}`" for kind in claim.requires)
    parts = [
        f"<!-- Written by `make docs` from {source}. Do not edit. -->",
        f"# {claim.id}",
        f"**{claim.statement}**",
        f"Severity {claim.severity.value}. When it is refuted, reports say: *{claim.refuted_title}*.",
        f"Its judge is handed this evidence: {evidence}.",
        "## Why it matters",
        claim.why,
        "## How it is judged",
        claim.how_judged,
        "## What could fool it",
        claim.false_positives,
        "## How to make it true",
    ]
    for remedy in claim.remedies:
        parts += [f"### {remedy.stack} ({remedy.effort})", remedy.text]
    if claim.references:
        parts += ["## See also", "\n".join(f"- {reference}" for reference in claim.references)]
    return _document(parts)


def _document(parts: Sequence[str]) -> str:
    return "\n\n".join(part.strip() for part in parts) + "\n"


def main() -> None:
    """Write the pages, and remove those of claims that are gone."""
    wanted = pages(catalogue())
    FOLDER.mkdir(exist_ok=True)
    for gone in (page for page in FOLDER.glob("*.md") if page.name not in wanted):
        gone.unlink()
    for name, text in wanted.items():
        (FOLDER / name).write_text(text, encoding="utf-8")
    print(f"wrote {len(wanted)} pages to docs/claims")


if __name__ == "__main__":
    main()
