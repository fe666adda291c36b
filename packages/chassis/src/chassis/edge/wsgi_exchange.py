"""One request under WSGI."""

import contextlib
from collections.abc import Callable, Iterable, Iterator, MutableMapping
from http import HTTPStatus
from typing import Any

from chassis.edge.core import Core
from chassis.edge.exchange import CLIENT_LEFT, DEADLINE_HEADER, AnswerCutOffError, Exchange
from chassis.edge.headers import Header
from chassis.edge.routes import wsgi_route
from chassis.edge.wsgi_input import CountedInput
from chassis.errors import ProblemError
from chassis.observe import tracing
from chassis.operations import OperationalEndpoint, OperationalRequest
from chassis.problems import Problem, phrase, problem_for, problem_from_answer

Environ = MutableMapping[str, Any]
Write = Callable[[bytes], Any]
StartResponse = Callable[..., Write]
App = Callable[[Environ, StartResponse], Iterable[bytes]]
TextHeaders = list[tuple[str, str]]

_READ = {
    b"x-request-id": "HTTP_X_REQUEST_ID",
    b"traceparent": "HTTP_TRACEPARENT",
    b"origin": "HTTP_ORIGIN",
    b"access-control-request-method": "HTTP_ACCESS_CONTROL_REQUEST_METHOD",
    b"access-control-request-headers": "HTTP_ACCESS_CONTROL_REQUEST_HEADERS",
    b"content-length": "CONTENT_LENGTH",
    DEADLINE_HEADER: "HTTP_X_REQUEST_TIMEOUT_MS",
}


