from collections.abc import Callable, Sequence

import pytest
from roadworthy.domain.evidence import Answer, Evidence, FaultWindow, Sample
from roadworthy.domain.inspection import Inspection
from roadworthy.report.matrix import Cell, Column, Matrix, matrices
from roadworthy.report.observed import Mood

Window = Callable[..., FaultWindow]
MakeSample = Callable[..., Sample]


def drawn(*evidence: Evidence) -> Matrix:
    (matrix,) = matrices(evidence, {})
    return matrix


def cell(matrix: Matrix, row: str, column: int = 1) -> Cell:
    return next(each.cells[column] for each in matrix.rows if each.name == row)


def test_each_configuration_has_its_own_matrix_with_a_cell_for_every_row_and_column(inspection: Inspection) -> None:
    found = matrices(inspection.evidence, inspection.exchanges)
    assert [matrix.configuration for matrix in found] == ["default", "lite"]
    for matrix in found:
        assert all(len(row.cells) == len(matrix.columns) for row in matrix.rows)


def test_rows_are_the_steps_in_order_then_health_then_other_endpoints(inspection: Inspection) -> None:
    matrix = matrices(inspection.evidence, inspection.exchanges)[0]
    assert [row.name for row in matrix.rows] == [
        "POST create",
        "GET read",
        "PUT update",
        "DELETE delete",
        "GET /health",
        "GET /bookings",
        "GET /metrics",
    ]


def test_columns_are_healthy_then_each_fault_and_each_dependency_that_met_none(inspection: Inspection) -> None:
    matrix = matrices(inspection.evidence, inspection.exchanges)[0]
    assert [column.name for column in matrix.columns] == [
        "healthy",
        "database refused",
        "database silent",
        "cache faulty",
    ]


def test_a_fault_that_could_not_be_tried_is_a_column_of_unknown_cells(inspection: Inspection) -> None:
    lite = matrices(inspection.evidence, inspection.exchanges)[1]
    assert Column("database silent", "not run: the budget was spent") in lite.columns
    untried = [c.name for c in lite.columns].index("database silent")
    assert {row.cells[untried].mood for row in lite.rows} == {Mood.UNKNOWN}


@pytest.mark.parametrize(
    ("fault", "answer", "mood"),
    [
        ("refused", {"status": 503}, Mood.GOOD),
        ("refused", {"status": 503, "seconds": 11.0}, Mood.BAD),  # later than the bound
        ("refused", {"status": 201}, Mood.NEUTRAL),  # the same as when healthy
        ("refused", {"status": 400}, Mood.BAD),
        ("silent", {"status": 400}, Mood.NEUTRAL),
        ("refused", {"status": None, "answer": Answer.RESET}, Mood.BAD),
        ("silent", {"status": None, "answer": Answer.RESET}, Mood.NEUTRAL),
        ("silent", {"status": None, "answer": Answer.SILENT}, Mood.BAD),
        ("silent", {"status": None, "answer": Answer.REFUSED}, Mood.BAD),
        ("silent", {"status": None, "answer": Answer.GARBLED}, Mood.BAD),
    ],
)
def test_how_a_request_during_a_fault_reads(
    fault_window: Window, make_sample: MakeSample, fault: str, answer: dict[str, object], mood: Mood
) -> None:
    request = make_sample("create", **answer)
    assert cell(drawn(fault_window(fault, requests=(request,))), "create").mood is mood


def test_a_fault_that_reached_nobody_shows_nothing(fault_window: Window) -> None:
    matrix = drawn(fault_window("refused", hits=0))
    assert {row.cells[1].mood for row in matrix.rows} == {Mood.UNKNOWN}
    assert matrix.columns[1].note == "did not reach the service"


def test_of_many_requests_the_worst_is_shown_with_their_number(fault_window: Window, make_sample: MakeSample) -> None:
    burst = (*(make_sample("create", 503, 1.0) for _ in range(19)), make_sample("create", None, 30.0))
    shown = cell(drawn(fault_window("silent", requests=burst)), "create")
    assert (shown.mood, shown.shown, shown.note) == (Mood.BAD, "silent", "worst of 20 requests, no answer")


def polls(make_sample: MakeSample, *statuses: int | None, what: str = "GET /health") -> Sequence[Sample]:
    return tuple(make_sample(what, status, 0.01, 10.0 + number) for number, status in enumerate(statuses))


def test_a_health_endpoint_that_turns_is_good_and_says_when(fault_window: Window, make_sample: MakeSample) -> None:
    shown = cell(drawn(fault_window("refused", readiness=polls(make_sample, 200, 200, 503))), "GET /health")
    assert (shown.mood, shown.shown, shown.note) == (Mood.GOOD, "503", "after 2.0 s")


def test_a_health_endpoint_that_stays_up_while_requests_fail_is_bad(fault_window: Window) -> None:
    assert cell(drawn(fault_window("refused")), "GET /health").mood is Mood.BAD


def test_a_health_endpoint_that_stays_up_beside_one_that_turns_is_not_bad(
    fault_window: Window, make_sample: MakeSample
) -> None:
    readiness = (*polls(make_sample, 200, 200), *polls(make_sample, 200, 503, what="GET /ready"))
    matrix = drawn(fault_window("refused", readiness=readiness))
    assert cell(matrix, "GET /health").mood is Mood.NEUTRAL
    assert cell(matrix, "GET /ready").mood is Mood.GOOD


def test_liveness_should_stay_up(fault_window: Window) -> None:
    assert cell(drawn(fault_window("refused", liveness_paths=("/health",))), "GET /health").mood is Mood.GOOD


def test_a_health_endpoint_with_no_request_beside_it_is_unknown(fault_window: Window) -> None:
    assert cell(drawn(fault_window("refused", requests=())), "GET /health").mood is Mood.UNKNOWN


def test_a_health_endpoint_that_was_never_healthy_told_nothing(fault_window: Window, make_sample: MakeSample) -> None:
    window = fault_window("refused", before=polls(make_sample, 503), readiness=polls(make_sample, 503))
    assert cell(drawn(window), "GET /health").mood is Mood.NEUTRAL


def test_replays_are_not_drawn_again(fault_window: Window) -> None:
    matrix = drawn(fault_window("refused", trial=2), fault_window("refused", trial=1, hits=3))
    assert [column.note for column in matrix.columns] == ["", "reached the service 3 times"]


def test_there_is_no_matrix_without_evidence() -> None:
    assert matrices((), {}) == ()
