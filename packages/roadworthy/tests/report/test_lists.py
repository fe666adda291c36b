from dataclasses import replace

import pytest
from roadworthy.domain.inspection import Inspection
from roadworthy.domain.verdict import Verdict
from roadworthy.report.lists import first_remedy, gate_line, is_waived, with_verdict


def ids(inspection: Inspection, verdict: Verdict) -> list[str]:
    return [result.claim.id for result in with_verdict(inspection, verdict)]


def test_refuted_claims_come_with_the_most_severe_first(inspection: Inspection) -> None:
    severities = [result.claim.severity.value for result in with_verdict(inspection, Verdict.REFUTED)]
    assert severities == ["critical", "critical", "high", "medium", "low"]


def test_unproven_claims_that_gate_come_first(inspection: Inspection) -> None:
    assert [result.gating for result in with_verdict(inspection, Verdict.UNPROVEN)] == [True, False]


def test_every_result_is_in_exactly_one_list(inspection: Inspection) -> None:
    listed = sorted(claim for verdict in Verdict for claim in ids(inspection, verdict))
    assert listed == sorted(result.claim.id for result in inspection.results)


def test_only_a_waiver_in_force_waives(inspection: Inspection) -> None:
    waived = [result.claim.id for result in inspection.results if is_waived(result, inspection)]
    assert waived == ["database-refused-clean"]


def test_the_gate_line_says_why(inspection: Inspection) -> None:
    assert gate_line(inspection) == "Gate (profile standard): 2 gating claims refuted (1 waived) -> exit status 1"


@pytest.mark.parametrize(
    ("verdicts", "meaning"),
    [
        ({Verdict.UNPROVEN, Verdict.PROVEN}, "none refuted, but 1 gating claim unproven -> exit status 3"),
        ({Verdict.PROVEN}, "passed, no gating claim refuted or unproven -> exit status 0"),
        ({Verdict.NOT_APPLICABLE}, "passed, no claim gates -> exit status 0"),
    ],
)
def test_the_gate_line_of_a_gentler_inspection(inspection: Inspection, verdicts: set[Verdict], meaning: str) -> None:
    gentler = replace(inspection, results=tuple(each for each in inspection.results if each.verdict in verdicts))
    assert gate_line(gentler) == f"Gate (profile standard): {meaning}"


def test_the_gate_line_when_the_target_could_not_be_run(failed: Inspection) -> None:
    assert gate_line(failed) == "Gate (profile standard): the target could not be run -> exit status 2"


def test_the_first_remedy_is_its_first_line(inspection: Inspection) -> None:
    remedy = first_remedy(inspection.results[0])
    assert remedy is not None
    assert (remedy[0].stack, remedy[1]) == ("FastAPI", "Ask the pool in the readiness endpoint, with a time limit:")
