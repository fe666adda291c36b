"""The report for people at a terminal. It reads well at 80 columns and without colour."""

from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from roadworthy.domain.inspection import GATE_PASSED, ClaimResult, Inspection
from roadworthy.domain.verdict import Verdict
from roadworthy.report.lifecycle import Lifecycle, lifecycles
from roadworthy.report.lists import first_remedy, gate_line, title, with_verdict
from roadworthy.report.matrix import NOT_TRIED, Cell, Matrix, matrices
from roadworthy.report.observed import LEGEND, Mood
from roadworthy.report.text import count, cut, duration, moment, printable

_STYLE = {
    Verdict.REFUTED: "bold red",
    Verdict.UNPROVEN: "bold yellow",
    Verdict.PROVEN: "bold green",
    Verdict.NOT_APPLICABLE: "bold",
}
_MOOD_STYLE = {Mood.GOOD: "green", Mood.BAD: "red", Mood.NEUTRAL: "", Mood.UNKNOWN: "yellow"}
_ASCII = str.maketrans({"✓": "+", "✗": "x", "·": "-", "○": "o", "…": "...", "→": "->"})
_TEXT_LIMIT = 600
_COPIED_LIMIT = 8_000  # a command that is cut no longer works
_ROW_LIMIT = 30
_CELL_WIDTH = 15


def render(inspection: Inspection, console: Console, report: str = "") -> None:
    """Print an inspection; ``report`` is where the full report is, or ""."""
    page = _Page(console)
    page.header(inspection)
    nothing_ran = bool(inspection.error) and all(each.verdict is Verdict.UNPROVEN for each in inspection.results)
    # One line says it all then: a "not run" for each claim would hide it.
    for verdict in () if nothing_ran else (Verdict.REFUTED, Verdict.UNPROVEN):
        page.list_in_full(with_verdict(inspection, verdict), verdict, inspection)
    for verdict in (Verdict.PROVEN, Verdict.NOT_APPLICABLE):
        page.list_compactly(with_verdict(inspection, verdict), verdict)
    for matrix in matrices(inspection.evidence, inspection.exchanges):
        page.matrix(matrix, named=len(inspection.configurations) > 1)
    for lifecycle in lifecycles(inspection.evidence):
        page.lifecycle(lifecycle, named=len(inspection.configurations) > 1)
    page.ending(inspection, report)


