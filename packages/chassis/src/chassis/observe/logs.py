"""Logs: everything that the process says is one JSON object a line, whoever says it.

:func:`configure` takes over the root logger, the loggers of servers, warnings, uncaught exceptions and what is printed.
A line is::

    {"timestamp": "2026-11-25T17:08:20.123456Z", "level": "INFO", "correlation_id": "0f8f...",
     "message": "Query generated successfully", "context": {"logger": "notes.queries", "latency_ms": 1250}}

What a caller passes as ``extra`` is the context. Exceptions are ``context.error`` with type, message and traceback.
Secrets are hidden by :mod:`chassis.redaction`.
"""

import atexit
import logging
import sys
import threading
import time
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Any

from chassis import context
from chassis.observe.access import access_logger
from chassis.observe.descriptor import Descriptor
from chassis.observe.error_tracking import get_error_tracker
from chassis.observe.lines import error_of, line, text_of
from chassis.observe.outputs import Output, RotatedFile
from chassis.observe.printed import Printed
from chassis.redaction import REDACTOR, Redactor

__all__ = ["JsonHandler", "Logs", "access_logger", "configure", "take_over"]

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "color_message"}
_LOGGERS_OF_SERVERS = ("uvicorn", "uvicorn.error", "uvicorn.asgi", "gunicorn.error", "hypercorn.error")
_LOGGERS_OF_CLIENTS = ("httpx",)  # a line for each call, which metrics and traces tell of; shown when debugging
_ACCESS_LOGS_OF_SERVERS = ("uvicorn.access", "gunicorn.access", "hypercorn.access", "werkzeug")


