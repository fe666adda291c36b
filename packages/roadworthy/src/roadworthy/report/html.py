"""The report for people with a browser: one file that asks for nothing from outside and works without scripts."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup, escape

from roadworthy.domain.evidence import Answer, Exchange
from roadworthy.domain.inspection import Inspection
from roadworthy.domain.verdict import Verdict
from roadworthy.report import lists
from roadworthy.report.lifecycle import lifecycles
from roadworthy.report.matrix import matrices
from roadworthy.report.observed import LEGEND
from roadworthy.report.text import count, cut, duration, moment, printable

MAX_BYTES = 2_000_000


@dataclass(frozen=True)
class Limits:
    """How much of each thing is shown: characters of a body and of any other text, and numbers of the rest."""

    body: int
    text: int
    exhibits: int
    rows: int
    claims: int


_LIMITS = (
    Limits(body=16_384, text=4_000, exhibits=40, rows=200, claims=1_000),
    Limits(body=2_048, text=2_000, exhibits=12, rows=60, claims=400),
    Limits(body=400, text=600, exhibits=4, rows=30, claims=200),
    Limits(body=80, text=120, exhibits=1, rows=10, claims=40),
)
"""From generous to tight. The first that keeps the file within ``MAX_BYTES`` is used."""

_WORDS = {
    Verdict.REFUTED: ("✗", "Refuted", "refuted"),
    Verdict.UNPROVEN: ("?", "Unproven", "unproven"),
    Verdict.PROVEN: ("✓", "Proven", "proven"),
    Verdict.NOT_APPLICABLE: ("○", "Not applicable", "absent"),
}
"""A sign, a heading and a class name for each verdict."""


def to_html(inspection: Inspection) -> str:
    """Return the inspection as one HTML page of at most 2 MB, whatever the inspected service answered."""
    for limits in _LIMITS[:-1]:
        page = _render(inspection, limits, MAX_BYTES)
        if page is not None:
            return page
    return _render(inspection, _LIMITS[-1], None) or ""


def _render(inspection: Inspection, limits: Limits, at_most: int | None) -> str | None:
    """Return the page, or None as soon as it is larger than ``at_most`` bytes."""
    parts: list[str] = []
    size = 0
    by_verdict = {verdict: lists.with_verdict(inspection, verdict) for verdict in _WORDS}
    for part in _template(limits).generate(
        inspection=inspection,
        limits=limits,
        words=_WORDS,
        legend=LEGEND,
        by_verdict=by_verdict,
        matrices=matrices(inspection.evidence, inspection.exchanges),
        lifecycles=lifecycles(inspection.evidence),
        gate=lists.gate_meaning(inspection),
        title=lists.title,
        request_text=lambda exchange: _verbatim(_request(exchange), limits.body),
        answer_text=lambda exchange: _verbatim(_answer(exchange), limits.body),
        answer_title=_answer_title,
    ):
        parts.append(part)
        size += len(part.encode())
        if at_most is not None and size > at_most:
            return None
    return "".join(parts)


@cache
def _template(limits: Limits) -> Template:
    environment = Environment(
        loader=PackageLoader("roadworthy.report", package_path=""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_finalizer(limits.text),
    )
    environment.filters.update(
        duration=duration,
        count=count,
        moment=moment,
        anchor=_anchor,
        prose=lambda text: prose(cut(text, limits.text)),
        inline=lambda text: _inline(printable(cut(text, limits.text))),
    )
    return environment.get_template("template.html.j2")


def _finalizer(limit: int) -> Callable[[object], object]:
    """Return what every expression of the template passes through, so that none can be forgotten."""

    def finalize(value: object) -> object:
        return printable(cut(value, limit)) if isinstance(value, str) and not isinstance(value, Markup) else value

    return finalize


def prose(text: str) -> Markup:
    """Set text as paragraphs; blocks that are fenced or indented, and words between backticks, are code."""
    blocks = re.split(r"```[^\n]*\n(.*?)```", printable(text), flags=re.DOTALL)
    return Markup().join(
        Markup("<pre>{}</pre>").format(block.rstrip()) if fenced else _paragraphs(block)
        for fenced, block in ((index % 2 == 1, block) for index, block in enumerate(blocks))
    )


def _paragraphs(text: str) -> Markup:
    return Markup().join(_paragraph(each) for each in re.split(r"\n\s*\n", text) if each.strip())


def _paragraph(text: str) -> Markup:
    lines = text.strip("\n").split("\n")
    if all(line.startswith("    ") for line in lines):
        return Markup("<pre>{}</pre>").format("\n".join(line.removeprefix("    ") for line in lines))
    if lines[0].startswith("- "):
        items = re.split(r"\n- ", text.strip().removeprefix("- "))
        return Markup("<ul>{}</ul>").format(
            Markup().join(Markup("<li>{}</li>").format(_inline(item)) for item in items)
        )
    return Markup("<p>{}</p>").format(_inline(text.strip()))


def _inline(text: str) -> Markup:
    """Set words between backticks as code."""
    parts = re.split(r"`([^`\n]+)`", text)
    return Markup().join(
        Markup("<code>{}</code>").format(part) if index % 2 else escape(part) for index, part in enumerate(parts)
    )


def _verbatim(text: str, limit: int) -> Markup:
    """Escape text that has a limit of its own."""
    return escape(printable(cut(text, limit)))


def _request(exchange: Exchange) -> str:
    return _message(f"{exchange.method} {exchange.path}", exchange.request_headers, exchange.request_body)


def _answer(exchange: Exchange) -> str:
    first = f"HTTP {exchange.status}" if exchange.answer is Answer.ANSWERED else exchange.error or exchange.answer.value
    return _message(first, exchange.headers, exchange.body)


def _message(first: str, headers: dict[str, str], body: str) -> str:
    head = "\n".join([first, *(f"{name}: {value}" for name, value in headers.items())])
    return f"{head}\n\n{body}" if body else head


def _answer_title(exchange: Exchange) -> str:
    """Say in a line how it ended, such as ``500 in 12 ms`` or ``silent for 30 s``."""
    joined = "for" if exchange.answer is Answer.SILENT else "after"
    if exchange.answer is Answer.ANSWERED:
        return f"{exchange.status} in {duration(exchange.seconds)}"
    return f"{exchange.answer} {joined} {duration(exchange.seconds)}"


def _anchor(claim: str) -> str:
    return "claim-" + re.sub(r"[^A-Za-z0-9_.-]", "-", claim)
