"""Everything that the chassis raises.

::

    ChassisError
    ├── SettingsError            the settings are wrong: all problems at once, no value of a secret
    ├── StartError               a start-up step failed or took too long
    ├── DependencyError          a declared dependency did not do its part
    │   ├── DependencyDownError          it refused, broke off, or answered that it cannot (503)
    │   │   ├── CircuitOpenError         it was not asked: its circuit breaker is open
    │   │   ├── BulkheadFullError        it was not asked: as many calls as allowed are under way
    │   │   └── CallRateExceededError    it was not asked: its own rate limit is used up
    │   └── DeadlineExceededError        there was no answer in the time that was left (504)
    └── ProblemError             an answer in the form of RFC 9457, raised by the service's own code
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any


class ChassisError(Exception):
    """The root of the tree above."""


class SettingsError(ChassisError):
    """The settings are wrong.

    Args:
        problems: one line each: the key, what was expected and an example; never a value of a secret.
    """

    def __init__(self, problems: tuple[str, ...]) -> None:
        """Join the problems to one message."""
        self.problems = problems
        count = "1 setting is wrong" if len(problems) == 1 else f"{len(problems)} settings are wrong"
        super().__init__(f"{count}:\n" + "\n".join(f"  {problem}" for problem in problems))


class StartError(ChassisError):
    """A start-up step failed or took too long; ``step`` names it."""

    def __init__(self, step: str, message: str) -> None:
        """Say which step it was."""
        self.step = step
        super().__init__(f"{step}: {message}")


class DependencyError(ChassisError):
    """A dependency did not do its part. ``dependency`` is the name that it was declared with.

    ``status`` is the HTTP status that the edge answers with when nobody handles the error.
    """

    status = HTTPStatus.SERVICE_UNAVAILABLE

    def __init__(self, dependency: str, message: str, *, retry_after_s: float | None = None) -> None:
        """Name the dependency; ``retry_after_s`` says when trying again makes sense."""
        self.dependency = dependency
        self.retry_after_s = retry_after_s
        super().__init__(f"{dependency}: {message}")


class DependencyDownError(DependencyError):
    """It refused, broke off, or answered that it cannot."""


class CircuitOpenError(DependencyDownError):
    """It was not asked: its circuit breaker is open."""


class BulkheadFullError(DependencyDownError):
    """It was not asked: as many calls as allowed are under way."""


class CallRateExceededError(DependencyDownError):
    """It was not asked: its own rate limit is used up."""


class DeadlineExceededError(DependencyError):
    """There was no answer in the time that was left."""

    status = HTTPStatus.GATEWAY_TIMEOUT


class ProblemError(ChassisError):
    """An answer in the form of RFC 9457 (problem+json), raised by the service's own code.

    Args:
        status: the HTTP status.
        title: what kind of problem it is, the same each time; the status' own phrase by default.
        detail: what happened this time, for the caller. It is sent as it is: put nothing internal into it.
        type: a URI that names the kind of problem; ``about:blank`` by default.
        headers: sent with the answer.
        extensions: further members of the answer.
    """

    def __init__(
        self,
        status: int,
        detail: str = "",
        *,
        title: str = "",
        type: str = "about:blank",  # noqa: A002 - the member's name in RFC 9457
        headers: Mapping[str, str] | None = None,
        extensions: Mapping[str, Any] | None = None,
    ) -> None:
        """Keep the members of the answer."""
        self.status = HTTPStatus(status)
        self.title = title or self.status.phrase
        self.detail = detail
        self.type = type
        self.headers = dict(headers or {})
        self.extensions = dict(extensions or {})
        super().__init__(detail or self.title)
