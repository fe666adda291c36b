"""Says what is being tried and how long is left, while an inspection runs."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self

from rich.console import Console, ConsoleOptions, Group, RenderResult
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from roadworthy.report.text import duration, printable

_QUIET_S = 5.0
"""Without a terminal, notes on the same item are written at most this often: a CI log is read from top to bottom."""


class ProgressListener(Protocol):
    """What a runner tells of its work. Ids are those of the plan."""

    def plan(self, items: Sequence[tuple[str, str, float]]) -> None:
        """Take the work to come: id, label and expected seconds of each item."""

    def started(self, item: str) -> None:
        """Hear that work on an item began."""

    def note(self, item: str, text: str) -> None:
        """Hear what is going on within an item."""

    def finished(self, item: str, text: str) -> None:
        """Hear that an item ended, and what it came to."""

    def message(self, text: str) -> None:
        """Hear something that belongs to no item."""


@dataclass
class _Item:
    label: str
    expected_s: float
    began: float | None = None
    done: bool = False
    note: str = ""
    noted_at: float = float("-inf")

    def remaining(self, now: float) -> float:
        if self.done:
            return 0.0
        return self.expected_s if self.began is None else max(0.0, self.expected_s - (now - self.began))


class Progress:
    """A live display on a terminal, and plain lines anywhere else. Leaving it restores the terminal, whatever happened.

    Args:
        console: where it writes.
        clock: the time in seconds; tests hold it still.
    """

    def __init__(self, console: Console, clock: Callable[[], float] = time.monotonic) -> None:
        self._console = console
        self._clock = clock
        self._items: dict[str, _Item] = {}
        self._spinner = Spinner("dots")
        self._live = Live(get_renderable=lambda: self, console=console, transient=True, refresh_per_second=8)

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    def plan(self, items: Sequence[tuple[str, str, float]]) -> None:
        """Add the work to come: id, label and expected seconds of each item."""
        for item, label, expected_s in items:
            self._items[item] = _Item(printable(label), expected_s)
        self._say(f"{len(self._items)} experiments, about {duration(self.remaining())}")

    def started(self, item: str) -> None:
        """Show that work on an item began."""
        entry = self._entry(item)
        entry.began = self._clock()
        if not self._live.is_started:
            about = f", about {duration(entry.expected_s)}" if entry.expected_s else ""
            self._say(f"{self._position(item)} {entry.label}: started{about}")

    def note(self, item: str, text: str) -> None:
        """Show what is going on within an item."""
        entry, now = self._entry(item), self._clock()
        changed = entry.note != (text := printable(text))
        entry.note = text
        if not self._live.is_started and changed and now - entry.noted_at >= _QUIET_S:
            entry.noted_at = now
            self._say(f"{self._position(item)} {entry.label}: {text}")

    def finished(self, item: str, text: str) -> None:
        """Show that an item ended, and what it came to."""
        entry = self._entry(item)
        entry.done = True
        took = "" if entry.began is None else f" ({duration(self._clock() - entry.began)})"
        self._say(f"{self._position(item)} {entry.label}: {printable(text)}{took}")

    def message(self, text: str) -> None:
        """Show something that belongs to no item."""
        self._say(printable(text))

    def remaining(self) -> float:
        """Estimate the seconds that are left, from what was expected of each item that is not done."""
        now = self._clock()
        return sum(entry.remaining(now) for entry in self._items.values())

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw the live part: what runs now, then what is left."""
        now = self._clock()
        items = list(self._items.values())
        lines: list[Table | Text] = [
            self._running(entry, now - entry.began) for entry in items if entry.began is not None and not entry.done
        ]
        if items:
            done = sum(entry.done for entry in items)
            left = self.remaining()
            ending = f"about {duration(left)} left" if left >= 1 else "nearly done"
            lines.append(Text(f"{done} of {len(items)} done, {ending}", style="dim"))
        yield Group(*lines)

    def _running(self, entry: _Item, elapsed: float) -> Table:
        late = ", longer than expected" if elapsed > entry.expected_s else f" of about {duration(entry.expected_s)}"
        row = Table.grid(padding=(0, 1))
        row.add_column(no_wrap=True)
        row.add_column(overflow="ellipsis", no_wrap=True)
        row.add_row(self._spinner, Text(f"{entry.label}  {duration(elapsed)}{late}"))
        if entry.note:
            row.add_row("", Text(entry.note, style="dim"))
        return row

    def _entry(self, item: str) -> _Item:
        """Return an item; one that was not planned is shown under its id."""
        return self._items.setdefault(item, _Item(printable(item), 0.0))

    def _position(self, item: str) -> str:
        total = len(self._items)
        return f"[{list(self._items).index(item) + 1:>{len(str(total))}}/{total}]"

    def _say(self, text: str) -> None:
        self._console.print(Text(text), soft_wrap=not self._console.is_terminal)
