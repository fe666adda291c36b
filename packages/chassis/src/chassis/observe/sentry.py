"""Sentry, an extra: errors that are tracked are sent there as well, without secrets and without values of variables.

start_sentry(dsn, release="1.4.2")
"""

from typing import Any

from chassis.errors import StartError
from chassis.observe.error_tracking import ErrorTracker, TrackedError, get_error_tracker
from chassis.redaction import REDACTOR, Redactor


def start_sentry(
    dsn: str,
    *,
    release: str = "",
    environment: str = "production",
    tracker: ErrorTracker | None = None,
    redactor: Redactor = REDACTOR,
    transport: Any = None,
) -> None:
    """Send errors to Sentry from now on. Call it in each worker, after it was forked.

    Performance tracing stays off, and so do the integrations that Sentry turns on by itself: they cost more per request
    than the whole edge. Grouping follows the tracker's fingerprints.

    Args:
        dsn: of the project.
        release: of the service.
        environment: where it runs.
        tracker: whose errors are sent; that of this process by default.
        redactor: hides secrets.
        transport: takes events in place of Sentry's own, for tests.

    Raises:
        StartError: the package is not installed, or the DSN is wrong.
    """
    try:
        import sentry_sdk  # noqa: PLC0415 - an extra
    except ImportError:
        raise StartError("sentry", "sentry_sdk is missing: install roadworthy-chassis[sentry]") from None
    redactor.learn("SENTRY_DSN", dsn)
    try:
        sentry_sdk.init(
            dsn=dsn,
            release=release or None,
            environment=environment,
            default_integrations=False,
            auto_enabling_integrations=False,
            include_local_variables=False,
            include_source_context=False,
            max_request_body_size="never",
            before_send=lambda event, _hint: redactor.clean_data(event),
            transport=transport,
        )
    except ValueError:  # its message shows the DSN
        raise StartError("sentry", "expected a DSN such as https://KEY@sentry.example.org/1") from None

    def send(error: BaseException, tracked: TrackedError) -> None:
        with sentry_sdk.new_scope() as scope:
            scope.fingerprint = [tracked.fingerprint]
            scope.set_tag("operation", tracked.operation)
            scope.set_context("chassis", {"place": tracked.place, "count": tracked.count, **tracked.context})
            sentry_sdk.capture_exception(error)

    (tracker or get_error_tracker()).listen(send)


def stop_sentry(timeout_s: float = 2.0) -> None:
    """Give what was not sent yet a bounded time."""
    import sentry_sdk  # noqa: PLC0415 - an extra

    sentry_sdk.flush(timeout_s)
