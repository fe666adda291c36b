"""Error tracking: errors of one kind at one place are one, counted and dated, without secrets, within a bound."""

import json
import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from chassis.errors import StartError
from chassis.observe import logs
from chassis.observe.error_tracking import ErrorTracker, get_error_tracker
from chassis.observe.metrics import Metrics
from chassis.observe.sentry import start_sentry, stop_sentry
from chassis.redaction import Redactor

from .test_golden import HeldClock
from .test_metrics import samples

pytestmark = pytest.mark.needs("prometheus-client")


def raised(call: Callable[..., Any], *arguments: Any) -> BaseException:
    try:
        call(*arguments)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is what the test wants
        return error
    raise AssertionError("nothing was raised")


def parse(text: str) -> int:
    return int(text)


def parse_json(text: str) -> Any:
    return json.loads(text)


def test_errors_of_one_type_at_one_place_are_one_with_count_and_times() -> None:
    clock = HeldClock()
    tracker = ErrorTracker(clock=clock)
    first = tracker.record_error("import", raised(parse, "x"), context={"user_id": "123", "dataset": "ST001"})
    clock.now += 60
    second = tracker.record_error("import again", raised(parse, "y"))
    other = tracker.record_error("import", raised(parse_json, "{"))
    assert first is second
    assert (second.count, second.last_seen - second.first_seen) == (2, 60.0)
    assert second.message == "invalid literal for int() with base 10: 'y'"
    assert second.type == "ValueError"
    assert second.place.startswith(f"{__name__}:parse:")
    assert other.type == "json.decoder.JSONDecodeError"
    assert other.place.startswith(f"{__name__}:parse_json:")  # the service's own frame, not that of the library
    assert other.fingerprint != first.fingerprint


def test_the_fingerprint_is_the_same_in_another_process_and_for_another_message() -> None:
    one, two = ErrorTracker(), ErrorTracker()
    assert (
        one.record_error("a", raised(parse, "x")).fingerprint == two.record_error("b", raised(parse, "y")).fingerprint
    )


def test_the_summary_has_totals_types_and_the_ten_last_errors() -> None:
    clock = HeldClock()
    tracker = ErrorTracker(clock=clock)
    for number in range(15):
        clock.now += 1
        tracker.record_error(f"operation {number}", RuntimeError("x"))
    tracker.record_error("parse", raised(parse, "x"), context={"line": 7})
    summary = tracker.get_error_summary()
    assert summary["total_errors"] == 16
    assert summary["error_types"] == {"RuntimeError": 15, "ValueError": 1}
    assert len(summary["recent_errors"]) == 10
    last = summary["recent_errors"][0]
    assert (last["operation"], last["context"], last["count"]) == ("parse", {"line": 7}, 1)
    assert last["last_seen"] == "2023-11-14T22:13:35Z"
    json.dumps(summary)


def test_no_more_groups_than_the_limit_are_kept_and_the_last_seen_stay() -> None:
    tracker = ErrorTracker(limit=3)
    for name in ("a", "b", "c", "a", "d"):
        tracker.record_error(name, RuntimeError())
    assert [error.operation for error in tracker.errors()] == ["d", "a", "c"]
    assert tracker.get_error_summary()["total_errors"] == 5


def test_secrets_are_hidden_in_messages_and_context() -> None:
    redactor = Redactor()
    redactor.learn("KEY", "canary-12345")
    tracker = ErrorTracker(redactor=redactor)
    error = tracker.record_error(
        "connect", RuntimeError("postgresql://u:canary@h/d and canary-12345"),
        context={"password": "canary", "headers": {"Authorization": "canary"}, "note": "canary-12345"},
    )  # fmt: skip
    assert "canary" not in json.dumps(error.as_dict())


class StubbornError(Exception):
    __slots__ = ()

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(name)

    def __str__(self) -> str:
        raise RuntimeError


def test_an_exception_that_can_be_neither_told_nor_marked_is_tracked() -> None:
    assert ErrorTracker().record_error("odd", StubbornError()).message == ""


def test_a_listener_that_fails_does_not_fail_the_recording() -> None:
    tracker = ErrorTracker()
    heard: list[str] = []
    tracker.listen(lambda _error, _tracked: 1 / 0)  # type: ignore[arg-type, return-value]
    tracker.listen(lambda _error, tracked: heard.append(tracked.operation))
    tracker.record_error("x", RuntimeError())
    assert heard == ["x"]


def test_what_is_logged_as_an_error_is_tracked_once_with_its_request(tmp_path: Path) -> None:
    tracker = get_error_tracker()
    tracker.clear()
    descriptor = os.open(tmp_path / "out", os.O_WRONLY | os.O_CREAT)
    configured = logs.configure(descriptor=descriptor, prints=False)
    try:
        error = raised(parse, "x")
        for logger in ("service", "edge"):
            logging.getLogger(logger).error("failed", exc_info=error)
        logging.getLogger("service").warning("expected", exc_info=raised(parse, "y"))
    finally:
        configured.restore()
        os.close(descriptor)
    (tracked,) = tracker.errors()
    assert (tracked.operation, tracked.count) == ("service", 1)
    assert tracked.context == {"message": "failed", "correlation_id": ""}
    tracker.clear()


def test_errors_are_a_metric_by_type() -> None:
    tracker = ErrorTracker()
    metrics = Metrics("notes")
    metrics.collect(tracker.collector("notes"))
    tracker.record_error("x", RuntimeError())
    tracker.record_error("x", raised(parse, "x"))
    read = samples(metrics)
    assert read["notes_errors_total", (("type", "RuntimeError"),)] == 1
    assert read["notes_errors_total", (("type", "ValueError"),)] == 1


@pytest.mark.needs("sentry")
def test_tracked_errors_reach_sentry_without_secrets_and_without_variables() -> None:
    import sentry_sdk

    class Kept(sentry_sdk.transport.Transport):  # type: ignore[name-defined, misc]
        """Takes events in place of the network; everything before it is Sentry's own code."""

        events: list[Any] = []  # noqa: RUF012 - one test

        def capture_envelope(self, envelope: Any) -> None:
            self.events.append(envelope.get_event())

    redactor = Redactor()
    redactor.learn("KEY", "canary-12345")
    tracker = ErrorTracker(redactor=redactor)
    with pytest.raises(StartError, match="expected a DSN") as caught:
        start_sentry("https://canary-no-dsn", tracker=tracker, redactor=redactor)
    assert caught.value.__cause__ is None
    start_sentry("https://canary-dsn-key@sentry.invalid/1", tracker=tracker, redactor=redactor, transport=Kept)

    def fails() -> None:
        hidden_in_a_variable = "canary" + "-variable"
        raise RuntimeError(f"no login with canary-12345{hidden_in_a_variable[:0]}")

    tracked = tracker.record_error("login", raised(fails), context={"token": "canary", "dataset": "ST001"})
    stop_sentry()
    sentry_sdk.get_global_scope().set_client(None)
    (event,) = Kept.events
    text = json.dumps(event, default=str)
    assert "canary" not in text
    assert event["fingerprint"] == [tracked.fingerprint]
    assert event["exception"]["values"][0]["type"] == "RuntimeError"
    assert event["contexts"]["chassis"]["dataset"] == "ST001"
