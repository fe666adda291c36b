"""readiness-false-when-dependency-down on literal evidence."""

from types import SimpleNamespace

import pytest
from roadworthy.claims.health.readiness_false_when_dependency_down import CLAIM
from roadworthy.domain.evidence import MissingEvidenceError


def test_holds_when_readiness_turns_false(build: SimpleNamespace) -> None:
    found = build.finding(CLAIM, build.window(), build.discovery())
    assert build.label(CLAIM, build.window(), build.discovery()) == "PROVEN"
    assert found.experiment == "dependency-fault:database:refused"
    assert "after 1.0 s" in found.summary


@pytest.mark.parametrize("failure", ["silent", "reset", "refused", "garbled", 500, 302])
def test_no_good_answer_counts_as_not_ready(build: SimpleNamespace, failure: int | str) -> None:
    silent = build.window(readiness=build.polls("GET /readyz", 200, failure))
    assert build.label(CLAIM, silent, build.discovery()) == "PROVEN"


def test_is_violated_when_readiness_stays_true(build: SimpleNamespace) -> None:
    lying = build.window(readiness=build.stays("GET /readyz"))
    assert build.label(CLAIM, lying, build.discovery()) == "REFUTED"
    summary = build.finding(CLAIM, lying, build.discovery()).summary
    assert "GET /readyz stayed 2xx for 15 s" in summary
    assert "create 503" in summary
    assert "Orchestrators read only the status" in summary


def test_a_replay_without_discovery_gives_the_same(build: SimpleNamespace) -> None:
    assert build.label(CLAIM, build.window(readiness=build.stays("GET /readyz"))) == "REFUTED"


def test_turning_false_too_late_violates_it(build: SimpleNamespace) -> None:
    late = build.window(readiness=build.polls("GET /readyz", *[200] * 20, 503), waited_s=22.0)
    assert build.label(CLAIM, late, build.discovery()) == "REFUTED"
    assert "too late" in build.finding(CLAIM, late, build.discovery()).summary


def test_the_bound_is_the_one_that_the_target_was_given(build: SimpleNamespace) -> None:
    late = build.window(readiness=build.polls("GET /readyz", *[200] * 20, 503), waited_s=32.0, readiness_bound_s=30.0)
    assert build.label(CLAIM, late, build.discovery()) == "PROVEN"


def test_one_of_several_endpoints_is_enough(build: SimpleNamespace) -> None:
    before = (*build.steps(), build.sample("GET /readyz"), build.sample("GET /health"))
    readiness = (*build.stays("GET /health"), *build.polls("GET /readyz", 200, 503))
    assert build.label(CLAIM, build.window(before=before, readiness=readiness), build.discovery()) == "PROVEN"


def test_liveness_is_not_expected_to_look_at_dependencies(build: SimpleNamespace) -> None:
    only_liveness = build.window(readiness=build.stays("GET /livez"))
    assert build.label(CLAIM, only_liveness, build.discovery()) == "UNPROVEN(needs-input)"


def test_a_liveness_endpoint_that_turns_false_does_not_excuse_readiness(build: SimpleNamespace) -> None:
    readiness = (*build.stays("GET /readyz"), *build.stays("GET /livez", 503))
    assert build.label(CLAIM, build.window(readiness=readiness), build.discovery()) == "REFUTED"


def test_readiness_that_only_blinks_is_noise(build: SimpleNamespace) -> None:
    blinks = build.window(readiness=build.polls("GET /readyz", 200, 503, *[200] * 15))
    assert build.label(CLAIM, blinks, build.discovery()) == "UNPROVEN(noisy)"


def test_a_rate_limiter_is_not_readiness(build: SimpleNamespace) -> None:
    limited = build.window(readiness=(*build.stays("GET /readyz"), *build.polls("GET /readyz", 429)))
    assert build.label(CLAIM, limited, build.discovery()) == "REFUTED"


@pytest.mark.parametrize("short", [{"waited_s": 9.0}, {"polled_s": 6}])
def test_too_short_a_look_decides_nothing(build: SimpleNamespace, short: dict[str, float]) -> None:
    readiness = build.stays("GET /readyz", polled_s=int(short.get("polled_s", 16)))
    brief = build.window(readiness=readiness, waited_s=short.get("waited_s", 17.0))
    assert build.label(CLAIM, brief, build.discovery()) == "UNPROVEN(budget)"


def test_a_short_look_is_enough_when_it_flips(build: SimpleNamespace) -> None:
    assert build.label(CLAIM, build.window(waited_s=2.0), build.discovery()) == "PROVEN"


def test_does_not_apply_when_the_transaction_still_works(build: SimpleNamespace) -> None:
    unneeded = build.window(requests=build.steps(), readiness=build.stays("GET /readyz"))
    assert build.label(CLAIM, unneeded, build.discovery()) == "NOT_APPLICABLE"


def test_working_by_another_way_to_the_dependency_is_no_proof_of_not_needing_it(build: SimpleNamespace) -> None:
    unhit = build.window(requests=build.steps(), hits=0, readiness=build.stays("GET /readyz"))
    elsewhere = build.discovery(other_connections=("10.0.0.7:5432",))
    assert build.label(CLAIM, unhit, elsewhere) == "UNPROVEN(fault-not-fired)"
    assert build.label(CLAIM, unhit, build.discovery()) == "NOT_APPLICABLE"
    hit = build.window(requests=build.steps())
    assert build.label(CLAIM, hit, elsewhere) == "NOT_APPLICABLE"  # that connection is about something else
    bypassed = build.discovery(dependencies=(build.facts(bypassed=("127.0.0.1:5432",)),))
    assert build.label(CLAIM, build.window(requests=build.steps()), bypassed) == "UNPROVEN(fault-not-fired)"


