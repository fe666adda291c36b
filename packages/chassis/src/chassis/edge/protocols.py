"""What the edge calls: the access log, the metrics and the error tracking. Each is a callable or one method.

All of them run on the path of each request: they must be quick and must not block.
"""

from collections.abc import Mapping
from typing import Any, Protocol


class AccessLog(Protocol):
    """Writes one line for one request, after its answer. :func:`chassis.observe.access.access_logger` is one."""

    def __call__(
        self,
        method: str,
        path: str,
        status: int,
        seconds: float,
        correlation_id: str,
        client: str,
        route: str,
        sent: int,
        /,
    ) -> None:
        """Write the line.

        Args:
            method: of the request, as it was sent.
            path: without its query string, which is where secrets are put.
            status: of the answer; 499 if the client did not wait for it.
            seconds: from the request to the end of the answer.
            correlation_id: of the request.
            client: its address.
            route: the template that the path fits, such as ``/notes/{id}``, or "unmatched".
            sent: bytes of the answer's body.
        """


class Recorder(Protocol):
    """Counts and times requests."""

    def observe(self, method: str, route: str, status: int, seconds: float, /) -> None:
        """Record one request. ``method`` and ``route`` come from bounded sets, so they can be labels."""


class ErrorHook(Protocol):
    """Is told of an exception that nobody handled, and of one that came after its answer had begun."""

    def __call__(self, error: BaseException, context: Mapping[str, Any], /) -> None:
        """Log and count it, with its traceback.

        Args:
            error: the exception.
            context: ``method``, ``path`` and ``route``; :mod:`chassis.context` has the correlation id.
        """
