"""input-body-limited on literal evidence."""

from types import SimpleNamespace
from typing import Any

import pytest
from roadworthy.claims.input.input_body_limited import CLAIM
from roadworthy.domain.evidence import OversizedBodies, Poured

MIB = 2**20
WHOLE = 256 * MIB + 30


def poured(build: SimpleNamespace, shown: int | str = 413, framing: str = "content-length", **rest: Any) -> Poured:
    values: dict[str, Any] = {"sent_bytes": 3 * MIB, "grown_bytes": MIB, "hung_up": False, "processes_ended": 0}
    return Poured(framing, build.sample("POST /notes", shown), **{**values, **rest})


def bodies(build: SimpleNamespace, *seen: Poured, **rest: Any) -> OversizedBodies:
    values: dict[str, Any] = {
        "operation": "POST /notes",
        "operations": 5,
        "takers": 2,
        "body_bytes": 256 * MIB,
        "growth_bound_bytes": 128 * MIB,
        "answer_bound_s": 30.0,
        "control_before": build.sample("POST /notes", 201),
        "poured": seen,
        "control_after": build.sample("POST /notes", 201),
        "process_alive": True,
    }
    return OversizedBodies(experiment="oversized-body", **build.stamp, **{**values, **rest})


def both(build: SimpleNamespace, shown: int | str, **rest: Any) -> OversizedBodies:
    return bodies(build, poured(build, shown, **rest), poured(build, shown, "chunked", **rest))


@pytest.mark.parametrize("refusal", [413, 400, 411, 422, 501, "reset"])
def test_holds_when_each_is_refused_or_cut_off(build: SimpleNamespace, refusal: int | str) -> None:
    seen = both(build, refusal)
    assert build.label(CLAIM, seen) == "PROVEN"
    assert "A body of 256 MiB to POST /notes is refused" in build.finding(CLAIM, seen).summary


def test_reading_to_the_end_and_throwing_it_away_is_no_flaw(build: SimpleNamespace) -> None:
    assert build.label(CLAIM, both(build, 413, sent_bytes=WHOLE)) == "PROVEN"


def test_is_violated_when_it_holds_so_much_that_we_hung_up(build: SimpleNamespace) -> None:
    seen = both(build, "silent", hung_up=True, sent_bytes=150 * MIB, grown_bytes=140 * MIB)
    found = build.finding(CLAIM, seen)
    assert build.label(CLAIM, seen) == "REFUTED"
    assert "content-length: 150 MiB were taken and 140 MiB more memory was held, no answer yet" in found.summary
    assert len(found.exhibits) == 2


def test_is_violated_when_only_chunks_are_not_limited(build: SimpleNamespace) -> None:
    chunks = poured(build, "silent", "chunked", hung_up=True, sent_bytes=150 * MIB, grown_bytes=140 * MIB)
    found = build.finding(CLAIM, bodies(build, poured(build), chunks))
    assert build.label(CLAIM, bodies(build, poured(build), chunks)) == "REFUTED"
    assert found.summary.startswith("chunked: ")


@pytest.mark.parametrize(
    ("shown", "rest"),
    [
        (201, {"sent_bytes": WHOLE}),
        (422, {"sent_bytes": WHOLE, "grown_bytes": 300 * MIB}),
        (500, {}),
        ("silent", {"sent_bytes": 200 * MIB}),
        ("reset", {"processes_ended": 1}),
    ],
)
def test_is_violated_by_what_is_no_refusal(build: SimpleNamespace, shown: int | str, rest: dict[str, Any]) -> None:
    assert build.label(CLAIM, both(build, shown, **rest)) == "REFUTED"


def test_is_violated_when_the_process_ends(build: SimpleNamespace) -> None:
    seen = bodies(
        build, poured(build, "reset"), process_alive=False, control_after=build.sample("POST /notes", "refused")
    )
    assert build.label(CLAIM, seen) == "REFUTED"
    assert build.finding(CLAIM, seen).summary == "The process had ended after a body of 256 MiB."


@pytest.mark.parametrize(
    ("shown", "rest", "verdict"),
    [
        (429, {}, "UNPROVEN(no-control)"),
        (401, {}, "UNPROVEN(no-control)"),
        (404, {}, "UNPROVEN(no-control)"),
        (201, {}, "UNPROVEN(needs-input)"),
        ("silent", {}, "UNPROVEN(noisy)"),
        ("garbled", {}, "UNPROVEN(noisy)"),
        ("refused", {"sent_bytes": 0, "grown_bytes": 200 * MIB}, "UNPROVEN(noisy)"),
    ],
)
def test_other_reasons_to_turn_it_away_decide_nothing(
    build: SimpleNamespace, shown: int | str, rest: dict[str, Any], verdict: str
) -> None:
    assert build.label(CLAIM, both(build, shown, **rest)) == verdict


@pytest.mark.parametrize("control", [None, 422, "reset"])
def test_without_a_body_that_is_accepted_nothing_is_decided(build: SimpleNamespace, control: int | str | None) -> None:
    before = build.sample("POST /notes", control) if control else None
    assert build.label(CLAIM, bodies(build, control_before=before, control_after=None)) == "UNPROVEN(no-control)"


def test_a_service_that_is_ill_afterwards_has_not_kept_it(build: SimpleNamespace) -> None:
    seen = bodies(build, poured(build), control_after=build.sample("POST /notes", 503))
    assert build.label(CLAIM, seen) == "UNPROVEN(target-unhealthy)"


def test_does_not_apply_where_no_operation_takes_a_body(build: SimpleNamespace) -> None:
    nothing = {"operation": "", "control_before": None, "control_after": None}
    assert build.label(CLAIM, bodies(build, takers=0, **nothing)) == "NOT_APPLICABLE"
    assert build.label(CLAIM, bodies(build, takers=1, **nothing)) == "UNPROVEN(needs-input)"
    assert build.label(CLAIM, bodies(build, takers=0, operations=0, **nothing)) == "UNPROVEN(needs-input)"
