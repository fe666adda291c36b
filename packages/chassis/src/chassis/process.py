"""What a service does to the process that serves it: its logs, its traces, and the metrics that workers share."""

import os
from collections.abc import Callable
from typing import TYPE_CHECKING

from chassis.errors import SettingsError

if TYPE_CHECKING:
    from chassis.service import Service


class Process:
    """The process that serves. Each worker has its own, after it was forked.

    Args:
        service: the one that is served.
    """

    def __init__(self, service: "Service") -> None:
        """Prepare; nothing is changed yet."""
        self._service = service
        self._logging_in = 0
        self._traced: list[Callable[[], None]] = []

    def enter(self) -> None:
        """Prepare this process to serve.

        Raises:
            StartError: traces are to be sent somewhere, and a package for that is missing.
        """
        from chassis.dependencies.traces import trace_calls  # noqa: PLC0415 - only processes that serve need it
        from chassis.observe import tracing  # noqa: PLC0415 - see above

        service = self._service
        self.configure_logs()
        service.metrics.start(service.name)
        if tracing.start(service.name, version=service.version):
            self._traced = [trace_calls(each) for each in service.dependencies]

    def leave(self) -> None:
        """Send what was not sent yet, and have other workers go on telling what this process counted."""
        from chassis.observe import tracing  # noqa: PLC0415 - see above

        while self._traced:
            self._traced.pop()()
        tracing.stop()
        self._service.metrics.stop()

    def configure_logs(self) -> None:
        """Write the logs as the settings say; as by default while those are wrong."""
        if not self._service.logs or self._logging_in == os.getpid():
            return
        from chassis.observe import logs  # noqa: PLC0415 - only processes that serve need it

        try:
            settings = self._service.settings
        except SettingsError:
            logs.configure()
            return
        self._logging_in = os.getpid()
        logs.configure(
            settings.log_level,
            file=settings.log_file,
            file_max_bytes=settings.log_file_max_bytes,
            file_backups=settings.log_file_backups,
        )
        for warning in settings.load_warnings:
            self._service.log.warning("%s", warning)
