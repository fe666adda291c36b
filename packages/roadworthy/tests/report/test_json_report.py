"""The models below say what ``schema.json`` promises. After a change, run this file as a script to write it anew."""

import json
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Literal

import pytest
import roadworthy.report
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.json_schema import GenerateJsonSchema
from roadworthy.domain.inspection import Inspection
from roadworthy.domain.verdict import Reason, Severity, Verdict
from roadworthy.report.json_report import to_json
from roadworthy.report.observed import Mood

VerdictWord = Literal["PROVEN", "REFUTED", "UNPROVEN", "NOT_APPLICABLE"]
ReasonWord = Literal[
    "not-run",
    "no-control",
    "fault-not-fired",
    "target-unhealthy",
    "flaky",
    "noisy",
    "budget",
    "needs-input",
    "tool-error",
    "static-only",
]
SeverityWord = Literal["critical", "high", "medium", "low"]
MoodWord = Literal["good", "bad", "neutral", "unknown"]


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Tool(Strict):
    name: Literal["roadworthy"]
    version: str


class Gate(Strict):
    exit_status: Literal[0, 1, 2, 3] = Field(
        description="0 passed, 1 a gating claim is refuted, 2 the target could not be run, 3 a gating claim is unproven"
    )
    meaning: str


class Evidence(Strict):
    kind: str = Field(description="exchange, log, process, proxy, timeline or source")
    text: str
    ref: str = Field(description="For an exchange its key in exchanges, unless the recording does not have it")


class Trials(Strict):
    run: int
    agreeing: int


class InConfiguration(Strict):
    verdict: VerdictWord
    reason: ReasonWord | None
    summary: str


class Remedy(Strict):
    stack: str
    effort: str
    text: str


class Waiver(Strict):
    reason: str
    owner: str
    until: str = Field(description="The last day on which it counts, as YYYY-MM-DD", pattern=r"^\d{4}-\d\d-\d\d$")
    in_force: bool


class Claim(Strict):
    id: str
    verdict: VerdictWord
    reason: ReasonWord | None = Field(description="Why it is UNPROVEN; null for every other verdict")
    severity: SeverityWord
    category: str
    statement: str
    summary: str
    scope: str
    gating: bool = Field(description="Whether the profile lets this claim decide the exit status")
    evidence: list[Evidence]
    replay: str = Field(description="A command that shows the counterexample again, or an empty string")
    decidable_by: str = Field(description="What would make an UNPROVEN claim decidable")
    control: bool | None = Field(description="Whether the positive control passed; null when nothing was found")
    fault_hits: int | None = Field(description="How often the fault reached the service; null when none is needed")
    restored: bool | None = Field(description="Whether it was healthy afterwards; null when nothing disturbed it")
    trials: Trials
    configuration: str = Field(description="The configuration that the verdict comes from")
    configurations: dict[str, InConfiguration]
    remedies: list[Remedy]
    waiver: Waiver | None


class Column(Strict):
    name: str
    note: str


class Cell(Strict):
    mood: MoodWord
    shown: str = Field(description="The status of the answer, or how it failed")
    seconds: float | None
    note: str


class Row(Strict):
    name: str
    cells: list[Cell] = Field(description="One for each column, in their order")


class Matrix(Strict):
    configuration: str
    columns: list[Column]
    rows: list[Row]


class Entry(Strict):
    label: str
    shown: str
    mood: MoodWord
    seconds: float | None
    detail: str


class Stage(Strict):
    name: Literal["start", "ready", "fault", "restore", "SIGTERM", "restart"]
    mood: MoodWord
    entries: list[Entry]


class Lifecycle(Strict):
    configuration: str
    stages: list[Stage]


class Exchange(Strict):
    id: str
    at: float = Field(description="Seconds since the recording began")
    method: str
    path: str
    request_headers: dict[str, str]
    request_body: str
    answer: Literal["answered", "refused", "reset", "silent", "garbled"]
    status: int | None
    headers: dict[str, str]
    body: str
    seconds: float
    purpose: str
    error: str


class Report(Strict):
    """An inspection by Roadworthy."""

    schema_version: Literal["1"]
    tool: Tool
    target: str
    command: str
    started: str = Field(description="ISO 8601, UTC")
    seconds: float
    profile: str
    configurations: list[str]
    gate: Gate
    error: str = Field(description="Why the target could not be run at all, or an empty string")
    warnings: list[str]
    environment: dict[str, str]
    claims: list[Claim]
    matrix: list[Matrix] = Field(description="What each endpoint did during each dependency fault, by configuration")
    lifecycle: list[Lifecycle] = Field(description="The life of the service, by configuration")
    exchanges: dict[str, Exchange] = Field(description="The requests and answers that evidence refers to, by id")


