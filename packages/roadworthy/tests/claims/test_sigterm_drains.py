"""sigterm-drains on literal evidence."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from roadworthy.claims.shutdown.sigterm_drains import CLAIM
from roadworthy.domain.evidence import Drain


def drain(build: SimpleNamespace, request: int | str = 201, **rest: Any) -> Drain:
    """A create in flight at the signal."""
    values = {
        "stimulus": "a create held up by the answers of database",
        "control": build.sample("control", 201),
        "in_flight": True,
        "verified_by": "120 bytes were held at the proxy",
        "request": build.sample("in flight", request, seconds=1.2),
        "signalled_after_s": 0.2,
        "exited_s": 1.3,
        "exit_status": 0,
    }
    return Drain(experiment="sigterm-in-flight", **build.stamp, **{**values, **rest})


def test_holds_when_it_is_answered(build: SimpleNamespace) -> None:
    assert build.label(CLAIM, drain(build)) == "PROVEN"


@pytest.mark.parametrize("answer", ["reset", "refused", "garbled", 503, 500, 404])
def test_is_violated_when_it_is_dropped(build: SimpleNamespace, answer: int | str) -> None:
    assert build.label(CLAIM, drain(build, answer)) == "REFUTED"


def test_our_own_time_out_decides_nothing(build: SimpleNamespace) -> None:
    assert build.label(CLAIM, drain(build, "silent")) == "UNPROVEN(noisy)"


@pytest.mark.parametrize("seen", [{"in_flight": False}, {"control": None}])
def test_needs_a_request_that_was_in_flight_and_works(build: SimpleNamespace, seen: dict[str, object]) -> None:
    assert build.label(CLAIM, drain(build, "reset", **seen)) == "UNPROVEN(no-control)"


def test_needs_a_control_that_works(build: SimpleNamespace) -> None:
    assert build.label(CLAIM, drain(build, "reset", control=build.sample("control", 500))) == "UNPROVEN(no-control)"


def test_an_exit_that_was_not_seen_does_not_matter(build: SimpleNamespace) -> None:
    assert build.label(CLAIM, drain(build, exited_s=None, exit_status=None)) == "PROVEN"


def test_a_request_that_could_not_be_sent_decides_nothing(build: SimpleNamespace) -> None:
    assert build.label(CLAIM, replace(drain(build), request=None)) == "UNPROVEN(no-control)"


def test_a_signal_that_was_not_noticed_proves_nothing(build: SimpleNamespace) -> None:
    deaf = drain(build, noticed=False, exited_s=None, exit_status=None)
    assert build.label(CLAIM, deaf) == "UNPROVEN(fault-not-fired)"
    assert build.label(CLAIM, drain(build, "reset", noticed=False)) == "REFUTED"
