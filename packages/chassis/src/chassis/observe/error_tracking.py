"""Errors, grouped: what went wrong, where, how often, and when last. Without secrets, and never more than a bound.

Every exception that is logged at ERROR or above is tracked; code may record others itself::

    get_error_tracker().record_error("import", error, context={"dataset": "ST001"})
"""

import contextlib
import hashlib
import sysconfig
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Any

from chassis.clock import SYSTEM_CLOCK, Clock
from chassis.observe.metrics import Family
from chassis.redaction import REDACTOR, Redactor

_LONGEST_MESSAGE = 2000
_RECENT = 10
OTHER = "other"
_MARK = "__chassis_tracked__"
_NOT_OURS = tuple(
    f"{path}/" for path in (sysconfig.get_path("stdlib"), sysconfig.get_path("purelib"), Path(__file__).parents[1])
)


@dataclass
class TrackedError:
    """Errors of one type at one place.

    Args:
        fingerprint: the same for all of them, also after a restart and on other machines.
        type: of the exception.
        message: of the last one, without secrets.
        operation: what was being done the last time.
        place: module, function and line of the service's own innermost frame, the last time.
        first_seen: seconds since 1970-01-01 UTC.
        last_seen: the same.
        count: how many there were.
        context: what was given with the last one, without secrets.
    """

    fingerprint: str
    type: str
    message: str
    operation: str
    place: str
    first_seen: float
    last_seen: float
    count: int = 0
    context: dict[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Return what an operator wants to see, times as ISO 8601."""
        shown = {**vars(self)}
        for name in ("first_seen", "last_seen"):
            shown[name] = datetime.fromtimestamp(shown[name], UTC).isoformat().replace("+00:00", "Z")
        return shown


Listener = Callable[[BaseException, TrackedError], None]


class ErrorTracker:
    """Groups errors. Safe to use from several threads.

    Args:
        limit: how many groups are kept; the one not seen for longest makes room.
        redactor: hides secrets.
        clock: what time it is.
    """

    def __init__(self, limit: int = 100, *, redactor: Redactor = REDACTOR, clock: Clock = SYSTEM_CLOCK) -> None:
        """Begin with no error."""
        self._types: Counter[str] = Counter()
        self._limit = limit
        self._redactor = redactor
        self._time = clock.time
        self._errors: dict[str, TrackedError] = {}
        self._listeners: list[Listener] = []
        self._lock = threading.Lock()

    def record_error(
        self, operation: str, error: BaseException, context: Mapping[str, Any] | None = None
    ) -> TrackedError:
        """Record an error.

        Args:
            operation: what was being done.
            error: what was raised.
            context: what helps to find out why. Secrets are hidden by name and by value.
        """
        kind = f"{type(error).__module__}.{type(error).__qualname__}".removeprefix("builtins.")
        module, function, line = _own_place(error)
        where = f"{module}:{function}" if module else operation
        fingerprint = hashlib.sha256(f"{kind}\n{where}".encode()).hexdigest()[:16]
        message = self._redactor.clean(_text(error)[: 2 * _LONGEST_MESSAGE])[:_LONGEST_MESSAGE]
        shown = self._redactor.clean_data(dict(context or {}))
        now = self._time()
        with self._lock:
            known = self._errors.pop(fingerprint, None)
            if known is None:
                known = TrackedError(fingerprint, kind, message, operation, "", first_seen=now, last_seen=now)
                while len(self._errors) >= self._limit:
                    del self._errors[next(iter(self._errors))]
            known.count += 1
            known.last_seen, known.message, known.operation, known.context = now, message, operation, shown
            known.place = f"{where}:{line}" if module else ""
            self._errors[fingerprint] = known  # the last seen is the last
            self._types[kind if kind in self._types or len(self._types) < self._limit else OTHER] += 1
        _mark(error)
        for listener in self._listeners:
            with contextlib.suppress(Exception):  # telling others must not fail what is being recorded
                listener(error, known)
        return known

    def record_logged(self, logger: str, error: BaseException, context: Mapping[str, Any]) -> None:
        """Record an error that was logged, unless it was recorded before: it may be logged in several places."""
        if not getattr(error, _MARK, False):
            self.record_error(logger, error, context)

    def listen(self, listener: Listener) -> None:
        """Call this function with each error that is recorded, and its group."""
        self._listeners.append(listener)

    def errors(self) -> list[TrackedError]:
        """Return the groups, the last seen first."""
        with self._lock:
            return list(reversed(self._errors.values()))

    def get_error_summary(self) -> dict[str, Any]:
        """Return ``total_errors``, ``error_types`` (how many of each type) and the ten ``recent_errors``."""
        errors = self.errors()
        with self._lock:
            types = dict(self._types.most_common())
        return {
            "total_errors": sum(types.values()),
            "error_types": types,
            "recent_errors": [error.as_dict() for error in errors[:_RECENT]],
        }

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._errors.clear()
            self._types.clear()

    def collector(self, prefix: str) -> Callable[[], list[Family]]:
        """Return what ``Metrics.collect`` takes: ``PREFIX_errors_total`` by type."""

        def collect() -> list[Family]:
            with self._lock:
                samples: dict[tuple[str, ...], float] = {(kind,): float(count) for kind, count in self._types.items()}
            return [Family(f"{prefix}_errors_total", "counter", "Errors that were tracked", ("type",), samples)]

        return collect


_tracker = ErrorTracker()


def get_error_tracker() -> ErrorTracker:
    """Return the one of this process."""
    return _tracker


def _own_place(error: BaseException) -> tuple[str, str, int]:
    """Find the innermost frame that is the service's own: not of Python, an installed package, or the chassis."""
    found: tuple[FrameType, int] | None = None
    trace = error.__traceback__
    while trace is not None:
        if found is None or not trace.tb_frame.f_code.co_filename.startswith(_NOT_OURS):
            found = (trace.tb_frame, trace.tb_lineno)
        trace = trace.tb_next
    if found is None:
        return "", "", 0
    frame, line = found
    return str(frame.f_globals.get("__name__", "")), frame.f_code.co_qualname, line


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # noqa: BLE001 - an exception whose text fails is tracked all the same
        return ""


def _mark(error: BaseException) -> None:
    try:
        setattr(error, _MARK, True)
    except AttributeError:  # it has no room for attributes: then it may be counted once more
        return