class _Page:
    """Prints the parts of a report, one below the other."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def header(self, inspection: Inspection) -> None:
        """Print what was inspected, how and when."""
        self._line(f"Roadworthy {inspection.tool_version}: {inspection.target}", style="bold")
        if inspection.command:
            self._line(inspection.command, style="dim", copied=True)
        facts = [f"profile {inspection.profile}"]
        if inspection.configurations:
            facts.append(
                f"{_plural('configuration', inspection.configurations)} {', '.join(inspection.configurations)}"
            )
        facts += [moment(inspection.started), duration(inspection.seconds)]
        self._line(" · ".join(facts), style="dim")
        if inspection.error:
            self._heading("The target could not be run", "bold red")
            self._line(inspection.error, indent=2)

    def list_in_full(self, results: Sequence[ClaimResult], verdict: Verdict, inspection: Inspection) -> None:
        """Print the results that somebody has to act on."""
        if not results:
            return
        self._heading(f"{verdict} ({len(results)})", _STYLE[verdict])
        for result in results:
            judgement = result.judgement
            mark, told = _mark(result)
            self._line(f"{mark} {title(result)}", style="bold", indent=2)
            self._line(f"{told} · {result.claim.id}", indent=4, style="dim")
            self._line(judgement.summary, indent=4)
            if verdict is Verdict.UNPROVEN and judgement.decidable_by:
                self._line(f"decidable by: {judgement.decidable_by}", indent=4)
            if result.replay:
                self._line(f"replay: {result.replay}", indent=4, copied=True)
            if verdict is Verdict.REFUTED and (remedy := first_remedy(result)):
                self._line(f"remedy ({remedy[0].stack}, {remedy[0].effort}): {remedy[1]}", indent=4)
            if result.waiver:
                self._line(result.waiver.shown(inspection.today), indent=4, style="bold")
            self._console.print()

    def list_compactly(self, results: Sequence[ClaimResult], verdict: Verdict) -> None:
        """Print the results that ask for nothing, a line or two each."""
        if not results:
            return
        self._heading(f"{verdict.replace('_', ' ')} ({len(results)})", _STYLE[verdict])
        table = Table.grid(padding=(0, 2))
        table.add_column(no_wrap=True)
        table.add_column()
        sign = "✓" if verdict is Verdict.PROVEN else "○"
        for result in results:
            expired = " · its waiver is not needed" if result.waiver else ""
            table.add_row(
                self._text(f"  {sign} {result.claim.id}"), self._text(result.judgement.summary + expired, style="dim")
            )
        self._console.print(table)

    def matrix(self, matrix: Matrix, *, named: bool) -> None:
        """Print the matrix, in as many tables below each other as the width asks for."""
        self._heading("Endpoints during dependency faults" + _of(matrix.configuration, named))
        rows = matrix.rows[:_ROW_LIMIT]
        label_width = min(30, max(len(printable(row.name)) for row in rows))
        per_table = max(1, (self._console.width - label_width - 3) // (_CELL_WIDTH + 2))
        tried = [n for n in range(len(matrix.columns)) if any(row.cells[n] is not NOT_TRIED for row in rows)]
        for first in range(0, len(tried), per_table):
            shown = tried[first : first + per_table]
            table = Table(box=box.SIMPLE_HEAD, padding=(0, 1), show_edge=False)
            table.add_column("", width=label_width, overflow="fold")
            for number in shown:
                table.add_column(self._text(matrix.columns[number].name), width=_CELL_WIDTH, vertical="bottom")
            for row in rows:
                table.add_row(self._text(row.name), *(self._cell(row.cells[number]) for number in shown))
            self._console.print(table)
            self._console.print()
        if len(matrix.rows) > len(rows):
            self._line(f"{len(matrix.rows) - len(rows)} more endpoints are in the full report", indent=1)
        for number, column in enumerate(matrix.columns):
            if column.note:
                unknown = "" if number in tried else f"{Mood.UNKNOWN.symbol} "
                self._line(f"{unknown}{column.name}: {column.note}", indent=1, style="dim")
        self._line("   ".join(f"{mood.symbol} {words}" for mood, words in LEGEND.items()), indent=1, style="dim")

    def lifecycle(self, lifecycle: Lifecycle, *, named: bool) -> None:
        """Print the life of the service, a stage below the other."""
        self._heading("Life of the service" + _of(lifecycle.configuration, named))
        table = Table.grid(padding=(0, 2, 0, 0))
        for _ in range(2):
            table.add_column(no_wrap=True)
        table.add_column()
        for stage in lifecycle.stages:
            for number, entry in enumerate(stage.entries):
                name = "" if number else stage.name
                said = " · ".join(filter(None, (entry.shown, entry.detail)))
                sign = self._text(f"{entry.mood.symbol} ", style=_MOOD_STYLE[entry.mood])
                table.add_row(self._text(f"  {name}", style="bold"), self._text(entry.label), sign + self._text(said))
        self._console.print(table)

    def ending(self, inspection: Inspection, report: str) -> None:
        """Print the warnings, then what most people came for: the gate."""
        if inspection.warnings:
            self._heading("Warnings", "bold yellow")
            for warning in inspection.warnings:
                self._line(warning, indent=2)
        self._console.print()
        self._console.print(Rule(style="dim", characters="─" if self._wide else "-"))
        counts = (f"{len(with_verdict(inspection, each))} {each.replace('_', ' ').lower()}" for each in Verdict)
        if inspection.results:
            self._line(f"{count(len(inspection.results), 'claim')}: {', '.join(counts)}")
        self._line(gate_line(inspection), style="bold green" if inspection.exit_status() == GATE_PASSED else "bold red")
        if report:
            self._line(f"Report: {report}", copied=True)

    @property
    def _wide(self) -> bool:
        return self._console.encoding.lower().startswith("utf")

    def _text(self, text: str, style: str = "", limit: int = _TEXT_LIMIT) -> Text:
        """Return text that cannot command the terminal and that its encoding can carry."""
        shown = printable(cut(text, limit))
        if not self._wide:
            shown = shown.translate(_ASCII).encode("ascii", "backslashreplace").decode()
        return Text(shown, style=style)

    def _line(self, text: str, *, style: str = "", indent: int = 0, copied: bool = False) -> None:
        """Print a paragraph; one that is there to be copied is left to the terminal to wrap."""
        if copied:
            self._console.print(Text(" " * indent) + self._text(text, style, _COPIED_LIMIT), soft_wrap=True)
        else:
            self._console.print(Padding(self._text(text, style), (0, 0, 0, indent), expand=False))

    def _heading(self, text: str, style: str = "bold") -> None:
        self._console.print()
        self._line(text, style=style)

    def _cell(self, cell: Cell) -> Text:
        took = "" if cell.seconds is None else f" {duration(cell.seconds)}"
        return self._text(f"{cell.mood.symbol} {cell.shown}{took}", style=_MOOD_STYLE[cell.mood])


def _mark(result: ClaimResult) -> tuple[str, str]:
    gates = "gates" if result.gating else "does not gate"
    if result.verdict is Verdict.REFUTED:
        return "✗", f"{result.claim.severity.upper()} · {gates}"
    return "?", f"{result.judgement.label} · {result.claim.severity} · {gates}"


def _of(configuration: str, named: bool) -> str:
    return f" (configuration {configuration})" if named else ""


def _plural(noun: str, things: Sequence[object]) -> str:
    return noun if len(things) == 1 else f"{noun}s"