class Titleless(GenerateJsonSchema):
    """Pydantic titles every field with its own name again, which tells a reader nothing."""

    def field_title_should_be_set(self, schema: object) -> bool:  # noqa: ARG002  # pydantic asks
        return False


def promised() -> dict[str, object]:
    schema = Report.model_json_schema(schema_generator=Titleless)
    schema["title"] = "Roadworthy report, version 1"
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


SCHEMA = files(roadworthy.report) / "schema.json"


def test_the_shipped_schema_is_what_is_promised() -> None:
    assert json.loads(SCHEMA.read_text()) == promised(), f"run {Path(__file__).name} as a script to write it anew"


@pytest.mark.parametrize(
    ("words", "kind"), [(VerdictWord, Verdict), (ReasonWord, Reason), (SeverityWord, Severity), (MoodWord, Mood)]
)
def test_the_schema_knows_every_word(words: object, kind: type) -> None:
    assert set(words.__args__) == {each.value for each in kind}  # type: ignore[attr-defined]


def test_the_report_is_valid(inspection: Inspection) -> None:
    report = Report.model_validate_json(to_json(inspection))
    assert len(report.claims) == len(inspection.results)
    assert [matrix.configuration for matrix in report.matrix] == ["default", "lite"]
    assert len(report.lifecycle[0].stages) == 6


def test_a_report_with_a_field_missing_or_extra_is_not_valid(inspection: Inspection) -> None:
    for changed in ({"extra": 1}, {"schema_version": "2"}, {"claims": [{"id": "x"}]}):
        with pytest.raises(ValidationError):
            Report.model_validate_json(json.dumps(json.loads(to_json(inspection)) | changed))


def test_a_failed_inspection_and_one_without_evidence_are_valid(
    failed: Inspection, without_evidence: Inspection
) -> None:
    assert Report.model_validate_json(to_json(failed)).gate.exit_status == 2
    empty = Report.model_validate_json(to_json(without_evidence))
    assert {claim.reason for claim in empty.claims} == {"not-run"}
    assert (empty.matrix, empty.lifecycle, empty.exchanges) == ([], [], {})


def test_only_exchanges_that_evidence_refers_to_are_there(inspection: Inspection) -> None:
    report = Report.model_validate_json(to_json(inspection))
    assert sorted(report.exchanges) == ["x-create", "x-health", "x-hostile", "x-read"]


def test_nothing_is_lost_and_any_text_can_be_stored(inspection: Inspection, hostile: str) -> None:
    text = to_json(inspection)
    text.encode("utf-8")
    stored = json.loads(text)["exchanges"]["x-hostile"]["request_body"]
    assert stored == hostile.replace("\ud800", r"\ud800")  # half a surrogate pair is shown, not sent


def test_waivers_say_whether_they_are_in_force(inspection: Inspection) -> None:
    claims = {claim.id: claim for claim in Report.model_validate_json(to_json(inspection)).claims}
    waivers = {name: claim.waiver for name, claim in claims.items() if claim.waiver}
    assert {name: waiver.in_force for name, waiver in waivers.items()} == {
        "logs-structured": False,
        "database-refused-clean": True,
    }
    assert claims["database-refused-clean"].verdict == "REFUTED"


def test_configurations_have_their_own_verdicts(inspection: Inspection) -> None:
    claims = {claim.id: claim for claim in Report.model_validate_json(to_json(inspection)).claims}
    verdicts = claims["readiness-false-when-dependency-down"].configurations
    assert {name: each.verdict for name, each in verdicts.items()} == {"default": "REFUTED", "lite": "NOT_APPLICABLE"}


def test_the_gate_is_in_the_report(inspection: Inspection) -> None:
    passing = replace(inspection, results=())
    assert json.loads(to_json(inspection))["gate"]["exit_status"] == 1
    assert json.loads(to_json(passing))["gate"] == {"exit_status": 0, "meaning": "passed, no claim gates"}


if __name__ == "__main__":
    Path(str(SCHEMA)).write_text(json.dumps(promised(), indent=2) + "\n")
