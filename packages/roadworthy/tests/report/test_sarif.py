import json
from dataclasses import replace
from typing import Any
from urllib.parse import unquote

from roadworthy.domain.inspection import Inspection
from roadworthy.report.sarif import to_sarif


def run(inspection: Inspection) -> dict[str, Any]:
    log = json.loads(to_sarif(inspection))
    assert log["version"] == "2.1.0"
    (only,) = log["runs"]
    assert isinstance(only, dict)
    return only


def results(inspection: Inspection) -> dict[str, dict[str, Any]]:
    return {each["ruleId"]: each for each in run(inspection)["results"]}


def test_refuted_claims_and_gating_unproven_ones_are_results(inspection: Inspection) -> None:
    assert {name: each["level"] for name, each in results(inspection).items()} == {
        "durable-acked-writes": "error",
        "readiness-false-when-dependency-down": "error",
        "database-refused-clean": "error",
        "error-no-5xx-on-bad-input": "warning",
        "logs-structured": "note",
        "database-silent-bounded": "note",
    }


def test_every_result_has_a_physical_location(inspection: Inspection) -> None:
    for name, each in results(inspection).items():
        (location,) = each["locations"]
        physical = location["physicalLocation"]
        assert unquote(physical["artifactLocation"]["uri"]) == "services/book ings/roadworthy.toml"
        assert " " not in physical["artifactLocation"]["uri"]
        assert physical["region"]["startLine"] == (41 if name == "database-refused-clean" else 3)


def test_every_result_points_at_its_rule(inspection: Inspection) -> None:
    only = run(inspection)
    rules = only["tool"]["driver"]["rules"]
    assert len({rule["id"] for rule in rules}) == len(rules)
    for each in only["results"]:
        assert rules[each["ruleIndex"]]["id"] == each["ruleId"]


def test_the_help_of_a_rule_has_the_remedies(inspection: Inspection) -> None:
    for rule in run(inspection)["tool"]["driver"]["rules"]:
        assert "FastAPI (10 minutes): Ask the pool" in rule["help"]["text"]


def test_only_a_waiver_in_force_suppresses(inspection: Inspection) -> None:
    suppressed = {name: each["suppressions"] for name, each in results(inspection).items()}
    justified = suppressed.pop("database-refused-clean")
    assert [each["justification"] for each in justified] == [
        "waived until 2026-12-01 by Ana: fixed with the new driver"
    ]
    assert set(map(len, suppressed.values())) == {0}


def test_a_finding_keeps_its_fingerprint_while_its_figures_change(inspection: Inspection) -> None:
    def fingerprints(of: Inspection) -> dict[str, str]:
        return {name: each["partialFingerprints"]["roadworthyClaim/v1"] for name, each in results(of).items()}

    later = tuple(
        replace(each, judgement=replace(each.judgement, summary=each.judgement.summary + " Again."))
        for each in inspection.results
    )
    assert fingerprints(inspection) == fingerprints(replace(inspection, results=later))
    assert len(set(fingerprints(inspection).values())) == 6
    assert fingerprints(inspection) != fingerprints(replace(inspection, target="another"))


def test_a_target_that_could_not_be_run_is_told(failed: Inspection) -> None:
    (invocation,) = run(failed)["invocations"]
    assert (invocation["executionSuccessful"], invocation["exitCode"]) == (False, 2)
    assert invocation["toolExecutionNotifications"][0]["message"]["text"].startswith("uvicorn exited")


def test_it_can_be_stored_whatever_the_service_said(inspection: Inspection) -> None:
    to_sarif(inspection).encode("utf-8")
