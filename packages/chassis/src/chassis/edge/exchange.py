"""One request and its answer: what the edge decides about it, under ASGI and WSGI alike."""

import logging
import math
from collections.abc import Callable, Iterable, Mapping
from contextvars import Token
from http import HTTPStatus
from time import monotonic

from chassis import context
from chassis.edge.core import Core
from chassis.edge.headers import OTHER_ORIGIN, Header
from chassis.edge.identity import REQUEST_ID, TRACEPARENT, identify
from chassis.edge.routes import known_method
from chassis.limits import Decision
from chassis.observe import tracing
from chassis.operations import OperationalAnswer, OperationalEndpoint
from chassis.problems import PROBLEM_TYPE, Problem
from chassis.state import Phase

DEADLINE_HEADER = b"x-request-timeout-ms"
"""How long a caller will wait, in milliseconds; guarded calls of the chassis send it. It can only shorten the time."""

_DIGITS = 15
CLIENT_LEFT = 499
"""The status that is logged for a request whose client did not wait for the answer; nginx's convention."""
_CLOSING = (Phase.DRAINING, Phase.STOPPED)
_CLOSE: Header = (b"connection", b"close")
_REWRITABLE = ("application/json", "text/html", "text/plain", "")
_OF_THE_BODY = frozenset({b"content-type", b"content-length", b"content-encoding", b"transfer-encoding", b"etag"})
_log = logging.getLogger("chassis.edge")

Entered = tuple[Token[str], Token[str], Token[float | None]]


class AnswerCutOffError(Exception):
    """An answer that had begun could not be completed. Raised for the server, which then breaks the connection."""


