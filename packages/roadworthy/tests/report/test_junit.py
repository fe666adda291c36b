from xml.etree import ElementTree as ET

from roadworthy.domain.inspection import Inspection
from roadworthy.report.junit import to_junit


def cases(inspection: Inspection) -> dict[str, ET.Element]:
    suite = ET.fromstring(to_junit(inspection).encode())
    return {case.attrib["name"]: case for case in suite.iter("testcase")}


def outcome(case: ET.Element) -> str:
    return next((child.tag for child in case if child.tag in ("failure", "error", "skipped")), "passed")


def test_every_claim_is_a_test_case_with_the_outcome_of_its_verdict(inspection: Inspection) -> None:
    assert {name: outcome(case) for name, case in cases(inspection).items()} == {
        "durable-acked-writes": "failure",
        "readiness-false-when-dependency-down": "failure",
        "error-no-5xx-on-bad-input": "failure",
        "logs-structured": "failure",  # its waiver has expired
        "database-refused-clean": "skipped",  # its waiver is in force
        "database-silent-bounded": "error",  # unproven, and gates
        "sigterm-drains": "skipped",  # unproven, and does not gate
        "startup-time-bounded": "passed",
        "sigterm-exits": "passed",
        "config-error-names-key": "skipped",
    }


def test_the_suite_counts_its_cases(inspection: Inspection) -> None:
    suite = ET.fromstring(to_junit(inspection).encode())
    counts = {name: suite.attrib[name] for name in ("tests", "failures", "errors", "skipped")}
    assert counts == {"tests": "10", "failures": "4", "errors": "1", "skipped": "3"}


def test_a_skipped_refutation_says_who_waived_it(inspection: Inspection) -> None:
    skipped = cases(inspection)["database-refused-clean"].find("skipped")
    assert skipped is not None
    assert skipped.attrib["message"] == "REFUTED, waived until 2026-12-01 by Ana: fixed with the new driver"


def test_a_failure_has_what_is_needed_to_act(inspection: Inspection) -> None:
    failure = cases(inspection)["logs-structured"].find("failure")
    assert failure is not None
    assert failure.attrib == {"message": "Log lines are free text", "type": "low"}
    assert (failure.text or "").splitlines() == [
        "3 of 214 lines are JSON or logfmt.",
        "waiver EXPIRED on 2026-10-01 by Ben: moving to JSON",
        "Replay: roadworthy replay logs-structured --recording .roadworthy/bookings.recording",
        "Remedy (FastAPI, 10 minutes): Ask the pool in the readiness endpoint, with a time limit:",
    ]


def test_hostile_text_is_kept_without_the_characters_that_xml_forbids(inspection: Inspection) -> None:
    failure = cases(inspection)["error-no-5xx-on-bad-input"].find("failure")
    assert failure is not None
    text = failure.text or ""
    assert "</script><script>document.title='owned'</script>" in text
    assert " & ]]> " in text
    assert "\\x00" in text


def test_a_target_that_could_not_be_run_is_an_error(failed: Inspection) -> None:
    suite = ET.fromstring(to_junit(failed).encode())
    assert (suite.attrib["tests"], suite.attrib["errors"]) == ("1", "1")
    error = suite.find("testcase/error")
    assert error is not None
    assert error.attrib["message"].startswith("uvicorn exited with status 1")
