import io
from dataclasses import replace

import pytest
from rich.console import Console
from roadworthy.domain.inspection import Inspection
from roadworthy.report.terminal import render


def shown(inspection: Inspection, width: int = 80) -> str:
    console = Console(file=io.StringIO(), width=width, force_terminal=False)
    render(inspection, console, "reports/report.html")
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_everything_that_somebody_has_to_act_on_is_there(inspection: Inspection) -> None:
    text = shown(inspection)
    for words in (
        "Roadworthy 0.1.0: bookings",
        "configurations default, lite",
        "REFUTED (5)",
        "CRITICAL · gates · durable-acked-writes",
        "12 of 240 acknowledged writes were gone after kill -9 and a restart.",
        "remedy (FastAPI, 10 minutes): Ask the pool in the readiness endpoint",
        "waived until 2026-12-01 by Ana: fixed with the new driver",
        "waiver EXPIRED on 2026-10-01 by Ben: moving to JSON",
        "UNPROVEN(flaky 1/2) · critical · gates · database-silent-bounded",
        "decidable by: a request that takes 2 s: [slow] in roadworthy.toml",
        "PROVEN (2)",
        "NOT APPLICABLE (1)",
        "? cache faulty: no fault was tried",
        "killed while writing",
        "10 claims: 2 proven, 5 refuted, 2 unproven, 1 not applicable",
        "Gate (profile standard): 2 gating claims refuted (1 waived) -> exit status 1",
        "Report: reports/report.html",
    ):
        assert words in text


def test_the_lists_come_in_the_order_in_which_they_matter(inspection: Inspection) -> None:
    text = shown(inspection)
    order = ["REFUTED (", "UNPROVEN (", "\nPROVEN (", "NOT APPLICABLE (", "Endpoints", "Life", "Warnings", "Gate ("]
    assert [text.index(each) for each in order] == sorted(text.index(each) for each in order)


@pytest.mark.parametrize("width", [60, 80, 120])
def test_no_line_is_wider_than_the_terminal_but_those_to_copy(inspection: Inspection, width: int) -> None:
    wide = [line for line in shown(inspection, width).splitlines() if len(line) > width]
    assert all(line.strip().startswith(("replay:", "Report:")) for line in wide)


def test_a_command_to_copy_is_on_one_line(inspection: Inspection) -> None:
    command = "roadworthy replay readiness-false-when-dependency-down --recording .roadworthy/bookings.recording"
    assert f"replay: {command}\n" in shown(inspection, 60)


def test_what_the_service_said_cannot_command_the_terminal(inspection: Inspection, hostile: str) -> None:
    text = shown(replace(inspection, target=hostile, command=hostile, profile=hostile))
    assert not set(text) & set("\x1b\x00\ud800\u202e")
    assert "[red]markup[/red]" in text  # shown as it is, not obeyed


def test_it_can_be_written_where_only_ascii_can(inspection: Inspection) -> None:
    raw = io.BytesIO()
    console = Console(file=io.TextIOWrapper(raw, encoding="ascii", write_through=True), width=80, force_terminal=False)
    render(inspection, console)
    assert b"x Acknowledged writes are lost" in raw.getvalue()


def test_colour_adds_no_words(inspection: Inspection) -> None:
    console = Console(file=io.StringIO(), width=80, force_terminal=True, color_system="truecolor", record=True)
    render(inspection, console, "reports/report.html")
    assert console.export_text(styles=False).split() == shown(inspection).split()


def test_a_target_that_could_not_be_run_says_why(failed: Inspection) -> None:
    text = shown(failed)
    assert "The target could not be run" in text
    assert "uvicorn exited with status 1" in text
    assert "exit status 2" in text


def test_an_inspection_without_evidence_shows_its_unproven_claims(without_evidence: Inspection) -> None:
    text = shown(without_evidence)
    assert "UNPROVEN (10)" in text
    assert "UNPROVEN(not-run)" in text
    assert "Endpoints during" not in text
