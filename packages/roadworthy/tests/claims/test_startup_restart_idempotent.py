"""startup-restart-idempotent on literal evidence."""

from types import SimpleNamespace
from typing import Any

import pytest
from roadworthy.claims.startup.startup_restart_idempotent import CLAIM
from roadworthy.domain.evidence import Restart, Restarts


def restarts(build: SimpleNamespace, *reads: int | str, **rest: Any) -> Restarts:
    """Two restarts, with what the read after each was answered."""
    made = tuple(
        Restart(how, started=True, seconds=1.5, read_back=build.sample("read", read))
        for how, read in zip(("sigterm", "sigkill"), reads, strict=False)
    )
    values = {"written": build.sample("create", 201), "read_before": build.sample("read"), "restarts": made}
    return Restarts(experiment="restart", **build.stamp, **{**values, **rest})


DEAD = Restart("sigkill", started=False, seconds=30.0, read_back=None, log_tail=("lock file exists",))


def test_holds_when_it_comes_back_twice_with_its_data(build: SimpleNamespace) -> None:
    assert build.label(CLAIM, restarts(build, 200, 200), build.discovery()) == "PROVEN"


@pytest.mark.parametrize("reads", [(404, 404), (200, 404), (404, 200), (410, 410)])
def test_is_violated_when_the_data_are_gone(build: SimpleNamespace, reads: tuple[int, int]) -> None:
    assert build.label(CLAIM, restarts(build, *reads), build.discovery()) == "REFUTED"
    assert "is gone" in build.finding(CLAIM, restarts(build, *reads), build.discovery()).summary


def test_is_violated_when_something_else_comes_back(build: SimpleNamespace) -> None:
    other = Restart("sigterm", started=True, seconds=1.0, read_back=build.sample("read", 200, ok=False))
    assert build.label(CLAIM, restarts(build, restarts=(other,))) == "REFUTED"


def test_is_violated_when_it_does_not_start_again(build: SimpleNamespace) -> None:
    first = restarts(build, 200).restarts[0]
    seen = restarts(build, restarts=(first, DEAD))
    assert build.label(CLAIM, seen, build.discovery()) == "REFUTED"
    found = build.finding(CLAIM, seen, build.discovery())
    assert "after kill -9" in found.summary
    assert "lock file exists" in found.summary


def test_not_starting_again_is_wrong_without_data_too(build: SimpleNamespace) -> None:
    seen = restarts(build, written=None, read_before=None, restarts=(DEAD,))
    assert build.label(CLAIM, seen, build.discovery(stateless=True, transaction=())) == "REFUTED"


@pytest.mark.parametrize("read", [401, 403, 429, 500, 302, "reset", "silent"])
def test_a_read_that_says_nothing_about_the_object_decides_nothing(build: SimpleNamespace, read: int | str) -> None:
    assert build.label(CLAIM, restarts(build, 200, read), build.discovery()) == "UNPROVEN(target-unhealthy)"


def test_an_answer_that_broke_off_says_nothing_either(build: SimpleNamespace) -> None:
    broke_off = build.sample("read", "reset", status=404)
    restart = Restart("sigterm", started=True, seconds=1.0, read_back=broke_off)
    assert build.label(CLAIM, restarts(build, restarts=(restart,))) == "UNPROVEN(target-unhealthy)"


def test_does_not_apply_to_a_service_that_stores_nothing(build: SimpleNamespace) -> None:
    made = tuple(Restart(how, started=True, seconds=1.0, read_back=None) for how in ("sigterm", "sigkill"))
    seen = restarts(build, written=None, read_before=None, restarts=made)
    assert build.label(CLAIM, seen, build.discovery(stateless=True, transaction=())) == "NOT_APPLICABLE"
    assert build.label(CLAIM, seen, build.discovery(transaction=())) == "UNPROVEN(needs-input)"
    assert build.label(CLAIM, seen, build.discovery()) == "UNPROVEN(needs-input)"


def test_needs_an_object_that_could_be_read_before(build: SimpleNamespace) -> None:
    assert build.label(CLAIM, restarts(build, 404, 404, written=build.sample("create", 500))) == "UNPROVEN(no-control)"
    assert build.label(CLAIM, restarts(build, 404, 404, read_before=None)) == "UNPROVEN(no-control)"


def test_needs_both_kinds_of_restart(build: SimpleNamespace) -> None:
    assert build.label(CLAIM, restarts(build, 200)) == "UNPROVEN(not-run)"
    assert build.label(CLAIM, restarts(build)) == "UNPROVEN(not-run)"
