"""dependency-really-used on literal evidence."""

from types import SimpleNamespace

import pytest
from roadworthy.claims.dependencies.dependency_really_used import CLAIM
from roadworthy.domain.evidence import MissingEvidenceError
from roadworthy.domain.verdict import Outcome

MOCK = {"bytes_in_transaction": 0, "hits": 0, "connections": 0}


def mock(build: SimpleNamespace, **rest: object) -> object:
    """A service that declares a database and never asks it anything."""
    return build.use(**{**MOCK, "transaction_while_cut": build.steps(), **rest})


def test_holds_when_bytes_flow_the_cut_hurts_and_the_wipe_wipes(build: SimpleNamespace) -> None:
    assert build.label(CLAIM, build.use(), build.discovery()) == "PROVEN"
    assert "900 bytes" in build.finding(CLAIM, build.use(), build.discovery()).summary


class TestViolated:
    """A declared database that is not behind the answers."""

    def test_when_it_is_never_asked_and_not_missed(self, build: SimpleNamespace) -> None:
        found = build.finding(CLAIM, mock(build), build.discovery())
        assert build.label(CLAIM, mock(build), build.discovery()) == "REFUTED"
        assert found.fault_hits is None
        assert "no byte" in found.summary

    def test_when_it_only_keeps_idle_connections(self, build: SimpleNamespace) -> None:
        idle = mock(build, connections=5, hits=5)
        assert build.label(CLAIM, idle, build.discovery()) == "REFUTED"

    def test_when_an_object_is_created_and_read_back_while_it_is_cut(self, build: SimpleNamespace) -> None:
        fallback = build.use(transaction_while_cut=(*build.steps(), build.sample("update", 503)))
        assert build.label(CLAIM, fallback, build.discovery()) == "REFUTED"

    def test_but_not_when_that_cut_hit_nothing(self, build: SimpleNamespace) -> None:
        unhit = build.use(transaction_while_cut=(*build.steps(), build.sample("update", 503)), hits=0)
        assert build.label(CLAIM, unhit, build.discovery()) == "UNPROVEN(fault-not-fired)"

    def test_when_old_data_outlive_the_database(self, build: SimpleNamespace) -> None:
        outlives = build.use(read_after_wipe=build.sample("read"))
        assert build.label(CLAIM, outlives, build.discovery()) == "REFUTED"
        assert "empty database" in build.finding(CLAIM, outlives, build.discovery()).summary


class TestGuards:
    """What looks like a mock and may be none."""

    def test_only_what_the_service_asks_for_can_be_violated(self, build: SimpleNamespace) -> None:
        offered = mock(build, declared=False, connections=1)
        assert build.label(CLAIM, offered, build.discovery()) == "UNPROVEN(needs-input)"

    def test_an_offer_that_is_not_taken_needs_a_word(self, build: SimpleNamespace) -> None:
        assert build.label(CLAIM, mock(build, declared=False), build.discovery()) == "UNPROVEN(needs-input)"

    def test_a_way_round_the_proxy_explains_it(self, build: SimpleNamespace) -> None:
        bypassed = build.discovery(dependencies=(build.facts(bypassed=("127.0.0.1:5432",)),))
        elsewhere = build.discovery(other_connections=("10.0.0.7:5432",))
        assert build.label(CLAIM, mock(build), bypassed) == "UNPROVEN(fault-not-fired)"
        assert build.label(CLAIM, mock(build), elsewhere) == "UNPROVEN(fault-not-fired)"

    def test_the_transaction_may_keep_its_data_in_another_dependency(self, build: SimpleNamespace) -> None:
        graph = build.use("graph", "tcp")
        assert build.label(CLAIM, mock(build), graph) == "UNPROVEN(needs-input)"

    def test_a_cached_read_while_cut_is_no_violation(self, build: SimpleNamespace) -> None:
        cached = build.use(read_while_cut=build.sample("read"))
        assert build.label(CLAIM, cached, build.discovery()) == "PROVEN"


@pytest.mark.parametrize(
    ("seen", "verdict"),
    [
        ({"read_after_wipe": None}, "UNPROVEN(not-run)"),
        ({"transaction_while_cut": ()}, "UNPROVEN(not-run)"),
        ({"bytes_in_transaction": 0}, "UNPROVEN(noisy)"),
        ({"restored": False}, "UNPROVEN(target-unhealthy)"),
        ({"hits": 0}, "UNPROVEN(fault-not-fired)"),
        ({"transaction_before": ()}, "UNPROVEN(needs-input)"),
    ],
)
def test_holds_only_when_all_of_it_was_seen(build: SimpleNamespace, seen: dict[str, object], verdict: str) -> None:
    assert build.label(CLAIM, build.use(**seen), build.discovery()) == verdict