class WsgiExchange(Exchange):
    """One request under WSGI. It is what the server iterates over and closes.

    What the application starts is passed on to the server with the first part of the body, or not at all: until then
    it can be replaced.
    """

    _result: Iterable[bytes] = ()
    _start: tuple[str, list[Header]] | None = None
    _held = False
    _begun = False
    _closed = False
    _leave_capacity: Callable[[], None] | None = None

    def __init__(self, core: Core, environ: Environ, start_response: StartResponse) -> None:
        """Take in the request."""
        names = {**_READ, core.key_header: variable_of(core.key_header)}
        path = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")
        super().__init__(
            core,
            environ["REQUEST_METHOD"],
            path.encode("latin-1").decode("utf-8", "replace"),
            {name: environ[variable].encode("latin-1") for name, variable in names.items() if environ.get(variable)},
            environ.get("REMOTE_ADDR", ""),
            https=environ.get("wsgi.url_scheme") == "https",
        )
        self.environ = environ
        self._start_response = start_response
        self._input = CountedInput(environ["wsgi.input"], core.policy.body_limit)
        self._parts: list[bytes] = []
        if core.proxies.any:
            self.believe_proxies(self._lines)
        self._entered = self.enter()

    def _lines(self, name: bytes) -> list[bytes]:
        value = self.environ.get(variable_of(name))
        return [] if value is None else [value.encode("latin-1")]

    def operate(self, endpoint: OperationalEndpoint) -> None:
        """Answer for an operational endpoint, whatever the limits and the load are; it is not logged either."""
        self.finished = True
        refusal = self.refused_by(endpoint)
        if refusal is not None:
            self.refuse(refusal)
            return
        try:
            answer = endpoint.answer(OperationalRequest(self.method, self.path, self.environ.get("QUERY_STRING", "")))
        except Exception as error:  # noqa: BLE001 - nothing of it may reach the caller
            self.report(error, self.path)
            self.refuse(problem_for(error))
            return
        self.answer(answer.status, self.operational_headers(answer), answer.body)

    def refuse(self, problem: Problem, kept: Iterable[Header] = ()) -> None:
        """Answer with a problem."""
        headers, body = self.problem_answer(problem, kept)
        self.answer(problem.status, headers, body)

    def answer(self, status: int, headers: list[Header], body: bytes) -> None:
        """Answer in the application's place; what that has returned is closed."""
        _close(self._result)
        self.status = status
        self._held = False
        self._begin(f"{status} {phrase(status)}", headers)
        self._result = () if self.method == "HEAD" else (body,)

    def serve(self, app: App, leave_capacity: Callable[[], None]) -> None:
        """Let the application answer; ``leave_capacity`` is called when all is over."""
        self._leave_capacity = leave_capacity
        self.environ["wsgi.input"] = self._input
        if tracing.active is not None:
            self.begin_span(tracing.active)
        try:
            self._result = app(self.environ, self._take_start)
        except Exception as error:  # noqa: BLE001 - what nobody handled ends here
            self._fail(error)

    # -- what the server does with it

    def __iter__(self) -> Iterator[bytes]:
        """Yield the answer's body."""
        try:
            for part in self._body():
                self.bytes_out += len(part)
                yield part
        except Exception as error:  # noqa: BLE001 - what nobody handled ends here
            self._fail(error)
            for part in self._result:
                self.bytes_out += len(part)
                yield part
        if self.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE and "gunicorn.socket" in self.environ:
            self._input.linger(self.environ["gunicorn.socket"])

    def close(self) -> None:
        """End the request; servers call it however the answer went."""
        if self._closed:
            return
        self._closed = True
        try:
            _close(self._result)
        except Exception as error:  # noqa: BLE001 - the answer is out; all that is left is to say so
            self.report(error, wsgi_route(self.environ))
        finally:
            self._end()

    def _end(self) -> None:
        """Log the request and end its span; only then does it no longer count as being under way."""
        self.bytes_in = self._input.count
        if not self._begun:
            self.status = CLIENT_LEFT
        try:
            self.finish(wsgi_route(self.environ))
            self.end_span(wsgi_route(self.environ))
        finally:
            if self._leave_capacity is not None:
                self._leave_capacity()
            with contextlib.suppress(ValueError):  # a server that closes in another thread than it asks in
                self.leave(self._entered)

    # -- the application's answer

    def _take_start(self, status: str, headers: TextHeaders, exc_info: Any = None) -> Write:
        if self._begun and exc_info is not None:
            raise exc_info[1].with_traceback(exc_info[2])
        given = _as_bytes(headers)
        self.status = int(status[:3])
        self._start = (status, given)
        self._held = self._input.too_long or self.rewrites(self.status, given)
        return self._write

    def _write(self, part: bytes) -> None:
        """Take a part of the body in the old way."""
        if self._held:
            self._parts.append(part)
        else:
            self.bytes_out += len(part)
            self._begin_as_started()(part)

    def _begin_as_started(self) -> Write:
        if not self._begun:
            if self._start is None:
                raise RuntimeError("the application has not called start_response")
            status, headers = self._start
            self._begin(status, self.answer_headers(headers))
        return self._server_write

    def _begin(self, status: str, headers: list[Header]) -> None:
        self._begun = True
        texts = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in headers]
        self._server_write = self._start_response(status, texts)

    def _body(self) -> Iterator[bytes]:
        """Pass the body on; that of an error only when it is too long to hold, else what it is rewritten as."""
        for part in self._result:
            if self._held:
                self._parts.append(part)
                if sum(map(len, self._parts)) <= self.core.policy.buffer_limit or self._input.too_long:
                    continue
                self._held = False
                part = b"".join(self._parts)  # noqa: PLW2901 - all that was held
            if not self._begun:
                self._begin_as_started()
            yield part
        if self._held:
            self._rewrite()
            yield from self._result
        elif not self._begun:
            self._begin_as_started()

    def _rewrite(self) -> None:
        """Replace the held answer by a problem."""
        kept = self._start[1] if self._start is not None else []
        names = dict(kept)
        if self._input.too_long:
            self.refuse(self.too_long())
        else:
            body = b"" if b"content-encoding" in names else b"".join(self._parts)
            kind = names.get(b"content-type", b"").decode("latin-1")
            self.refuse(problem_from_answer(self.status, kind, body), kept)

    def _fail(self, error: Exception) -> None:
        """Answer an exception, or break off an answer that has begun."""
        if self._input.too_long and not self._begun:
            self.refuse(self.too_long())
            return
        if not isinstance(error, ProblemError) or error.status >= 500:
            self.report(error, wsgi_route(self.environ))
        if not self.core.policy.problem_errors:
            self._begun = True
            self.status = 500
            raise error
        if self._begun:
            raise AnswerCutOffError(f"{type(error).__name__} after the answer had begun") from None
        self.refuse(problem_for(error))


def variable_of(header: bytes) -> str:
    """Return the name of a header's variable in the environ."""
    return "HTTP_" + header.decode("latin-1").upper().replace("-", "_")


def _as_bytes(headers: TextHeaders) -> list[Header]:
    return [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]


def _close(result: Iterable[bytes]) -> None:
    close = getattr(result, "close", None)
    if close is not None:
        close()
