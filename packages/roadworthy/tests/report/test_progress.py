import io

import pytest
from rich.console import Console
from roadworthy.report.progress import Progress, ProgressListener

PLAN = [("start", "Starts and stops", 20.0), ("fault", "Database refused", 60.0)]
SHOW_CURSOR = "\x1b[?25h"


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def progress_on(clock: Clock, *, terminal: bool) -> tuple[Progress, io.StringIO]:
    out = io.StringIO()
    return Progress(Console(file=out, width=80, force_terminal=terminal, color_system=None), clock), out


def test_what_is_left_is_what_was_expected_of_the_rest(clock: Clock) -> None:
    progress, _ = progress_on(clock, terminal=False)
    progress.plan(PLAN)
    assert progress.remaining() == 80
    progress.started("start")
    clock.now = 15
    assert progress.remaining() == 65
    clock.now = 50  # longer than expected: nothing is left of it, but the rest stays
    assert progress.remaining() == 60
    progress.finished("start", "3 starts")
    progress.started("fault")
    progress.finished("fault", "done")
    assert progress.remaining() == 0


def test_without_a_terminal_it_writes_plain_lines(clock: Clock) -> None:
    progress, out = progress_on(clock, terminal=False)
    listener: ProgressListener = progress
    with progress:
        listener.plan(PLAN)
        listener.started("start")
        clock.now = 2
        listener.finished("start", "ready in 1.2 s")
        listener.message("one more thing: \x1b[31m[red]")
    assert out.getvalue().splitlines() == [
        "2 experiments, about 80 s",
        "[1/2] Starts and stops: started, about 20 s",
        "[1/2] Starts and stops: ready in 1.2 s (2.0 s)",
        "one more thing: \\x1b[31m[red]",
    ]


def test_without_a_terminal_notes_do_not_flood_the_log(clock: Clock) -> None:
    progress, out = progress_on(clock, terminal=False)
    progress.plan(PLAN)
    for number in range(100):
        clock.now = number * 0.1
        progress.note("fault", f"poll {number}")
    assert [line for line in out.getvalue().splitlines() if "poll" in line] == [
        "[2/2] Database refused: poll 0",
        "[2/2] Database refused: poll 50",
    ]


def test_a_terminal_shows_what_runs_and_how_long_is_left(clock: Clock) -> None:
    progress, _ = progress_on(clock, terminal=True)
    progress.plan(PLAN)
    progress.started("fault")
    progress.note("fault", "GET /ready: 200")
    clock.now = 12
    screen = io.StringIO()
    Console(file=screen, width=80).print(progress)
    assert "Database refused  12 s of about 60 s" in screen.getvalue()
    assert "GET /ready: 200" in screen.getvalue()
    assert "0 of 2 done, about 68 s left" in screen.getvalue()
    clock.now = 70
    Console(file=screen, width=80).print(progress)
    assert "longer than expected" in screen.getvalue()


def test_the_terminal_is_restored_even_after_an_error(clock: Clock) -> None:
    progress, out = progress_on(clock, terminal=True)

    def interrupted() -> None:
        with progress:
            progress.plan(PLAN)
            progress.started("start")
            assert SHOW_CURSOR not in out.getvalue()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert SHOW_CURSOR in out.getvalue()


def test_an_item_that_was_not_planned_is_shown_under_its_id(clock: Clock) -> None:
    progress, out = progress_on(clock, terminal=False)
    progress.started("replay:database")
    progress.finished("replay:database", "seen again")
    assert "[1/1] replay:database: seen again (<1 ms)" in out.getvalue()
