"""The line about each request, on a path of its own: a logger of the standard library would cost a multiple."""

import logging
from collections.abc import Sequence
from datetime import UTC, datetime

from orjson import OPT_APPEND_NEWLINE, OPT_UTC_Z, dumps

from chassis.observe.outputs import Output
from chassis.redaction import REDACTOR, Redactor

_now = datetime.now
_OPTIONS = OPT_APPEND_NEWLINE | OPT_UTC_Z
_LONGEST_PATH = 2048
_logger = logging.getLogger("chassis.access")


class AccessLog:
    """Writes one line per answered request, with the fields of every other log line.

    The query string is left out: that is where clients put what should not be written down. Until logs are configured,
    the lines go to the logger ``chassis.access``.
    """

    def __init__(self) -> None:
        """Start unconfigured."""
        self.failed = 0
        self._outputs: tuple[Output, ...] | None = None
        self._redactor = REDACTOR

    def connect(self, outputs: Sequence[Output], redactor: Redactor) -> None:
        """Write to these outputs from now on; none of them for no access log at all."""
        self._outputs = tuple(outputs)
        self._redactor = redactor

    def disconnect(self) -> None:
        """Go back to the logger."""
        self._outputs = None

    def __call__(
        self,
        method: str,
        path: str,
        status: int,
        seconds: float,
        correlation_id: str = "",
        client: str = "",
        route: str = "",
        sent: int = 0,
    ) -> None:
        """Write the line. It never raises.

        Args:
            method: of the request.
            path: without its query string.
            status: of the answer. From 500 on the level is ERROR.
            seconds: from the request to the end of the answer.
            correlation_id: of the request.
            client: its address.
            route: the template that the path fits, such as ``/notes/{id}``.
            sent: bytes of the answer's body.
        """
        outputs = self._outputs
        if outputs is None:
            self._to_logger(method, path, status, seconds, client, route)
            return
        try:
            # A path without parameters is the service's own text. Others are looked through, and hidden where needed.
            if path != route and (self._redactor.search(path) is not None or len(path) > _LONGEST_PATH):
                path = self._redactor.clean_known(path)[:_LONGEST_PATH]
            line = dumps(
                {
                    "timestamp": _now(UTC),
                    "level": "INFO" if status < 500 else "ERROR",
                    "correlation_id": correlation_id,
                    "message": "request",
                    "context": {
                        "logger": "chassis.access",
                        "method": method,
                        "path": path,
                        "route": route,
                        "status": status,
                        "duration_ms": int(seconds * 1e6) / 1000.0,  # a fifth of what round() takes
                        "client": client,
                        "bytes": sent,
                    },
                },
                None,
                _OPTIONS,
            )
        except Exception:  # noqa: BLE001 - such as lone surrogates in a path: the slow way can write anything
            self._to_logger(method, path, status, seconds, client, route)
            return
        for output in outputs:
            output.write(line)

    def _to_logger(self, method: str, path: str, status: int, seconds: float, client: str, route: str) -> None:
        level = logging.INFO if status < 500 else logging.ERROR
        context = {"method": method, "path": path, "route": route, "status": status, "client": client,
                   "duration_ms": round(seconds * 1000.0, 3)}  # fmt: skip
        _logger.log(level, "request", extra={"context": context})


_access_log = AccessLog()


def access_logger() -> AccessLog:
    """Return the access log of this process. It may be asked for before logs are configured."""
    return _access_log
