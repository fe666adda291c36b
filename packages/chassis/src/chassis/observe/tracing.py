"""Traces, by OpenTelemetry: a span per request and per guarded call. Off, it costs one comparison.

Nothing of OpenTelemetry is imported before :func:`start`. Code that traces looks at :data:`active`::

    if tracing.active is not None:
        with tracing.active.span("GET /notes/{id}", "server", traceparent=header) as span:
            ...
            span.set("http.response.status_code", 200)
"""

import functools
import importlib
import os
from collections.abc import Mapping
from contextlib import suppress
from contextvars import Token
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, cast

from chassis import context
from chassis.errors import StartError
from chassis.redaction import REDACTOR, Redactor

if TYPE_CHECKING:
    from opentelemetry import trace
    from opentelemetry.sdk.trace.export import SpanExporter

Kind = Literal["server", "client", "internal"]
Value = str | int | float | bool
_ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_FLUSH_BOUND_MS = 2000
_LONGEST_REASON = 1000

active: "Tracer | None" = None
"""What makes spans; None while tracing is off."""


class Span:
    """One span. Within its ``with`` block it is the current one, and :data:`chassis.context.traceparent` names it."""

    __slots__ = ("_attached", "_span", "_token", "_tracer")

    def __init__(self, span: "trace.Span", tracer: "Tracer") -> None:
        """Use :meth:`Tracer.span`."""
        self._span = span
        self._tracer = tracer
        self._attached: Any = None
        self._token: Token[str] | None = None

    def set(self, name: str, value: Value) -> None:
        """Set an attribute, by the names of OpenTelemetry's conventions. Secrets in texts are hidden."""
        self._span.set_attribute(name, self._tracer.redactor.clean(value) if isinstance(value, str) else value)

    def rename(self, name: str) -> None:
        """Give it another name: that of the route is known only at the end."""
        self._span.update_name(name)

    def fail(self, error: BaseException | str) -> None:
        """Mark it as failed, and say why."""
        text = error if isinstance(error, str) else f"{type(error).__name__}: {error}"
        self._span.set_status(self._tracer.failed(self._tracer.redactor.clean(text)[:_LONGEST_REASON]))

    def __enter__(self) -> "Span":
        """Make it the current one."""
        self._attached = self._tracer.attach(self._tracer.with_span(self._span))
        own = self._span.get_span_context()
        self._token = context.traceparent.set(f"00-{own.trace_id:032x}-{own.span_id:016x}-{own.trace_flags:02x}")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End it; one that is left by an exception has failed."""
        if error is not None:
            self.fail(error)
        if self._token is not None:
            context.traceparent.reset(self._token)
        self._tracer.detach(self._attached)
        self._span.end()


class Tracer:
    """Makes spans. Use :func:`start`; what it keeps are functions of OpenTelemetry, imported once."""

    def __init__(self, tracer: "trace.Tracer", redactor: Redactor) -> None:
        """Import what each span needs."""
        from opentelemetry import context as contexts  # noqa: PLC0415 - an extra
        from opentelemetry import trace  # noqa: PLC0415
        from opentelemetry.trace.propagation import tracecontext  # noqa: PLC0415

        self.redactor = redactor
        self.attach = contexts.attach
        self.detach = contexts.detach
        self.with_span = trace.set_span_in_context
        self.failed = functools.partial(trace.Status, trace.StatusCode.ERROR)
        self._tracer = tracer
        self._extract = tracecontext.TraceContextTextMapPropagator().extract
        kinds = trace.SpanKind
        self._kinds = {"server": kinds.SERVER, "client": kinds.CLIENT, "internal": kinds.INTERNAL}

    def span(
        self,
        name: str,
        kind: Kind = "internal",
        *,
        traceparent: str = "",
        attributes: Mapping[str, Value] | None = None,
    ) -> Span:
        """Begin a span, within the current one or, where given, within that of a caller.

        Args:
            name: such as ``GET /notes/{id}``; never with values in it.
            kind: "server" for a request that came in, "client" for one that goes out, "internal" for what is between.
            traceparent: the header of that name, from a caller.
            attributes: set at once.
        """
        parent = self._extract({"traceparent": traceparent}) if traceparent else None
        made = Span(self._tracer.start_span(name, context=parent, kind=self._kinds[kind]), self)
        for key, value in (attributes or {}).items():
            made.set(key, value)
        return made


def start(
    service: str, *, exporter: "SpanExporter | None" = None, version: str = "", redactor: Redactor = REDACTOR
) -> bool:
    """Begin to trace, if there is anywhere to send spans. Call it in each worker, after it was forked.

    That is an exporter given here, or ``OTEL_EXPORTER_OTLP_ENDPOINT`` in the environment, or else the provider that an
    agent such as ``opentelemetry-instrument`` has set up. OpenTelemetry's own variables choose sampling and batching.

    Args:
        service: the name under which spans appear.
        exporter: where spans go.
        version: of the service.
        redactor: hides secrets.

    Returns:
        Whether tracing is on.

    Raises:
        StartError: spans are to be sent, and a package for that is not installed.
    """
    global active  # noqa: PLW0603 - one per process, so that the check whether it is off costs nothing
    wanted = exporter is not None or any(os.environ.get(name) for name in _ENDPOINTS)
    try:
        from opentelemetry import trace  # noqa: PLC0415 - an extra
    except ImportError:
        if wanted:
            raise StartError("tracing", "opentelemetry is missing: install roadworthy-chassis[otel]") from None
        return False
    if wanted:
        provider: Any = _provider(service, version, exporter or _otlp_exporter())
    else:
        provider = trace.get_tracer_provider()
        if isinstance(provider, trace.ProxyTracerProvider | trace.NoOpTracerProvider):
            return False
    active = Tracer(provider.get_tracer("chassis"), redactor)
    _providers.append(provider)
    return True


def stop() -> None:
    """End tracing, and give spans that were not sent yet a bounded time."""
    global active  # noqa: PLW0603 - see start
    active = None
    while _providers:
        provider = _providers.pop()
        with suppress(AttributeError):  # a provider of someone else's may have neither
            provider.force_flush(_FLUSH_BOUND_MS)
            provider.shutdown()


_providers: list[Any] = []


def _provider(service: str, version: str, exporter: "SpanExporter") -> Any:
    try:
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415 - an extra
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
    except ImportError:
        raise StartError("tracing", "opentelemetry.sdk is missing: install roadworthy-chassis[otel]") from None
    resource = Resource.create({"service.name": service, "service.version": version})
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    return provider


def _otlp_exporter() -> "SpanExporter":
    try:
        module = importlib.import_module("opentelemetry.exporter.otlp.proto.http.trace_exporter")
    except ImportError:
        missing = "opentelemetry-exporter-otlp-proto-http is missing: install roadworthy-chassis[otel]"
        raise StartError("tracing", f"spans cannot be sent to the OTLP endpoint: {missing}") from None
    return cast("SpanExporter", module.OTLPSpanExporter())
