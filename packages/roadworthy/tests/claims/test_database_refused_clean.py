"""database-refused-clean on literal evidence."""

from types import SimpleNamespace

import pytest
from roadworthy.claims.dependencies.database_refused_clean import CLAIM
from roadworthy.domain.evidence import MissingEvidenceError


def test_holds_when_every_failure_is_a_quick_5xx(build: SimpleNamespace) -> None:
    assert build.label(CLAIM, build.window(), build.discovery()) == "PROVEN"
    assert "2 x 503" in build.finding(CLAIM, build.window(), build.discovery()).summary


@pytest.mark.parametrize(
    ("create", "seconds", "said"),
    [
        ("reset", 0.1, "closed without an answer"),
        ("refused", 0.1, "the service itself refused"),
        ("garbled", 0.1, "not HTTP"),
        ("silent", 12.0, "no answer came"),
        (503, 10.5, "too late"),
        (404, 0.1, "blamed on the caller"),
        (302, 0.1, "called a success"),
    ],
)
def test_is_violated_by_any_other_failure(build: SimpleNamespace, create: int | str, seconds: float, said: str) -> None:
    bad = build.window(requests=build.steps(create, 503, seconds=seconds))
    assert build.label(CLAIM, bad, build.discovery()) == "REFUTED"
    assert said in build.finding(CLAIM, bad, build.discovery()).summary


def test_success_without_its_effect_is_a_lie(build: SimpleNamespace) -> None:
    lie = build.sample("read", 200, ok=False, note="the answer does not contain 'x', which was written")
    bad = build.window(requests=(build.sample("create", 503), lie))
    assert build.label(CLAIM, bad, build.discovery()) == "REFUTED"
    assert "called a success" in build.finding(CLAIM, bad, build.discovery()).summary


def test_the_worst_request_is_named_first(build: SimpleNamespace) -> None:
    bad = build.window(requests=(*build.steps(404, 503), *build.steps(503, "reset")))
    found = build.finding(CLAIM, bad, build.discovery())
    assert "2 of 4 requests" in found.summary
    assert "read reset" in found.summary
    assert found.exhibits[0].text.startswith("read reset")


def test_a_process_that_ends_violates_it(build: SimpleNamespace) -> None:
    dead = build.window(process_alive=False, transaction_recovered_s=None)
    assert build.label(CLAIM, dead, build.discovery()) == "REFUTED"
    assert "process ended" in build.finding(CLAIM, dead, build.discovery()).summary


def test_what_does_not_need_the_database_is_not_judged(build: SimpleNamespace) -> None:
    cached = build.window(requests=build.steps(503, 200))
    assert build.label(CLAIM, cached, build.discovery()) == "PROVEN"
    assert "1 of them did not need it" in build.finding(CLAIM, cached, build.discovery()).scope


def test_a_rate_limiter_is_left_out(build: SimpleNamespace) -> None:
    limited = build.window(requests=(*build.steps(503, 503), build.sample("read", 429)))
    assert build.label(CLAIM, limited, build.discovery()) == "PROVEN"


def test_our_own_short_time_out_decides_nothing(build: SimpleNamespace) -> None:
    given_up = build.window(requests=build.steps("silent", 503, seconds=4.0))
    assert build.label(CLAIM, given_up, build.discovery()) == "UNPROVEN(budget)"


def test_does_not_apply_when_the_transaction_still_works(build: SimpleNamespace) -> None:
    assert build.label(CLAIM, build.window(requests=build.steps()), build.discovery()) == "NOT_APPLICABLE"


def test_does_not_apply_without_a_database(build: SimpleNamespace) -> None:
    cache = build.window(dependency="cache", kind="valkey", requests=build.steps("reset"))
    only_cache = build.discovery(dependencies=(build.facts("cache", "valkey"),))
    assert build.label(CLAIM, cache, only_cache) == "NOT_APPLICABLE"
    assert build.label(CLAIM, build.discovery(dependencies=())) == "NOT_APPLICABLE"


