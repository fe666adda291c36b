"""logs-structured on literal evidence."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
from roadworthy.claims.observability.logs_structured import CLAIM, is_record
from roadworthy.domain.evidence import Logs

JSON = '{"level": "info", "message": "GET /items"}'
LOGFMT = 'level=info msg="GET /items" status=200'
TEXT = 'INFO:     127.0.0.1:53412 - "GET /items HTTP/1.1" 200 OK'


def logs(build: SimpleNamespace, *lines: str, experiment: str = "discovery", during: str = "discovery") -> Logs:
    return Logs(experiment=experiment, **build.stamp, instance="1", total=len(lines), lines=lines, during=during)


@pytest.mark.parametrize("line", [JSON, LOGFMT])
def test_holds_when_every_line_is_a_record(build: SimpleNamespace, line: str) -> None:
    assert build.label(CLAIM, logs(build, *[line] * 12)) == "PROVEN"


def test_is_violated_by_text_and_shows_the_first_lines(build: SimpleNamespace) -> None:
    seen = logs(build, *[JSON] * 20, TEXT, "Traceback (most recent call last):", '  File "x.py", line 1', "ValueError")
    assert build.label(CLAIM, seen) == "REFUTED"
    assert [exhibit.text for exhibit in build.finding(CLAIM, seen).exhibits] == [
        TEXT,
        "Traceback (most recent call last):",
        '  File "x.py", line 1',
    ]


@pytest.mark.parametrize(("records", "verdict"), [(98, "PROVEN"), (97, "REFUTED")])
def test_two_lines_in_a_hundred_are_forgiven(build: SimpleNamespace, records: int, verdict: str) -> None:
    assert build.label(CLAIM, logs(build, *[JSON] * records, *[TEXT] * (100 - records))) == verdict


def test_all_experiments_count_and_the_one_with_most_offenders_is_replayed(build: SimpleNamespace) -> None:
    calm = logs(build, *[JSON] * 10, TEXT)
    fault = logs(build, *[TEXT] * 5, experiment="dependency-fault:database:refused", during="database refused")
    found = build.finding(CLAIM, calm, fault)
    assert build.label(CLAIM, calm, fault) == "REFUTED"
    assert found.experiment == "dependency-fault:database:refused"
    assert "10 of 16" in found.summary
    assert "database refused" in found.scope


def test_empty_lines_are_ignored(build: SimpleNamespace) -> None:
    assert build.label(CLAIM, logs(build, *[JSON, "", "   "] * 10)) == "PROVEN"


@pytest.mark.parametrize("line", [JSON, TEXT])
def test_fewer_than_ten_lines_decide_nothing(build: SimpleNamespace, line: str) -> None:
    assert build.label(CLAIM, logs(build, *[line] * 9, *[""] * 5)) == "UNPROVEN(no-control)"
    assert build.label(CLAIM) == "UNPROVEN(no-control)"


@pytest.mark.parametrize(
    "line",
    ["{}", '  {"a": 1}  ', "ts=2024-01-01T00:00:00Z level=info", 'a="x \\" y" b=', "at=info path=/a?b=c dyno=web.1"],
)
def test_is_a_record(line: str) -> None:
    assert is_record(line)


@pytest.mark.parametrize(
    "line",
    [
        "[1, 2]",
        '"text"',
        '{"a": 1',
        '{"a": 1} trailing',
        "level=info",
        "GET /items status=200 ms=3",
        "a=b c",
        "[" * 5000,
        "{" * 5000,
    ],
)
def test_is_no_record(line: str) -> None:
    assert not is_record(line)


def test_lines_that_were_cut_are_left_out_and_the_scope_says_so(build: SimpleNamespace) -> None:
    seen = replace(logs(build, *[JSON] * 12), cut=3, total=15)
    assert build.label(CLAIM, seen) == "PROVEN"
    assert build.finding(CLAIM, seen).scope.endswith("; left out: 3 lines of 64 KiB or more")