class JsonHandler(logging.Handler):
    """Writes records of the standard library's loggers as lines. It never raises, and never prints by itself.

    Args:
        outputs: where lines go.
        redactor: hides secrets.
    """

    def __init__(self, outputs: tuple[Output, ...], redactor: Redactor = REDACTOR) -> None:
        """Take every level; loggers decide."""
        super().__init__()
        self._outputs = outputs
        self._redactor = redactor

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record."""
        try:
            made = self.line(record)
        except Exception as error:  # noqa: BLE001 - such as a wrong number of arguments: the request must not notice
            failure = {"logger": record.name, "format_error": type(error).__name__}
            made = line(self._redactor, record.levelname, text_of(record.msg), failure, at=record.created)
        for output in self._outputs:
            output.write(made)

    def line(self, record: logging.LogRecord) -> bytes:
        """Make the line of a record."""
        fields: dict[str, Any] = {"logger": record.name}
        extra = vars(record)
        if len(extra) != _PLAIN:
            more = islice(extra.items(), _PLAIN, None)  # extra comes after what every record has
            fields.update({name: value for name, value in more if name not in _STANDARD})
            if isinstance(given := fields.get("context"), dict):
                del fields["context"]
                fields.update(given)
        if traceparent := context.traceparent.get():
            fields["trace_id"] = traceparent[3:35]
        if record.exc_info and record.exc_info[0] is not None:
            fields["error"] = error_of(record.exc_info)
        if record.stack_info:
            fields["stack"] = record.stack_info
        correlation_id = context.correlation_id.get()
        message = record.getMessage()
        if record.exc_info and record.exc_info[1] is not None and record.levelno >= logging.ERROR:
            seen = {"message": message, "correlation_id": correlation_id}
            get_error_tracker().record_logged(record.name, record.exc_info[1], seen)
        return line(self._redactor, record.levelname, message, fields, at=record.created, correlation_id=correlation_id)


_PLAIN = len(vars(logging.makeLogRecord({})))
"""How many attributes a record without extra has."""


class Logs:
    """The logs of this process, as :func:`configure` set them up. :meth:`restore` undoes it.

    Attributes:
        outputs: where lines go; each counts what it ``lost``.
    """

    def __init__(self, outputs: tuple[Output, ...], redactor: Redactor) -> None:
        """Take down how things were."""
        self.outputs = outputs
        self._redactor = redactor
        self._handler = JsonHandler(outputs, redactor)
        self._before = (logging.root.handlers[:], logging.root.level, sys.stdout, sys.stderr)
        self._hooks = (sys.excepthook, threading.excepthook, sys.unraisablehook)

    def install(self, level: str, *, prints: bool) -> None:
        """Take over."""
        logging.root.handlers[:] = [self._handler]
        logging.root.setLevel(level.upper())
        for name in _LOGGERS_OF_CLIENTS:
            logging.getLogger(name).setLevel("WARNING" if logging.root.level > logging.DEBUG else "NOTSET")
        take_over()
        logging.captureWarnings(True)
        sys.excepthook = _on_uncaught
        threading.excepthook = _on_uncaught_in_thread
        sys.unraisablehook = _on_unraisable
        if prints:
            sys.stdout = Printed(1, lambda text: self.write("INFO", text, "stdout"))
            sys.stderr = Printed(2, lambda text: self.write("WARNING", text, "stderr"))
        access_logger().connect(self.outputs if logging.root.level <= logging.INFO else (), self._redactor)
        atexit.register(self.flush)

    def restore(self) -> None:
        """Put everything back, and close the outputs."""
        self._flush_prints()
        handlers, level, sys.stdout, sys.stderr = self._before
        logging.root.handlers[:] = handlers
        logging.root.setLevel(level)
        for name in _LOGGERS_OF_CLIENTS:
            logging.getLogger(name).setLevel("NOTSET")
        logging.captureWarnings(False)
        sys.excepthook, threading.excepthook, sys.unraisablehook = self._hooks
        access_logger().disconnect()
        atexit.unregister(self.flush)
        self.flush()
        for output in self.outputs:
            output.close()
        if self in _current:
            _current.remove(self)

    def flush(self) -> None:
        """Give lines that are held back a bounded time to be written."""
        self._flush_prints()
        for output in self.outputs:
            output.flush()

    def _flush_prints(self) -> None:
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, Printed):
                stream.flush()

    def write(self, level: str, message: str, logger: str) -> None:
        """Write a line past all loggers."""
        made = line(
            self._redactor, level, message, {"logger": logger},
            at=time.time(), correlation_id=context.correlation_id.get(),
        )  # fmt: skip
        for output in self.outputs:
            output.write(made)


def configure(
    level: str = "info",
    *,
    file: str = "",
    file_max_bytes: int = 100 * 2**20,
    file_backups: int = 5,
    prints: bool = True,
    descriptor: int = 1,
    redactor: Redactor = REDACTOR,
) -> Logs:
    """Turn all output of this process into JSON lines. A second call replaces the first.

    Args:
        level: the least level, such as "info".
        file: a file to write to as well; "" for none.
        file_max_bytes: the size at which it is rotated.
        file_backups: how many rotated ones are kept.
        prints: whether what is printed becomes lines too.
        descriptor: where lines go: stdout.
        redactor: hides secrets.

    Raises:
        StartError: the file cannot be written.
    """
    outputs: tuple[Output, ...] = (Descriptor(descriptor),)
    if file:
        outputs += (RotatedFile(Path(file), file_max_bytes, file_backups),)
    if _current:
        _current.pop().restore()
    logs = Logs(outputs, redactor)
    _current.append(logs)
    logs.install(level, prints=prints)
    return logs


_current: list[Logs] = []


def configured() -> bool:
    """Tell whether :func:`configure` is in force in this process, or was in the one that it was forked from."""
    return bool(_current)


def take_over() -> None:
    """Let every logger that prints by itself pass its records on to the root instead.

    Servers configure their loggers when they start, which may be after :func:`configure`: call this again then. Their
    access logs are switched off, for the edge writes its own.
    """
    consoles = {sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__}
    for name in list(logging.root.manager.loggerDict):
        logger = logging.getLogger(name)
        for handler in logger.handlers[:]:
            if isinstance(handler, logging.StreamHandler) and (
                handler.stream in consoles or isinstance(handler.stream, Printed)
            ):
                logger.removeHandler(handler)
                logger.propagate = True
    for name in _ACCESS_LOGS_OF_SERVERS:
        logging.getLogger(name).disabled = True
    for name in _LOGGERS_OF_SERVERS:
        logging.getLogger(name).propagate = True


def _on_uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        logging.getLogger("chassis").info("interrupted")
        return
    logging.getLogger("chassis").critical("uncaught exception", exc_info=(kind, error, trace))


def _on_uncaught_in_thread(args: threading.ExceptHookArgs) -> None:
    if args.exc_value is not None and args.exc_type is not SystemExit:
        name = args.thread.name if args.thread else ""
        logging.getLogger("chassis").critical(
            "uncaught exception in thread %s", name, exc_info=(args.exc_type, args.exc_value, args.exc_traceback)
        )


def _on_unraisable(args: Any) -> None:
    info = (args.exc_type, args.exc_value or args.exc_type(), args.exc_traceback)
    logging.getLogger("chassis").error("%s: %r", args.err_msg or "ignored exception in", args.object, exc_info=info)
