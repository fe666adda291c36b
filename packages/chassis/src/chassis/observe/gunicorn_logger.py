"""Gunicorn's own lines as JSON too, those of its main process included.

gunicorn --logger-class chassis.observe.gunicorn_logger.JsonLogger notes:application
"""

import logging
from typing import Any

from gunicorn.glogging import Logger  # type: ignore[import-untyped]

from chassis.observe.logs import configure, configured


class JsonLogger(Logger):  # type: ignore[misc] # gunicorn has no types
    """The logger class for gunicorn. Its access log is off: the edge writes one."""

    def setup(self, cfg: Any) -> None:
        """Send gunicorn's records to the root logger, and configure that unless the service has done so."""
        if not configured():
            configure(cfg.loglevel)
        self.error_log.handlers[:] = []
        self.error_log.propagate = True
        self.error_log.setLevel(logging.NOTSET)
        self.access_log.disabled = True

    def access(self, resp: Any, req: Any, environ: Any, request_time: Any) -> None:
        """Write nothing."""

    def reopen_files(self) -> None:
        """Do nothing: there are no files of gunicorn's."""

    def close_on_exec(self) -> None:
        """Do nothing, for the same reason."""
