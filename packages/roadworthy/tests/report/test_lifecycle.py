from collections.abc import Callable
from dataclasses import replace

import pytest
from roadworthy.domain.evidence import Drain, Durability, Evidence, FaultWindow, Restarts, Sample, StartsAndStops
from roadworthy.domain.inspection import Inspection
from roadworthy.report.lifecycle import Stage, lifecycles
from roadworthy.report.observed import Mood

STAGES = ["start", "ready", "fault", "restore", "SIGTERM", "restart"]


def stages(*evidence: Evidence) -> dict[str, Stage]:
    (lifecycle,) = lifecycles(evidence)
    return {stage.name: stage for stage in lifecycle.stages}


@pytest.fixture
def observed(inspection: Inspection) -> Callable[[type[Evidence]], Evidence]:
    return lambda kind: next(item for item in inspection.evidence if isinstance(item, kind))


Observed = Callable[[type[Evidence]], Evidence]


def test_the_strip_shows_what_each_stage_took(inspection: Inspection) -> None:
    (lifecycle,) = lifecycles(inspection.evidence)
    assert [stage.name for stage in lifecycle.stages] == STAGES
    shown = {stage.name: [entry.shown for entry in stage.entries] for stage in lifecycle.stages}
    assert shown["start"] == ["700 ms"]
    assert shown["ready"] == ["1.2 s"]
    assert shown["fault"] == ["15 s", "15 s"]
    assert shown["SIGTERM"] == ["300 ms", "not shown to be in flight"]
    assert shown["restart"] == ["1.3 s", "1.5 s", "228 of 240 acknowledged writes found"]


def test_a_stage_that_nobody_tried_is_unknown(observed: Observed) -> None:
    found = stages(observed(StartsAndStops))
    assert found["ready"].mood is Mood.GOOD
    assert {found[name].mood for name in ("fault", "restore", "restart")} == {Mood.UNKNOWN}


def test_a_stage_is_as_bad_as_its_worst_entry_and_unknown_beats_good(inspection: Inspection) -> None:
    moods = {stage.name: stage.mood for stage in lifecycles(inspection.evidence)[0].stages}
    assert moods["restart"] is Mood.BAD
    assert moods["SIGTERM"] is Mood.UNKNOWN


def test_a_start_that_never_became_ready_is_bad(observed: Observed) -> None:
    runs = observed(StartsAndStops)
    assert isinstance(runs, StartsAndStops)
    broken = replace(runs, starts=(*runs.starts, replace(runs.starts[0], ready_s=None)))
    (entry,) = stages(broken)["ready"].entries
    assert (entry.mood, entry.shown, entry.detail) == (Mood.BAD, "never", "1 of 4 times")


def test_a_stop_that_leaves_processes_behind_is_bad(observed: Observed) -> None:
    runs = observed(StartsAndStops)
    assert isinstance(runs, StartsAndStops)
    leaky = replace(runs, stops=(replace(runs.stops[0], left_over=("worker 12",)),))
    assert stages(leaky)["SIGTERM"].entries[0].detail == "left behind: worker 12"
    assert stages(leaky)["SIGTERM"].mood is Mood.BAD


@pytest.mark.parametrize(
    ("changes", "mood"),
    [
        ({}, Mood.GOOD),
        ({"transaction_recovered_s": None}, Mood.BAD),
        ({"readiness_recovered_s": None}, Mood.BAD),
        ({"readiness": (), "readiness_recovered_s": None}, Mood.GOOD),
        ({"restarted": True}, Mood.BAD),
        ({"hits": 0}, Mood.UNKNOWN),
    ],
)
def test_how_a_restore_reads(fault_window: Callable[..., FaultWindow], changes: dict[str, object], mood: Mood) -> None:
    assert stages(fault_window("refused", **changes))["restore"].mood is mood


def test_a_process_that_dies_of_a_fault_is_bad(fault_window: Callable[..., FaultWindow]) -> None:
    assert stages(fault_window("silent", process_alive=False))["fault"].mood is Mood.BAD


@pytest.mark.parametrize(("status", "mood"), [(201, Mood.GOOD), (503, Mood.BAD), (None, Mood.BAD)])
def test_a_request_in_flight_reads_as_it_was_answered(
    observed: Observed, make_sample: Callable[..., Sample], status: int | None, mood: Mood
) -> None:
    drain = observed(Drain)
    assert isinstance(drain, Drain)
    seen = replace(drain, in_flight=True, request=make_sample("create", status))
    assert stages(seen)["SIGTERM"].mood is mood


def test_an_object_that_is_gone_after_a_restart_is_bad(observed: Observed, make_sample: Callable[..., Sample]) -> None:
    restarts = observed(Restarts)
    assert isinstance(restarts, Restarts)
    gone = replace(restarts, restarts=(replace(restarts.restarts[1], read_back=make_sample("read", 404)),))
    assert stages(gone)["restart"].entries[0].detail == "reading the object: 404"
    assert stages(gone)["restart"].mood is Mood.BAD


@pytest.mark.parametrize(
    ("changes", "mood"),
    [
        ({}, Mood.BAD),
        ({"lost": (), "found": 240}, Mood.GOOD),
        ({"lost": (), "found": 200, "unreadable": 40}, Mood.UNKNOWN),
        ({"lost": (), "acknowledged": 0}, Mood.UNKNOWN),
        ({"restarted": False}, Mood.BAD),
    ],
)
def test_how_writes_during_a_kill_read(observed: Observed, changes: dict[str, object], mood: Mood) -> None:
    durability = observed(Durability)
    assert isinstance(durability, Durability)
    assert stages(replace(durability, **changes))["restart"].mood is mood  # type: ignore[arg-type]


def test_there_is_no_strip_without_evidence() -> None:
    assert lifecycles(()) == ()