class Exchange:
    """One request and its answer. What is particular to ASGI or WSGI is in its subclasses."""

    timed = True
    """Whether there is a time in which it should be over."""

    def __init__(  # each argument is one fact of the request
        self, core: Core, method: str, path: str, headers: Mapping[bytes, bytes], peer: str, *, https: bool
    ) -> None:
        """Take in the request.

        Args:
            core: the policy.
            method: as it was sent.
            path: decoded, without the query string.
            headers: by lower-case name.
            peer: the address of whoever is connected; "" through a Unix socket.
            https: whether by TLS.
        """
        self.core = core
        self.method = method
        self.path = path
        self.headers = headers
        self.client = peer
        self.https = https
        self.keeps_alive = True
        self.decision: Decision | None = None
        self.status = 0
        self.bytes_in = 0
        self.bytes_out = 0
        self.finished = False
        self.span: tracing.Span | None = None
        self.began = monotonic()
        if core.policy.request_ids:
            self.request_id, self.traceparent = identify(headers.get(REQUEST_ID), headers.get(TRACEPARENT))
        else:
            self.request_id = self.traceparent = b""
        timeout_s = core.policy.timeout_s if self.timed else None
        self.deadline = None if timeout_s is None else self.began + timeout_s
        asked = headers.get(DEADLINE_HEADER)
        if asked is not None and timeout_s is not None and asked.isdigit() and len(asked) <= _DIGITS:
            self.deadline = self.began + min(timeout_s, int(asked) / 1000)

    def believe_proxies(self, lines: Callable[[bytes], list[bytes]]) -> None:
        """Take the client's address and scheme from what trusted proxies say; ``lines`` gives a header's values."""
        proxies, peer = self.core.proxies, self.client
        self.client = proxies.client(peer, lines(proxies.address_header))
        self.https |= proxies.https(peer, lines(proxies.scheme_header))

    # -- what belongs to the request under way, for everything that it calls

    def enter(self) -> Entered:
        """Set the context variables; :meth:`leave` takes what this returns."""
        outer = context.deadline.get()
        until = self.deadline
        return (
            context.correlation_id.set(self.request_id.decode()),
            context.traceparent.set(self.traceparent.decode()),
            context.deadline.set(until if outer is None or until is None or until < outer else outer),
        )

    def leave(self, entered: Entered) -> None:
        """Set them back."""
        context.correlation_id.reset(entered[0])
        context.traceparent.reset(entered[1])
        context.deadline.reset(entered[2])

    # -- reasons to answer in the application's place

    def limited(self, decision: Decision) -> Problem:
        """Refuse a request that is over a rate limit."""
        seconds = max(1, math.ceil(decision.retry_after_s))
        headers = {"Retry-After": str(seconds)}
        if not decision.counted or decision.rule is None:
            return Problem(503, "Requests cannot be counted at the moment.", headers=headers)
        rule = decision.rule
        return Problem(
            429, f"{rule.limit} requests in {rule.period_s:g} s are allowed. Try again in {seconds} s.", headers=headers
        )

    def oversized(self) -> Problem | None:
        """Refuse a body that is said to be too long, before it is read."""
        length = self.headers.get(b"content-length")
        if length is None:
            return None
        if not length.isdigit() or len(length) > _DIGITS:
            return Problem(400, "Content-Length is not a number, or none that could be meant.")
        most = self.core.policy.body_limit
        return None if most is None or int(length) <= most else self.too_long()

    def too_long(self) -> Problem:
        """Say how long a body may be."""
        return Problem(413, f"The body may have {self.core.policy.body_limit} bytes.", title="Content Too Large")

    def preflight(self) -> Problem | list[Header] | None:
        """Answer a browser that asks what a page may do; None if this is no such question. For CORS that is active."""
        origin, method = self.headers.get(b"origin"), self.headers.get(b"access-control-request-method")
        if origin is None or method is None:
            return None
        asked = self.headers.get(b"access-control-request-headers", b"")
        if not self.core.cors.allows(origin, method, asked):
            return Problem(403, "Pages of this origin may not make such a request.")
        return self.core.cors.preflight_headers(asked)

    def refused_by(self, endpoint: OperationalEndpoint) -> Problem | None:
        """Refuse a method that an operational endpoint does not answer."""
        if self.method in endpoint.methods:
            return None
        return Problem(405, headers={"Allow": ", ".join(endpoint.methods)})

    # -- the answer

    def identity_headers(self) -> tuple[Header, ...]:
        """Return the ids that go out with the answer."""
        return ((REQUEST_ID, self.request_id), (TRACEPARENT, self.traceparent)) if self.request_id else ()

    def answer_headers(self, given: Iterable[Header]) -> list[Header]:
        """Return the headers of an answer with the edge's own. Those given are not changed: they may be a constant."""
        core = self.core
        headers = list(given)
        names = dict(headers)
        page = names.get(b"content-type", b"")[:9] == b"text/html"
        origin = self.headers.get(b"origin")
        added = core.added.get((self.https, page, origin))
        if added is None:
            added = core.added[self.https, page, OTHER_ORIGIN]
        if not core.touched.isdisjoint(names):
            headers = [header for header in headers if header[0] not in core.overrides]
            added = tuple(header for header in added if header[0] not in core.defaults or header[0] not in names)
        if self.status == HTTPStatus.NOT_MODIFIED:  # a cache puts its headers in the place of the stored answer's
            added = tuple(header for header in added if header[0] != b"content-security-policy")
        decision = self.decision
        if decision is None or decision.rule is None:
            headers = [*headers, *added, *self.identity_headers()]
        else:
            headers = [
                *headers,
                *added,
                *self.identity_headers(),
                (b"ratelimit-limit", b"%d" % decision.rule.limit),
                (b"ratelimit-remaining", b"%d" % decision.remaining),
                (b"ratelimit-reset", b"%d" % math.ceil(decision.reset_s)),
            ]
        if (core.state.phase in _CLOSING or not self.keeps_alive) and self.may_close():
            headers.append(_CLOSE)
        return headers

    def may_close(self) -> bool:
        """Tell whether the edge may announce that the connection is closed: not in WSGI, where the server decides."""
        return False

    def problem_answer(self, problem: Problem, kept: Iterable[Header] = ()) -> tuple[list[Header], bytes]:
        """Write a problem: the headers of the answer and its body. ``kept`` are headers of the answer it replaces."""
        self.status = problem.status
        body = problem.body(self.request_id.decode())
        headers = [header for header in kept if header[0].lower() not in _OF_THE_BODY]
        headers += [
            (name.lower().encode("latin-1"), value.encode("latin-1", "replace"))
            for name, value in problem.headers.items()
        ]
        headers += [
            (b"content-type", PROBLEM_TYPE.encode()),
            (b"content-length", b"%d" % len(body)),
            (b"cache-control", b"no-store"),
        ]
        return self.answer_headers(headers), body

    def operational_headers(self, answer: OperationalAnswer) -> list[Header]:
        """Return the headers of an operational endpoint's answer."""
        self.status = answer.status
        return self.answer_headers(
            [
                (b"content-type", answer.content_type.encode("latin-1")),
                (b"content-length", b"%d" % len(answer.body)),
                *((name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers),
            ]
        )

    def rewrites(self, status: int, headers: Iterable[Header]) -> bool:
        """Tell whether an answer of the application is an error that is not yet a problem, and short enough to hold."""
        if status < 400 or not self.core.policy.problem_errors:
            return False
        names = {name.lower(): value for name, value in headers}
        if names.get(b"content-type", b"").decode("latin-1").partition(";")[0].strip().lower() not in _REWRITABLE:
            return False
        length = names.get(b"content-length", b"0")
        return not length.isdigit() or int(length) <= self.core.policy.buffer_limit

    # -- the trace, where tracing is on

    def begin_span(self, tracer: tracing.Tracer) -> None:
        """Begin a span for what the application does; from here on the answer names it."""
        sent = self.headers.get(TRACEPARENT, b"").decode("latin-1")
        self.span = tracer.span(self.method, "server", traceparent=sent).__enter__()
        if self.request_id:
            self.traceparent = context.traceparent.get().encode()

    def end_span(self, route: str) -> None:
        """End it, now that the route and the status are known."""
        if self.span is not None:
            self.span.rename(f"{known_method(self.method)} {route}")
            self.span.set("http.route", route)
            self.span.set("http.response.status_code", self.status)
            if self.status >= 500:
                self.span.fail(f"answered {self.status}")
            self.span.__exit__(None, None, None)
            self.span = None

    # -- the end

    def report(self, error: BaseException, route: str) -> None:
        """Report an exception of the application."""
        try:
            self.core.on_error(error, {"method": self.method, "path": self.path, "route": route})
        except Exception:  # noqa: BLE001 - whoever reports errors must not add one to the request
            _log.exception("the error hook failed")

    def finish(self, route: str) -> None:
        """Record and log the request, once."""
        if self.finished:
            return
        self.finished = True
        seconds = monotonic() - self.began
        core = self.core
        try:
            if core.recorder is not None and self.timed:
                core.recorder.observe(known_method(self.method), route, self.status, seconds)
            if core.access_log is not None:
                core.access_log(
                    self.method,
                    self.path,
                    self.status,
                    seconds,
                    self.request_id.decode(),
                    self.client,
                    route,
                    self.bytes_out,
                )
        except Exception:  # noqa: BLE001 - the request has been answered; nothing of it may fail any more
            _log.exception("the access log or the recorder failed")
