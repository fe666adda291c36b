"""The report for code scanning: SARIF 2.1.0.

Every result has a physical location, the manifest's line if no better one is known: readers such as GitHub reject a
whole file when one result has none.
"""

import hashlib
from urllib.parse import quote

from roadworthy.domain.inspection import ClaimResult, Inspection
from roadworthy.domain.verdict import Severity, Verdict
from roadworthy.report.lists import is_waived
from roadworthy.report.text import json_text

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVEL = {Severity.CRITICAL: "error", Severity.HIGH: "error", Severity.MEDIUM: "warning", Severity.LOW: "note"}


def to_sarif(inspection: Inspection) -> str:
    """Return what is REFUTED, and what is UNPROVEN and gates, as a SARIF log."""
    driver = {
        "name": "roadworthy",
        "version": inspection.tool_version,
        "rules": [_rule(result) for result in inspection.results],
    }
    run = {
        "tool": {"driver": driver},
        "automationDetails": {"id": f"roadworthy/{inspection.target}/"},
        "invocations": [_invocation(inspection)],
        "columnKind": "unicodeCodePoints",
        "results": [
            _result(index, result, inspection) for index, result in enumerate(inspection.results) if _reported(result)
        ],
    }
    return json_text({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]})


def _reported(result: ClaimResult) -> bool:
    return result.verdict is Verdict.REFUTED or (result.verdict is Verdict.UNPROVEN and result.gating)


def _rule(result: ClaimResult) -> dict[str, object]:
    claim = result.claim
    remedies = [f"{remedy.stack} ({remedy.effort}): {remedy.text}" for remedy in claim.remedies]
    return {
        "id": claim.id,
        "shortDescription": {"text": claim.statement},
        "fullDescription": {"text": claim.why or claim.statement},
        "help": {"text": "\n\n".join(part for part in (claim.why, claim.how_judged, *remedies) if part)},
        "defaultConfiguration": {"level": _LEVEL[claim.severity]},
        "properties": {"tags": ["reliability", claim.category], "severity": claim.severity},
    }


def _result(index: int, result: ClaimResult, inspection: Inspection) -> dict[str, object]:
    claim = result.claim
    return {
        "ruleId": claim.id,
        "ruleIndex": index,
        "level": _LEVEL[claim.severity] if result.verdict is Verdict.REFUTED else "note",
        "message": {"text": _message(result)},
        "locations": [_location(result, inspection)],
        "partialFingerprints": {"roadworthyClaim/v1": _fingerprint(result, inspection)},
        "suppressions": _suppressions(result, inspection),  # SARIF wants it on every result, or on none
        "properties": {"verdict": result.verdict, "replay": result.replay, "gating": result.gating},
    }


def _message(result: ClaimResult) -> str:
    judgement = result.judgement
    if result.verdict is Verdict.REFUTED:
        replay = f" Replay: {result.replay}" if result.replay else ""
        return f"{result.claim.refuted_title}. {judgement.summary}{replay}"
    decidable = f" Decidable by: {judgement.decidable_by}" if judgement.decidable_by else ""
    return f"{judgement.label}: {result.claim.statement} {judgement.summary}{decidable}"


def _location(result: ClaimResult, inspection: Inspection) -> dict[str, object]:
    line = inspection.claim_lines.get(result.claim.id, inspection.location.line)
    return {
        "physicalLocation": {
            "artifactLocation": {"uri": quote(inspection.location.path.replace("\\", "/"))},
            "region": {"startLine": max(1, line)},
        }
    }


def _fingerprint(result: ClaimResult, inspection: Inspection) -> str:
    """Identify the finding across runs: nothing in it varies between two inspections of the same service."""
    return hashlib.sha256(f"{inspection.target}\n{result.claim.id}".encode("utf-8", "replace")).hexdigest()


def _suppressions(result: ClaimResult, inspection: Inspection) -> list[dict[str, str]]:
    if result.waiver is None or not is_waived(result, inspection):
        return []
    justification = result.waiver.shown(inspection.today)
    return [{"kind": "external", "status": "accepted", "justification": justification}]


def _invocation(inspection: Inspection) -> dict[str, object]:
    invocation: dict[str, object] = {
        "executionSuccessful": not inspection.error,
        "exitCode": inspection.exit_status(),
        "startTimeUtc": inspection.started,
    }
    if inspection.error:
        invocation["toolExecutionNotifications"] = [{"level": "error", "message": {"text": inspection.error}}]
    return invocation
