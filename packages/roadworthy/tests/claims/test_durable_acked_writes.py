"""durable-acked-writes on literal evidence."""

from types import SimpleNamespace

import pytest
from roadworthy.claims.durability.durable_acked_writes import CLAIM
from roadworthy.domain.evidence import MissingEvidenceError


def test_holds_when_all_are_found_and_says_what_that_does_not_prove(build: SimpleNamespace) -> None:
    assert build.label(CLAIM, build.durability(), build.discovery()) == "PROVEN"
    found = build.finding(CLAIM, build.durability(), build.discovery())
    assert "40 acknowledged, 40 found, 0 lost, 0 unreadable, 4 unknown" in found.summary
    assert "power loss" in found.scope


def test_is_violated_by_one_that_is_gone(build: SimpleNamespace) -> None:
    lost = build.durability(found=39, lost=(build.sample("read", 404),))
    assert build.label(CLAIM, lost, build.discovery()) == "REFUTED"
    assert "1 of 40" in build.finding(CLAIM, lost, build.discovery()).summary


def test_counts_all_that_were_lost_even_if_few_reads_are_kept(build: SimpleNamespace) -> None:
    lost = build.durability(found=3, unreadable=1, lost=(build.sample("read", 404),) * 20)
    assert "36 of 40" in build.finding(CLAIM, lost, build.discovery()).summary


def test_a_changed_object_is_lost(build: SimpleNamespace) -> None:
    changed = build.durability(found=39, lost=(build.sample("read", 200, ok=False),))
    assert build.label(CLAIM, changed) == "REFUTED"


def test_a_read_that_is_refused_does_not_say_gone(build: SimpleNamespace) -> None:
    expired = build.durability(found=0, lost=(build.sample("read", 401),) * 20)
    assert build.label(CLAIM, expired) == "UNPROVEN(needs-input)"


@pytest.mark.parametrize(
    ("seen", "verdict"),
    [
        ({"acknowledged": 0, "found": 0}, "UNPROVEN(no-control)"),
        ({"control": None}, "UNPROVEN(no-control)"),
        ({"restarted": False, "found": 0}, "UNPROVEN(target-unhealthy)"),
        ({"found": 30, "unreadable": 10}, "UNPROVEN(target-unhealthy)"),
        ({"found": 30}, "UNPROVEN(target-unhealthy)"),
        ({"killed": 0}, "UNPROVEN(fault-not-fired)"),
    ],
)
def test_decides_nothing_without_its_preconditions(
    build: SimpleNamespace, seen: dict[str, object], verdict: str
) -> None:
    assert build.label(CLAIM, build.durability(**seen), build.discovery()) == verdict


def test_a_control_that_failed_decides_nothing(build: SimpleNamespace) -> None:
    assert build.label(CLAIM, build.durability(control=build.sample("read", 500))) == "UNPROVEN(no-control)"


def test_unreadable_does_not_hide_a_loss(build: SimpleNamespace) -> None:
    both = build.durability(found=38, unreadable=1, lost=(build.sample("read", 404),))
    assert build.label(CLAIM, both) == "REFUTED"


def test_does_not_apply_to_a_service_that_stores_nothing(build: SimpleNamespace) -> None:
    assert build.label(CLAIM, build.discovery(stateless=True, transaction=())) == "NOT_APPLICABLE"
    assert build.label(CLAIM, build.discovery(transaction=())) == "UNPROVEN(needs-input)"


def test_a_kill_that_was_not_run_is_missing_evidence(build: SimpleNamespace) -> None:
    with pytest.raises(MissingEvidenceError):
        build.finding(CLAIM, build.discovery())


def test_says_why_it_did_not_start_again(build: SimpleNamespace) -> None:
    dead = build.durability(restarted=False, found=0, log_tail=("starting", "pid file exists"))
    assert "did not start again" in build.finding(CLAIM, dead).summary
    assert "pid file exists" in build.finding(CLAIM, dead).summary


def test_what_was_observed_outweighs_what_the_manifest_says(build: SimpleNamespace) -> None:
    lost = build.durability(found=39, lost=(build.sample("read", 404),))
    assert build.label(CLAIM, lost, build.discovery(stateless=True, transaction=())) == "REFUTED"
