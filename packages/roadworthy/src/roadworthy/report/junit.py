"""The report for CI systems that show tests: one test suite, one test case a claim."""

from xml.etree import ElementTree as ET

from roadworthy.domain.inspection import ClaimResult, Inspection
from roadworthy.domain.verdict import Verdict
from roadworthy.report.lists import first_remedy, gate_line, is_waived, title
from roadworthy.report.text import printable


def to_junit(inspection: Inspection) -> str:
    """Return the inspection as JUnit XML.

    REFUTED is a failure unless a waiver in force skips it. UNPROVEN is an error when it gates, and skipped otherwise.
    """
    suite = ET.Element(
        "testsuite",
        name=printable(f"roadworthy: {inspection.target}"),
        timestamp=printable(inspection.started),
        time=f"{inspection.seconds:.3f}",
    )
    properties = ET.SubElement(suite, "properties")
    for name, value in _properties(inspection).items():
        ET.SubElement(properties, "property", name=name, value=printable(value))
    for result in inspection.results:
        suite.append(_case(result, inspection))
    if inspection.error:
        case = ET.SubElement(suite, "testcase", classname="roadworthy", name="the target runs", time="0")
        _outcome(case, "error", "could not run", inspection.error, inspection.error)
    suite.set("tests", str(len(suite.findall("testcase"))))
    for counted, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(counted, str(len(suite.findall(f"testcase/{tag}"))))
    ET.indent(suite)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(suite, encoding="unicode") + "\n"


def _properties(inspection: Inspection) -> dict[str, str]:
    return {
        "tool": f"roadworthy {inspection.tool_version}",
        "command": inspection.command,
        "profile": inspection.profile,
        "configurations": ", ".join(inspection.configurations),
        "gate": gate_line(inspection),
    }


def _case(result: ClaimResult, inspection: Inspection) -> ET.Element:
    classname = f"roadworthy.{result.claim.category}"
    case = ET.Element("testcase", classname=printable(classname), name=printable(result.claim.id), time="0")
    summary = result.judgement.summary
    match result.verdict:
        case Verdict.REFUTED if result.waiver and is_waived(result, inspection):
            _outcome(case, "skipped", "", f"REFUTED, {result.waiver.shown(inspection.today)}", summary)
        case Verdict.REFUTED:
            _outcome(case, "failure", result.claim.severity, title(result), _details(result, inspection))
        case Verdict.UNPROVEN:
            tag = "error" if result.gating else "skipped"
            message = f"{result.judgement.label}: {summary}"
            _outcome(case, tag, "UNPROVEN" if result.gating else "", message, _details(result, inspection))
        case Verdict.NOT_APPLICABLE:
            _outcome(case, "skipped", "", f"NOT_APPLICABLE: {summary}", "")
        case Verdict.PROVEN:
            ET.SubElement(case, "system-out").text = printable(summary)
    return case


def _outcome(case: ET.Element, tag: str, kind: str, message: str, text: str) -> None:
    element = ET.SubElement(case, tag, message=printable(message))
    if kind:
        element.set("type", kind)
    element.text = printable(text)


def _details(result: ClaimResult, inspection: Inspection) -> str:
    remedy = first_remedy(result)
    lines = [
        result.judgement.summary,
        result.waiver.shown(inspection.today) if result.waiver else "",
        f"Decidable by: {result.judgement.decidable_by}" if result.judgement.decidable_by else "",
        f"Replay: {result.replay}" if result.replay else "",
        f"Remedy ({remedy[0].stack}, {remedy[0].effort}): {remedy[1]}" if remedy else "",
    ]
    return "\n".join(line for line in lines if line)