def test_holds_only_for_a_transaction_that_works(build: SimpleNamespace) -> None:
    assert build.label(CLAIM, build.use(transaction_before=build.steps(500))) == "UNPROVEN(no-control)"
    reads_only = (build.sample("read"),)
    assert build.label(CLAIM, build.use(transaction_before=reads_only, transaction_while_cut=reads_only)) == (
        "UNPROVEN(needs-input)"
    )


@pytest.mark.parametrize(("after_wipe", "verdict"), [(500, "PROVEN"), ("reset", "UNPROVEN(target-unhealthy)")])
def test_an_error_after_the_wipe_means_gone_a_broken_connection_means_nothing(
    build: SimpleNamespace, after_wipe: int | str, verdict: str
) -> None:
    assert build.label(CLAIM, build.use(read_after_wipe=build.sample("read", after_wipe))) == verdict


class TestCache:
    """A cache need not be required."""

    def test_holds_when_it_is_talked_to(self, build: SimpleNamespace) -> None:
        spare = build.use("cache", "valkey", transaction_while_cut=build.steps(), hits=0, read_after_wipe=None)
        assert build.label(CLAIM, spare, build.discovery()) == "UNPROVEN(not-run)"  # the database was left alone
        assert build.label(CLAIM, spare, build.use(), build.discovery()) == "PROVEN"
        assert "not required" in build.finding(CLAIM, spare).summary

    def test_says_when_it_is_required(self, build: SimpleNamespace) -> None:
        required = build.finding(CLAIM, build.use("cache", "valkey"))
        assert "it is required" in required.summary

    def test_holds_when_it_is_only_connected_and_says_so(self, build: SimpleNamespace) -> None:
        idle = build.use("cache", "valkey", bytes_in_transaction=0, transaction_while_cut=build.steps())
        assert build.label(CLAIM, idle) == "PROVEN"
        assert "not by the transaction" in build.finding(CLAIM, idle).scope

    def test_needs_input_when_it_is_never_connected_to(self, build: SimpleNamespace) -> None:
        unused = build.use("cache", "valkey", **MOCK, transaction_while_cut=build.steps())
        assert build.label(CLAIM, unused) == "UNPROVEN(needs-input)"


def test_does_not_apply_without_dependencies(build: SimpleNamespace) -> None:
    assert build.label(CLAIM, build.discovery(dependencies=())) == "NOT_APPLICABLE"
    unknown = build.discovery(dependencies=(), other_connections=("10.0.0.7:3306",))
    assert build.label(CLAIM, unknown) == "UNPROVEN(needs-input)"


def test_a_dependency_without_experiment_is_missing_evidence(build: SimpleNamespace) -> None:
    with pytest.raises(MissingEvidenceError):
        build.finding(CLAIM, build.discovery())


def test_the_worst_dependency_decides(build: SimpleNamespace) -> None:
    found = build.finding(CLAIM, build.use("cache", "valkey", transaction_while_cut=build.steps()), mock(build))
    assert found.experiment == "dependency-use:database"


@pytest.mark.parametrize(
    "other",
    [
        {"transaction_while_cut": "works"},  # used, but the transaction does not need it
        {"bytes_in_transaction": 0},  # fails for another reason: no byte goes there
    ],
)
def test_another_dependency_excuses_a_mock_only_if_the_transaction_needs_it(
    build: SimpleNamespace, other: dict[str, object]
) -> None:
    seen = {key: build.steps() if value == "works" else value for key, value in other.items()}
    assert build.label(CLAIM, mock(build), build.use("graph", "tcp", **seen)) == "REFUTED"


def test_another_dependency_does_not_excuse_a_fallback(build: SimpleNamespace) -> None:
    fallback = build.use(transaction_while_cut=build.steps())
    assert build.label(CLAIM, fallback, build.use("graph", "tcp")) == "REFUTED"


def test_a_wipe_needs_no_cut_that_hit(build: SimpleNamespace) -> None:
    assert build.label(CLAIM, build.use(read_after_wipe=build.sample("read"), hits=0)) == "REFUTED"


def test_a_second_way_to_a_database_does_not_matter_when_the_cut_hurts(build: SimpleNamespace) -> None:
    bypassed = build.discovery(dependencies=(build.facts(bypassed=("127.0.0.1:5432",)),))
    assert build.label(CLAIM, build.use(), bypassed) == "PROVEN"


def test_tells_an_offer_from_a_connection(build: SimpleNamespace) -> None:
    never = build.finding(CLAIM, mock(build, declared=False))
    once = build.finding(CLAIM, mock(build, declared=False, connections=1))
    assert never.outcome is Outcome.ABSENT
    assert "never connected" in never.summary
    assert once.outcome is Outcome.UNDECIDED
    assert "no byte" in once.summary
