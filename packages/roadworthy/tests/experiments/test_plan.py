"""Which experiments are planned for which target."""

from dataclasses import replace
from pathlib import Path

import pytest
from roadworthy.claims.catalogue import catalogue
from roadworthy.domain.evidence import Discovery
from roadworthy.domain.target import DependencySpec, RequestSpec, StepSpec, TargetSpec, TransactionSpec
from roadworthy.experiments.bench import Baseline
from roadworthy.experiments.discovery import blank_discovery
from roadworthy.experiments.experiment import plan

TRANSACTION = TransactionSpec(
    (StepSpec("create", RequestSpec("POST", "/notes")), StepSpec("read", RequestSpec("GET", "/notes/{id}")))
)
BARE = TargetSpec("target", Path("/"), ("run",))
FULL = replace(
    BARE,
    transaction=TRANSACTION,
    dependencies=(DependencySpec("database", "postgresql", "DATABASE_URL"), DependencySpec("cache", "valkey", "CACHE")),
)


def planned(spec: TargetSpec) -> dict[str, tuple[type, ...]]:
    return {each.id: each.makes for each in plan(Baseline(spec, blank_discovery("default")))}


def test_every_experiment_is_found() -> None:
    ids = set(planned(FULL))
    faults = {f"dependency-fault:{name}:{fault}" for name in ("database", "cache") for fault in ("refused", "silent")}
    uses = {f"dependency-use:{name}" for name in ("database", "cache")}
    others = {
        "bad-input",
        "exposed-secrets",
        "kill",
        "oversized-body",
        "restart",
        "sigterm-in-flight",
        "start-and-stop",
        "withheld-settings",
    }
    assert faults | others <= ids
    assert len([each for each in ids if each.startswith("dependency-use")]) == len(uses)


def test_a_target_without_anything_known_about_it_is_still_started_stopped_and_restarted() -> None:
    ids = set(planned(BARE))
    assert {"start-and-stop", "restart", "withheld-settings"} <= ids
    assert not any("dependency" in each for each in ids)
    assert "bad-input" not in ids


def test_ids_are_unique_and_labels_are_for_people() -> None:
    experiments = plan(Baseline(FULL, blank_discovery("default")))
    assert len({each.id for each in experiments}) == len(experiments)
    for each in experiments:
        assert each.label
        assert each.expected_s > 0
        assert each.makes


def test_time_is_measured_alone() -> None:
    assert [each.id for each in plan(Baseline(FULL, blank_discovery("default"))) if each.alone] == ["start-and-stop"]


@pytest.mark.parametrize("claim", catalogue(), ids=lambda claim: claim.id)
def test_what_a_claim_requires_is_made_by_an_experiment_or_the_discovery(claim) -> None:
    """A claim asked for by itself runs the experiments that declare its evidence: one that none declares never runs."""
    made = {kind for makes in planned(FULL).values() for kind in makes} | {Discovery}
    assert set(claim.requires) <= made
    assert claim.requires