def test_a_server_of_unknown_protocol_may_be_a_database(build: SimpleNamespace) -> None:
    unknown = build.discovery(dependencies=(build.facts("store", "tcp"),))
    assert build.label(CLAIM, unknown) == "UNPROVEN(needs-input)"
    connected = build.discovery(dependencies=(), other_connections=("10.0.0.7:3306",))
    assert build.label(CLAIM, connected) == "UNPROVEN(needs-input)"


def test_needs_its_control_its_fault_and_a_healthy_end(build: SimpleNamespace) -> None:
    assert build.label(CLAIM, build.window(before=build.steps(500))) == "UNPROVEN(no-control)"
    assert build.label(CLAIM, build.window(hits=0)) == "UNPROVEN(fault-not-fired)"
    assert build.label(CLAIM, build.window(transaction_recovered_s=None)) == "UNPROVEN(target-unhealthy)"
    assert build.label(CLAIM, build.window(requests=())) == "UNPROVEN(needs-input)"


def test_a_database_without_experiment_is_missing_evidence(build: SimpleNamespace) -> None:
    with pytest.raises(MissingEvidenceError):
        build.finding(CLAIM, build.discovery(), build.window("silent"))


def test_the_worst_database_decides(build: SimpleNamespace) -> None:
    second = build.window(dependency="archive", requests=build.steps("reset", "reset"))
    assert build.label(CLAIM, build.window(), second) == "REFUTED"
    assert build.finding(CLAIM, build.window(), second).experiment == "dependency-fault:archive:refused"


def test_only_databases_have_to_be_tried(build: SimpleNamespace) -> None:
    cache, archive = build.facts("cache", "valkey"), build.facts("archive")
    assert build.label(CLAIM, build.window(), build.discovery(dependencies=(build.facts(), cache))) == "PROVEN"
    assert build.label(CLAIM, build.window(), build.discovery(dependencies=(build.facts(), archive))) == (
        "UNPROVEN(not-run)"
    )


def test_an_offer_that_nobody_took_is_no_database(build: SimpleNamespace) -> None:
    offered = build.facts(declared=False, connections=0)
    cache = build.facts("cache", "valkey", declared=False)
    for others in ((), (cache,)):
        assert build.label(CLAIM, build.discovery(dependencies=(offered, *others))) == "NOT_APPLICABLE"
    for wanted in ({"declared": True, "connections": 0}, {"declared": False, "connections": 1}):
        with pytest.raises(MissingEvidenceError):
            build.finding(CLAIM, build.discovery(dependencies=(build.facts(**wanted),)))


def test_shows_what_went_wrong(build: SimpleNamespace) -> None:
    broken = build.finding(CLAIM, build.window(before=build.steps(500, 200)))
    assert [each.text for each in broken.exhibits] == ["create 500 after 0.1 s"]
    dead = build.finding(CLAIM, build.window(process_alive=False, requests=build.steps(200, "reset")))
    assert [each.text for each in dead.exhibits] == ["gone at the end of the fault", "read reset after 0.1 s"]


def test_a_wait_that_was_cut_short_does_not_hide_a_violation(build: SimpleNamespace) -> None:
    mixed = build.window(requests=build.steps("silent", "reset", seconds=4.0))
    found = build.finding(CLAIM, mixed, build.discovery())
    assert build.label(CLAIM, mixed, build.discovery()) == "REFUTED"
    assert [each.text for each in found.exhibits] == ["read reset after 4.0 s"]


def test_the_bound_itself_is_in_time_for_an_answer_and_too_long_for_silence(build: SimpleNamespace) -> None:
    assert build.label(CLAIM, build.window(requests=build.steps(503, 503, seconds=10.0))) == "PROVEN"
    assert build.label(CLAIM, build.window(requests=build.steps("silent", 503, seconds=10.0))) == "REFUTED"