def test_a_transaction_that_recovers_during_the_cut_is_noise(build: SimpleNamespace) -> None:
    fails_over = build.window(requests=(*build.steps(500, 500), *build.steps()), readiness=build.stays("GET /readyz"))
    assert build.label(CLAIM, fails_over, build.discovery()) == "UNPROVEN(noisy)"


def test_a_cut_that_hit_nothing_proves_nothing(build: SimpleNamespace) -> None:
    unhit = build.window(hits=0, readiness=build.stays("GET /readyz"))
    assert build.label(CLAIM, unhit, build.discovery()) == "UNPROVEN(fault-not-fired)"


def test_a_target_that_stays_broken_is_not_proven(build: SimpleNamespace) -> None:
    assert build.label(CLAIM, build.window(transaction_recovered_s=None)) == "UNPROVEN(target-unhealthy)"


@pytest.mark.parametrize("broken", ["create", "GET /readyz"])
def test_needs_a_target_that_worked_before(build: SimpleNamespace, broken: str) -> None:
    before = tuple(build.sample(what, 500 if what == broken else 200) for what in ("create", "read", "GET /readyz"))
    assert build.label(CLAIM, build.window(before=before), build.discovery()) == "UNPROVEN(no-control)"


def test_does_not_apply_without_a_health_endpoint(build: SimpleNamespace) -> None:
    assert build.label(CLAIM, build.window(readiness=()), build.discovery(health=())) == "NOT_APPLICABLE"
    assert build.label(CLAIM, build.window(readiness=()), build.discovery()) == "UNPROVEN(not-run)"


def test_without_a_transaction_only_a_flip_can_be_judged(build: SimpleNamespace) -> None:
    before = (build.sample("GET /readyz"),)
    flips = build.window(before=before, requests=())
    stays = build.window(before=before, requests=(), readiness=build.stays("GET /readyz"))
    assert build.label(CLAIM, flips, build.discovery(transaction=())) == "PROVEN"
    assert build.label(CLAIM, stays, build.discovery(transaction=())) == "UNPROVEN(needs-input)"


def test_does_not_apply_without_dependencies(build: SimpleNamespace) -> None:
    assert build.label(CLAIM, build.discovery(dependencies=())) == "NOT_APPLICABLE"


def test_an_unknown_connection_needs_a_name(build: SimpleNamespace) -> None:
    unknown = build.discovery(dependencies=(), other_connections=("10.0.0.7:3306",))
    assert build.label(CLAIM, unknown) == "UNPROVEN(needs-input)"


def test_a_dependency_without_experiment_is_missing_evidence(build: SimpleNamespace) -> None:
    with pytest.raises(MissingEvidenceError, match="database"):
        build.finding(CLAIM, build.discovery())
    with pytest.raises(MissingEvidenceError):
        build.finding(CLAIM, build.discovery(), build.window("silent"))


def test_an_offer_that_nobody_took_is_no_dependency(build: SimpleNamespace) -> None:
    offered = build.facts(declared=False, connections=0)
    assert build.label(CLAIM, build.discovery(dependencies=(offered,))) == "NOT_APPLICABLE"
    for wanted in ({"declared": True, "connections": 0}, {"declared": False, "connections": 1}):
        with pytest.raises(MissingEvidenceError):
            build.finding(CLAIM, build.discovery(dependencies=(build.facts(**wanted),)))


def test_an_unrelated_endpoint_that_failed_before_does_not_matter(build: SimpleNamespace) -> None:
    before = (*build.steps(), build.sample("GET /readyz"), build.sample("GET /status", 500))
    assert build.label(CLAIM, build.window(before=before), build.discovery()) == "PROVEN"


class TestSeveralDependencies:
    """The worst decides."""

    def test_a_violation_outweighs_what_is_undecided(self, build: SimpleNamespace) -> None:
        unhit = build.window(hits=0)
        cache = build.window(dependency="cache", kind="valkey", readiness=build.stays("GET /readyz"))
        assert build.label(CLAIM, unhit, cache) == build.label(CLAIM, cache, unhit) == "REFUTED"

    def test_a_violation_outweighs_all(self, build: SimpleNamespace) -> None:
        cache = build.window(dependency="cache", kind="valkey", readiness=build.stays("GET /readyz"))
        found = build.finding(CLAIM, build.window(), cache)
        assert build.label(CLAIM, build.window(), cache) == "REFUTED"
        assert found.experiment == "dependency-fault:cache:refused"

    def test_a_violation_that_does_not_count_is_undecided(self, build: SimpleNamespace) -> None:
        cache = build.window(dependency="cache", kind="valkey", readiness=build.stays("GET /readyz"), hits=0)
        assert build.label(CLAIM, build.window(), cache) == "UNPROVEN(fault-not-fired)"

    def test_one_that_is_not_needed_does_not_matter(self, build: SimpleNamespace) -> None:
        cache = build.window(dependency="cache", kind="valkey", requests=build.steps())
        assert build.label(CLAIM, cache, build.window()) == "PROVEN"

    def test_one_that_was_left_alone_keeps_it_open(self, build: SimpleNamespace) -> None:
        both = build.discovery(dependencies=(build.facts(), build.facts("cache", "valkey")))
        assert build.label(CLAIM, build.window(), both) == "UNPROVEN(not-run)"
        assert build.label(CLAIM, build.window(readiness=build.stays("GET /readyz")), both) == "REFUTED"

    def test_one_that_is_never_connected_to_need_not_be_cut(self, build: SimpleNamespace) -> None:
        both = build.discovery(dependencies=(build.facts(), build.facts("cache", "valkey", connections=0)))
        assert build.label(CLAIM, build.window(), both) == "PROVEN"
