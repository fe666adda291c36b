"""Tracing: spans nest, follow callers and hold no secret; off, nothing of OpenTelemetry is even imported."""

import os
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest
from chassis import context
from chassis.errors import StartError
from chassis.observe import tracing
from chassis.redaction import Redactor

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


class Spans:
    def __init__(self) -> None:
        from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

        self._exporter = InMemorySpanExporter()
        redactor = Redactor()
        redactor.learn("KEY", "canary-12345")
        assert tracing.start("notes", exporter=self._exporter, version="1.2", redactor=redactor)
        assert tracing.active is not None
        self.tracer = tracing.active

    def ended(self) -> "list[ReadableSpan]":
        tracing.stop()
        return list(self._exporter.get_finished_spans())


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch, require: Callable[..., None]) -> Iterator[Spans]:
    require("otel")
    for name in ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)
    yield Spans()
    tracing.stop()


def test_a_request_is_a_span_within_that_of_its_caller_and_calls_are_within_it(spans: Spans) -> None:
    with spans.tracer.span("GET", "server", traceparent=PARENT) as request:
        assert context.traceparent.get().startswith("00-0af7651916cd43dd8448eb211c80319c-")
        assert context.traceparent.get() != PARENT
        with spans.tracer.span("quotes", "client", attributes={"peer.service": "quotes"}):
            inner = context.traceparent.get()
        request.rename("GET /notes/{id}")
        request.set("http.response.status_code", 200)
    assert context.traceparent.get() == ""
    call, server = spans.ended()
    assert server.name == "GET /notes/{id}"
    assert server.kind.name == "SERVER"
    assert server.parent is not None
    assert f"{server.parent.span_id:016x}" == "b7ad6b7169203331"
    assert dict(server.attributes or {}) == {"http.response.status_code": 200}
    assert call.parent is not None
    assert call.parent.span_id == server.get_span_context().span_id
    assert inner.split("-")[2] == f"{call.get_span_context().span_id:016x}"
    assert dict(call.attributes or {}) == {"peer.service": "quotes"}
    assert server.resource.attributes["service.name"] == "notes"


def test_a_span_that_is_left_by_an_exception_has_failed_and_tells_no_secret(spans: Spans) -> None:
    def log_in() -> None:
        with spans.tracer.span("x") as span:
            span.set("query", "select canary-12345")
            raise RuntimeError("no login with canary-12345, password=canary")

    with pytest.raises(RuntimeError):
        log_in()
    (ended,) = spans.ended()
    assert ended.status.status_code.name == "ERROR"
    assert ended.status.description == "RuntimeError: no login with [redacted:KEY], password=[redacted]"
    assert "canary" not in ended.to_json()


def test_a_caller_that_does_not_sample_is_followed(spans: Spans) -> None:
    with spans.tracer.span("x", "server", traceparent=PARENT[:-1] + "0"):
        assert context.traceparent.get().endswith("-00")
    assert spans.ended() == []


def test_a_hostile_traceparent_starts_a_trace_of_its_own(spans: Spans) -> None:
    with spans.tracer.span("x", "server", traceparent="00-zzz-\n-01"):
        pass
    (ended,) = spans.ended()
    assert ended.parent is None


def test_without_anywhere_to_send_spans_tracing_stays_off(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)
    assert not tracing.start("notes")
    assert tracing.active is None


@pytest.mark.needs("otel")
def test_a_provider_that_somebody_else_has_set_up_is_used() -> None:
    code = """
        from opentelemetry import trace
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import SimpleSpanProcessor
        from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
        from chassis.observe import tracing
        exporter = InMemorySpanExporter()
        provider = TracerProvider()
        provider.add_span_processor(SimpleSpanProcessor(exporter))
        trace.set_tracer_provider(provider)
        assert tracing.start("notes")
        with tracing.active.span("x"):
            pass
        print(exporter.get_finished_spans()[0].name)
    """
    environment = {key: value for key, value in os.environ.items() if not key.startswith("OTEL_")}
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], check=True, timeout=30, capture_output=True, text=True,
        env=environment,
    )  # fmt: skip
    assert done.stdout == "x\n"


@pytest.mark.needs("otel")
def test_an_endpoint_without_the_package_for_it_is_told_at_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318")
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)
    with pytest.raises(StartError, match=r"proto-http is missing: install roadworthy-chassis\[otel\]"):
        tracing.start("notes")


def test_nothing_of_opentelemetry_is_imported_before_it_is_started() -> None:
    code = (
        "import sys; from chassis.observe import tracing, logs, metrics, requests, golden, performance, sentry;"
        "assert not [name for name in sys.modules if name.startswith(('opentelemetry', 'sentry_sdk', 'pydantic',"
        "'prometheus_client'))]"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=30, env=os.environ)


def test_an_error_says_which_extra_to_install_when_opentelemetry_is_missing() -> None:
    code = (
        "import sys, os; sys.modules['opentelemetry'] = None\n"
        "from chassis.observe import tracing\n"
        "assert tracing.start('notes') is False\n"
        "os.environ['OTEL_EXPORTER_OTLP_ENDPOINT'] = 'http://127.0.0.1:4318'\n"
        "try: tracing.start('notes')\n"
        "except Exception as error: print(error)\n"
        "sys.modules['sentry_sdk'] = None\n"
        "from chassis.observe.sentry import start_sentry\n"
        "try: start_sentry('https://k@h/1')\n"
        "except Exception as error: print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, timeout=30, capture_output=True, text=True,
        env={key: value for key, value in os.environ.items() if not key.startswith("OTEL_")},
    )  # fmt: skip
    assert done.stdout.splitlines() == [
        "tracing: opentelemetry is missing: install roadworthy-chassis[otel]",
        "sentry: sentry_sdk is missing: install roadworthy-chassis[sentry]",
    ]
