"""Put the verdicts of a report into the README, between its two markers: python docs/verdict_table.py report.json."""

import json
import re
import sys
from pathlib import Path
from typing import Any

README = Path(__file__).resolve().parents[1] / "README.md"
BLOCK = re.compile(r"(?<=<!-- verdicts -->\n).*?(?=<!-- end of verdicts -->)", re.DOTALL)
ORDER = ("REFUTED", "UNPROVEN", "PROVEN", "NOT_APPLICABLE")
LONGEST = 170


def table(report: dict[str, Any]) -> str:
    """Return the block: how the inspection went, and a row for each claim."""
    claims = sorted(report["claims"], key=lambda claim: (ORDER.index(claim["verdict"]), claim["id"]))
    first = report["configurations"][0]
    went = (
        f"`{report['target']}`, configurations {', '.join(report['configurations'])}, profile {report['profile']}: "
        f"{len(claims)} claims in {report['seconds']:.0f} s on {report['environment']['cores']} cores. "
        f"Gate: {report['gate']['meaning']}, exit status {report['gate']['exit_status']}."
    )
    lines = [went, "", "| claim | verdict | what was seen |", "|---|---|---|"]
    for claim in claims:
        where = "" if claim["configuration"] == first else f"({claim['configuration']}) "
        verdict = f"UNPROVEN ({claim['reason']})" if claim["reason"] else claim["verdict"].replace("_", " ")
        seen = _cut(where + claim["summary"])
        lines.append(f"| [{claim['id']}](docs/claims/{claim['id']}.md) | {verdict} | {seen} |")
    return "\n".join(lines) + "\n"


def _cut(text: str) -> str:
    """Shorten at a word, and keep Markdown from reading anything into it."""
    short = text if len(text) <= LONGEST else text[: text.rindex(" ", 0, LONGEST)] + " ..."
    return re.sub(r"([|<>*\[\]])", r"\\\1", short)


def main() -> None:
    """Rewrite the README's block from the report named on the command line."""
    if len(sys.argv) != 2:
        sys.exit("usage: python docs/verdict_table.py REPORT_JSON")
    report = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    before = README.read_text(encoding="utf-8")
    if not BLOCK.search(before):
        sys.exit(f"{README.name} has no <!-- verdicts --> ... <!-- end of verdicts --> block to fill")
    README.write_text(BLOCK.sub(lambda _: table(report), before), encoding="utf-8")
    print(f"wrote the verdicts of {report['target']} ({report['started']}) to {README.name}")


if __name__ == "__main__":
    main()
