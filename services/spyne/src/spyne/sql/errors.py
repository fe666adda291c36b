"""What the SQL layer raises."""

from __future__ import annotations


class PlanError(ValueError):
    """A plan that no SQL can be written from: it names what the schema does not have, or contradicts itself."""


class Refused(ValueError):  # noqa: N818 - it is the outcome that the API reports
    """SQL that may not run. `rule` is a stable name, such as "unknown-table"; the message says what to change."""

    def __init__(self, rule: str, message: str) -> None:
        super().__init__(message)
        self.rule = rule
        self.message = message
