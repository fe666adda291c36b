"""Errors as callers see them: problem details (RFC 9457), with the correlation id, and with nothing internal."""

import html
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import orjson

from chassis.errors import DependencyError, ProblemError

PROBLEM_TYPE = "application/problem+json"
_MEMBERS = frozenset({"type", "title", "status", "detail", "instance", "correlation_id"})
_LONGEST_DETAIL = 1_000
_LONGEST_WAIT_S = 24 * 3600  # what is told to callers; a dependency may ask for any number, and inf is never
_PARAGRAPH = re.compile(r"<p>(.*?)</p>", re.DOTALL)
_FIELDS_OF_AN_ERROR = ("type", "loc", "msg")  # not "input" and "ctx", which repeat what was sent, passwords included


@dataclass(frozen=True, slots=True)
class Problem:
    """An error for the caller.

    Args:
        status: the HTTP status.
        detail: what happened this time.
        title: what kind of problem it is; the status' own phrase by default.
        type: a URI that names the kind.
        headers: to send with it, beside Content-Type and Content-Length.
        extensions: further members.
    """

    status: int
    detail: str = ""
    title: str = ""
    type: str = "about:blank"
    headers: Mapping[str, str] = field(default_factory=dict)
    extensions: Mapping[str, Any] = field(default_factory=dict)

    def body(self, correlation_id: str = "") -> bytes:
        """Write it as JSON."""
        members: dict[str, Any] = {"type": self.type, "title": self.title or phrase(self.status), "status": self.status}
        if self.detail:
            members["detail"] = self.detail
        if correlation_id:
            members["correlation_id"] = correlation_id
        further = {name: value for name, value in self.extensions.items() if name not in _MEMBERS}
        try:
            return orjson.dumps({**members, **further}, default=str, option=orjson.OPT_NON_STR_KEYS)
        except TypeError:  # numbers beyond 64 bits, lone surrogates, a loop: an error must come out all the same
            return json.dumps({**members, "extensions": repr(further)}, ensure_ascii=False).encode("utf-8", "replace")


def phrase(status: int) -> str:
    """Return the status' own words, such as "Not Found"; "Error" for a status that has none."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Error"


def problem_for(error: BaseException) -> Problem:
    """Say of an exception what its caller may know: all of a :class:`ProblemError`, and of any other its status."""
    if isinstance(error, ProblemError):
        return Problem(error.status, error.detail, error.title, error.type, error.headers, error.extensions)
    if isinstance(error, DependencyError):
        headers = {"Retry-After": str(max(1, math.ceil(min(error.retry_after_s or 0, _LONGEST_WAIT_S))))}
        if error.status == HTTPStatus.GATEWAY_TIMEOUT:
            return Problem(error.status, "There was no answer in the time allowed.", headers=headers)
        return Problem(error.status, "Something that this needs is not available at the moment.", headers=headers)
    return Problem(500, "Something went wrong. Whoever runs this service finds out what by the correlation id.")


def problem_from_answer(status: int, content_type: str, body: bytes) -> Problem:
    """Turn the error answer of a framework, or of an application, into a problem.

    What it says is kept for errors of the caller (4xx): ``{"detail": ...}`` of FastAPI, the paragraph of a page of
    Flask, a plain text, or the members of another JSON object. What the caller sent is not repeated. Of errors of the
    service (5xx) only the status is kept, for those texts are often made of exceptions.
    """
    if status >= 500:
        return Problem(status)
    kind = content_type.partition(";")[0].strip().lower()
    if kind == "application/json":
        return _from_json(status, body)
    text = body.decode("utf-8", "replace")
    if kind == "text/html":
        paragraph = _PARAGRAPH.search(text)
        text = html.unescape(paragraph[1]) if paragraph else ""
    return Problem(status, _short("" if text.strip() == phrase(status) else text))


def _from_json(status: int, body: bytes) -> Problem:
    try:
        content = orjson.loads(body)
    except orjson.JSONDecodeError:
        return Problem(status)
    if not isinstance(content, dict):
        return Problem(status, extensions={"errors": content} if isinstance(content, list) else {})
    detail = content.pop("detail", "")
    if isinstance(detail, list):  # of FastAPI, for a request that does not satisfy its declaration
        content["errors"] = [_bare(each) for each in detail]
        detail = "1 value is not valid." if len(detail) == 1 else f"{len(detail)} values are not valid."
    elif isinstance(detail, dict):
        content = {**content, **detail}
        detail = content.pop("detail", "")
    elif detail is None or detail == phrase(status):
        detail = ""
    title = content.get("title")
    return Problem(status, _short(str(detail)), title if isinstance(title, str) else "", extensions=content)


def _bare(error: Any) -> Any:
    """Keep of an error of pydantic what and where it is."""
    if not isinstance(error, dict):
        return error
    return {name: error[name] for name in _FIELDS_OF_AN_ERROR if name in error}


def _short(text: str) -> str:
    text = text.strip()
    return text if len(text) <= _LONGEST_DETAIL else text[:_LONGEST_DETAIL] + "…"
