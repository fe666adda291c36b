"""readiness-recovers on literal evidence."""

from types import SimpleNamespace

import pytest
from roadworthy.claims.health.readiness_recovers import CLAIM
from roadworthy.domain.evidence import MissingEvidenceError


def test_holds_when_both_come_back(build: SimpleNamespace) -> None:
    assert build.label(CLAIM, build.window(), build.discovery()) == "PROVEN"
    assert "after 0.4 s" in build.finding(CLAIM, build.window(), build.discovery()).summary


@pytest.mark.parametrize(
    ("seen", "said"),
    [
        ({"transaction_recovered_s": None}, "the transaction did not work again within 30 s"),
        ({"readiness_recovered_s": None}, "readiness was not true again within 30 s"),
        ({"restarted": True}, "replaced"),
        ({"process_alive": False}, "the process was gone"),
    ],
)
def test_is_violated_when_it_does_not_come_back_by_itself(
    build: SimpleNamespace, seen: dict[str, object], said: str
) -> None:
    assert build.label(CLAIM, build.window(**seen), build.discovery()) == "REFUTED"
    found = build.finding(CLAIM, build.window(**seen), build.discovery())
    assert said in found.summary
    assert found.restored is None


def test_readiness_that_never_turned_false_need_not_come_back(build: SimpleNamespace) -> None:
    stays = build.window(readiness=build.stays("GET /readyz"), readiness_recovered_s=None)
    assert build.label(CLAIM, stays, build.discovery()) == "PROVEN"


def test_readiness_alone_can_be_judged(build: SimpleNamespace) -> None:
    before = (build.sample("GET /readyz"),)
    alone = {"before": before, "requests": (), "transaction_recovered_s": None}
    assert build.label(CLAIM, build.window(**alone)) == "PROVEN"
    assert build.label(CLAIM, build.window(**alone, readiness_recovered_s=None)) == "REFUTED"
    assert build.label(CLAIM, build.window(**alone | {"readiness": build.stays("GET /readyz")})) == (
        "UNPROVEN(needs-input)"
    )


def test_one_good_transaction_that_does_not_last_is_not_proven(build: SimpleNamespace) -> None:
    assert build.label(CLAIM, build.window(after=build.steps(500))) == "UNPROVEN(target-unhealthy)"


def test_does_not_apply_when_the_cut_did_not_matter(build: SimpleNamespace) -> None:
    unneeded = build.window(requests=build.steps(), transaction_recovered_s=None)
    assert build.label(CLAIM, unneeded, build.discovery()) == "NOT_APPLICABLE"


def test_does_not_apply_without_a_health_endpoint(build: SimpleNamespace) -> None:
    blind = build.window(readiness=(), readiness_recovered_s=None)
    assert build.label(CLAIM, blind, build.discovery(health=())) == "NOT_APPLICABLE"
    assert "worked again after 0.4 s" in build.finding(CLAIM, blind, build.discovery(health=())).summary


def test_does_not_apply_without_dependencies(build: SimpleNamespace) -> None:
    assert build.label(CLAIM, build.discovery(dependencies=())) == "NOT_APPLICABLE"


def test_silence_is_not_judged_here(build: SimpleNamespace) -> None:
    with pytest.raises(MissingEvidenceError):
        build.finding(CLAIM, build.window("silent"), build.discovery())


def test_needs_a_target_that_worked_before_and_a_cut_that_hit(build: SimpleNamespace) -> None:
    assert build.label(CLAIM, build.window(before=build.steps(500))) == "UNPROVEN(no-control)"
    assert build.label(CLAIM, build.window(hits=0)) == "UNPROVEN(fault-not-fired)"


def test_the_worst_dependency_decides(build: SimpleNamespace) -> None:
    cache = build.window(dependency="cache", kind="valkey", transaction_recovered_s=None)
    assert build.label(CLAIM, build.window(), cache) == "REFUTED"
    assert build.finding(CLAIM, build.window(), cache).experiment == "dependency-fault:cache:refused"
