"""The report for programs. ``schema.json`` promises its shape; a change that breaks readers gets a new version."""

from dataclasses import asdict

from roadworthy.domain.claim import Claim
from roadworthy.domain.evidence import Exchange
from roadworthy.domain.inspection import ClaimResult, Inspection
from roadworthy.domain.verdict import Judgement
from roadworthy.report.lifecycle import Lifecycle, lifecycles
from roadworthy.report.lists import gate_meaning
from roadworthy.report.matrix import matrices
from roadworthy.report.text import json_text

SCHEMA_VERSION = "1"


def to_json(inspection: Inspection) -> str:
    """Return the inspection as a JSON document."""
    return json_text(_document(inspection))


def _document(inspection: Inspection) -> dict[str, object]:
    return {
        "schema_version": SCHEMA_VERSION,
        "tool": {"name": "roadworthy", "version": inspection.tool_version},
        "target": inspection.target,
        "command": inspection.command,
        "started": inspection.started,
        "seconds": inspection.seconds,
        "profile": inspection.profile,
        "configurations": list(inspection.configurations),
        "gate": {"exit_status": inspection.exit_status(), "meaning": gate_meaning(inspection)},
        "error": inspection.error,
        "warnings": list(inspection.warnings),
        "environment": dict(inspection.environment),
        "claims": [_claim(result, inspection) for result in inspection.results],
        "matrix": [asdict(matrix) for matrix in matrices(inspection.evidence, inspection.exchanges)],
        "lifecycle": [_lifecycle(lifecycle) for lifecycle in lifecycles(inspection.evidence)],
        "exchanges": {exchange.id: asdict(exchange) for exchange in _shown_exchanges(inspection)},
    }


def _claim(result: ClaimResult, inspection: Inspection) -> dict[str, object]:
    claim, judgement, finding = result.claim, result.judgement, result.judgement.finding
    waiver = result.waiver
    return {
        "id": claim.id,
        **_verdict(judgement),
        "severity": claim.severity,
        "category": claim.category,
        "statement": claim.statement,
        "scope": finding.scope if finding else "",
        "gating": result.gating,
        "evidence": [asdict(exhibit) for exhibit in finding.exhibits] if finding else [],
        "replay": result.replay,
        "decidable_by": judgement.decidable_by,
        "control": finding.control if finding else None,
        "fault_hits": finding.fault_hits if finding else None,
        "restored": finding.restored if finding else None,
        "trials": {"run": judgement.trials, "agreeing": judgement.agreeing},
        "configuration": result.configuration,
        "configurations": {name: _verdict(each) for name, each in result.configurations.items()},
        "remedies": _remedies(claim),
        "waiver": {
            "reason": waiver.reason,
            "owner": waiver.owner,
            "until": waiver.until.isoformat(),
            "in_force": waiver.in_force(inspection.today),
        }
        if waiver
        else None,
    }


def _verdict(judgement: Judgement) -> dict[str, object]:
    return {"verdict": judgement.verdict, "reason": judgement.reason, "summary": judgement.summary}


def _remedies(claim: Claim) -> list[dict[str, str]]:
    return [{"stack": remedy.stack, "effort": remedy.effort, "text": remedy.text} for remedy in claim.remedies]


def _lifecycle(lifecycle: Lifecycle) -> dict[str, object]:
    return {
        "configuration": lifecycle.configuration,
        "stages": [{**asdict(stage), "mood": stage.mood} for stage in lifecycle.stages],
    }


def _shown_exchanges(inspection: Inspection) -> list[Exchange]:
    """Return the exchanges that evidence refers to, and no others: a recording holds them all."""
    findings = (result.judgement.finding for result in inspection.results)
    refs = dict.fromkeys(exhibit.ref for finding in findings if finding for exhibit in finding.exhibits)
    return [inspection.exchanges[ref] for ref in refs if ref in inspection.exchanges]
